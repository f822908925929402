"""HTTP as bytes on a socket: what no library would send, and what none would show."""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

HOST = b"Host: localhost\r\n"


def get(path: str = "/livez", *headers: str) -> bytes:
    """A GET as bytes."""
    return request("GET", path, *headers)


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as bytes; a Content-Length only where `headers` have one."""
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"{method} {path} HTTP/1.1\r\n".encode() + HOST + lines.encode() + b"\r\n" + body


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A complete POST as bytes."""
    return request("POST", path, f"Content-Length: {len(body)}", *headers, body=body)


@dataclass
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class Wire:
    """A connection to a server on this machine, ten seconds patient."""

    def __init__(self, port: int, receive_buffer: int | None = None, source: str = "") -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        try:
            self.socket.bind((source, 0))
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, head_only: bool = False) -> Answer:
        """The next response. An end or a reset instead of it is an error."""
        status = int(self._line().split(b" ")[1])
        headers = {}
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if status < 200 or head_only:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self._exactly(int(headers["content-length"]))
        return Answer(status, headers, body)

    def ended(self) -> bool:
        """Whether the server ends the connection, with nothing more to say, while we are patient."""
        try:
            return self.reader.read(1) == b""
        except ConnectionResetError:
            return True

    def everything(self) -> int:
        """How many bytes come until the server ends the connection."""
        total = 0
        try:
            while data := self.socket.recv(1 << 20):
                total += len(data)
        except ConnectionResetError:
            pass
        return total

    def _line(self) -> bytes:
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended after {line!r}")
        return line[:-2]

    def _chunk(self) -> bytes:
        size = int(self._line(), 16)
        return self._exactly(size + 2)[:-2]

    def _exactly(self, count: int) -> bytes:
        data = self.reader.read(count)
        if len(data) < count:
            raise ConnectionError(f"the connection ended {count - len(data)} bytes early")
        return data


def asked(port: int, data: bytes) -> Answer:
    """Send `data` on a connection of its own, and return the first answer."""
    with Wire(port) as wire:
        wire.send(data)
        return wire.answer()

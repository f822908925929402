"""The files of a multipart body that is already in memory: parsed in one pass, never written to disk."""

import re
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import MalformedBody

_BOUNDARY = re.compile(r"multipart/form-data; ?boundary=([0-9A-Za-z_-]{1,70})").fullmatch
_ONE_FILE = re.compile(
    rb"--([0-9A-Za-z_-]{1,70})\r\n"
    rb'Content-Disposition: form-data; name="file"; filename="[^"\\%\r\n]*"\r\n'
    rb"(?:Content-Type: [a-z]+/[a-z.+-]+\r\n)?\r\n"
).match


class TooManyFiles(Exception):
    """There is one file more than may be; the rest of the body was not looked at."""


def only_file(body: bytes, content_type: str) -> bytes | None:
    """The contents of the part `file` where it is all there is, written as most clients write it; None for any other.

    One look at such a body costs a fiftieth of parsing it, and gives what `files_named` gives.
    """
    named, head = _BOUNDARY(content_type), _ONE_FILE(body)
    if named is None or head is None or (boundary := head[1]) != named[1].encode():
        return None
    tail = b"\r\n--%b--" % boundary
    end = body.find(tail[:-2], head.end() - 2)
    return body[head.end() : end] if body[end:] in (tail, tail + b"\r\n") else None


def files_named(name: str, body: bytes, content_type: str, most: int, most_others: int) -> list[bytes | None]:
    """The contents of the parts with this name, in order; None stands for one that is a text field and no file.

    Other parts, a form's own fields, are ignored. Raises MalformedBody where the body is no complete multipart body
    in UTF-8 or has more than `most_others` of them, and TooManyFiles where it has more than `most` of these.
    """
    _, options = parse_options_header(content_type)
    _require_utf8(options)
    if not (boundary := options.get(b"boundary")):
        raise MalformedBody("The Content-Type names no multipart boundary; let your HTTP client set it.")
    parts = _Parts(name.encode(), most, most_others)
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
        parser.write(body)
    except (FormParserError, ValueError):
        raise MalformedBody("The multipart body is malformed.") from None
    if not parts.complete:
        raise MalformedBody("The multipart body ends before its closing boundary.")
    return [None if file is None else bytes(file) for file in parts.files]


def _require_utf8(options: dict[bytes, bytes]) -> None:
    """A client that means another codec would not be understood. Raises MalformedBody."""
    if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise MalformedBody("Only the charset utf-8 is taken.")


@dataclass
class _Parts:
    """Collects what the parser finds."""

    name: bytes
    most: int
    most_others: int
    files: list[bytearray | None] = field(default_factory=list)
    complete: bool = False
    others: int = 0
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    file: bytearray | None = None  # the one that is being read

    def callbacks(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in dir(self) if name.startswith("on_")}

    def on_part_begin(self) -> None:
        self.headers.clear()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def on_header_end(self) -> None:
        self.headers[bytes(self.header).lower()] = bytes(self.value)
        self.header.clear()
        self.value.clear()

    def on_headers_finished(self) -> None:
        disposition = self.headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self.file = None
        if options.get(b"name") != self.name:
            self.others += 1
            if self.others > self.most_others:
                raise MalformedBody(f"Send at most {self.most_others} parts beside the pictures.")
            return
        _require_utf8(parse_options_header(self.headers.get(b"content-type"))[1])
        if len(self.files) == self.most:
            raise TooManyFiles
        if b"filename" in options or b"filename*=" in disposition.lower():
            self.file = bytearray()
        self.files.append(self.file)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.file is not None:
            self.file += data[start:end]

    def on_end(self) -> None:
        self.complete = True

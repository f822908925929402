"""A seeded generator of bad HTTP: the bytes of a connection, as no library would send them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.wire import get, post

SMUGGLED = "smuggled"
"""The id of a request within a body: an answer that carries it is to something that nobody asked."""

WITHIN = get("/livez", f"X-Request-ID: {SMUGGLED}")
METHODS = ("GET", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "get", "G\0T", "POST ", "", "PRI", "M-SEARCH", "DANCE")
TARGETS = (
    "/livez", "/predict", "/nowhere", "/", "*", "", "livez", "//livez", "/predict?include=\0", "/%00", "/%zz", "/\xff",
    "/../../etc/passwd", "/a b", "/livez#a", "http://localhost/livez", "http://other:99999/livez", "http://",
    "/" * 5000,
)  # fmt: skip
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 ", "http/1.1", "HTTP/1.10", "HTTP/1.1\0", "")
ODD = (
    "", ":", "X", "X:", " X: a", "X : a", "X: a\0b", "X: a\rb", "X: a\n b", "\0: a", "X\xff: a", "X: \xff",
    "X: " + "a" * 20_000,
)  # fmt: skip
LENGTHS = (
    "{}", "+{}", "-{}", "{0}, {0}", "{},", "0x{:x}", " {} ", "{}.0", "{} 0", "0{}", "", "a", "9" * 30, "\t{}", "{}\0",
)  # fmt: skip
CODINGS = (
    "chunked", "Chunked", "xchunked", "chunked, identity", "identity", "gzip, chunked", "chunked, chunked", "",
    "\x0bchunked", "chunked;q=1", '"chunked"', "chunked\0", "gzip", "chunked, gzip",
)  # fmt: skip
SIZES = (
    "{:x}", "{:X}", "0{:x}", "0x{:x}", "{:x};a=b", '{:x};a="\r\n"', "{:x} ", " {:x}", "-{:x}", "+{:x}", "{:x}\0",
    "{:x}_0", "f" * 17,
)  # fmt: skip
ENDS = ("\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\n\r\n", "")


@dataclass(frozen=True)
class Talk:
    """What a client sends on one connection."""

    kind: str
    pieces: list[bytes]
    leaves: bool
    """Whether it hangs up then, without an answer."""


def lines(*parts: str, end: str = "\r\n") -> bytes:
    """A head."""
    return "".join(part + end for part in (*parts, "")).encode("latin-1")


def odd_line(draw: random.Random) -> bytes:
    """A request line."""
    spaces = draw.choice((" ", " ", " ", "  ", "\t", ""))
    line = spaces.join(map(draw.choice, (METHODS, TARGETS, VERSIONS)))
    return lines(line, *draw.choice((("Host: a",), (), ("Host: a", "Host: b"), ("Host: a\0",), ("Host:",))))


def odd_headers(draw: random.Random) -> bytes:
    """Names and values."""
    headers = draw.choices(ODD, k=draw.randint(1, 3)) * draw.choice((1, 1, 1, 100))
    return lines("GET /livez HTTP/1.1", "Host: a", *headers, end=draw.choice(ENDS))


def odd_length(draw: random.Random) -> bytes:
    """One or two Content-Lengths before a body that is a request."""
    lengths = (
        draw.choice(LENGTHS).format(draw.choice((len(WITHIN), len(WITHIN), 0))) for _ in range(draw.randint(1, 2))
    )
    name = draw.choice(("Content-Length: ", "content-length:", "Content-Length : ", "Content-Length:\n "))
    given = [name + length for length in lengths]
    if len(given) == 1 and not given[0].endswith(str(len(WITHIN))):
        return lines("POST /predict HTTP/1.1", "Host: a", *given)  # else what follows might be asked in earnest
    return lines("POST /predict HTTP/1.1", "Host: a", f"Content-Length: {len(WITHIN)}", *given) + WITHIN


def odd_coding(draw: random.Random) -> bytes:
    """Codings and a length of which only one can be right: to whoever obeys the other, the body's end is a request."""
    name = draw.choice(("Transfer-Encoding: ", "transfer-encoding:", "Transfer-Encoding : ", "Transfer_Encoding: "))
    headers = [name + draw.choice(CODINGS) for _ in range(draw.randint(1, 2))]
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(WITHIN), WITHIN)
    length, body = len(chunk) - len(chunk.lstrip(b"0123456789abcdef\r\n")), chunk
    if name == "Transfer_Encoding: " or draw.random() < 0.5:
        body = b"0\r\n\r\n" + WITHIN
        length = len(body)
    elif draw.random() < 0.3:
        length = -1
    if length >= 0:
        headers.insert(draw.randrange(len(headers) + 1), f"Content-Length: {length}")
    return lines(f"POST /predict HTTP/{draw.choice(('1.1', '1.1', '1.0'))}", "Host: a", *headers) + body


def odd_chunks(draw: random.Random) -> bytes:
    """Chunks that say their sizes in odd ways, and trailers."""
    body = b""
    for _ in range(draw.randint(1, 4)):
        content = draw.choice((WITHIN, b"a" * 300, b"\r\n"))
        size = draw.choice(SIZES).format(len(content)).encode()
        body += size + draw.choice(ENDS).encode() + content + draw.choice(ENDS).encode()
    trailer = draw.choice(("", f"X-Request-ID: {SMUGGLED}\r\n", "Content-Length: 5\r\n", "a" * 20_000, "X\r\n" * 200))
    head = lines("POST /predict HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
    return head + body + b"0\r\n" + trailer.encode() + draw.choice(ENDS).encode()


def pipelined(draw: random.Random) -> bytes:
    """Sound requests, and then something else."""
    sound = (get("/livez"), post("/predict", b"no picture"), get("/nowhere"), post("/nowhere", b"a" * 20_000))
    return b"".join(draw.choices(sound, k=draw.choice((1, 2, 5, 120)))) + draw.choice(MAKERS)(draw)


def bent(draw: random.Random) -> bytes:
    """A sound request with some bytes changed, taken out or put in."""
    request = bytearray(
        draw.choice((get("/livez", "X: a"), post("/predict", b"no picture", "Content-Type: image/png")))
    )
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(request))
        request[at : at + draw.randint(0, 1)] = bytes(
            draw.choices((0, 9, 10, 13, 32, 58, 127, 255), k=draw.randint(0, 1))
        )
    return bytes(request)


def noise(draw: random.Random) -> bytes:
    """No HTTP at all."""
    first = draw.choice((b"", b"\r\n" * 50, b"\x16\x03\x01\x02\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET "))
    return first + draw.randbytes(draw.choice((1, 50, 2000)))


MAKERS: tuple[Callable[[random.Random], bytes], ...] = (
    odd_line, odd_headers, odd_length, odd_coding, odd_chunks, bent, noise,
)  # fmt: skip


def bad_talk(draw: random.Random) -> Talk:
    """One connection's bytes, in one piece or a few, cut short or not."""
    make = draw.choice((*MAKERS, pipelined))
    content = make(draw)
    leaves = draw.random() < 0.1
    if leaves or draw.random() < 0.1:
        content = content[: draw.randrange(len(content) + 1)]
    cuts = sorted(draw.randrange(len(content) + 1) for _ in range(draw.choice((0, 0, 1, 3))))
    pieces = [content[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    return Talk(make.__name__, pieces, leaves)

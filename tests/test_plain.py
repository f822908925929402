"""What is read of a plain request is what the parser would have made of it."""

import itertools
import tracemalloc

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.plain import read_plain

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
NAMES = ("Content-Type", "content-length", "CONTENT-LENGTH", "Host", "Connection", "Transfer-Encoding", "X-Request-ID")
LENGTH = b"Content-Length: 3\r\n"
LINES = ("POST /predict HTTP/1.1", "POST /v1/predict HTTP/1.1", "GET", "HTTP/1.0", "http://h/predict")
MARKS = ("\r\n", "\r", "\n", " ", ":", ": ", "\t", "\0", ",", "/", "\xe9")
VALUES = ("3", "+3", "0x3", "abc", "keep-alive", "close", "chunked")


class Parsed:
    """What httptools, in which uvicorn trusts, makes of a message."""

    def __init__(self, data: bytes) -> None:
        self.url, self.headers, self.body, self.complete = b"", [], b"", 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.line = parser.get_method(), self.url, parser.get_http_version(), parser.should_keep_alive()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def agrees(data: bytes) -> bool:
    """Whether these bytes are plain, which the parser then has to think as well."""
    plain = read_plain(data, None, 1000)  # type: ignore[arg-type]
    if plain is None or plain.missing:
        return False
    parsed = Parsed(data)
    assert parsed.line == (b"POST", plain.path.encode(), "1.1", True)
    assert parsed.headers == list(plain.headers.items())
    assert parsed.body == plain.body
    assert parsed.complete == 1
    return True


def test_a_plain_request():
    """Its path, its headers and its body, however its names are written."""
    assert agrees(HEAD + b"CONTENT-length: 3\r\nX-A:b\r\nx-c: d  e, f:\r\n\r\nabc")
    assert agrees(HEAD.replace(b"/p", b"/v1/p") + b"Content-Length: 0003\r\n\r\n\r\n\r")


def test_one_that_is_not_all_there():
    """Is known by its head."""
    plain = read_plain(HEAD + b"Content-Length: 3\r\n\r\na", None, 1000)  # type: ignore[arg-type]
    assert plain
    assert plain.missing == 2
    assert read_plain(HEAD + b"Content-Length: 3\r\n", None, 1000) is None  # type: ignore[arg-type]
    whole = HEAD + LENGTH + b"\r\n"
    assert read_plain(whole, None, len(whole))  # type: ignore[arg-type]
    assert read_plain(whole, None, len(whole) - 1) is None  # type: ignore[arg-type]


def test_requests_with_the_same_head_have_bodies_of_their_own():
    """What such a head says is kept, as long as it is short."""
    one, other = (read_plain(HEAD + LENGTH + b"\r\n" + body, None, 1000) for body in (b"abc", b"de"))  # type: ignore[arg-type]
    assert one
    assert other
    assert (one.body, one.missing, other.body, other.missing) == (b"abc", 0, b"de", 1)
    assert one.headers is other.headers
    long = HEAD + b"X-Long: %b\r\n" % (b"a" * 500) + LENGTH + b"\r\n"
    one, other = (read_plain(long, None, 1000) for _ in range(2))  # type: ignore[arg-type]
    assert one
    assert other
    assert one.headers == other.headers
    assert one.headers is not other.headers


def test_what_is_kept_of_heads_stays_small():
    """Whoever sends a thousand that differ, of as many headers as there may be. Fails where each is kept."""
    for turn in range(2):
        if turn:
            tracemalloc.start()
        for number in range(1_000):
            lines = b"".join(b"%x:%d\r\n" % (16 + line, number % 10) for line in range(64))
            head = HEAD + LENGTH + lines + b"a:%d%d\r\n\r\n" % (turn, number)
            assert len(head) < 512
            assert read_plain(head, None, 1000)  # type: ignore[arg-type]
    try:
        assert tracemalloc.get_traced_memory()[0] < 3e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "ends", [ends for count in range(5) for ends in itertools.combinations(range(8), count)], ids=str
)
def test_a_body_in_parts_is_the_whole(ends):
    """Wherever it is cut: it is one `bytes` once all of it is there, and says how much is missing before."""
    head, body = HEAD + b"Content-Length: 7\r\n\r\n", b"abcdefg"
    cuts = [0, *(len(head) + end for end in ends), len(head) + len(body)]
    first, *others = [(head + body)[start:end] for start, end in itertools.pairwise(cuts)]
    plain = read_plain(first, None, 1000)  # type: ignore[arg-type]
    assert plain
    for part in others:
        missing = plain.missing
        assert plain.add(part)
        assert plain.missing == missing - len(part)
    plain.arrived()
    assert (type(plain.body), plain.body) == (bytes, body)


@pytest.mark.parametrize("come", [0, 10, 10_000])
def test_what_has_come_keeps_little_beside_it(come):
    """A body is a view of what it came in where it is most of that, else a copy: limits do not count the head."""
    head = HEAD + b"Content-Length: 20000\r\n\r\n"
    plain = read_plain(head + bytes(come), None, 1000)  # type: ignore[arg-type]
    assert plain
    kept = plain.body.obj if isinstance(plain.body, memoryview) else plain.body
    assert len(kept) < 2 * come or not kept
    assert isinstance(plain.body, memoryview) == (come > len(head))


def test_what_comes_byte_by_byte_is_added_in_place():
    """Fails where all that has come is copied for each of thousands of parts."""
    plain = read_plain(HEAD + b"Content-Length: 20000\r\n\r\n", None, 1000)  # type: ignore[arg-type]
    assert plain
    assert all(plain.add(b"a") for _ in range(2))
    body = plain.body
    assert plain.add(b"a")
    assert plain.body is body


def test_no_body_is_so_long():
    """Python itself reads no number of thousands of digits."""
    head = HEAD + b"Content-Length: %b\r\n\r\n" % (b"1" * 5_000)
    assert read_plain(head, None, 10_000) is None  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from(LINES + MARKS + NAMES + VALUES), max_size=12),
    st.sampled_from((b"", b"Content-Length: 3\r\n")),
)
@example(["X: a", "\r\n", " b", "\r\n"], LENGTH)
@example(["X: a ", "\r\n"], LENGTH)
def test_whatever_is_taken_for_plain_the_parser_takes_for_the_same(parts, length):
    """Headers put together from what matters in them."""
    agrees(HEAD + "".join(parts).encode("latin-1") + length + b"\r\nabc")


@given(st.binary(max_size=40), st.integers(0, 110))
def test_nor_do_other_bytes_in_its_midst_part_them(inserted, place):
    """Anything anywhere in a plain request."""
    data = HEAD + b"Content-Type: image/png\r\nX-Request-ID: one\r\nContent-Length: 3\r\n\r\nabc"
    agrees(data[:place] + inserted + data[place:])
    agrees(data[:place] + inserted + data[place + len(inserted) :])

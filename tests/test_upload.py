"""The pictures in a body: multipart, JSON with base64, or the bytes themselves."""

import base64
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import BatchTooLarge, InvalidRequest, MalformedBody, ServiceError, UnsupportedBody
from service.settings import Structure
from service.upload import decode_base64, image_in, images_in

FORM = "multipart/form-data; boundary=frontier"
PICTURE = b"\x89PNG\r\n\x1a\n--frontier? \r\n--front\r\n\0\xff"
"""No picture, but bytes that look like the beginnings of a boundary."""


def part(content: bytes, name: str = "file", filename: str | None = "seven.png", extra: str = "") -> bytes:
    """One part of a form, up to its closing line break."""
    disposition = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"--frontier\r\n{disposition}\r\n{extra}\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """A whole form."""
    return b"".join(parts) + b"--frontier--\r\n"


@pytest.mark.parametrize(
    "content_type", ["", "image/png", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_anything_else_is_the_picture_itself(content_type):
    """The last is what plain `curl --data-binary` declares."""
    assert image_in(PICTURE, content_type) == PICTURE


def test_a_form_s_file_is_the_picture():
    """Other parts are ignored, before it and behind it."""
    body = form(part(b"2026", "year", None), part(PICTURE), part(b"x", "other", "other.png"))

    assert image_in(body, FORM) == PICTURE


@given(content=st.binary(max_size=300), before=st.binary(max_size=50))
@example(content=b"\r\n", before=b"--")
@example(content=b"\r\n--frontie", before=b"")
def test_a_file_s_bytes_are_kept_exactly(content, before):
    """Whatever they look like, a boundary of their own excepted."""
    if b"--frontier" in content + before:
        return
    assert image_in(form(part(before, "note", None), part(content)), FORM) == content


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/form-data; boundary="frontier"',
        "Multipart/Form-Data; charset=UTF-8; boundary=frontier",
    ],
)
def test_content_types_are_read_as_http_writes_them(content_type):
    """Quoted, in capitals, with the one charset that is taken."""
    assert image_in(form(part(PICTURE)), content_type) == PICTURE


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (form(part(PICTURE)), "multipart/form-data"),
        (form(part(PICTURE)), "multipart/form-data; boundary="),
        (form(part(PICTURE)), "multipart/form-data; boundary=" + "x" * 300),
        (form(part(PICTURE)), "multipart/form-data; boundary=another"),
        (form(part(PICTURE)), FORM + "; charset=utf-16"),
        (form(part(PICTURE, extra="Content-Type: image/png; charset=utf-7\r\n")), FORM),
        (part(PICTURE), FORM),
        (form(part(PICTURE))[:-8], FORM),
        (b"no form at all", FORM),
        (form(part(PICTURE, extra="X-Long: " + "x" * 5000 + "\r\n")), FORM),
        (form(part(PICTURE, extra="X: y\r\n" * 8)), FORM),
        (form(*[part(b"", f"field{k}", None) for k in range(Structure().parts + 1)], part(PICTURE)), FORM),
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"\xef\xbb\xbf{}", "application/json"),
        (b'{"image": NaN}', "application/json"),
        (b'{"image": Infinity}', "application/json"),
        (b'{"image": "\xff"}', "application/json"),
        ('{"image": "aGk="}'.encode("utf-16"), "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"image": "a"}', "application/json"),
        (b'{"image": "aGk"}', "application/json"),
        (b'{"image": "aG_k"}', "application/json"),
        (b'{"image": "data:image/png,abc"}', "application/json"),
        ('{"image": "aGk=ü"}'.encode(), "application/json"),
    ],
)
def test_a_malformed_body_is_one_clear_error(body, content_type):
    """Multipart, JSON or base64 that does not follow its own format: 400."""
    with pytest.raises(MalformedBody) as raised:
        image_in(body, content_type)

    assert len(raised.value.detail) < 200


@pytest.mark.parametrize(
    ("body", "content_type", "field"),
    [
        (form(), FORM, "file"),
        (form(part(PICTURE, "picture")), FORM, "file"),
        (form(part(PICTURE, filename=None)), FORM, "file"),
        (form(part(PICTURE), part(PICTURE)), FORM, "file"),
        (b"{}", "application/json", "image"),
        (b"[]", "application/json", "image"),
        (b"null", "application/json", "image"),
        (b'{"image": 7}', "application/json", "image"),
        (b'{"image": ["aGk="]}', "application/json", "image"),
    ],
)
def test_a_missing_picture_is_named(body, content_type, field):
    """A well-formed body without the part or key, or with one of the wrong type: 422 with the field at fault."""
    with pytest.raises(InvalidRequest) as raised:
        image_in(body, content_type)

    assert [error.loc for error in raised.value.fields] == [["body", field]]


@pytest.mark.parametrize(
    "text", ["aGVsbG8=", "data:image/png;base64,aGVsbG8=", "DATA:;base64,aGVs\nbG8=\n", "aGVs\r\n bG8=", " aGVsbG8= "]
)
def test_base64_is_read_as_people_write_it(text):
    """As a data: URI, and wrapped in lines as the command base64 prints it."""
    assert decode_base64(text) == b"hello"


@given(st.binary())
def test_base64_comes_back_as_it_was(content):
    """Through JSON too."""
    text = base64.b64encode(content).decode()

    assert image_in(f'{{"image": "{text}"}}'.encode(), "application/json; charset=utf-8") == content


def test_a_batch_keeps_its_order_and_each_error_its_place():
    """A picture that is no base64, or no string, spoils nobody else's."""
    body = b'{"images": ["aGVsbG8=", "?", 7, "d29ybGQ="]}'

    hello, malformed, invalid, world = images_in(body, "application/json", 10)

    assert (hello, world) == (b"hello", b"world")
    assert isinstance(malformed, MalformedBody)
    assert isinstance(invalid, InvalidRequest)


def test_a_form_s_files_are_a_batch():
    """In order, other parts left out."""
    body = form(part(b"a", "files"), part(b"x", "note", None), part(b"b", "files"))

    assert images_in(body, FORM, 10) == [b"a", b"b"]


@pytest.mark.parametrize(("body", "content_type"), [(b'{"images": []}', "application/json"), (form(), FORM)])
def test_an_empty_batch_is_invalid(body, content_type):
    """There is nothing to answer."""
    with pytest.raises(InvalidRequest):
        images_in(body, content_type, 10)


def test_a_batch_of_another_kind_is_unsupported():
    """One raw picture has a route of its own."""
    with pytest.raises(UnsupportedBody):
        images_in(PICTURE, "image/png", 10)


@pytest.mark.parametrize("kind", ["form", "json", "json of objects"])
@pytest.mark.parametrize("count", [11, 1000, 200_000])
def test_more_than_a_batch_holds_is_refused(kind, count):
    """However many there are: no memory for what is not answered."""
    form_body = form(*[part(b"x", "files")] * count)
    json_body = b'{"images": [' + b",".join([b'"eA=="' if kind == "json" else b"{}"] * count) + b"]}"
    body, content_type = (form_body, FORM) if kind == "form" else (json_body, "application/json")

    tracemalloc.start()
    with pytest.raises(BatchTooLarge):
        images_in(body, content_type, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2 * len(body) + 100_000


def test_a_batch_of_the_most_allowed_is_taken():
    """data: URIs have commas of their own."""
    body = b'{"images": [' + b",".join([b'"data:image/png;base64,eA=="'] * 256) + b"]}"

    assert images_in(body, "application/json", 256) == [b"x"] * 256


def test_many_text_fields_of_a_picture_s_name_are_refused():
    """They are parts too: a hundred thousand of them would take seconds."""
    body = form(*[part(b"", "file", None)] * 100_000)

    with pytest.raises(InvalidRequest, match="takes many"):
        image_in(body, FORM)


def test_a_text_field_keeps_its_place_in_a_batch():
    """Else each answer behind it would belong to another picture."""
    body = form(part(b"a", "files"), part(b"text", "files", None), part(b"b", "files"))

    first, text, last = images_in(body, FORM, 10)

    assert (first, last) == (b"a", b"b")
    assert isinstance(text, InvalidRequest)


def test_other_parts_may_be_of_any_charset():
    """They are ignored, whatever they hold."""
    note = part(b"x", "note", None, extra="Content-Type: text/plain; charset=iso-8859-1\r\n")

    assert image_in(form(note, part(PICTURE)), FORM) == PICTURE


@given(st.binary(max_size=500), st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=-"]))
def test_any_bytes_give_a_picture_or_an_error_of_the_family(body, content_type):
    """Nothing a client sends may become a 500."""
    for read in (image_in, lambda *given: images_in(*given, most=3)):
        try:
            read(body, content_type)
        except ServiceError as error:
            assert error.status in (400, 413, 422)  # noqa: PT017


def test_a_form_s_memory_stays_near_its_size():
    """Five megabytes of line breaks and near-boundaries cost no more than a copy or two."""
    body = form(part(b"\r\n--fron" * 600_000))
    tracemalloc.start()
    image_in(body, FORM)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * len(body)

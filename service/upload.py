"""The bytes of a request's body, and the pictures in it: multipart, JSON with base64, or the bytes themselves."""

import binascii
import re
from contextlib import closing
from typing import Any, TypeVar

from fastapi import Request

from service.admission import Admission, Arrival
from service.errors import BatchTooLarge, BodyTooLarge, InvalidRequest, MalformedBody, ServiceError, UnsupportedBody
from service.multipart import TooManyFiles, files_named, only_file
from service.schemas import FieldError
from service.settings import ORDINARY, Structure
from service.strict_json import read_json

T = TypeVar("T")

_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
SMALL_BODY = 256 * 1024
"""Bytes of a body whose picture is taken out within a fraction of a millisecond."""
MAX_VALUES = 64
"""Commas and brackets of a JSON body beside those of its pictures: other keys are ignored."""

_BLANK = rb"[ \t\r\n]*"
_ONE_IMAGE = re.compile(rb'\{%b"image"%b:%b"([0-9A-Za-z+/]+={0,2})"%b\}%b' % (5 * (_BLANK,))).fullmatch
_DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


async def read_body(request: Request, limit: int, admission: Admission) -> bytes:
    """Receive the whole body, at most `limit` bytes.

    Raises BodyTooLarge, by Content-Length before anything is read or else as it arrives; Overloaded; UnsupportedBody;
    MalformedBody where it is empty.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBody("Send the body without a Content-Encoding.")
    if int(request.headers.get("content-length", "0")) > limit:
        raise BodyTooLarge(limit)
    origin = admission.origin(request.scope)
    if not admission.in_work.admits(origin):  # a traced service leaves it to us, who have a span by now
        raise admission.busy()
    body = bytearray()
    with closing(Arrival(admission, origin)) as arrival:
        async for chunk in request.stream():
            arrival.add(len(chunk))
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(limit)
    if not body:
        raise MalformedBody("The body is empty; send a picture.")
    return bytes(body)


def plain_image(body: bytes, content_type: str) -> bytes | None:
    """What `image_in` gives of a body that is written as most programs write it; None for any other."""
    match media_type(content_type):
        case "multipart/form-data":
            return only_file(body, content_type)
        case "application/json":
            found = _ONE_IMAGE(body)
            return binascii.a2b_base64(found[1]) if found and len(found[1]) % 4 == 0 else None
        case _:
            return body


def is_taken_out_fast(body_bytes: int, content_type: str) -> bool:
    """Whether `image_in` takes no longer than a hop to a thread: where the body is small, or is the picture."""
    return body_bytes <= SMALL_BODY or media_type(content_type) not in ("multipart/form-data", "application/json")


def image_in(body: bytes, content_type: str, limits: Structure = ORDINARY) -> bytes:
    """The one picture of a body. Raises MalformedBody or InvalidRequest."""
    match media_type(content_type):
        case "multipart/form-data":
            try:
                files = files_named("file", body, content_type, 1, limits.parts)
            except TooManyFiles:
                raise _invalid(
                    "file", "Send one part named file; /predict/batch takes many", "only one is taken"
                ) from None
            if not files or files[0] is None:
                raise _invalid("file", "Send one part named file, with a filename", "a file part is required")
            return files[0]
        case "application/json":
            if value_count(body) > MAX_VALUES:
                raise MalformedBody("The JSON has far more than the one key that is read.")
            return decode_base64(_member(body, "image", str, "a base64 string", limits))
        case _:
            return body


def images_in(body: bytes, content_type: str, most: int, limits: Structure = ORDINARY) -> list[bytes | ServiceError]:
    """The pictures of a batch, in order; what is no base64 is an error in its place.

    Raises MalformedBody, InvalidRequest, UnsupportedBody, or BatchTooLarge where there are more than `most`.
    """
    too_large = BatchTooLarge(f"Send at most {most} pictures at a time.")
    match media_type(content_type):
        case "multipart/form-data":
            try:
                files = files_named("files", body, content_type, most, limits.parts)
            except TooManyFiles:
                raise too_large from None
            no_file = _invalid("files", "Send each picture as a file part, with a filename", "a file part is required")
            images: list[bytes | ServiceError] = [no_file if file is None else file for file in files]
        case "application/json":
            if value_count(body) > MAX_VALUES + 2 * most:  # each may be a data: URI, which has a comma too
                raise too_large
            items = _member(body, "images", list, "a list of base64 strings", limits)
            if len(items) > most:
                raise too_large
            images = [_decoded(item) for item in items]
        case _:
            raise UnsupportedBody("Send the batch as multipart/form-data or application/json.")
    if not images:
        raise _invalid("images", "Send at least one picture", "at least one is required")
    return images


def value_count(body: bytes) -> int:
    """An upper bound of the values in a JSON text, found without building them: they cost thirty times their bytes."""
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def decode_base64(text: str) -> bytes:
    """Decode base64 or a data: URI, with white space as `base64` prints it. Raises MalformedBody."""
    if prefix := _DATA_URI.match(text):
        text = text[prefix.end() :]
    try:
        if _WHITE_SPACE.search(text):
            text = _WHITE_SPACE.sub("", text)
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error is one; so is what it says of a character beyond ASCII
        raise MalformedBody("The picture is not valid base64; encode its bytes with the standard alphabet.") from None


def _decoded(item: Any) -> bytes | ServiceError:
    if not isinstance(item, str):
        return _invalid("images", "Make each of images a base64 string", "a base64 string is required")
    try:
        return decode_base64(item)
    except MalformedBody as error:
        return error


def _member(body: bytes, key: str, kind: type[T], wanted: str, limits: Structure) -> T:
    """The value of one key of a JSON object. Raises MalformedBody or InvalidRequest."""
    document = read_json(body, limits.json_depth)
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, kind):
        raise _invalid(key, f"Send a JSON object whose key {key} is {wanted}", f"{wanted} is required")
    return value


def _invalid(field: str, detail: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{detail}.", fields=[FieldError(loc=["body", field], msg=message)])

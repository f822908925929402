"""JSON as it is meant: valid UTF-8, finite numbers, no key twice, no deeper than anybody needs.

Of a key given twice, two readers may take a different one each: what a gateway in front has checked would not be what
is answered here (RFC 8259 leaves it open). The parser takes the last in silence, so the keys of the text are counted.
"""

from itertools import accumulate
from typing import Any

from pydantic_core import from_json

from service.errors import MalformedBody
from service.settings import ORDINARY

_OPENING = b"[{"
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read_json(text: bytes, max_depth: int = ORDINARY.json_depth) -> Any:
    """Parse a document. Raises MalformedBody."""
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise MalformedBody("The body is not valid JSON in UTF-8.") from None
    outside = _outside_strings(text)
    if _depth(outside) > max_depth:
        raise MalformedBody(f"Nest the JSON at most {max_depth} deep.")
    if not _holds_keys(document, sum(piece.lstrip()[:1] == b":" for piece in outside[1:])):
        raise MalformedBody("Give each key of a JSON object once.")
    return document


def _outside_strings(text: bytes) -> list[bytes]:
    """What stands before, between and behind the strings of a valid document."""
    if b"\\" in text:
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    return text.split(b'"')[::2]


def _depth(outside: list[bytes]) -> int:
    """How deep arrays and objects are nested."""
    brackets = b"".join(outside).translate(None, _NO_BRACKETS)
    return max(accumulate(1 if bracket in _OPENING else -1 for bracket in brackets), default=0)


def _holds_keys(document: Any, count: int) -> bool:
    """Whether all objects together have that many keys; found level by level, so that no array of numbers is walked."""
    level = [document]
    while level and count:
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                count -= len(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        level = below
    return count == 0

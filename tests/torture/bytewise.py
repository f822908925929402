"""A body and its route as the bytes that a fuzzer turns over: the first says which route and media type."""

import random

from tests.torture.hostile import FORM, INFER, WRAPS, Input, sound_pictures

WAYS = (
    ("/predict", "image/png"),
    ("/predict", FORM),
    ("/predict", "application/json"),
    ("/predict/batch", FORM),
    ("/predict/batch", "application/json"),
    (INFER, "application/json"),
    (INFER, "application/octet-stream"),
)
MOST_BYTES = 65_536


def from_bytes(data: bytes) -> Input:
    """Any bytes, none too, are an input."""
    path, media_type = WAYS[data[0] % len(WAYS)] if data else WAYS[0]
    return Input("fuzzed", data[1:], media_type, path)


def seeds() -> list[bytes]:
    """What to start from: every sound picture as it is, and in each kind of body."""
    draw = random.Random(0)
    found = []
    for picture in sound_pictures():
        found.append(b"\0" + picture)
        for wrap in WRAPS:
            media_type, content, path = wrap(draw, picture)
            if (path, media_type) in WAYS and len(content) < MOST_BYTES:
                found.append(bytes([WAYS.index((path, media_type))]) + content)
    return found

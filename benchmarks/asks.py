"""What the servers are asked: pictures of one seven, in every kind of body."""

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from tests.samples import IMAGES, photo, written

DIGIT = 7
BOUNDARY = "a-boundary-as-curl-makes-it"
BATCH = 256
GRAIN = 8.0
"""Deviation of each channel of a photo, in grey levels; it makes files as large as phones make them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One POST that is sent again and again; or a GET, where there is no body."""

    path: str
    content_type: str = ""
    body: bytes = b""

    def request(self) -> bytes:
        """As it goes over the wire, on a connection that is kept."""
        if not self.body:
            return f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        head = f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\n{head}".encode() + self.body


def raw(picture: bytes, path: str = "/predict", kind: str = "image/png") -> Ask:
    """The picture is the body."""
    return Ask(path, kind, picture)


def form(pictures: list[bytes], path: str = "/predict", field: str = "file") -> Ask:
    """A form with a file for each picture, as browsers and curl send it."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="seven.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    body = b"".join(head + picture + b"\r\n" for picture in pictures)
    return Ask(path, f"multipart/form-data; boundary={BOUNDARY}", body + f"--{BOUNDARY}--\r\n".encode())


def base64_json(picture: bytes, path: str = "/predict") -> Ask:
    """A JSON object whose `image` is the picture in base64."""
    return Ask(path, "application/json", b'{"image": "' + base64.b64encode(picture) + b'"}')


def encoded(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    """uint8 pixels [H, W] or [H, W, 3] -> a PNG or JPEG."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def photographed(width: int, height: int) -> bytes:
    """The seven on paper, as a colour JPEG of this size with the grain of a camera."""
    side = height * 2 // 3
    levels = np.full((height, width), 220.0)
    top, left = (height - side) // 2, (width - side) // 2
    levels[top : top + side, left : left + side] = written(IMAGES[0], side=side, margin=0, noise=0)
    grain = np.random.default_rng(0).normal(0, GRAIN, (height, width, 3))
    return encoded(photo(levels[..., np.newaxis] + grain), "JPEG", quality=90)


SEVEN = encoded(IMAGES[0], "PNG")
"""28×28, grey, 254 bytes."""
LIVE = Ask("/livez")

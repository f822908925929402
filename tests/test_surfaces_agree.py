"""Who answers POST /predict does not show: the front and the app give the same, in the same headers."""

import base64
import json

import numpy as np
import pytest
from PIL import Image

from tests import wire
from tests.conftest import Server, encoded, png, running_server
from tests.samples import IMAGES
from tests.wire import Wire, post, request

PICTURE = png(IMAGES[0])
FORM = (
    b'--a1\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\nContent-Type: image/png\r\n\r\n'
    + PICTURE
    + b"\r\n--a1--\r\n"
)
JSON = json.dumps({"image": base64.b64encode(PICTURE).decode()}).encode()
DARK = png(255 - IMAGES[0])


def photographed() -> bytes:
    """On paper with the grain of a camera: more bytes than come with the head of most requests."""
    random = np.random.default_rng(0)
    paper = 200 + random.normal(0, 6, (480, 640))
    paper[100:380, 180:460] -= 0.6 * np.kron(IMAGES[0], np.ones((10, 10)))
    return encoded(Image.fromarray(paper.clip(0, 255).astype(np.uint8)), "JPEG", quality=92)


PHOTO = photographed()
WIDE = encoded(Image.new("L", (5_001, 5_000)), "PNG")
BODIES = {
    "raw": (PICTURE, ()),
    "raw as PNG": (PICTURE, ("Content-Type: image/png",)),
    "form": (FORM, ("Content-Type: multipart/form-data; boundary=a1",)),
    "JSON": (JSON, ("Content-Type: application/json",)),
    "blank": (png(np.zeros((28, 28), np.uint8)), ()),
    "dark on light": (DARK, ()),
    "narrow": (png(IMAGES[0][:, 4:24]), ()),
    "small": (png(IMAGES[0][::2, ::2]), ()),
    "cut short": (PICTURE[:-20], ()),
    "no picture": (b"hello, hello", ()),
    "no base64": (b'{"image": "%%%%"}', ("Content-Type: application/json",)),
    "no JSON": (b'{"image": ', ("Content-Type: application/json",)),
    "no file": (FORM.replace(b"file", b"pile"), ("Content-Type: multipart/form-data; boundary=a1",)),
    "canvas": (png(np.kron(IMAGES[0], np.ones((10, 10), np.uint8))), ()),
    "photo": (PHOTO, ("Content-Type: image/jpeg",)),
    "photo in a form": (FORM.replace(PICTURE, PHOTO), ("Content-Type: multipart/form-data; boundary=a1",)),
    "photo in JSON": (
        json.dumps({"image": base64.b64encode(PHOTO).decode()}).encode(),
        ("Content-Type: application/json",),
    ),
    "photo cut short": (PHOTO[: len(PHOTO) // 2], ()),
    "too many pixels": (WIDE, ()),
    "coded": (PICTURE, ("Content-Encoding: gzip",)),
}
CHANGING = ("date", "server-timing")


def asked(server: Server, data: bytes):
    answer = wire.asked(server.port, data)
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGING}
    return answer.status, headers, answer.body


def in_chunks(path: str, body: bytes, *headers: str) -> bytes:
    """The same POST without a Content-Length, which only the app takes."""
    coded = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    return request("POST", path, "Transfer-Encoding: chunked", *headers, body=coded)


@pytest.mark.parametrize("path", ["/predict", "/v1/predict"])
@pytest.mark.parametrize("kind", BODIES)
def test_the_same_answer(server, path, kind):
    """Status, headers and body, whatever was sent."""
    body, headers = BODIES[kind]
    said = ("X-Request-ID: agree-1", *headers)
    assert asked(server, post(path, body, *said)) == asked(server, in_chunks(path, body, *said))


@pytest.mark.parametrize("body", [PICTURE, PHOTO], ids=["plain", "photo"])
def test_the_same_counts(server, body):
    """Metrics tell no difference either."""

    def counted():
        _, _, text = asked(server, request("GET", "/metrics"))
        lines = [line.rsplit(" ", 1) for line in text.decode().splitlines() if line.startswith("lenet5_")]
        names = ("_count{", "_count ", "_total{", "lenet5_body_bytes_bucket", "lenet5_confidence_bucket")
        return {name: float(value) for name, value in lines if any(part in name + " " for part in names)}

    def grown(raw):
        before = counted()
        assert asked(server, raw)[0] == 200
        after = counted()
        return {
            name: after[name] - before.get(name, 0)
            for name in after
            if "/metrics" not in name and after[name] != before.get(name, 0)
        }

    grown(post("/predict", body))
    by_front, by_app = grown(post("/predict", body)), grown(in_chunks("/predict", body))
    assert by_front == by_app
    assert by_front['lenet5_requests_total{method="POST",route="/predict",status="200"}'] == 1
    assert by_front['lenet5_predictions_total{accepted="true",digit="7"}'] == 1


def test_one_turn_many_pictures(server):
    """Each connection gets its own answer, and a bad picture is nobody else's failure."""
    digits = [png(image) for image in IMAGES] * 3
    bodies = [PICTURE[:-20] if index % 5 == 2 else digit for index, digit in enumerate(digits)]
    alone = [json.loads(asked(server, post("/predict", body))[2]) for body in bodies]
    lines = [Wire(server.port) for _ in bodies]
    for index, (line, body) in enumerate(zip(lines, bodies, strict=True)):
        line.send(post("/predict", body, f"X-Request-ID: turn-{index}"))
    for index, (line, expected) in enumerate(zip(lines, alone, strict=True)):
        answer = json.loads(line.answer().body)
        line.close()
        assert answer.pop("request_id") == f"turn-{index}"
        expected.pop("request_id")
        if "probabilities" in expected:
            assert answer.pop("probabilities") == pytest.approx(expected.pop("probabilities"), abs=2e-6)
            assert answer.pop("confidence") == pytest.approx(expected.pop("confidence"), abs=2e-6)
        assert answer == expected


def test_answers_keep_their_order(server):
    """On one connection: plain requests, others and probes, all sent at once."""
    asks = [
        post("/predict", PICTURE, "X-Request-ID: first"),
        in_chunks("/predict", PICTURE, "X-Request-ID: second"),
        post("/predict", PICTURE, "X-Request-ID: third"),
        request("GET", "/livez", "X-Request-ID: fourth"),
        post("/predict", FORM, "X-Request-ID: fifth", "Content-Type: multipart/form-data; boundary=a1"),
        post("/predict", PHOTO, "X-Request-ID: sixth"),
        post("/predict", PICTURE, "X-Request-ID: seventh"),
    ]
    with Wire(server.port) as line:
        line.send(b"".join(asks))
        answers = [line.answer() for _ in asks]
    assert [answer.headers["x-request-id"] for answer in answers] == [
        *("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
    ]
    assert [answer.status for answer in answers] == [200] * 7


def test_a_photo_may_come_in_parts(server):
    """Its head, then so much and so much of it: as it comes from most clients, and through most networks."""
    whole = post("/predict", PHOTO, "X-Request-ID: agree-3")
    with Wire(server.port) as line:
        for start, end in ((0, 10), (10, 200), (200, 30_000), (30_000, 30_001), (30_001, len(whole))):
            assert asked(server, request("GET", "/livez"))[0] == 200  # so what came before was read by itself
            line.send(whole[start:end])
        assert line.answer().body == asked(server, in_chunks("/predict", PHOTO, "X-Request-ID: agree-3"))[2]


def test_the_key_is_asked_for():
    """By both, with the same words."""
    with running_server(api_key="secret") as locked:
        for headers in ((), ("Authorization: Bearer wrong",), ("Authorization: Bearer secret",)):
            said = ("X-Request-ID: agree-2", *headers)
            plain = asked(locked, post("/predict", PICTURE, *said))
            assert plain == asked(locked, in_chunks("/predict", PICTURE, *said))
            assert plain[0] == (200 if headers[-1:] == ("Authorization: Bearer secret",) else 401)


def test_one_that_asks_to_close(server):
    """Is told so, and closed."""
    with Wire(server.port) as line:
        line.send(post("/predict", PICTURE, "Connection: close"))
        assert line.answer().closes
        assert line.ended()

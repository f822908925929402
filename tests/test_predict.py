"""POST /predict and POST /predict/batch, over HTTP against a real server process."""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image, ImageOps

from model.contract import ARTIFACTS, LAYERS, RECORD_FILE
from service.schemas import Answer
from tests.conftest import encoded, png, running_server

MODEL_KEYS = {"name", "version", "sha256"}


def data_uri_pixels(uri: str) -> np.ndarray:
    """What a PNG data URI shows."""
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))))


def large(digit_png: bytes, side: int = 600) -> Image.Image:
    """The digit as a scan: dark on white, large, off centre, in colour."""
    digit = Image.open(BytesIO(digit_png)).resize((side // 2, side // 2), Image.Resampling.BICUBIC)
    sheet = Image.new("L", (side, side), 0)
    sheet.paste(digit, (side // 3, side // 4))
    return ImageOps.invert(sheet).convert("RGB")


def post(client, digit_png, kind, path="/predict", **options):
    """Post a picture as one of the three body kinds."""
    match kind:
        case "raw":
            return client.post(path, content=digit_png, headers={"Content-Type": "image/png"}, **options)
        case "form":
            return client.post(path, files={"file": ("seven.png", digit_png, "image/png")}, **options)
        case "json":
            return client.post(path, json={"image": base64.b64encode(digit_png).decode()}, **options)


@pytest.mark.parametrize("path", ["/predict", "/v1/predict"])
@pytest.mark.parametrize("kind", ["raw", "form", "json"])
def test_a_digit_is_read_whatever_the_kind_of_body(client, digit_png, golden, kind, path):
    """The same ten numbers, under both names of the route."""
    response = post(client, digit_png, kind, path)

    assert response.status_code == 200
    answer = response.json()
    assert answer["digit"] == golden.digit
    assert answer["accepted"] is True
    assert answer["reason"] is None
    assert np.allclose(answer["probabilities"], golden.probabilities, atol=1e-5)


def test_the_answer_is_what_the_contract_says(client, digit_png, golden):
    """Every key of it, and no other."""
    response = post(client, digit_png, "raw")
    answer = response.json()

    assert set(answer) == set(Answer.__annotations__) - {"input", "layers"}
    assert answer["confidence"] == max(answer["probabilities"]) == answer["probabilities"][golden.digit]
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert set(answer["model"]) == MODEL_KEYS
    assert re.fullmatch("[0-9a-f]{12}", answer["model"]["sha256"])
    assert answer["preprocessing"] == {"inverted": False, "rotated": 0, "box": [0, 0, 28, 28], "warnings": []}
    assert answer["request_id"] == response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch(r"decode;dur=[\d.]+, frame;dur=[\d.]+, infer;dur=[\d.]+", response.headers["server-timing"])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_a_large_picture_is_read_in_every_format(client, digit_png, golden, format):
    """Dark ink on a white ground, bigger than what is decoded in the event loop."""
    answer = client.post("/predict", content=encoded(large(digit_png), format)).json()

    assert answer["digit"] == golden.digit
    assert answer["preprocessing"]["inverted"] is True


def test_the_box_is_in_pixels_of_the_picture_also_where_it_is_decoded_small(client, digit_png):
    """A 12-megapixel JPEG is decoded at a quarter; its box still leads to the ink in the photo."""
    sheet = large(digit_png).resize((4000, 3000))
    small = client.post("/predict", content=encoded(sheet, "PNG")).json()["preprocessing"]["box"]
    draft = client.post("/predict", content=encoded(sheet, "JPEG")).json()["preprocessing"]["box"]

    assert draft == pytest.approx(small, abs=40)
    assert draft[2] > 1500


@pytest.mark.parametrize(("orientation", "rotated"), [(1, 0), (3, 180), (6, 90), (8, 270)])
def test_exif_orientation_is_honoured(client, digit_png, golden, orientation, rotated):
    """As a phone held sideways writes it."""
    turned = large(digit_png).rotate(rotated, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation

    answer = client.post("/predict", content=encoded(turned, "JPEG", exif=exif)).json()

    assert (answer["digit"], answer["preprocessing"]["rotated"]) == (golden.digit, rotated)


@pytest.mark.parametrize("kind", ["raw", "form"])
def test_a_blank_picture_has_no_digit(client, kind):
    """It is answered, not refused: the request was processed."""
    answer = post(client, png(np.full((100, 100), 255, np.uint8)), kind).json()

    assert answer["digit"] is None
    assert answer["confidence"] == 0
    assert answer["probabilities"] == [0.1] * 10
    assert (answer["accepted"], answer["reason"]) == (False, "blank")
    assert answer["preprocessing"]["box"] is None


def test_two_digits_are_told_from_one(client, digit_png, golden):
    """The guess is still there."""
    side = large(digit_png)
    sheet = Image.new("RGB", (1200, 600), "white")
    sheet.paste(side, (0, 0))
    sheet.paste(side, (600, 0))

    answer = client.post("/predict", content=encoded(sheet, "PNG")).json()

    assert (answer["accepted"], answer["reason"]) == (False, "several_digits")
    assert answer["digit"] in range(10)


def test_polarity_can_be_given(client, digit_png):
    """Taken the wrong way round, the ground is the ink."""
    picture = encoded(large(digit_png), "PNG")

    inverted = {
        polarity: client.post("/predict", params={"polarity": polarity}, content=picture).json()["preprocessing"][
            "inverted"
        ]
        for polarity in ("auto", "dark-on-light", "light-on-dark")
    }

    assert inverted == {"auto": True, "dark-on-light": True, "light-on-dark": False}


def test_what_the_network_saw_is_included_on_demand(client, digit_png, golden):
    """An image that is already framed passes through untouched."""
    answer = post(client, digit_png, "raw", params={"include": "input"}).json()

    assert answer["input"].startswith("data:image/png;base64,")
    assert np.array_equal(data_uri_pixels(answer["input"]), golden.frame())
    assert "layers" not in answer


def test_the_layers_are_included_on_demand(client, digit_png):
    """One byte a unit."""
    answer = post(client, digit_png, "raw", params={"include": "layers,input"}).json()

    assert tuple(answer["layers"]) == LAYERS
    for layer in answer["layers"].values():
        assert len(base64.b64decode(layer["data"])) == np.prod(layer["shape"])
    assert answer["layers"]["C1"]["shape"] == [6, 24, 24]
    assert "input" in answer


@pytest.mark.parametrize("path", ["/predict/batch", "/v1/predict/batch"])
@pytest.mark.parametrize("kind", ["form", "json"])
def test_a_batch_is_answered_in_order_with_each_error_in_its_place(client, digit_png, golden, kind, path):
    """A corrupt picture, one of no known format and a blank one between two good ones."""
    pictures = [digit_png, digit_png[:100], b"no picture", png(np.zeros((50, 50), np.uint8)), digit_png]
    if kind == "form":
        response = client.post(path, files=[("files", (f"{k}.png", raw)) for k, raw in enumerate(pictures)])
    else:
        response = client.post(path, json={"images": [base64.b64encode(raw).decode() for raw in pictures]})

    assert response.status_code == 200
    answer = response.json()
    first, corrupt, unsupported, blank, last = answer["predictions"]
    assert set(answer) == {"predictions", "model", "request_id"}
    assert first["digit"] == last["digit"] == golden.digit
    assert set(first) == set(Answer.__annotations__) - {"input", "layers", "model", "request_id"}
    assert (corrupt["error"]["status"], unsupported["error"]["status"]) == (422, 415)
    assert corrupt["error"]["request_id"] == answer["request_id"]
    assert blank["reason"] == "blank"


def test_a_batch_of_the_most_allowed_agrees_with_single_requests(client, digit_png, golden):
    """256 pictures in one body, run in chunks."""
    response = client.post("/predict/batch", files=[("files", ("d.png", digit_png))] * 256)

    predictions = response.json()["predictions"]
    assert len(predictions) == 256
    assert all(np.allclose(each["probabilities"], golden.probabilities, atol=1e-5) for each in predictions)


def test_many_at_once_are_all_answered(client, digit_png, golden):
    """Small and large pictures side by side, from as many connections."""
    bodies = [digit_png, encoded(large(digit_png), "JPEG")] * 40
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: client.post("/predict", content=body).json(), bodies))

    assert {answer["digit"] for answer in answers} == {golden.digit}


def test_a_chunked_body_is_read(client, digit_png, golden):
    """A client that streams sends no Content-Length."""
    halves = iter((digit_png[:100], digit_png[100:]))

    assert client.post("/predict", content=halves).json()["digit"] == golden.digit


def test_the_model_card_is_served(client, golden):
    """Where it came from, what it was seen to do, what is accepted; the golden sample is nobody's business."""
    card = client.get("/v1/model").json()
    record = json.loads((ARTIFACTS / RECORD_FILE).read_text())

    assert len(card["sha256"]) == 64
    assert card["labels"] == list("0123456789")
    assert card["evaluation"]["mnist_test"]["accuracy"] > 0.98
    assert card["acceptance"] == record["acceptance"]
    assert "golden" not in card


@pytest.mark.slow
def test_more_requests_than_slots_are_told_to_come_back(digit_png):
    """With one slot and big pictures in work, the others get 503 and Retry-After, and probes are still answered."""
    with running_server(max_inflight=1) as server, httpx.Client(base_url=server.url) as client:
        body = encoded(Image.effect_noise((2500, 2500), 60), "PNG")
        with ThreadPoolExecutor(8) as pool:
            pending = [pool.submit(client.post, "/predict", content=body, timeout=60) for _ in range(8)]
            ready = client.get("/readyz").status_code
            responses = [answer.result() for answer in pending]

    statuses = {response.status_code for response in responses}
    assert statuses == {200, 503}
    assert ready == 200
    shed = next(response for response in responses if response.status_code == 503)
    assert shed.headers["retry-after"] == "1"
    assert shed.json()["type"] == "/problems/overloaded"


def test_a_batch_past_its_deadline_gives_its_threads_back(digit_png):
    """What has not begun by then never does: the next request does not wait behind a batch that nobody waits for."""
    bomb = encoded(Image.new("1", (5000, 5000), 1), "PNG")
    with (
        running_server(threads=1, request_timeout_seconds=1) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        batch = client.post("/predict/batch", json={"images": [base64.b64encode(bomb).decode()] * 250})
        single = client.post("/predict", content=encoded(large(digit_png), "PNG"))

    assert batch.status_code == 504
    assert single.status_code == 200


@pytest.mark.parametrize("query", ["include=input&include=layers", "include=input,layers", "include=layers,input"])
def test_includes_add_up(client, digit_png, query):
    """However they are written."""
    answer = client.post(f"/predict?{query}", content=digit_png).json()

    assert {"input", "layers"} <= set(answer)

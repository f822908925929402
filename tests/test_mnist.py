"""The whole MNIST test set, over HTTP: what is lost between a PNG and the network."""

import json

import httpx2 as httpx
import numpy as np
import pytest
from rich.progress import Progress

from model.contract import ARTIFACTS, MODEL_FILE, RECORD_FILE
from service.classifier import Classifier
from tests.conftest import png, running_server
from training.dataset import fetch_mnist

BATCH = 250
POINTS = 0.0005
"""0.05 points of accuracy: 5 of 10,000 images."""


@pytest.mark.slow
def test_mnist_posted_as_png_scores_like_the_file_itself():
    """Decoding and framing cost at most 0.05 points; the record says what the file scores."""
    with Progress(disable=True) as progress:
        test = fetch_mnist(progress).test
    direct = Classifier.load(ARTIFACTS / MODEL_FILE).classify(test.images).probabilities.argmax(axis=1)

    with running_server(access_log="false") as server, httpx.Client(base_url=server.url) as client:
        answers = [
            prediction["digit"]
            for start in range(0, len(test.images), BATCH)
            for prediction in client.post(
                "/predict/batch",
                files=[("files", ("digit.png", png(image))) for image in test.images[start : start + BATCH]],
                timeout=60,
            ).json()["predictions"]
        ]
    posted = np.array([-1 if digit is None else digit for digit in answers])

    accuracy = (direct == test.labels).mean()
    recorded = json.loads((ARTIFACTS / RECORD_FILE).read_text())["evaluation"]["mnist_test"]["accuracy"]
    assert accuracy == pytest.approx(recorded, abs=1e-4)
    assert abs((posted == test.labels).mean() - accuracy) <= POINTS

"""Draws prediction.png, the README's first picture, from seven.jpg and the model in the repository.

seven.jpg is the first MNIST test image, drawn in blue ink on lit paper. Run as `.venv/bin/python docs/prediction.py`.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from model.contract import ARTIFACTS, MODEL_FILE
from model.plots import draw_prediction
from service.classifier import Classifier
from service.imaging import open_image
from service.pipeline import predict, prepare
from service.settings import Settings

HERE = Path(__file__).parent

if __name__ == "__main__":
    photo = (HERE / "seven.jpg").read_bytes()
    image = open_image(photo, Settings().max_pixels)
    prepared = prepare(image)
    [prediction] = predict([prepared], Classifier.load(ARTIFACTS / MODEL_FILE))
    picture = np.asarray(Image.open(HERE / "seven.jpg"))
    draw_prediction(picture, prepared.framed.image, prediction["probabilities"], HERE / "prediction.png")

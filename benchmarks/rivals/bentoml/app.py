"""BentoML as its documentation serves pictures: an API that takes a Pillow image, from a form."""

from typing import Any

import bentoml
from PIL.Image import Image

from benchmarks.rivals.lenet import infer, load, tensor_of


@bentoml.service
class Digits:
    def __init__(self) -> None:
        self.session = load()

    @bentoml.api
    def predict(self, image: Image) -> dict[str, Any]:
        [answer] = infer(self.session, [tensor_of(image)])
        return answer

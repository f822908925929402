"""LitServe as its documentation serves pictures: JSON with base64, one worker process."""

import sys
from base64 import b64decode
from typing import Any

import litserve
import numpy as np

from benchmarks.rivals.lenet import decode, infer, load


class Digits(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.session = load()

    def decode_request(self, request: dict[str, str]) -> np.ndarray:
        return decode(b64decode(request["image"]))

    def predict(self, x: np.ndarray) -> dict[str, Any]:
        [answer] = infer(self.session, [x])
        return answer

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Digits(), accelerator="cpu")
    server.run(port=int(sys.argv[1]), host="127.0.0.1", log_level="warning", generate_client_file=False)

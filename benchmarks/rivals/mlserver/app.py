"""MLServer with a custom handler, its one way to take a picture's own bytes, and without worker processes."""

import json

import mlserver
import onnxruntime as ort
from fastapi import Request, Response

from benchmarks.rivals.lenet import decode, infer, load


class Digits(mlserver.MLModel):
    session: ort.InferenceSession

    async def load(self) -> bool:
        self.session = load()
        return True

    @mlserver.handlers.custom_handler(rest_path="/predict")
    async def read(self, request: Request) -> Response:
        [answer] = infer(self.session, [decode(await request.body())])
        return Response(json.dumps(answer), media_type="application/json")

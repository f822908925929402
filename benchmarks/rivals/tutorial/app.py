"""FastAPI as its tutorial has it: a `def` route, an UploadFile, a response model."""

from fastapi import FastAPI, UploadFile
from pydantic import BaseModel

from benchmarks.rivals.lenet import decode, infer, load

app = FastAPI()
session = load()


class Prediction(BaseModel):
    digit: int
    confidence: float
    probabilities: list[float]


@app.post("/predict", response_model=Prediction)
def predict(file: UploadFile) -> Prediction:
    [answer] = infer(session, [decode(file.file.read())])
    return Prediction(**answer)

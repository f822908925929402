"""From uploaded bytes to a prediction: decode, frame, classify, judge. The one way, whoever asks."""

import base64
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from time import perf_counter, time_ns
from typing import Literal

import numpy as np
from PIL import Image

from model.contract import SIZE, Frames
from model.framed import are_framed
from model.framing import Framed, Polarity, as_framed, frame_digits
from model.grey import Degrees
from model.record import Acceptance
from model.working import Box
from service.classifier import Classifier, ModelError, Scores
from service.errors import InvalidRequest
from service.imaging import Decoded, Opened, as_decoded, decode_image, open_image
from service.png import decode_grey_png
from service.schemas import Layer, ModelName, Prediction, Reason

logger = logging.getLogger(__name__)

Include = Literal["input", "layers"]

DECIMALS = 6


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Prepared:
    """A picture on its way to the network."""

    framed: Framed
    rotated: Degrees
    box: Box | None
    started_ns: int
    """In the time of the clock on the wall, as traces want it."""
    decode_seconds: float
    frame_seconds: float


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that is decoded and waits to be framed."""

    decoded: Decoded
    started_ns: int
    decode_seconds: float


def decode(image: Opened) -> Ready:
    """Decode an opened picture. Raises CorruptImage, Overloaded."""
    return _decoded(lambda: decode_image(image))


def decode_raw(raw: bytes, max_pixels: int) -> Ready:
    """Open and decode a picture. Raises UnsupportedImage, CorruptImage, ImageTooLarge, Overloaded."""

    def opened() -> Decoded:
        pixels = decode_grey_png(raw, max_pixels)
        return decode_image(open_image(raw, max_pixels)) if pixels is None else as_decoded(pixels)

    return _decoded(opened)


def _decoded(decoding: Callable[[], Decoded]) -> Ready:
    started_ns = time_ns()
    start = perf_counter()
    return Ready(decoding(), started_ns, perf_counter() - start)


def frame_ready(ready: Sequence[Ready], polarity: Polarity = "auto") -> list[Prepared]:
    """Frame decoded pictures; each is given its share of the time."""
    start = perf_counter()
    framed = frame_digits([item.decoded.grey.pixels for item in ready], polarity)
    seconds = (perf_counter() - start) / max(len(ready), 1)
    return [_prepared(item, each, seconds) for item, each in zip(ready, framed, strict=True)]


def _prepared(ready: Ready, framed: Framed, seconds: float) -> Prepared:
    box = framed.box and ready.decoded.in_picture(framed.box)
    return Prepared(framed, ready.decoded.grey.rotated, box, ready.started_ns, ready.decode_seconds, seconds)


def prepare(image: Opened, polarity: Polarity = "auto") -> Prepared:
    """Decode and frame an opened picture. Raises CorruptImage, Overloaded."""
    [prepared] = frame_ready([decode(image)], polarity)
    return prepared


def prepare_framed(raws: Sequence[bytes | None]) -> list[Prepared | None]:
    """Prepare pictures that are grey PNGs, framed already as MNIST's are, all at once; None stands for any other.

    Each is given its share of the time.
    """
    started_ns = time_ns()
    start = perf_counter()
    decoded = [None if raw is None else decode_grey_png(raw, SIZE * SIZE) for raw in raws]
    middle = perf_counter()
    frames = {i: frame for i, frame in enumerate(decoded) if frame is not None and frame.shape == (SIZE, SIZE)}
    prepared: list[Prepared | None] = [None] * len(raws)
    if frames:
        framed = are_framed(np.array(list(frames.values())))
        decode_seconds = (middle - start) / len(raws)
        frame_seconds = (perf_counter() - middle) / len(frames)
        for (index, frame), is_framed in zip(frames.items(), framed, strict=True):
            if is_framed:
                taken = as_framed(frame)
                prepared[index] = Prepared(taken, 0, taken.box, started_ns, decode_seconds, frame_seconds)
    return prepared


def predict(prepared: Sequence[Prepared], classifier: Classifier, include: Iterable[Include] = ()) -> list[Prediction]:
    """Run the network once over all that was prepared and judge each answer. Raises InvalidRequest."""
    if not prepared:
        return []
    scores = score(prepared, classifier)
    digits = scores.probabilities.argmax(axis=1).tolist()
    probabilities = scores.probabilities.astype(np.float64).round(DECIMALS).tolist()
    judge = partial(_prediction, least=classifier.record.acceptance)
    predictions = list(map(judge, prepared, digits, probabilities, scores.evidence.tolist()))
    if include:
        for item, prediction in zip(prepared, predictions, strict=True):
            _add_included(prediction, item.framed.image, classifier, include)
    return predictions


def score(prepared: Sequence[Prepared], classifier: Classifier) -> Scores:
    """Run the network once over at least one picture. Of a blank one nothing speaks for any digit, or all alike."""
    scores = classifier.classify(np.array([item.framed.image for item in prepared]))
    if blank := [row for row, item in enumerate(prepared) if item.framed.reason == "blank"]:
        scores.probabilities[blank] = 0.1
        scores.logits[blank] = 0
    return scores


def _reason(framed: Framed, confidence: float, evidence: float, least: Acceptance) -> Reason | None:
    """Why an answer is not accepted, or None. What framing saw goes before what the network felt."""
    if framed.reason:
        return framed.reason
    if evidence < least.min_evidence:
        return "not_a_digit"
    return "low_confidence" if confidence < least.min_confidence else None


def _prediction(
    item: Prepared, digit: int, probabilities: list[float], evidence: float, least: Acceptance
) -> Prediction:
    reason = _reason(item.framed, probabilities[digit], evidence, least)
    blank = reason == "blank"
    return {
        "digit": None if blank else digit,
        "confidence": 0.0 if blank else probabilities[digit],
        "probabilities": probabilities,
        "accepted": reason is None,
        "reason": reason,
        "preprocessing": {
            "inverted": item.framed.inverted,
            "rotated": item.rotated,
            "box": item.box,
            "warnings": list(item.framed.warnings),  # type: ignore[arg-type]  # framing speaks the contract's words
        },
    }


def _add_included(prediction: Prediction, frame: Frames, classifier: Classifier, include: Iterable[Include]) -> None:
    """Add what the client asked for beyond the digit. Raises InvalidRequest."""
    if "input" in include:
        prediction["input"] = png_uri(frame)
    if "layers" in include:
        prediction["layers"] = layers_of(frame, classifier)


def model_name(classifier: Classifier) -> ModelName:
    """The model that answers, as every answer names it."""
    record = classifier.record
    return {"name": record.name, "version": record.version, "sha256": record.sha256[:12]}


def png_uri(frame: Frames) -> str:
    """uint8 (28, 28) -> a PNG data URI."""
    buffer = BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def layers_of(frame: Frames, classifier: Classifier) -> dict[str, Layer]:
    """Every layer's activations as bytes to draw: 0 is -1, 255 is +1, the bounds of tanh. Raises InvalidRequest."""
    try:
        layers = classifier.layers(frame)
    except ModelError as error:
        logger.warning("no layers: %s", error)
        raise InvalidRequest("Leave include=layers away; the model that is served has no layers file.") from None
    return {
        name: Layer(
            shape=list(activations.shape),
            data=base64.b64encode(np.clip(np.rint((activations + 1) * 127.5), 0, 255).astype(np.uint8)).decode("ascii"),
        )
        for name, activations in layers.items()
    }

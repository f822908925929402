"""The shapes of our answers, as clients and OpenAPI see them.

What is answered to a picture is a dictionary whose types a checker proves: a model would be checked again for each
answer, and made again for each client, at a third of what the network costs.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic takes typing's own from Python 3.12 on

from model.grey import Degrees

Reason = Literal["low_confidence", "not_a_digit", "blank", "several_digits"]
FramingWarning = Literal[
    "uneven_light", "low_contrast", "low_resolution", "thin_strokes", "touches_border", "several_parts"
]

Probability = Annotated[float, Field(ge=0, le=1)]


def _absent(value: object) -> bool:
    return value is None


class FieldError(BaseModel):
    """One field at fault."""

    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """The body of every failure (RFC 9457)."""

    type: str = Field(description="Stable: /problems/<name>.")
    title: str
    status: int
    detail: str = Field(description="One sentence that says what to do.")
    instance: str = Field(description="The path of the request.")
    request_id: str
    errors: list[FieldError] | None = Field(
        None, exclude_if=_absent, description="The fields at fault, where there are some."
    )
    error: str | None = Field(None, exclude_if=_absent, description="On /v2: the detail again.")


class ModelName(TypedDict):
    """Which model answered."""

    name: str
    version: str
    sha256: Annotated[str, Field(description="The first 12 digits of the model file's sha256.")]


class Preprocessing(TypedDict):
    """What was done to the picture before the network saw it."""

    inverted: Annotated[bool, Field(description="The ink was darker than its ground.")]
    rotated: Annotated[Degrees, Field(description="Degrees clockwise, as EXIF asked.")]
    box: Annotated[
        tuple[int, int, int, int] | None,
        Field(description="Left, top, right, bottom of the ink in pixels of the upright picture; null: blank."),
    ]
    warnings: list[FramingWarning]


class Layer(TypedDict):
    """One layer's activations."""

    shape: list[int]
    data: Annotated[str, Field(description="base64 of one byte a unit, row by row: 0 stands for -1, 255 for +1.")]


class Kernels(TypedDict):
    """A convolution's weights."""

    shape: Annotated[list[int], Field(description="Maps, maps below, rows, columns.")]
    data: Annotated[str, Field(description="base64 of float32 numbers, little-endian, in that order.")]


class Prediction(TypedDict):
    """One picture's digit."""

    digit: Annotated[
        int | None, Field(ge=0, le=9, description="The best guess, also where it is not accepted; null: blank.")
    ]
    confidence: Annotated[Probability, Field(description="The largest of the probabilities; 0: blank.")]
    probabilities: Annotated[
        list[Probability],
        Field(min_length=10, max_length=10, description="The calibrated probability of each digit; they sum to 1."),
    ]
    accepted: bool
    reason: Annotated[Reason | None, Field(description="Why the digit is not accepted.")]
    preprocessing: Preprocessing
    input: NotRequired[Annotated[str, Field(description="With include=input: what the network saw, a PNG data URI.")]]
    layers: NotRequired[
        Annotated[dict[str, Layer], Field(description="With include=layers: C1, S2, C3, S4, C5 and F6.")]
    ]


class Answer(Prediction):
    """The answer of POST /predict."""

    model: ModelName
    request_id: str


class Failure(TypedDict):
    """One image of a batch that could not be read; the others are not touched by it."""

    error: Problem


class BatchAnswer(TypedDict):
    """The answer of POST /predict/batch: a result for each image, in order."""

    predictions: list[Prediction | Failure]
    model: ModelName
    request_id: str


class Base64Image(BaseModel):
    """A picture in JSON."""

    image: str = Field(description="base64, or a data: URI")


class Base64Images(BaseModel):
    """Pictures in JSON."""

    images: list[str] = Field(description="base64, or data: URIs")


class Thresholds(BaseModel):
    """What `/predict` accepts, as a client of `/v2` may want to."""

    min_confidence: float = Field(description="The least probability of the best digit; below it: low_confidence.")
    min_evidence: float = Field(description="The least of the model's output `evidence`; below it: not_a_digit.")


class ModelCard(BaseModel):
    """Where the model came from and what it was seen to do."""

    name: str
    version: str
    sha256: str = Field(description="Of the model file that is served.")
    labels: list[str]
    input: dict[str, Any]
    outputs: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    calibration: dict[str, Any]
    acceptance: Thresholds
    limits: list[str]


class Status(BaseModel):
    """The answer of a probe. Machines go by the status code."""

    status: Literal["alive", "starting", "ready", "draining"]


class ServerMetadata(BaseModel):
    """The answer of GET /v2."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """An input or an output; -1 stands for any number of images."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """The answer of GET /v2/models/lenet5."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]

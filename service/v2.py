"""The Open Inference Protocol, /v2: what KServe, Triton's clients and their gateways speak."""

from functools import partial
from time import perf_counter

from fastapi import APIRouter, Request, Response

from model.contract import EVIDENCE, INPUT_NAME, LOGITS, NAME, PROBABILITIES
from service import __version__, openapi, pipeline
from service.classifier import Classifier, Scores
from service.deps import held_for
from service.errors import CorruptImage, InvalidInference, ModelNotReady, UnsupportedImage
from service.health import HIDDEN
from service.imaging import open_image
from service.pipeline import Prepared
from service.presence import while_connected
from service.schemas import ModelMetadata, ServerMetadata, TensorMetadata
from service.tensors import HEADER_LENGTH, SHAPES, Asked, decode_request, encode_answer
from service.timing import tell_stages
from service.upload import read_body

VERSION = "1"
"""Of the model as the protocol counts; which training it came from is said by GET /v1/model."""

SMALL_REQUEST = 16 * 1024
"""Bytes of a body that is read within a fraction of a millisecond: numbers in JSON take longer than pictures."""

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

MODEL = f"/models/{NAME}"
MODEL_VERSION = f"{MODEL}/versions/{VERSION}"
"""The one model there is, under both its names; whatever else is asked for is 404 like any path that does not exist."""


@router.get("", **openapi.V2_SERVER)
async def server_metadata() -> ServerMetadata:
    """What serves."""
    return ServerMetadata(name="lenet5-service", version=__version__, extensions=["binary_tensor_data"])


@router.get("/health/live", **openapi.V2_LIVE)
@router.api_route("/health/live", **HIDDEN)
async def live() -> Response:
    """The process answers."""
    return Response()


@router.get("/health/ready", **openapi.V2_READY)
@router.api_route("/health/ready", **HIDDEN)
@router.get(f"{MODEL}/ready", **openapi.V2_MODEL_READY)
@router.api_route(f"{MODEL}/ready", **HIDDEN)
@router.api_route(f"{MODEL_VERSION}/ready", **HIDDEN)
async def ready(request: Request) -> Response:
    """Traffic should come here."""
    state = held_for(request).readiness.state
    if state != "ready":
        raise ModelNotReady(f"The service is {state}.")
    return Response()


@router.get(MODEL_VERSION, include_in_schema=False)
@router.get(MODEL, **openapi.V2_MODEL)
async def model_metadata(request: Request) -> ModelMetadata:
    """The model's input and outputs. The input may also be UINT8 [-1,28,28] or BYTES [-1], encoded pictures."""
    return ModelMetadata(
        name=NAME,
        versions=[VERSION],
        platform="onnxruntime_onnx",
        inputs=[TensorMetadata(name=INPUT_NAME, datatype="FP32", shape=[-1, *SHAPES["FP32"]])],
        outputs=[
            TensorMetadata(name=name, datatype="FP32", shape=[-1] if name == EVIDENCE else [-1, 10])
            for name in held_for(request).serving.classifier.outputs
        ],
    )


@router.post(f"{MODEL_VERSION}/infer", include_in_schema=False)
@router.post(f"{MODEL}/infer", **openapi.V2_INFER)
async def infer(
    request: Request,
) -> Response:
    """Run the network on tensors, or frame pictures as POST /predict does and run it on those."""
    held = held_for(request)
    admission, settings, workers = held.admission, held.settings, held.workers
    classifier = held.serving.classifier
    body = await read_body(request, settings.max_batch_bytes, admission)
    origin = admission.origin(request.scope)
    with admission.slot(origin):
        async with workers.deadline():
            header_length = request.headers.get(HEADER_LENGTH)
            limits = (settings.max_batch, classifier.outputs, settings.max_json_depth)
            decode = partial(decode_request, body, header_length, *limits)
            asked = decode() if len(body) <= SMALL_REQUEST else await workers.begin(decode, origin)
            prepared: list[Prepared] = []
            if isinstance(asked.images, list):
                prepare = partial(_prepare, max_pixels=settings.max_pixels)
                async with while_connected(request):
                    prepared = await workers.map(prepare, asked.images, origin)
            start = perf_counter()
            scores = await workers.run(partial(_score, asked, prepared, classifier), origin)
            infer_seconds = perf_counter() - start
    return _response(asked, scores, classifier, tell_stages(prepared, infer_seconds, held.metrics))


def _prepare(picture: bytes, max_pixels: int) -> Prepared:
    """Open, decode and frame. Raises InvalidInference, ImageTooLarge, Overloaded."""
    try:
        return pipeline.prepare(open_image(picture, max_pixels))
    except (CorruptImage, UnsupportedImage) as error:
        raise InvalidInference(error.detail) from None


def _score(asked: Asked, prepared: list[Prepared], classifier: Classifier) -> Scores:
    if isinstance(asked.images, list):
        return pipeline.score(prepared, classifier)
    return classifier.infer(asked.images)


def _response(asked: Asked, scores: Scores, classifier: Classifier, timing: str) -> Response:
    tensors = {PROBABILITIES: scores.probabilities, LOGITS: scores.logits, EVIDENCE: scores.evidence}
    known = pipeline.model_name(classifier)
    about = {
        "model_name": NAME,
        "model_version": VERSION,
        "parameters": {"version": known["version"], "sha256": known["sha256"]},
    }
    body, header_length = encode_answer(asked, about, tensors)
    headers = {"Server-Timing": timing, "Cache-Control": "no-store"}
    if header_length is None:
        return Response(body, headers=headers, media_type="application/json")
    return Response(body, headers=headers | {HEADER_LENGTH: str(header_length)}, media_type="application/octet-stream")

"""POST /predict and POST /predict/batch."""

from functools import partial
from time import perf_counter

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from service import openapi, pipeline
from service.batches import prepare_batch
from service.deps import IncludeQuery, PolarityQuery, held_for, included
from service.errors import problem
from service.expected import Expected
from service.pipeline import Prepared, model_name
from service.presence import while_connected
from service.request_id import request_id
from service.schemas import Answer, BatchAnswer, Failure, Prediction
from service.single import Ask, read_picture
from service.timing import tell_stages
from service.upload import image_in, images_in, is_taken_out_fast, read_body

router = APIRouter(tags=["predict"])


@router.post("/v1/predict", include_in_schema=False)
@router.post("/predict", **openapi.PREDICT)
async def predict(
    request: Request,
    include: IncludeQuery = [],  # noqa: B006  FastAPI copies it
    polarity: PolarityQuery = "auto",
) -> Response:
    """Read the digit in one picture."""
    held, extra = held_for(request), included(include)
    admission, settings, workers = held.admission, held.settings, held.workers
    classifier = held.serving.classifier
    body = await read_body(request, settings.max_body_bytes, admission)
    origin = admission.origin(request.scope)
    with admission.slot(origin):
        async with workers.deadline():
            content_type = request.headers.get("content-type", "")
            extract = partial(image_in, body, content_type, settings.structure())
            raw = extract() if is_taken_out_fast(len(body), content_type) else await workers.begin(extract, origin)
            ask = Ask(classifier, polarity, extra)
            read = await read_picture(raw, ask, held, origin, Expected.of(request.scope), while_connected(request))
    held.metrics.observe_predictions([read.prediction])
    request.state.prediction = read.prediction
    answer: Answer = {**read.prediction, "model": model_name(classifier), "request_id": request_id(request.scope)}
    return _response(answer, tell_stages([read.prepared], read.infer_seconds, held.metrics))


@router.post("/v1/predict/batch", include_in_schema=False)
@router.post("/predict/batch", **openapi.PREDICT_BATCH)
async def predict_batch(
    request: Request,
    include: IncludeQuery = [],  # noqa: B006  FastAPI copies it
    polarity: PolarityQuery = "auto",
) -> Response:
    """Read the digits in many pictures: one result each, in order, and an error only in its own place."""
    held, extra = held_for(request), included(include)
    admission, settings, workers = held.admission, held.settings, held.workers
    classifier = held.serving.classifier
    body = await read_body(request, settings.max_batch_bytes, admission)
    origin = admission.origin(request.scope)
    with admission.slot(origin):
        async with while_connected(request), workers.deadline():
            content_type = request.headers.get("content-type", "")
            extract = partial(images_in, body, content_type, settings.max_batch, settings.structure())
            images = await workers.begin(extract, origin)
            items = await prepare_batch(images, polarity, settings.max_pixels, workers, origin)
            prepared = [item for item in items if isinstance(item, Prepared)]
            start = perf_counter()
            predictions = await workers.run(partial(pipeline.predict, prepared, classifier, extra), origin)
            infer_seconds = perf_counter() - start
    held.metrics.observe_predictions(predictions)
    request.state.pictures = len(items)
    answers = iter(predictions)
    results: list[Prediction | Failure] = [
        next(answers) if isinstance(item, Prepared) else {"error": problem(request.scope, item)} for item in items
    ]
    answer: BatchAnswer = {
        "predictions": results,
        "model": model_name(classifier),
        "request_id": request_id(request.scope),
    }
    return _response(answer, tell_stages(prepared, infer_seconds, held.metrics))


def _response(answer: Answer | BatchAnswer, timing: str) -> Response:
    headers = {"Server-Timing": timing, "Cache-Control": "no-store"}
    return Response(to_json(answer), headers=headers, media_type="application/json")

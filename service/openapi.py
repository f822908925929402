"""What OpenAPI says of our routes beyond what FastAPI finds out by itself: body kinds and every failure."""

from collections import defaultdict
from typing import Any, NotRequired, TypedDict

from starlette.responses import Response

from service import errors
from service.errors import PROBLEM_JSON, ServiceError
from service.inference import InferenceRequest
from service.schemas import (
    Answer,
    Base64Image,
    Base64Images,
    BatchAnswer,
    ModelCard,
    ModelMetadata,
    ServerMetadata,
    Status,
)
from service.tensors import HEADER_LENGTH

SEVEN = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAwUlEQVR42mNgGDaAEUKFpD77sfTFHeyS9xQYGBg+X4UKPuk6w8DA"
    "wMDAAuGm6l/TMnSweCzLwPDntSTDozPIOhkYGBgYBA3PmDIw/Lh1XShnGi5nBP+9KIRLTuzl/2AokwlDMlv0/U1cGq1//rPD6fHW"
    "f7tZcclxnv1hhVNj3b9tOOW8f3+wxCUnfPffMlxyzKf/3VbGJan2758vLjn5B/+KGXF78Z8JLjnbT+iSSGFrw8Nw9wuKJAsy56Lz"
    "O+ITGABpETyQcCy90wAAAABJRU5ErkJggg=="
)
"""A digit of MNIST's test set as a PNG in base64, for examples that can be tried as they stand."""


class RouteDocs(TypedDict):
    """Keyword arguments of a route decorator that only document it."""

    summary: str
    responses: dict[int | str, dict[str, Any]]
    response_model: NotRequired[type]
    response_class: NotRequired[type[Response]]
    openapi_extra: NotRequired[dict[str, Any]]


def problems(*kinds: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The documented failures of a route, by status."""
    titles: dict[int, list[str]] = defaultdict(list)
    for kind in sorted(kinds, key=lambda kind: kind.status):
        titles[kind.status].append(f"{kind.title} (`/problems/{kind.name}`)")
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": "; ".join(found) + ".", "content": {PROBLEM_JSON: {"schema": schema}}}
        for status, found in titles.items()
    }


def _header(description: str, kind: str = "string", required: bool = True) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {"type": kind}}


_WORKED = {
    "Server-Timing": _header("decode, frame, infer in ms"),
    "Cache-Control": _header("no-store"),
}
"""Headers of an answer that the network was asked for."""


def _answered(description: str, model: type) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "model": model, "headers": _WORKED}}


def _body(form: dict[str, Any], json_model: type, raw: bool, example: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "multipart/form-data": {"schema": {"type": "object", "properties": form, "required": list(form)}},
        "application/json": {
            "schema": json_model.model_json_schema(),  # type: ignore[attr-defined]
            "example": example,
        },
    }
    if raw:
        content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in RAW_TYPES}
    return {"requestBody": {"required": True, "content": content}}


RAW_TYPES = ("image/*", "application/octet-stream")
_FILE = {"type": "string", "format": "binary"}
_BODY_ERRORS = (
    errors.MalformedBody,
    errors.Unauthorized,
    errors.BodyTooLarge,
    errors.UnsupportedBody,
    errors.InvalidRequest,
    errors.InternalError,
    errors.Overloaded,
    errors.DeadlineExceeded,
)

PREDICT: RouteDocs = {
    "summary": "Read the digit in one picture",
    "responses": _answered("The digit, also where it is not accepted.", Answer)
    | problems(*_BODY_ERRORS, errors.ImageTooLarge, errors.UnsupportedImage, errors.CorruptImage),
    "openapi_extra": _body({"file": _FILE}, Base64Image, raw=True, example={"image": SEVEN}),
}
PREDICT_BATCH: RouteDocs = {
    "summary": "Read the digits in many pictures",
    "responses": _answered("A result for each picture, in order.", BatchAnswer)
    | problems(*_BODY_ERRORS, errors.BatchTooLarge),
    "openapi_extra": _body(
        {"files": {"type": "array", "items": _FILE}}, Base64Images, raw=False, example={"images": [SEVEN, SEVEN]}
    ),
}
MODEL: RouteDocs = {
    "summary": "The model card",
    "responses": problems(errors.Unauthorized, errors.InternalError),
    "response_model": ModelCard,
}
KERNELS: RouteDocs = {
    "summary": "The kernels of C1 and C3",
    "responses": problems(errors.Unauthorized, errors.NotFound, errors.InternalError),
}
LIVE: RouteDocs = {"summary": "Does the process answer?", "responses": {}, "response_model": Status}
READY: RouteDocs = {
    "summary": "Should traffic come here?",
    "responses": problems(errors.NotReady),
    "response_model": Status,
}

_EMPTY: dict[int | str, dict[str, Any]] = {200: {"description": "Yes.", "content": {}}}
_OIP_ERRORS = (errors.Unauthorized, errors.InternalError)

V2_SERVER: RouteDocs = {
    "summary": "Server metadata",
    "responses": problems(*_OIP_ERRORS),
    "response_model": ServerMetadata,
}
V2_LIVE: RouteDocs = {"summary": "Does the process answer?", "responses": _EMPTY, "response_class": Response}
V2_READY: RouteDocs = {
    "response_class": Response,
    "summary": "Should traffic come here?",
    "responses": _EMPTY | problems(errors.ModelNotReady),
}
V2_MODEL_READY: RouteDocs = {
    "response_class": Response,
    "summary": "Should traffic come to this model?",
    "responses": _EMPTY | problems(errors.ModelNotReady),
}
V2_MODEL: RouteDocs = {
    "summary": "Model metadata",
    "responses": problems(*_OIP_ERRORS),
    "response_model": ModelMetadata,
}
_REFERENCE = "#/components/schemas/{model}"
_INFERENCE = InferenceRequest.model_json_schema(ref_template=_REFERENCE)
_PARTS = _INFERENCE.pop("$defs") | {InferenceRequest.__name__: _INFERENCE}
"""What FastAPI does not find by itself, since the route reads its body by itself."""
_BINARY = {"schema": {"type": "string", "format": "binary", "description": "JSON, then binary tensors."}}
_TENSORS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The outputs that were asked for, as JSON or with binary tensors after it.",
        "content": {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": _BINARY},
        "headers": _WORKED | {HEADER_LENGTH: _header("Bytes of JSON", "integer", required=False)},
    }
}
V2_INFER: RouteDocs = {
    "response_class": Response,
    "summary": "Run the network on tensors or pictures",
    "responses": _TENSORS
    | problems(
        *_OIP_ERRORS,
        errors.MalformedBody,
        errors.InvalidInference,
        errors.BodyTooLarge,
        errors.ImageTooLarge,
        errors.UnsupportedBody,
        errors.Overloaded,
        errors.DeadlineExceeded,
    ),
    "openapi_extra": {
        "parameters": [
            {"name": HEADER_LENGTH, "in": "header", "schema": {"type": "integer"}, "description": "Bytes of JSON"}
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": _REFERENCE.format(model=InferenceRequest.__name__)},
                    "example": {
                        "id": "an example",
                        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [SEVEN]}],
                        "outputs": [{"name": "probabilities"}],
                    },
                },
                "application/octet-stream": _BINARY,
            },
        },
    },
}

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}
}
METRICS: RouteDocs = {
    "response_class": Response,
    "summary": "What has happened so far, for Prometheus",
    "responses": _TEXT | problems(errors.Unauthorized, errors.InternalError),
}


_ALWAYS = {
    "X-Request-ID": _header(
        "The request's own, where it has one of 1 to 64 characters A-Z a-z 0-9 . _ -; else a new one"
    ),
    "X-Content-Type-Options": _header("nosniff"),
    "Content-Security-Policy": _header("Nothing in the answer runs, and nobody frames it"),
}
_BY_STATUS = {
    "401": {"WWW-Authenticate": _header("Bearer")},
    "503": {"Retry-After": _header("Seconds", "integer")},
}
_ASKED = [
    {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}
    for name, description in (
        ("X-Request-ID", "Comes back in the answer and in the log, if it is 1 to 64 characters A-Z a-z 0-9 . _ -"),
        ("traceparent", "W3C trace context: where the service is traced, its spans are below that one"),
    )
]
_TOO_SLOW = {"description": "The body came too slowly; the connection is closed.", "content": {"text/plain": {}}}
_KEY = {"type": "http", "scheme": "bearer", "description": "Where LENET_API_KEY is set."}


def complete(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what all routes have in common: headers, the key, what is said to a body that does not come."""
    paths = {
        path: {method: _complete(operation) for method, operation in methods.items()}
        for path, methods in schema["paths"].items()
    }
    components = {"schemas": schema["components"]["schemas"] | _PARTS, "securitySchemes": {"key": _KEY}}
    return schema | {"paths": paths, "components": components}


def _complete(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {
        status: response | {"headers": response.get("headers", {}) | _ALWAYS | _BY_STATUS.get(status, {})}
        for status, response in operation["responses"].items()
    }
    known = operation | {"parameters": [*operation.get("parameters", []), *_ASKED], "responses": responses}
    if "requestBody" in operation:
        responses["408"] = _TOO_SLOW
    if "401" in responses:
        known["security"] = [{}, {"key": []}]
    return known

"""Every way a request can fail: a closed family of errors with one shape, RFC 9457's problem+json."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from model.contract import NAME
from service.request_id import request_id
from service.schemas import FieldError, Problem

PROBLEM_JSON = "application/problem+json"
MAX_INSTANCE = 200


class ServiceError(Exception):
    """A failure with a status. `detail` is one sentence that tells the client what to do."""

    status: ClassVar[int]
    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self, detail: str, *, fields: Sequence[FieldError] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = list(fields)
        self.headers = headers or {}


class MalformedBody(ServiceError):
    """The body does not follow its own format: multipart, JSON or base64; or it is empty."""

    status, name, title = 400, "malformed-body", "The body is malformed"


class InvalidInference(ServiceError):
    """An Open Inference Protocol request that does not hold together, a picture in it that cannot be read included."""

    status, name, title = 400, "invalid-inference", "The inference request is wrong"


class ModelNotReady(ServiceError):
    """Only the readiness probes of the Open Inference Protocol say so, which asks for a status below 500."""

    status, name, title = 400, "model-not-ready", "The model is not ready"


class Unauthorized(ServiceError):
    """The API key is missing or wrong."""

    status, name, title = 401, "unauthorized", "The API key is missing or wrong"


class NotFound(ServiceError):
    """No such route."""

    status, name, title = 404, "not-found", "There is no such route"


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status, name, title = 405, "method-not-allowed", "The route has no such method"


class BodyTooLarge(ServiceError):
    """More bytes than allowed; the connection is closed, since the rest was not read."""

    status, name, title = 413, "body-too-large", "The body has too many bytes"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Send at most {limit:,} bytes.", headers={"Connection": "close"})


class ImageTooLarge(ServiceError):
    """More pixels than allowed, known from the header before a pixel was decoded."""

    status, name, title = 413, "image-too-large", "The picture has too many pixels"


class BatchTooLarge(ServiceError):
    """More images than a batch may have."""

    status, name, title = 413, "batch-too-large", "The batch has too many images"


class UnsupportedImage(ServiceError):
    """Not one of the formats that are read."""

    status, name, title = 415, "unsupported-image", "The format of the picture is not read"


class UnsupportedBody(ServiceError):
    """A media type or content coding that this route does not take."""

    status, name, title = 415, "unsupported-body", "The kind of body is not taken here"


class CorruptImage(ServiceError):
    """The right format, but damaged or cut short."""

    status, name, title = 422, "corrupt-image", "The picture is damaged"


class InvalidRequest(ServiceError):
    """A part, key or query value is missing or of the wrong kind."""

    status, name, title = 422, "invalid-request", "The request is incomplete or inconsistent"


class InternalError(ServiceError):
    """Our fault. The log has the rest; the client gets the request id and nothing of the inside."""

    status, name, title = 500, "internal-error", "The service failed"


class Overloaded(ServiceError):
    """More work than can be done in time; nothing was done for this request."""

    status, name, title = 503, "overloaded", "The service is busy"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class NotReady(ServiceError):
    """The process is starting or about to stop. Only the readiness probe says so."""

    status, name, title = 503, "not-ready", "The service is not ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"The service is {state}.", headers={"Retry-After": "1"})


class DeadlineExceeded(ServiceError):
    """The service's own deadline passed."""

    status, name, title = 504, "deadline-exceeded", "The answer took too long"


def problem(scope: Scope, error: ServiceError) -> Problem:
    """The body that tells this request's client of this error."""
    return Problem(
        type=f"/problems/{error.name}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=instance(scope["path"]),
        request_id=request_id(scope),
        errors=error.fields or None,
        error=error.detail if speaks_oip(scope["path"]) else None,
    )


def speaks_oip(path: str) -> bool:
    """Whether a path belongs to the Open Inference Protocol, whose clients look for `error`."""
    return path == "/v2" or path.startswith("/v2/")


def instance(path: str) -> str:
    """The path, percent-encoded and cut to 200 characters, never in the middle of an escape."""
    return re.sub("%.?$", "", quote(path)[:MAX_INSTANCE])


def problem_response(scope: Scope, error: ServiceError) -> Response:
    """The answer to a request that failed."""
    body = problem(scope, error).model_dump_json()
    return Response(body, error.status, error.headers, PROBLEM_JSON)


def add_error_handlers(app: FastAPI) -> None:
    """Give every failure that reaches the app the one shape."""

    async def answer(request: Request, error: Any) -> Response:
        return problem_response(request.scope, as_service_error(request.scope, error))

    for kind in (ServiceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def as_service_error(scope: Scope, error: ServiceError | HTTPException | RequestValidationError) -> ServiceError:
    """Bring the framework's own errors into the family."""
    match error:
        case ServiceError():
            return error
        case RequestValidationError():
            fields = [FieldError(loc=list(found["loc"]), msg=found["msg"]) for found in error.errors()]
            place = ".".join(map(str, fields[0].loc))
            return InvalidRequest(f"Mend {place}: {fields[0].msg}.", fields=fields)
        case HTTPException(status_code=404):
            if speaks_oip(scope["path"]):
                return NotFound(f"Check the path; the only model is {NAME}, and its only version 1.")
            return NotFound("Check the path; POST /predict reads a digit.")
        case HTTPException(status_code=405):
            allowed = (error.headers or {}).get("Allow", "")
            return MethodNotAllowed(f"Use {allowed.replace(',', ' or')}.", headers={"Allow": allowed})
        case _:
            raise error

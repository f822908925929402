"""Who reads a picture for `lenet5 predict`: the model here, or a service elsewhere. Both give the same JSON."""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from service.classifier import Classifier
from service.decoders import silence_decoders
from service.pictures import Fault, Looking, prepare_pictures
from service.pipeline import Include, model_name, predict

SECONDS = 30
"""More than the service itself gives a request."""

Document = Mapping[str, Any]


class Refused(Exception):
    """There is no answer to this picture; `problem` says why, as RFC 9457 has it."""

    def __init__(self, problem: Document) -> None:
        super().__init__(problem.get("detail"))
        self.problem = problem


class Unreachable(Exception):
    """There is no service to ask; the message says why in one line."""


class Reader(Protocol):
    """Reads pictures."""

    def read(self, raw: bytes) -> Document:
        """The answer of POST /predict. Raises Refused, Unreachable."""


class Here:
    """Reads with the model, in this process. Its answers lack only a request's id."""

    def __init__(self, model_path: Path, looking: Looking, include: Sequence[Include]) -> None:
        """Raises ModelError."""
        silence_decoders()
        self._classifier = Classifier.load(model_path)
        self._looking = looking
        self._include = include

    def read(self, raw: bytes) -> Document:
        [prepared] = prepare_pictures([raw], self._looking)
        if isinstance(prepared, Fault):
            raise Refused(prepared.document())
        [prediction] = predict([prepared], self._classifier, self._include)
        return {**prediction, "model": model_name(self._classifier)}


class There:
    """Posts to a running service."""

    def __init__(self, url: str, key: str | None, looking: Looking, include: Sequence[Include]) -> None:
        """Raises ValueError where `url` is none of http."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url} is no URL of a service; one looks like http://localhost:8000")
        query = {"polarity": looking.polarity} | ({"include": ",".join(include)} if include else {})
        self._url = f"{url.rstrip('/').removesuffix('/predict')}/predict"
        self._query = urlencode(query)
        self._headers = {"Content-Type": "application/octet-stream"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = build_opener(_NoRedirects)
        self._needed = {"digit", "confidence", "probabilities", "accepted", "reason", "preprocessing", *include}

    def read(self, raw: bytes) -> Document:
        request = Request(f"{self._url}?{self._query}", raw, self._headers, method="POST")  # noqa: S310  checked above
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                return self._answer(response.read())
        except HTTPError as error:
            raise Refused(_problem(error)) from None
        except (HTTPException, OSError, ValueError) as error:  # the last of a host, a path or a key beyond ASCII
            reason = getattr(error, "reason", error)
            raise Unreachable(f"no answer from {self._url} ({getattr(reason, 'strerror', None) or reason})") from None

    def _answer(self, body: bytes) -> Document:
        """An answer. Raises Unreachable: something answers there, though not this service."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not document.keys() >= self._needed:
            raise Unreachable(f"{self._url} does not answer as this service does")
        return document


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would turn the POST into a GET, and carry the key to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


def _problem(error: HTTPError) -> Document:
    """The problem that a failed request came back with; what the HTTP parser or a proxy says is plain text."""
    with error:
        try:
            document = json.loads(error.read())
        except (ValueError, OSError, HTTPException):
            document = None
    if isinstance(document, dict) and "detail" in document:
        return document
    moved = f" It points to {error.headers['Location']}." if error.headers.get("Location") else ""
    return {"type": "about:blank", "title": error.reason, "detail": f"{error.url} said {error.code}.{moved}"}

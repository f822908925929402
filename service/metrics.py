"""What the service tells Prometheus: every name in one class, one registry per app."""

from collections.abc import Iterable, Iterator

import prometheus_client
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.core import CounterMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from service import openapi
from service.admission import Admission
from service.observe import Finished
from service.reload import Serving
from service.schemas import Prediction
from service.stages import Stages
from service.tally import Counts, Distribution

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series, and nobody asks

REQUEST_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STAGE_SECONDS = (0.00001, 0.000025, 0.00005, 0.0001, *REQUEST_SECONDS)
BODY_BYTES = (256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 33_554_432)
CONFIDENCE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


class Metrics:
    """Every series there is. No label takes a value that a client can make up."""

    def __init__(self, admission: Admission, serving: Serving) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counts("lenet5_requests", "Requests answered.", ["route", "method", "status"], registry)
        self.request_seconds = Distribution(
            "lenet5_request_seconds", "From a request's head to its answer's end.", ["route"], REQUEST_SECONDS, registry
        )
        self.body_bytes = Distribution(
            "lenet5_body_bytes", "Bytes of the bodies that were read.", [], BODY_BYTES, registry
        ).of()
        stages = Distribution(
            "lenet5_stage_seconds",
            "A request's time in each stage, all its pictures together.",
            ["stage"],
            STAGE_SECONDS,
            registry,
        )
        self.decode, self.frame, self.infer = (stages.of(stage) for stage in ("decode", "frame", "infer"))
        self.predictions = Counts("lenet5_predictions", "Pictures answered.", ["digit", "accepted"], registry)
        self.rejections = Counts("lenet5_rejections", "Pictures not accepted.", ["reason"], registry)
        self.confidence = Distribution(
            "lenet5_confidence", "Confidence of the pictures with ink.", [], CONFIDENCE, registry
        ).of()
        in_flight = Gauge("lenet5_in_flight", "Requests in work.", registry=registry)
        in_flight.set_function(lambda: admission.in_flight)
        registry.register(_Shed(admission))
        registry.register(_Model(serving))
        ProcessCollector(registry=registry)

    def observe_request(self, finished: Finished) -> None:
        """Count a request."""
        self.requests.add(finished.route, finished.method, str(finished.status))
        self.request_seconds.of(finished.route).observe(finished.seconds)
        if finished.body_bytes:
            self.body_bytes.observe(finished.body_bytes)

    def observe_stages(self, stages: Stages, requests: int = 1) -> None:
        """Count what they took, for so many requests alike."""
        if stages.pictures:
            self.decode.observe(stages.decode, requests)
            self.frame.observe(stages.frame, requests)
        self.infer.observe(stages.infer, requests)

    def observe_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Count what was answered."""
        for prediction in predictions:
            digit = "none" if prediction["digit"] is None else str(prediction["digit"])
            self.predictions.add(digit, "true" if prediction["accepted"] else "false")
            if prediction["reason"]:
                self.rejections.add(prediction["reason"])
            if prediction["digit"] is not None:
                self.confidence.observe(prediction["confidence"])


class _Shed(Collector):
    """Admission counts for itself, also where no route is reached."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("lenet5_shed", "Requests told to come back later.", self._admission.shed)


class _Model(Collector):
    """Which model answers, and what came of those that were to take its place."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def collect(self) -> Iterator[Metric]:
        record = self._serving.classifier.record
        about = {"name": record.name, "version": record.version, "sha256": record.sha256}
        yield InfoMetricFamily("lenet5_model", "The model that answers.", about)
        reloads = CounterMetricFamily("lenet5_model_reloads", "Changes of the model's files.", labels=["outcome"])
        for outcome, count in self._serving.reloads.items():
            reloads.add_metric([outcome], count)
        yield reloads


router = APIRouter(tags=["health"])


@router.get("/metrics", **openapi.METRICS)
async def metrics(request: Request) -> Response:
    """What has happened so far."""
    return Response(generate_latest(request.app.state.held.metrics.registry), media_type=CONTENT_TYPE_LATEST)

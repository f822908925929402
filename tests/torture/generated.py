"""Rows `generated` and `generated-http`: inputs from the seeded generator, read by what the routes call, or by HTTP."""

import random
import time
import warnings
from collections import Counter

from service.classifier import Classifier
from service.decoders import silence_decoders
from service.errors import ServiceError
from service.imaging import open_image
from service.pipeline import predict, prepare
from service.settings import Settings
from service.tensors import decode_request
from service.upload import image_in, images_in
from tests.conftest import running_server
from tests.torture.bounds import MOST_CPU_SECONDS, Bounds, only_new_garbage
from tests.torture.hostile import INFER, Input, bad_input
from tests.torture.watched import probed
from tests.wire import Wire, post


def read(given: Input, settings: Settings, classifier: Classifier) -> str:
    """What a route does with a body once it is there; the outcome in a word. Raises what is no ServiceError."""
    try:
        if given.path == INFER:
            header = str(given.content.find(b"}]}") + 3) if given.media_type != "application/json" else None
            asked = decode_request(given.content, header, settings.max_batch, classifier.outputs)
            images = asked.images if isinstance(asked.images, list) else []
        elif given.path == "/predict":
            images = [image_in(given.content, given.media_type)]
        else:
            images = images_in(given.content, given.media_type, settings.max_batch)
        prepared = [prepare(open_image(image, settings.max_pixels)) for image in images if isinstance(image, bytes)]
        predict(prepared, classifier)
    except ServiceError as error:
        return error.name
    return "answered"


def generated(count: int, seed: int) -> str:
    """Read so many inputs in this process."""
    settings = Settings()
    classifier = Classifier.load(settings.model_path)
    outcomes: Counter[str] = Counter()
    most = 0.0
    with warnings.catch_warnings(), only_new_garbage():
        silence_decoders()  # as the service does
        for number in range(seed, seed + count):
            given = bad_input(random.Random(number))
            began = time.thread_time()
            try:
                outcomes[read(given, settings, classifier)] += 1
            except Exception as error:
                raise AssertionError(f"seed {number}: {given.kind}") from error
            spent = time.thread_time() - began
            assert spent <= MOST_CPU_SECONDS, (number, given.kind, spent)
            most = max(most, spent)
    counts = ", ".join(f"{found:,} × {name}" for name, found in outcomes.most_common())
    return f"{count:,} inputs from seed {seed}: {counts}; at most {most * 1e3:.0f} ms of CPU"


def generated_http(count: int, seed: int, livez_ms: float) -> str:
    """Send so many inputs to a server."""
    with running_server(access_log=False) as server, probed(server) as probing:
        bounds = Bounds(server)
        for number in range(seed, seed + count):
            given = bad_input(random.Random(number))
            headers = [f"Content-Type: {given.media_type}"]
            if given.path == INFER and given.media_type != "application/json":
                headers.append(f"Inference-Header-Content-Length: {given.content.find(b'}]}') + 3}")
            with bounds.of(f"seed {number}: {given.kind}", len(given.content)), Wire(server.port) as wire:
                wire.send(post(given.path, given.content, *headers))
                bounds.answered(wire.answer())
        bounds.check_alive()
    return f"{count:,} requests from seed {seed}: {bounds}; {probing.check(livez_ms)}"

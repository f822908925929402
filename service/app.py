"""Builds the app. Importing this does nothing; tests build as many apps as they like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import __version__, card, health, metrics, predict, v2
from service.access import AccessLog
from service.admission import Admission
from service.auth import RequireKey
from service.boundary import Boundary
from service.cors import AllowOrigins
from service.deps import Held
from service.documentation import add_documentation
from service.errors import add_error_handlers
from service.linger import Linger
from service.logs import Write
from service.metrics import Metrics
from service.observe import Observe, Observer
from service.page import add_page
from service.readiness import Readiness
from service.reload import Serving
from service.settings import Settings
from service.workers import Workers

DESCRIPTION = """Reads handwritten and printed digits with LeNet-5, the network of 1998.

What is no valid HTTP is refused in plain text (400), and so is a head that comes too slowly (408) or is too long (414,
431), and a connection, or a request that waits on one, beyond the limits (503).
"""


def create_app(settings: Settings, serving: Serving, write: Write) -> FastAPI:
    """Wire the service around a model that has been proved on its golden sample. `write` is for the access log."""
    app = FastAPI(
        title="LeNet-5 digit service",
        description=DESCRIPTION,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    held = app.state.held = parts(settings, serving, write)

    for routes in (predict, v2, card, health, metrics):
        app.include_router(routes.router)
    add_page(app)
    if settings.docs:
        add_documentation(app)
    add_error_handlers(app)
    if settings.api_key:
        app.add_middleware(RequireKey, key=settings.api_key.get_secret_value())
    if settings.cors_origins:
        app.add_middleware(AllowOrigins, allow_origins=settings.cors_origins)
    app.add_middleware(Boundary, readiness=held.readiness)
    app.add_middleware(Observe, observers=held.observers)
    app.add_middleware(Linger)  # added last, so it is outermost
    return app


def parts(settings: Settings, serving: Serving, write: Write) -> Held:
    """Everything that requests need."""
    admission = Admission(settings)
    metrics = Metrics(admission, serving)
    return Held(
        settings,
        serving,
        Readiness(),
        admission,
        Workers(
            settings.decode_threads(), settings.request_timeout_seconds, settings.max_waiting_seconds, admission.busy
        ),
        metrics,
        observers(settings, metrics, write),
    )


def observers(settings: Settings, metrics: Metrics, write: Write) -> list[Observer]:
    """Who is told of every request."""
    return [metrics.observe_request, *([AccessLog(write)] if settings.access_log else [])]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Ready from the first accepted connection on: the classifier was loaded and proved before the app was built."""
    held: Held = app.state.held
    watcher = asyncio.create_task(held.serving.watch())
    held.readiness.ready()
    yield
    watcher.cancel()
    held.workers.close()

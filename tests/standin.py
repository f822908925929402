"""A small app whose requests take as long as a test wants, behind the real connection guards and the real stop.

`python -m tests.standin` serves it, with the service's own command line and environment.
"""

import argparse
import asyncio
import os
import threading
import time

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from service import protocol
from service.admission import Admission
from service.boundary import Boundary
from service.linger import Linger
from service.readiness import Readiness
from service.server import Server, bind
from service.settings import Settings
from service.workers import Workers


def standin(settings: Settings, admission: Admission, readiness: Readiness) -> ASGIApp:
    """The app."""
    released = asyncio.Event()
    workers = Workers(1, timeout_seconds=60, wait_seconds=60)

    async def quick(request: Request) -> Response:
        """Answer at once; the body is not read."""
        return PlainTextResponse(request.url.path)

    async def predict(request: Request) -> Response:
        """Read the body, take a slot and keep it until the release, or for `milliseconds`."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()
        with admission.slot(admission.origin(request.scope)):
            if milliseconds := request.query_params.get("milliseconds"):
                await asyncio.sleep(int(milliseconds) / 1000)
            else:
                await released.wait()
        return PlainTextResponse(f"{len(body)} bytes")

    async def release(request: Request) -> Response:
        """Let every request go on that is held now."""
        released.set()
        released.clear()
        return PlainTextResponse(f"{admission.in_flight} in flight")

    async def big(request: Request) -> Response:
        """More than the kernel's buffers hold."""
        return Response(bytes(20_000_000))

    async def stuck(request: Request) -> Response:
        """Work in a thread that never ends."""
        await workers.run(threading.Event().wait, "")
        return Response()

    async def blocked(request: Request) -> Response:
        """Hold the event loop."""
        time.sleep(60)  # noqa: ASYNC251
        return Response()

    routes = [
        Route("/predict", predict, methods=["POST"]),
        Route("/release", release),
        Route("/stuck", stuck),
        Route("/big", big),
        Route("/blocked", blocked),
        Route("/{rest:path}", quick, methods=["GET", "POST"]),
    ]
    return Linger(Boundary(Starlette(routes=routes), readiness))


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    protocol.LINGER_SECONDS = 0.5  # tests need not wait for the five of the service
    settings = Settings()
    admission, readiness = Admission(settings), Readiness()
    app = standin(settings, admission, readiness)
    with bind(options.host, options.port) as listener:
        Server(app, settings, admission, readiness, observers=[]).run(sockets=[listener])


if __name__ == "__main__":
    main()
    os._exit(0)  # as the service ends: not waiting for a thread that is stuck

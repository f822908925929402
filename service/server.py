"""The life of a process: prove the model, listen, serve, and stop without losing an accepted request."""

import asyncio
import logging
import resource
import socket
import sys
from collections.abc import Sequence
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from service.admission import Admission
from service.app import create_app
from service.classifier import ModelError
from service.deps import Held
from service.front import Front
from service.fronted import FrontedProtocol
from service.heap import keep_small_buffers, look_for_garbage_seldom
from service.listener import drain_accept_queue
from service.logs import start_logging
from service.observe import Observer
from service.protocol import GuardedProtocol
from service.readiness import Readiness
from service.reload import Serving
from service.settings import Settings
from service.signals import on_signals
from service.watchdog import Watchdog

logger = logging.getLogger(__name__)

BACKLOG = 2048
GRACE_SECONDS = 10.0
"""Once the drain is over, accepted requests have this long to be answered."""
IDLE_SECONDS = 1.0
"""A connection without a request is closed this long after the listener: its request may be on the way."""
TICK_SECONDS = 0.01
SWEEP_SECONDS = 0.5
SWEPT_TOGETHER = 100
"""Connections in one turn of the loop: to close thousands takes a quarter of a second, and probes would wait for it."""
SWITCH_SECONDS = 0.001
"""For so long a thread that frames a picture may keep the event loop from the interpreter; by default it is 5 ms."""
OTHER_DESCRIPTORS = 100
"""Beside those of connections: the listener, the loop's own, libraries that are loaded late."""


def serve(settings: Settings, host: str, port: int) -> int:
    """Serve until told to stop. Returns the exit code: 0, or 1 where it could not start and said why in one line."""
    log = start_logging(settings.log_format)
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_small_buffers()
    raise_descriptor_limit(2 * settings.max_connections + OTHER_DESCRIPTORS)  # fair shares may need twice as many
    try:
        with bind(host, port) as listener:
            serving = Serving.load(settings.model_path)
            app = create_app(settings, serving, log.write)
            held: Held = app.state.held
            server = Server(app, settings, held.admission, held.readiness, held.observers, Front(held))
            on_signals(server.handle_exit)  # from here on somebody may wait to be accepted
            listener.listen(BACKLOG)  # fails where another process that was starting too had bound it, and was faster
            record, address = serving.classifier.record, listener.getsockname()
            name = f"[{host}]" if ":" in host else host
            logger.info("%s %s is served on http://%s:%d (Ctrl+C stops)", record.name, record.version, name, address[1])
            look_for_garbage_seldom()
            server.run(sockets=[listener])
            logger.info("stopped")
    except ModelError as error:
        return fail(str(error))
    except (OSError, UnicodeError) as error:  # the latter of a name that can be none
        return fail(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', error)}")
    finally:
        log.close()
    return 0


def raise_descriptor_limit(wanted: int) -> None:
    """Allow this process so many open descriptors, or as many as it may: shells still start programs with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    within = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < within:
        resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not yet listening. Raises OSError."""
    [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def fail(reason: str) -> int:
    """Tell the operator in one line."""
    sys.stderr.write(f"lenet5: {reason}\n")
    return 1


class Server(uvicorn.Server):
    """uvicorn's server around any ASGI app, with deadlines that are enforced and a stop that loses nothing."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        admission: Admission,
        readiness: Readiness,
        observers: Sequence[Observer],
        front: Front | None = None,
    ) -> None:
        super().__init__(uvicorn_config(app, settings, admission, observers, front))
        self.settings = settings
        self.readiness = readiness
        self.watchdog = Watchdog()
        self.stop_at = float("inf")  # in the loop's time: when the drain is over

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and sweeping."""
        await super().startup(sockets)
        self.sweeper = asyncio.create_task(self.sweep())
        self.watchdog.start()

    async def sweep(self) -> None:
        """Enforce the deadlines of all connections, for as long as the process lives."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.watchdog.beat()
            for number, connection in enumerate(self.guarded(), start=1):
                if connection in self.server_state.connections:  # else it has ended while others had their turn
                    enforce_deadlines(connection, loop.time())
                if number % SWEPT_TOGETHER == 0:
                    await asyncio.sleep(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the stop, the second ends it. Neither is raised again: a stop is no failure."""
        self.readiness.drain()
        self.force_exit = self.should_exit
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to leave the main loop: told to stop, and the drain is over."""
        now = asyncio.get_running_loop().time()
        if not await super().on_tick(counter):
            return False
        self.stop_at = min(self.stop_at, now + self.settings.drain_seconds)
        return self.force_exit or now >= self.stop_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what has connected, answer what was accepted, then let uvicorn shut down."""
        self.readiness.drain()  # however the stop began
        if not self.force_exit:
            deadline = asyncio.get_running_loop().time() + GRACE_SECONDS
            await drain_accept_queue(sockets or [])
            for server in self.servers:
                server.close()
            await self.finish_connections(deadline)
        self.warn_of_the_unfinished()
        await super().shutdown(sockets)
        self.sweeper.cancel()
        self.watchdog.stop()

    async def finish_connections(self, deadline: float) -> None:
        """Wait until every accepted request is answered, a while for those that may be on the way."""
        loop = asyncio.get_running_loop()
        idle_until = loop.time() + IDLE_SECONDS
        while self.server_state.connections and not self.force_exit and loop.time() < deadline:
            for connection in self.guarded():
                if connection.idle and loop.time() > idle_until:
                    connection.transport.close()
            await asyncio.sleep(TICK_SECONDS)

    def warn_of_the_unfinished(self) -> None:
        """Say in one line what uvicorn is about to cancel; its tracebacks would say no more."""
        unfinished = sum(not connection.idle for connection in self.guarded())
        if unfinished:
            logger.warning("%d connections are cut off unfinished", unfinished)
        logging.getLogger("uvicorn.error").disabled = True

    def guarded(self) -> list[GuardedProtocol]:
        """The open connections."""
        return [connection for connection in self.server_state.connections if isinstance(connection, GuardedProtocol)]


def enforce_deadlines(connection: GuardedProtocol, now: float) -> None:
    """Enforce one connection's deadlines: a bug that one meets must not leave the others without any."""
    try:
        connection.enforce_deadlines(now)
    except Exception:
        logger.exception("a connection is cut off")
        connection.transport.abort()


def uvicorn_config(
    app: ASGIApp, settings: Settings, admission: Admission, observers: Sequence[Observer], front: Front | None
) -> uvicorn.Config:
    """uvicorn's configuration. Everything is said here, so that no UVICORN_ variable has a say."""
    return uvicorn.Config(
        app,
        http=partial(  # type: ignore[arg-type]
            FrontedProtocol, settings=settings, admission=admission, observers=observers, front=front
        ),
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,  # the waiting was done before
        workers=1,
    )

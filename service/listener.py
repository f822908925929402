"""Emptying the accept queue before the listener is closed: what waits in it has connected, and may have sent."""

import asyncio
import ctypes
import logging
import select
import socket
import struct
from collections.abc import Sequence

logger = logging.getLogger(__name__)

SO_ATTACH_FILTER = 26
QUIET_TICKS = 3
"""Looks in a row that find nobody waiting; one is not enough, since a handshake may be under way."""
TICK_SECONDS = 0.01
MOST_TICKS = 200


async def drain_accept_queue(listeners: Sequence[socket.socket]) -> None:
    """Let nobody new in, and wait until all who connected before have been accepted."""
    for listener in listeners:
        refuse_handshakes(listener)
    waiting = select.poll()
    for listener in listeners:
        waiting.register(listener, select.POLLIN)
    quiet = 0
    for _ in range(MOST_TICKS):
        await asyncio.sleep(TICK_SECONDS)
        quiet = 0 if waiting.poll(0) else quiet + 1
        if quiet == QUIET_TICKS:
            return


def refuse_handshakes(listener: socket.socket) -> None:
    """Have the kernel drop what arrives for the listener itself; connections it has made are not touched.

    A classic BPF program of one instruction, "return 0", needs no privilege. Whoever tries to connect now gets no
    answer until the listener is closed, and is refused then, as a client of a stopped service expects.
    """
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(instruction))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError as error:  # some sandboxes; behind a balancer that honours readiness few connect now anyway
        logger.warning("this kernel refuses a filter on the listener (%s): connections made now may be lost", error)

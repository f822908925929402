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
DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte 13 of the TCP header: its flags
    (0x45, 0, 1, 0x02),  # go on if SYN is set, else skip one
    (0x06, 0, 0, 0),  # keep nothing of the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # keep all of it
)
"""Instructions of classic BPF: code, jump if true, jump if false, operand."""
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
    """Have the kernel drop every SYN for the listener, and nothing else.

    A filter of classic BPF needs no privilege. Handshakes that are under way are completed, and connections that were
    made are not touched. Whoever tries to connect now gets no answer until the listener is closed, and is refused
    then, as a client of a stopped service expects.
    """
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_SYN))
    program = struct.pack("HL", len(DROP_SYN), ctypes.addressof(code))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError as error:  # some sandboxes; behind a balancer that honours readiness few connect now anyway
        logger.warning("this kernel refuses a filter on the listener (%s): connections made now may be lost", error)

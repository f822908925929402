"""Nobody new is let in, and nobody who was in is left behind."""

import asyncio
import socket

import pytest

from service import listener as module
from service.listener import drain_accept_queue, refuse_handshakes


@pytest.fixture
def listener():
    """A socket that listens, with nobody accepting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


def connected(listener: socket.socket, patience: float = 5) -> socket.socket:
    """A client's end."""
    return socket.create_connection(listener.getsockname(), patience)


def test_after_the_filter_nobody_connects_and_who_has_connected_is_served(listener):
    """What arrives on a connection that was made is not for the listener any more."""
    with connected(listener) as client:
        refuse_handshakes(listener)
        with pytest.raises(TimeoutError):
            connected(listener, patience=0.3)
        client.sendall(b"sent after the filter")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"sent after the filter"


def test_a_handshake_that_is_under_way_is_completed(listener):
    """The client takes itself for connected already, and sends. (Deferred, a handshake waits for the first data.)"""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    with connected(listener) as client:
        refuse_handshakes(listener)
        client.sendall(b"sent in good faith")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"sent in good faith"


def test_the_queue_is_drained_when_all_have_been_accepted(listener):
    """However long that takes: here a fifth of a second."""
    with connected(listener):
        asyncio.run(drained_by_accepting(listener))


async def drained_by_accepting(listener: socket.socket) -> None:
    """Drain, and accept the one connection only after a while."""
    draining = asyncio.create_task(drain_accept_queue([listener]))
    await asyncio.sleep(0.2)
    assert not draining.done()
    listener.accept()[0].close()
    await draining


def test_who_is_never_accepted_is_not_waited_for_long(listener, monkeypatch):
    """A server that has stopped accepting, out of file descriptors say, must still stop."""
    monkeypatch.setattr(module, "MOST_TICKS", 20)
    with connected(listener):
        asyncio.run(asyncio.wait_for(drain_accept_queue([listener]), 5))
        listener.accept()[0].close()


def test_without_listeners_there_is_nothing_to_wait_for():
    asyncio.run(asyncio.wait_for(drain_accept_queue([]), 5))


class FilterlessSocket(socket.socket):
    """On a kernel that takes no filters."""

    def setsockopt(self, level, option, value):
        if option == module.SO_ATTACH_FILTER:
            raise OSError(92, "Protocol not available")
        super().setsockopt(level, option, value)


def test_a_kernel_without_filters_is_lived_with(caplog):
    """It is said in the log, and the queue is drained all the same."""
    with FilterlessSocket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with connected(listener):
            asyncio.run(drained_by_accepting(listener))
    assert "Protocol not available" in caplog.text

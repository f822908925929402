"""The connection's side of the front: a plain request is taken before the parser has seen a byte of it.

Whatever happens before it is answered, be it more bytes, a deadline, the end of the client or a failure, the parser is
shown its bytes after all, and everything is as if nobody had taken them.
"""

from typing import Any

from service.plain import Plain
from service.protocol import GuardedProtocol
from service.refusal import Refused


class FrontedProtocol(GuardedProtocol):
    """The guarded protocol, with a front before its parser."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plain: Plain | None = None  # what the front has taken and not answered
        self.behind = b""  # what came while its picture was read

    def data_received(self, data: bytes) -> None:
        """Take a plain request, or more of one; all else is the parser's."""
        plain = self.plain
        if plain and plain.reading:
            self.behind += data
            self.flow.pause_reading()
        elif plain and plain.add(data):
            self.pass_on(plain)
        elif plain:  # there is no room for these; the app says so
            self.take_long_way()
            self.data_received(data)
        elif self.front and self.at_rest and (plain := self.front.take(data, self)):
            self.plain = plain
            self.pass_on(plain)
        else:
            super().data_received(data)

    def pass_on(self, plain: Plain) -> None:
        """Have the front answer what has come in full; wait for what has not."""
        assert self.front
        if plain.missing < 0:
            self.take_long_way()
        elif plain.missing:
            self.wait_for_body(len(plain.body))
        else:
            self.silent, self.phase = False, "idle"
            self.front.submit(plain)

    @property
    def at_rest(self) -> bool:
        """Whether a request may begin here: all before it are answered."""
        return (
            (self.phase == "idle" or (self.phase == "head" and self.silent))
            and not self.answering
            and not self.transport.is_closing()
        )

    def wait_for_body(self, body_bytes: int) -> None:
        """So much of it has come."""
        if self.phase != "body":
            self.silent = False
            self.enter("body")
        self.body_bytes = body_bytes

    def answer(self, data: bytes, *, last: bool) -> None:
        """Send the answer to what the front has taken; hang up where it is the last."""
        self.transport.write(data)
        if self.plain:
            self.plain.end()
        self.plain = None
        self.server_state.total_requests += 1
        if last:
            self.transport.close()
            return
        self.enter("idle")
        if self.behind:  # nothing else comes meanwhile
            self.loop.call_soon(self.hear_behind)

    def hear_behind(self) -> None:
        """Take what came while a picture was read, now that its answer is counted."""
        behind, self.behind = self.behind, b""
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(behind)

    def take_long_way(self) -> None:
        """Show the parser what the front has taken, if anything, and what came behind it."""
        plain, self.plain = self.plain, None
        if plain:
            plain.leave()
            behind, self.behind = self.behind, b""
            self.flow.resume_reading()
            self.phase = "idle"
            self.feed(b"".join((plain.head, plain.body, behind)))

    # What happens meanwhile

    @property
    def answering(self) -> bool:
        """Whether a request is in work."""
        return self.plain is not None or super().answering

    def connection_lost(self, exc: Exception | None) -> None:
        """Have the app told of a client that left."""
        try:
            self.take_long_way()
        finally:
            super().connection_lost(exc)

    def refuse(self, refused: Refused) -> None:
        """Answer and close, in the way that is the same for all."""
        self.take_long_way()
        if self.phase != "ended":  # else the parser has refused it, for another reason
            super().refuse(refused)

    def shutdown(self) -> None:
        """Close once what is in work is answered: where a picture is read already, as the last."""
        if not (self.plain and self.plain.reading):
            self.take_long_way()
            super().shutdown()

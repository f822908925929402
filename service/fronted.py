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

    def data_received(self, data: bytes) -> None:
        """Take a plain request, or more of one; all else is the parser's."""
        plain = self.plain
        if plain:
            plain.data += data
        elif self.front and self.at_rest:
            plain = self.plain = self.front.take(data, self)
        if not (self.front and plain):
            super().data_received(data)
        elif (missing := plain.missing) < 0:
            self.take_long_way()
        elif missing:
            self.wait_for_body(plain.body_bytes - missing)
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
        self.plain = None
        self.server_state.total_requests += 1
        self.transport.write(data)
        if last:
            self.transport.close()
        else:
            self.enter("idle")

    def take_long_way(self) -> None:
        """Show the parser what the front has taken, if anything."""
        plain, self.plain = self.plain, None
        if plain:
            plain.left = True
            self.phase = "idle"
            self.feed(plain.data)

    # What happens meanwhile

    @property
    def answering(self) -> bool:
        """Whether a request is in work."""
        return self.plain is not None or super().answering

    def connection_lost(self, exc: Exception | None) -> None:
        """Have the app told of a client that left."""
        self.take_long_way()
        super().connection_lost(exc)

    def refuse(self, refused: Refused) -> None:
        """Answer and close, in the way that is the same for all."""
        self.take_long_way()
        if self.phase != "ended":  # else the parser has refused it, for another reason
            super().refuse(refused)

    def shutdown(self) -> None:
        """Close once what is in work is answered."""
        self.take_long_way()
        super().shutdown()

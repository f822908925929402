"""The line of those who wait for a thread: clients take turns, and so do the requests of each."""

from asyncio import Future
from collections import OrderedDict, deque

Turn = Future[None]


class Line:
    """Whoever waits is a future that is told when its turn has come."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, OrderedDict[object, deque[Turn]]] = OrderedDict()

    def join(self, origin: str, request: object, turn: Turn) -> None:
        """Wait behind what else this request has here."""
        self._waiting.setdefault(origin, OrderedDict()).setdefault(request, deque()).append(turn)

    def call(self) -> bool:
        """Tell the next that its turn has come: of the client, and of its requests that which waited longest for one.

        False where nobody waits. Those who no longer do are forgotten on the way.
        """
        while self._waiting:
            turn = self._pop()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def _pop(self) -> Turn:
        origin, requests = self._waiting.popitem(last=False)
        request, turns = requests.popitem(last=False)
        turn = turns.popleft()
        if turns:
            requests[request] = turns  # behind the others
        if requests:
            self._waiting[origin] = requests
        return turn

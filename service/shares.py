"""A limited quantity, and how much of it each client has.

As long as there is enough nobody is held back. Once it is used up, those who have less than an equal share still get
some, up to as much again: a greedy client fills what there is, and never shuts others out.
"""


class Shares:
    """So much of something; `amount` is in its unit, and clients are told apart by their `origin`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._by_origin: dict[str, int] = {}

    def admits(self, origin: str, amount: int = 1) -> bool:
        """Whether a client may have so much more. Who has nothing while nobody else has any may always have one."""
        if self.used + amount <= self.limit or not self.used:
            return True
        if self.used + amount > 2 * self.limit:
            return False
        had = self._by_origin.get(origin, 0)
        clients = len(self._by_origin) + (had == 0)
        return had == 0 or had + amount <= self.limit // clients

    def take(self, origin: str, amount: int = 1) -> None:
        """Note that a client has so much more."""
        self.used += amount
        self._by_origin[origin] = self._by_origin.get(origin, 0) + amount

    def give_back(self, origin: str, amount: int = 1) -> None:
        """Note that a client has so much less. Those who have nothing are forgotten."""
        self.used -= amount
        left = self._by_origin[origin] - amount
        if left > 0:
            self._by_origin[origin] = left
        else:
            del self._by_origin[origin]

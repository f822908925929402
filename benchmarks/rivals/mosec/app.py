"""mosec with one worker and batches of up to 32 that wait a millisecond to fill, its fastest way to do this."""

from typing import Any

import numpy as np
from mosec import Server, Worker

from benchmarks.rivals.lenet import decode, infer, load


class Digits(Worker):
    def __init__(self) -> None:
        self.session = load()

    def deserialize(self, data: bytes) -> np.ndarray:
        return decode(data)

    def forward(self, data: list[np.ndarray]) -> list[dict[str, Any]]:
        return infer(self.session, data)


if __name__ == "__main__":
    server = Server()
    server.append_worker(Digits, max_batch_size=32, max_wait_time=1)
    server.run()

"""Row `corpora`: every file of the two source releases, over HTTP."""

import random

from tests.conftest import running_server
from tests.torture.bounds import Bounds
from tests.torture.sdists import all_files
from tests.torture.watched import probed
from tests.wire import Wire, post


def corpora(orders: int, livez_ms: float) -> str:
    """Send all 1,093 files, in another order each time."""
    files = all_files()
    assert len(files) == 1093
    with running_server(access_log=False) as server, probed(server) as probing:
        bounds = Bounds(server)
        for order in range(orders):
            random.Random(order).shuffle(files)
            for name, content, media_type in files:
                with bounds.of(name, len(content)), Wire(server.port) as wire:
                    wire.send(post("/predict", content, f"Content-Type: {media_type}"))
                    bounds.answered(wire.answer())
        bounds.check_alive()
    return f"{orders * len(files):,} requests; {bounds}; {probing.check(livez_ms)}"

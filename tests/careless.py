"""The stand-in, stopped as uvicorn stops: the control that shows that our tests of the stop see a loss."""

import os

import uvicorn

from service.server import Server
from tests import standin

if __name__ == "__main__":
    Server.shutdown = uvicorn.Server.shutdown  # type: ignore[method-assign]
    standin.main()
    os._exit(0)

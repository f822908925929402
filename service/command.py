"""The command line of `python -m service`."""

import argparse
import os
import sys

from pydantic import ValidationError

from service.server import serve
from service.settings import PREFIX, Settings, unknown_variables

MAX_PORT = 65535


def main() -> int:
    """Read the command line and the environment, serve, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m service", description="Serve LeNet-5 over HTTP.")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (%(default)s)")  # noqa: S104
    parser.add_argument("--port", type=port, default=os.environ.get("PORT") or "8000", help="$PORT or 8000")
    options = parser.parse_args()
    for name in unknown_variables(os.environ):
        print(f"lenet5: {name} is no setting and is ignored", file=sys.stderr)
    try:
        settings = Settings()
    except ValidationError as error:
        print(f"lenet5: {explain(error)}", file=sys.stderr)
        return 2
    return serve(settings, options.host, options.port)


def port(text: str) -> int:
    """A port number, where 0 stands for any that is free. Raises ValueError, which argparse explains."""
    number = int(text)
    if not 0 <= number <= MAX_PORT:
        raise ValueError
    return number


def explain(error: ValidationError) -> str:
    """One line that names each wrong setting and what it may be."""
    return "; ".join(f"{PREFIX}{str(found['loc'][0]).upper()}: {found['msg']}" for found in error.errors())

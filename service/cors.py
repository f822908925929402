"""Which other sites' pages may use the service from a browser: those an operator lists, none by default."""

from functools import partial

from starlette.middleware.cors import CORSMiddleware

SENT = ("Authorization", "Content-Type", "X-Request-ID", "Inference-Header-Content-Length")
READ = ("X-Request-ID", "Retry-After", "Server-Timing", "Inference-Header-Content-Length")
"""Beside what every page may send and read."""

AllowOrigins = partial(
    CORSMiddleware, allow_methods=("GET", "POST"), allow_headers=SENT, expose_headers=READ, allow_credentials=False
)
"""Middleware; `allow_origins` is the list."""

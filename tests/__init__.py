"""Tests. They see nothing of what a person has set for their own terminal."""

import os

_TERMINAL = {
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "LINES",
    "NO_COLOR",
    "PY_COLORS",
    "TERMINAL_WIDTH",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
}
"""What Rich and Typer go by, the latter as soon as it is imported."""

for _name in _TERMINAL:
    os.environ.pop(_name, None)
os.environ["TERM"] = "xterm"

"""Names of files, which are any bytes, as text that any output takes."""

import os
import re

_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")


def readable(name: str) -> str:
    """A name as one line of text: bytes that are no UTF-8, and control characters, become escapes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)

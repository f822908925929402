"""`python -m service`: serve until told to stop."""

import os
import sys

from service.signals import leave, on_signals

if __name__ == "__main__":
    on_signals(leave)  # before the rest is imported, which takes most of a second
    from service.command import main

    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter would wait for a picture that a thread may still be decoding, although nobody waits for it now.
    os._exit(code)

"""`python -m service`: serve until told to stop."""

import os
import sys

from service.signals import leave, on_signals

if __name__ == "__main__":
    on_signals(leave)  # before the rest is imported, which takes most of a second
    # Started with a stream closed, the process would give its number to the next file or socket it opens.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    from service.command import main

    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter would wait for a picture that a thread may still be decoding, although nobody waits for it now.
    os._exit(code)

"""What the row `atheris` starts: `python -m tests.torture.target MODULE:FUNCTION [libFuzzer's options and folders]`.

With a file instead of a folder it reads that one, as to look at a finding.
"""

import atexit
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module

import atheris

# Not the model: atheris 3.0 never frees what a comparison of arrays gives, which is 100 kB an input there.
with atheris.instrument_imports(include=["PIL", "service", "python_multipart"]):
    from service.classifier import Classifier
    from service.decoders import silence_decoders
    from service.settings import Settings
    from tests.torture.bounds import MOST_CPU_SECONDS, only_new_garbage
    from tests.torture.bytewise import from_bytes


def bounded(function: Callable[..., str], outcomes: Counter[str]) -> Callable[[bytes], None]:
    """A target that holds a function to the bounds of `generated`, and counts what it says."""
    settings = Settings()
    classifier = Classifier.load(settings.model_path)

    def read_one(data: bytes) -> None:
        began = time.thread_time()
        outcomes[function(from_bytes(data), settings, classifier)] += 1
        spent = time.thread_time() - began
        assert spent <= MOST_CPU_SECONDS, f"{spent:.2f} s of CPU"

    return read_one


def end(outcomes: Counter[str]) -> None:
    """Say what was seen. Stops libFuzzer's timer, whose signal has no handler any more while Python ends."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("outcomes:", *(f"{name}={count}" for name, count in outcomes.most_common()))


def main(name: str, *options: str) -> None:
    """Fuzz until libFuzzer ends this process."""
    module, _, function = name.partition(":")
    outcomes: Counter[str] = Counter()
    atexit.register(end, outcomes)
    target = bounded(atheris.instrument_func(getattr(import_module(module), function)), outcomes)
    atheris.Setup([sys.argv[0], *options], target)
    silence_decoders()
    with only_new_garbage():
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

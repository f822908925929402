"""Who is measured: a bare server, this service, and those a reader might take instead."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.asks import SEVEN, Ask, base64_json, form, photographed, raw

ROOT = Path(__file__).parent.parent
APPS = ROOT / "benchmarks" / "rivals"
ENVIRONMENTS = ROOT / "build" / "rivals"
"""Of each rival a virtual environment, made by `make bench-rivals`."""

BARE, OURS, TUTORIAL = "bare server", "this service", "FastAPI, as its tutorial has it"
FORM, JSON, PHOTO = f"{OURS}, form", f"{OURS}, JSON", f"{OURS}, 640×480 JPEG"


@dataclass(frozen=True)
class Contestant:
    """A server, and what it is asked: each ask is a row of the table, by its name."""

    command: tuple[str, ...]
    """`{port}` stands for its port."""
    asks: dict[str, Ask]
    environment: dict[str, str] = field(default_factory=dict)


def uvicorn(app: str) -> tuple[str, ...]:
    """uvicorn at its fastest."""
    fastest = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    return (sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", *fastest)


def ours() -> Contestant:
    """This service with its defaults: limits, metrics and the access log are on."""
    return Contestant(
        (sys.executable, "-m", "service", "--host", "127.0.0.1", "--port", "{port}"),
        {
            OURS: raw(SEVEN),
            FORM: form([SEVEN]),
            JSON: base64_json(SEVEN),
            PHOTO: raw(photographed(640, 480), kind="image/jpeg"),
        },
    )


def bare(answer: bytes) -> Contestant:
    """The bare server; `answer` is one of ours."""
    return Contestant(uvicorn("benchmarks.bare:app"), {BARE: raw(SEVEN)}, {"ANSWER": answer.decode()})


def tutorial() -> Contestant:
    """The app that every introduction shows."""
    return Contestant(uvicorn("benchmarks.rivals.tutorial.app:app"), {TUTORIAL: form([SEVEN])})


def installed_rivals() -> list[Contestant]:
    """The other serving frameworks, as `benchmarks/rivals` has them, those that `make bench-rivals` has installed."""
    host = ("--host", "127.0.0.1", "--port", "{port}")
    rivals = {
        "mosec": Contestant(
            ("{bin}/python", "{app}/app.py", "--address", "127.0.0.1", "--port", "{port}"),
            {"mosec, batches of 32": raw(SEVEN, "/inference")},
        ),
        "mlserver": Contestant(
            ("env", "MLSERVER_HTTP_PORT={port}", "{bin}/mlserver", "start", "{app}"), {"MLServer": raw(SEVEN)}
        ),
        "litserve": Contestant(("{bin}/python", "{app}/app.py", "{port}"), {"LitServe": base64_json(SEVEN)}),
        "bentoml": Contestant(
            ("{bin}/bentoml", "serve", "benchmarks.rivals.bentoml.app:Digits", *host),
            {"BentoML": form([SEVEN], field="image")},
            {"BENTOML_DO_NOT_TRACK": "true"},
        ),
    }
    return [_at_home(name, rival) for name, rival in rivals.items() if (ENVIRONMENTS / name / ".installed").exists()]


def _at_home(name: str, rival: Contestant) -> Contestant:
    """With the programs of its own environment, and its own app."""
    places = {"bin": ENVIRONMENTS / name / "bin", "app": APPS / name, "port": "{port}"}
    return replace(rival, command=tuple(part.format(**places) for part in rival.command))

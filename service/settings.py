"""Every knob an operator may turn: environment variables with the prefix LENET_, read once, then frozen."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model.contract import ARTIFACTS, MODEL_FILE

PREFIX = "LENET_"

Kibi = 1024
Mebi = 1024 * Kibi


class Structure(NamedTuple):
    """Limits of what a body is made of."""

    parts: int = 16
    json_depth: int = 100


ORDINARY = Structure()


def _not_empty(key: SecretStr | None) -> SecretStr | None:
    """An empty key would let everybody in who sends an empty one."""
    return key if key and key.get_secret_value() else None


def _listed(value: object) -> object:
    """What stands between commas."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _origin(value: str) -> str:
    """A browser compares origins letter by letter: with a path or a slash at its end one would never match."""
    if value != "*" and not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", value):
        raise ValueError("an origin is like https://example.org, in small letters and without a path, or *")
    return value


Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """The service's settings. Each field is the environment variable LENET_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    model_path: Path = Field(ARTIFACTS / MODEL_FILE, description="Model file to serve; `record.json` lies beside it.")
    threads: Literal["auto"] | PositiveInt = Field(
        "auto", description="Threads that decode big pictures and batches; `auto`: one per CPU this process may use."
    )
    api_key: Annotated[SecretStr | None, AfterValidator(_not_empty)] = Field(
        None, description="When set, all but the probes and the page ask for `Authorization: Bearer <key>`."
    )
    cors_origins: Origins = Field(
        (), description="Origins, comma-separated, whose pages may use the service; `*`: all."
    )
    trusted_proxies: Networks = Field(
        (), description="Networks, comma-separated, whose `X-Forwarded-For` is believed when clients are told apart."
    )
    docs: bool = Field(True, description="Whether `/docs` and `/openapi.json` are offered.")
    access_log: bool = Field(True, description="Whether each request is logged as one line.")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="Of the log: `console` for people, `json` for machines; `auto`: by whether a terminal reads it.",
    )

    max_body_bytes: PositiveInt = Field(
        10 * Mebi, description="Bytes of a body, batches and inference requests excepted."
    )
    max_batch_bytes: PositiveInt = Field(
        32 * Mebi, description="Bytes of the body of a batch, or of an inference request."
    )
    max_batch: PositiveInt = Field(256, description="Images of a batch, or of an inference request.")
    max_parts: PositiveInt = Field(ORDINARY.parts, description="Parts of a form beside its pictures; they are ignored.")
    max_json_depth: PositiveInt = Field(ORDINARY.json_depth, description="How deep JSON may be nested.")
    max_pixels: PositiveInt = Field(
        25_000_000,
        description="Pixels of a picture; fewer where they cost more: WebP, and some JPEG, TIFF, BMP and PNM.",
    )
    max_inflight: PositiveInt = Field(128, description="Requests in work at a time; the rest are told 503.")
    max_waiting_pixels: PositiveInt = Field(
        50_000_000, description="Pixels of pictures that may wait for a thread; the rest are told 503."
    )
    max_waiting_seconds: PositiveFloat = Field(2, description="Who waits for a thread for this long is told 503.")
    max_buffered_bytes: PositiveInt = Field(64 * Mebi, description="Bytes that bodies in arrival may hold together.")
    max_connections: PositiveInt = Field(4096, description="Open connections.")
    max_header_bytes: PositiveInt = Field(16 * Kibi, description="Bytes of a request's head.")
    max_header_count: PositiveInt = Field(64, description="Headers of a request.")
    max_url_bytes: PositiveInt = Field(4 * Kibi, description="Bytes of a request's URL.")

    header_timeout_seconds: PositiveFloat = Field(5, description="A request's head must be complete by then.")
    body_timeout_seconds: PositiveFloat = Field(
        10, description="A body must be complete by then; more time follows from `LENET_MIN_BODY_RATE`."
    )
    min_body_rate: PositiveInt = Field(
        64 * Kibi, description="Bytes a second: a body has a second more for each of these that came."
    )
    request_timeout_seconds: PositiveFloat = Field(10, description="Work on a complete request; then 504.")
    write_timeout_seconds: PositiveFloat = Field(30, description="An answer unread for this long: closed.")
    keep_alive_seconds: PositiveFloat = Field(5, description="An idle connection is closed after this long.")
    halt_poll_microseconds: NonNegativeInt = Field(
        100,
        le=10_000,
        description="Who sends framed pictures with pauses shorter than this is waited for awake; `0`: nobody is.",
    )
    drain_seconds: NonNegativeFloat = Field(0, description="Served on after SIGTERM, while balancers look elsewhere.")

    def structure(self) -> Structure:
        """Limits of what a body is made of."""
        return Structure(self.max_parts, self.max_json_depth)

    def decode_threads(self) -> int:
        """How many threads decode: what was set, or the CPUs that affinity and the container's limit leave us."""
        return available_cpus() if self.threads == "auto" else self.threads


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """CPUs this process may use, at least 1: its affinity, capped by the cgroup's quota, rounded up."""
    cpus = len(os.sched_getaffinity(0))
    try:
        quota, period = cgroup.read_text().split()
        return max(1, min(cpus, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no cgroup v2, or no quota: "max 100000"
        return cpus


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Names that look like settings and are none: a misspelt limit would otherwise pass in silence."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known)

"""Settings: from the environment, once, and never in silence when misspelt."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from service.admission import Admission
from service.server import uvicorn_config
from service.settings import Settings, available_cpus, unknown_variables
from tests.conftest import ROOT


def test_settings_are_read_from_the_environment(monkeypatch):
    """With the prefix LENET_."""
    monkeypatch.setenv("LENET_MAX_BATCH", "7")
    monkeypatch.setenv("LENET_DRAIN_SECONDS", "2.5")

    settings = Settings()

    assert (settings.max_batch, settings.drain_seconds) == (7, 2.5)


def test_settings_are_frozen():
    """What was read at start holds until the end."""
    with pytest.raises(ValidationError):
        Settings().max_batch = 1


def test_lists_are_written_with_commas(monkeypatch):
    """Not as JSON, which shells and compose files make hard to write."""
    monkeypatch.setenv("LENET_CORS_ORIGINS", "https://a.example, http://localhost:3000,")
    monkeypatch.setenv("LENET_TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8,192.0.2.1")

    settings = Settings()

    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]


@pytest.mark.parametrize("name", ["CORS_ORIGINS", "TRUSTED_PROXIES"])
def test_an_empty_list_is_empty(monkeypatch, name):
    """As an unset variable of a compose file gives it."""
    monkeypatch.setenv(f"LENET_{name}", "")

    assert getattr(Settings(), name.lower()) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "https://a.example/"),
        ("CORS_ORIGINS", "a.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("MAX_BATCH", "0"),
        ("MAX_BODY_BYTES", "10MB"),
        ("DRAIN_SECONDS", "-1"),
        ("THREADS", "all"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line_that_names_it(name, value):
    """No traceback: the reader is an operator."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {f"LENET_{name}": value},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"LENET_{name}" in done.stderr


def test_a_misspelt_setting_is_reported(tmp_path):
    """The service starts all the same: the name may belong to a later version."""
    assert unknown_variables({"LENET_MAX_BODY": "1", "LENET_MAX_BODY_BYTES": "1", "lenet_docs": "1", "HOME": "/"}) == [
        "LENET_MAX_BODY"
    ]


def test_an_empty_key_is_no_key(monkeypatch):
    """A compose file that passes an unset variable on must not protect the service with the empty word."""
    monkeypatch.setenv("LENET_API_KEY", "")

    assert Settings().api_key is None


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000", None), ("50000 100000", 1), ("100000 100000", 1), ("150000 100000", 2)]
)
def test_threads_follow_the_container_s_limit(tmp_path: Path, quota, expected):
    """Half a CPU still decodes with one thread; no limit leaves the affinity."""
    cgroup = tmp_path / "cpu.max"
    cgroup.write_text(quota + "\n")
    affinity = len(os.sched_getaffinity(0))

    assert available_cpus(cgroup) == min(affinity, expected or affinity)


def test_threads_without_cgroups_follow_the_affinity(tmp_path):
    """As on a laptop."""
    assert available_cpus(tmp_path / "none") == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_is_refused(port):
    """The resolver would wrap it round to another one."""
    done = subprocess.run([sys.executable, "-m", "service", f"--port={port}"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("path", ["", "/", "."])
def test_a_model_path_that_names_no_file_is_one_clear_line(path):
    """As an unset variable of a compose file gives it."""
    environment = os.environ | {"LENET_MODEL_PATH": path}
    done = subprocess.run(
        [sys.executable, "-m", "service", "--port", "0"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_no_variable_of_uvicorn_s_has_a_say(monkeypatch):
    """It reads some by itself. Fails where the number of workers is left to it."""
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    monkeypatch.setenv("UVICORN_SERVER_HEADER", "true")
    settings = Settings()
    config = uvicorn_config(FastAPI(), settings, Admission(settings), [], None)

    assert (config.workers, config.proxy_headers, config.server_header) == (1, False, False)

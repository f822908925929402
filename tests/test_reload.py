"""Another model takes the place of the one that serves: no request is lost or mixed, and a bad file changes nothing."""

import asyncio
import base64
import json
import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import httpx2 as httpx
import pytest

from model.contract import ARTIFACTS, LAYERS_FILE, MODEL_FILE, RECORD_FILE
from model.record import Record
from service import reload
from service.classifier import Classifier
from service.reload import Serving
from tests.conftest import png, running_server, tiny_record
from tests.versions import DIGITS, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


# Under load


def test_a_switch_under_load_loses_and_mixes_nothing(folder, digit_png, golden):
    """Every answer comes, and is what the model it names says, whether of one picture, of many or of tensors."""
    picture = digit_png  # of the kind that is answered in the protocol, all that came in one turn of the loop together
    models = {version: Classifier.load(folder.root / version / MODEL_FILE) for version in DIGITS}
    expected = {name: model.classify(golden.frame()[None]).logits.argmax() for name, model in models.items()}
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(picture).decode()]}
    answers: list[tuple[str, set[int]]] = []
    over = threading.Event()

    def single(client: httpx.Client) -> tuple[str, set[int]]:
        answer = client.post("/predict", content=picture).raise_for_status().json()
        return answer["model"]["version"], {answer["digit"]}

    def batch(client: httpx.Client) -> tuple[str, set[int]]:
        files = [("files", picture)] * 30
        answer = client.post("/predict/batch", files=files).raise_for_status().json()
        return answer["model"]["version"], {prediction["digit"] for prediction in answer["predictions"]}

    def v2(client: httpx.Client) -> tuple[str, set[int]]:
        answer = client.post("/v2/models/lenet5/infer", json={"inputs": [tensor]}).raise_for_status().json()
        [row] = [output["data"] for output in answer["outputs"] if output["name"] == "logits"]
        return answer["parameters"]["version"], {row.index(max(row))}

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            for surface in cycle((single, batch, v2)):
                if over.is_set():
                    return
                answers.append(surface(client))

    with running_server(model_path=folder.path, access_log=False) as server, ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask, server.url) for _ in range(4)]
        try:
            for version in ("0.0.2", "0.0.1", "0.0.2"):
                folder.switch(version)
                wait_until(lambda: httpx.get(f"{server.url}/v1/model").json()["version"] == version)  # noqa: B023
        finally:
            over.set()
        for client in asking:
            client.result()
        metrics = httpx.get(f"{server.url}/metrics").text

    assert {version for version, _ in answers} == set(DIGITS)
    assert all(digits == {expected[version]} for version, digits in answers)
    assert 'lenet5_model_reloads_total{outcome="loaded"} 3.0' in metrics
    assert 'version="0.0.2"' in metrics


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.torture)])
def test_many_switches_mix_nothing(folder, count):
    """As fast as they can be made, while four threads classify."""
    serving = Serving.load(folder.path)
    frame = serving.classifier.record.golden.frame()
    over = threading.Event()

    def classify() -> int:
        count = 0
        while not over.is_set():
            classifier = serving.classifier
            [row] = classifier.classify(frame[None]).probabilities
            assert row.argmax() == DIGITS[classifier.record.version]
            count += 1
        return count

    with ThreadPoolExecutor(4) as threads:
        classifying = [threads.submit(classify) for _ in range(4)]
        for _, version in zip(range(count), cycle(("0.0.2", "0.0.1")), strict=False):
            folder.switch(version)
            serving.look()
            assert serving.classifier.record.version == version
        over.set()

    assert all(thread.result() for thread in classifying)
    assert serving.reloads == {"loaded": count, "refused": 0}


# Bad files


def damage(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1])


def forget(folder: Path) -> None:
    (folder / RECORD_FILE).unlink()


def misremember(folder: Path) -> None:
    """A golden sample with another answer."""
    record = Record.read(folder / RECORD_FILE)
    golden = replace(record.golden, probabilities=record.golden.probabilities[::-1])
    replace(record, golden=golden).write(folder / RECORD_FILE)


def confuse(folder: Path) -> None:
    """Layers of another model."""
    shutil.copy(ARTIFACTS / LAYERS_FILE, folder)


@pytest.mark.parametrize("spoil", [damage, forget, misremember, confuse, shutil.rmtree])
def test_a_bad_file_leaves_the_old_model_serving(folder, caplog, spoil):
    """It is told once, in one line and as a metric; the next good one serves."""
    serving = Serving.load(folder.path)
    shutil.copytree(folder.root / "0.0.2", folder.root / "bad")
    spoil(folder.root / "bad")

    folder.switch("bad")
    with caplog.at_level(logging.INFO):
        serving.look()
        serving.look()

    assert serving.classifier.record.version == "0.0.1"
    assert serving.reloads == {"loaded": 0, "refused": 1}
    [line] = caplog.messages
    assert line.startswith("tiny 0.0.1 ")
    assert "serves on: " in line
    assert "\n" not in line

    folder.switch("0.0.2")
    serving.look()
    assert serving.classifier.record.version == "0.0.2"


def test_a_service_tells_of_a_bad_file(folder, capfd):
    """In the log and in the metrics, and answers on."""
    golden = tiny_record(b"").golden
    with running_server(model_path=folder.path, log_format="json") as server:
        (folder.root / "bad").mkdir()
        folder.switch("bad")
        refused = 'lenet5_model_reloads_total{outcome="refused"} 1.0'
        wait_until(lambda: refused in httpx.get(f"{server.url}/metrics").text)
        answer = httpx.post(f"{server.url}/predict", content=png(golden.frame())).json()
        assert server.stop() == 0
    assert (answer["model"]["version"], answer["digit"]) == ("0.0.1", 7)
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    [error] = [event["event"] for event in events if event["level"] == "error"]
    assert "no readable record" in error


def test_files_that_change_while_they_are_read_are_read_again(folder, monkeypatch):
    """The record of one model and the file of the next are not held against either."""
    serving = Serving.load(folder.path)
    read = Record.read
    shutil.copytree(folder.root / "0.0.1", folder.root / "again")
    folder.switch("again")

    def read_and_switch(path: Path) -> Record:
        record = read(path)
        folder.switch("0.0.2")
        return record

    with monkeypatch.context() as patch:
        patch.setattr(Record, "read", read_and_switch)
        serving.look()
    assert serving.classifier.record.version == "0.0.1"
    assert serving.reloads == {"loaded": 0, "refused": 0}

    serving.look()
    assert serving.classifier.record.version == "0.0.2"


def test_the_old_model_keeps_its_layers(tmp_path):
    """Requests that are under way may ask for them when its folder is gone."""
    shutil.copytree(ARTIFACTS, tmp_path / "model")
    classifier = Serving.load(tmp_path / "model" / MODEL_FILE).classifier
    shutil.rmtree(tmp_path / "model")
    assert classifier.layers(classifier.record.golden.frame())["F6"].shape == (84,)


def test_a_look_that_is_not_possible_is_not_the_last(tiny_model, monkeypatch):
    """Where no thread can be started for want of memory. Fails where it ends the watch."""
    serving, looks = Serving.load(tiny_model), []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise RuntimeError("can't start new thread")

    async def watch() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(serving.watch(), 1)

    monkeypatch.setattr(reload, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(serving, "look", look)
    asyncio.run(watch())
    assert len(looks) > 1


def test_a_volume_that_never_answers_does_not_hold_up_the_end(tiny_model, monkeypatch):
    """Fails where the thread is one of those that the loop waits for when it closes."""
    serving, answered = Serving.load(tiny_model), threading.Event()

    async def watch() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(serving.watch(), 0.5)

    monkeypatch.setattr(reload, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(serving, "look", answered.wait)
    ended = threading.Thread(target=lambda: asyncio.run(watch()), daemon=True)
    ended.start()
    ended.join(10)
    assert not ended.is_alive()
    answered.set()

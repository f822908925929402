"""`lenet5 batch`: every picture has one row, in order, whatever happens meanwhile. With real processes."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest
import typer
from psutil import Process
from rich.console import Console
from typer.testing import CliRunner, Result

from model.contract import ARTIFACTS, MODEL_FILE
from service.batch import BatchError
from service.batch.engine import CHUNK
from service.batch.inputs import Inputs, readable
from service.batch.journal import SUFFIX
from service.classifier import Classifier
from service.cli import app, progress
from service.cli.batch import _run_on_ray
from service.settings import available_cpus
from tests.conftest import ROOT, png
from tests.scans import BLANK, write_scans

MAX_BYTES = 10_000_000
CHUNKS = 3
"""That `stuck` is read in."""
MEMBER = 512
"""Bytes of a tar's blocks."""


def batch(*arguments: object) -> Result:
    """Run the command, its workers in processes of their own."""
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def done(*arguments: object) -> str:
    """Run the command, which must succeed; what it said."""
    result = batch(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def rows_of(path: Path) -> list[dict]:
    """A JSONL's rows."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_held_open(path: Path, seconds: float = 5) -> bool:
    """Whether this process has a file open, and still has after some time: the thread that counts may be at it."""
    ends = time.monotonic() + seconds
    while held := any(each.path == str(path) for each in Process().open_files()):
        if time.monotonic() > ends:
            break
        time.sleep(0.02)
    return held


def names_of(*inputs: object, max_bytes: int = MAX_BYTES) -> list[str]:
    """The names under which inputs are found."""
    return [found.name for found in Inputs([*map(str, inputs)], max_bytes)]


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> None:
    """Make a tar."""
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait half a minute at most."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.01)


def children(process: int) -> list[int]:
    """Processes that another one has started."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_running(process: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@contextmanager
def held(*arguments: object):
    """The command in a process of its own, which some picture of its inputs holds up."""
    command = [sys.executable, "-m", "service.cli", "batch", *map(str, arguments)]
    # Who runs the tests in the background has SIGINT ignored, and a program that was started so would stay so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    """A folder of 620 scans, more than two chunks; the first 40 differ."""
    folder = tmp_path_factory.mktemp("scans") / "scans"
    write_scans(folder, 2 * CHUNK + 108)
    return folder


@pytest.fixture(scope="module")
def undisturbed(scans, tmp_path_factory) -> list[dict]:
    """The rows of all of them."""
    out = tmp_path_factory.mktemp("out") / "answers.jsonl"
    said = done(scans, "-o", out)
    assert "620 pictures" in said
    return rows_of(out)


@pytest.fixture
def stuck(scans, tmp_path) -> Path:
    """A manifest of the same scans in a folder of their own, the 530th of which nobody can finish reading yet."""
    folder = tmp_path / "stuck"
    folder.mkdir()
    names = sorted(path.name for path in scans.iterdir())
    for name in names:
        os.link(scans / name, folder / name)
    (folder / names[530]).unlink()
    os.mkfifo(folder / names[530])
    manifest = folder / "all.txt"
    manifest.write_text("\n".join(names))
    return manifest


def release(stuck: Path, scans: Path) -> None:
    """Put the scan where it belongs."""
    name = stuck.read_text().split()[530]
    (stuck.parent / name).unlink()
    os.link(scans / name, stuck.parent / name)


def test_every_picture_has_a_row_in_order(undisturbed, scans):
    """With the answer that /predict would give."""
    assert [row["source"] for row in undisturbed] == sorted(path.name for path in scans.iterdir())
    labels = np.load(ROOT / "tests/data/mnist_test_40.npz")["labels"]
    right = sum(row["digit"] == label for row, label in zip(undisturbed, labels, strict=False))
    assert right >= 38
    first = undisturbed[0]
    assert list(first) == [
        "source", "digit", "confidence", "probabilities", "accepted", "reason", "warnings", "error",
    ]  # fmt: skip
    assert first["confidence"] == max(first["probabilities"])
    assert (first["accepted"], first["reason"], first["error"]) == (True, None, None)
    assert all(
        undisturbed[number] | {"source": ""} == undisturbed[number % 40] | {"source": ""} for number in range(620)
    )


@pytest.mark.parametrize("torn", [0, 10], ids=["between rows", "within a row"])
def test_a_kill_loses_and_doubles_nothing(undisturbed, scans, stuck, tmp_path, torn):
    """The same command goes on; the workers of the killed one do not linger."""
    out = tmp_path / "answers.jsonl"
    with held(stuck, "-o", out, "--workers", 2) as process:
        wait_until(lambda: out.exists() and out.read_bytes().count(b"\n") == 2 * CHUNK)
        workers = children(process.pid)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        wait_until(lambda: not any(map(is_running, workers)))
    os.truncate(out, out.stat().st_size - torn)
    release(stuck, scans)

    said = done(stuck, "-o", out)

    assert rows_of(out) == undisturbed
    assert f"{108 + bool(torn):,} pictures" in said
    assert f"With the {512 - bool(torn)} of before" in said


def test_a_kill_leaves_whole_parts(undisturbed, scans, stuck, tmp_path):
    """Of Parquet, what is not yet a whole part is done again, and a torn one is removed."""
    out = tmp_path / "answers.parquet"
    with held(stuck, "-o", out, "--workers", 2, "--part-rows", 200) as process:
        wait_until(lambda: len(list(out.glob("part-*.parquet"))) == 2)
        process.kill()
        process.wait()
    (out / ".part-00002.parquet.tmp").write_bytes(b"PAR1 torn")
    release(stuck, scans)

    done(stuck, "-o", out, "--part-rows", 200)

    parts = sorted(out.iterdir())
    assert [pyarrow.parquet.read_metadata(part).num_rows for part in parts] == [200, 200, 200, 20]
    assert pyarrow.dataset.dataset(out).to_table().to_pylist() == undisturbed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_an_interrupted_batch_ends_in_good_order(undisturbed, scans, stuck, tmp_path, number):
    """It says where it is, leaves no process behind, and goes on when it is called again. Ctrl-C goes to them all."""
    out = tmp_path / "answers.jsonl"
    with held(stuck, "-o", out, "--workers", 1) as process:
        wait_until(lambda: out.exists() and out.read_bytes().count(b"\n") == 2 * CHUNK)
        time.sleep(0.3)  # it counts rows once they are written
        workers = children(process.pid)
        os.kill(-process.pid if number == signal.SIGINT else process.pid, number)
        said = process.communicate(timeout=30)[1]
        wait_until(lambda: not any(map(is_running, workers)))
    release(stuck, scans)
    done(stuck, "-o", out)

    assert process.returncode == 130
    assert said == "lenet5: interrupted; 512 rows were written, the same command goes on after them\n"
    assert rows_of(out) == undisturbed


def test_an_interrupted_batch_writes_the_part_that_it_was_at(undisturbed, scans, stuck, tmp_path):
    """Of Parquet: what was answered is not done again."""
    out = tmp_path / "answers.parquet"
    with held(stuck, "-o", out, "--workers", 1, "--part-rows", 300) as process:
        wait_until(lambda: list(out.glob("part-*.parquet")))  # with the second chunk
        process.terminate()
        process.communicate(timeout=30)
    kept = pyarrow.dataset.dataset(out).to_table().to_pylist()
    release(stuck, scans)
    said = done(stuck, "-o", out, "--part-rows", 300)

    assert kept == undisturbed[:512]
    assert "With the 512 of before" in said
    assert pyarrow.dataset.dataset(out).to_table().to_pylist() == undisturbed


def test_a_batch_ends_that_is_interrupted_amid_a_result(tmp_path):
    """Of which the pool would wait for the rest, that a killed worker never sends."""
    command = [sys.executable, "-m", "tests.torn", tmp_path / "torn"]

    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 0


@pytest.mark.parametrize("cores", range(1, min(available_cpus(), CHUNKS) + 1))
def test_there_is_a_process_for_each_core(stuck, tmp_path, cores):
    """That the batch may use, as far as there are chunks for it; its workers alone have the network loaded."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        with held(stuck, "-o", tmp_path / "out.jsonl") as process:
            os.sched_setaffinity(0, allowed)

            def workers() -> int:
                return sum("onnxruntime" in Path(f"/proc/{each}/maps").read_text() for each in children(process.pid))

            wait_until(lambda: (tmp_path / "out.jsonl").exists() and workers() >= cores)
            time.sleep(0.5)
            assert workers() == cores
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_terminal_shows_the_rate_and_the_time_left(monkeypatch):
    """On a bar; how many there will be is counted meanwhile. Elsewhere a line now and then says the same."""
    job = SimpleNamespace(count=lambda: 6_200)
    screen, log = io.StringIO(), io.StringIO()
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    for stream, is_terminal in ((screen, True), (log, False)):
        console = Console(file=stream, force_terminal=is_terminal, width=100, legacy_windows=False)
        monkeypatch.setattr(progress, "errors", console)
        with progress.show_progress(job, 1) as shown:
            wait_until(lambda shown=shown: shown.total is not None)
            time.sleep(0.05)
            shown.advance(3_000)
            wait_until(lambda stream=stream: "left" in stream.getvalue())

    expected = re.compile(r"3,001 of 6,200 pictures, [\d,]+ a second, \d+:\d\d:\d\d left")
    assert expected.search(screen.getvalue())
    assert expected.fullmatch(log.getvalue().strip())
    assert "━" in screen.getvalue()


def test_a_batch_that_is_done_does_nothing(scans, tmp_path):
    """And says so, whoever asks again."""
    out = tmp_path / "answers.csv"
    done(scans / "0000[0-4].png", "-o", out)
    before = out.read_bytes()
    said = done(scans / "0000[0-4].png", "-o", out)

    assert "nothing was done" in said
    assert "5 rows" in said
    assert out.read_bytes() == before


def test_only_one_process_writes(stuck, tmp_path):
    """Two would spoil each other's rows."""
    out = tmp_path / "answers.jsonl"
    with held(stuck, "-o", out, "--workers", 1):
        wait_until(out.exists)
        second = batch(stuck, "-o", out)

    assert second.exit_code == 1
    assert "another process is writing" in second.stderr


def test_shards_are_all_rows_once(undisturbed, scans, tmp_path):
    """Picture k is of shard k mod n."""
    outs = [tmp_path / f"answers-{index}.jsonl" for index in range(3)]
    for index, out in enumerate(outs):
        done(scans, "-o", out, "--shard", f"{index}/3")

    assert [rows_of(out) for out in outs] == [undisturbed[index::3] for index in range(3)]


def test_a_killed_shard_that_is_tried_again_doubles_no_row(undisturbed, scans, stuck, tmp_path):
    """As an Indexed Job does when it loses a pod; the other shard knows nothing of it."""
    outs = [tmp_path / f"answers-{index}.jsonl" for index in range(2)]
    with held(stuck, "-o", outs[0], "--shard", "0/2", "--workers", 1) as process:
        wait_until(lambda: outs[0].exists() and outs[0].read_bytes().count(b"\n") == CHUNK)
        process.kill()
        process.wait()
    release(stuck, scans)

    said = done(stuck, "-o", outs[0], "--shard", "0/2")
    done(stuck, "-o", outs[1], "--shard", "1/2")

    assert f"With the {CHUNK} of before" in said
    assert [rows_of(out) for out in outs] == [undisturbed[index::2] for index in range(2)]


def test_a_shard_may_be_empty(scans, tmp_path):
    """Where there are fewer pictures than shards."""
    done(scans / "0000[0-2].png", "-o", tmp_path / "answers.jsonl", "--shard", "3/4")

    assert (tmp_path / "answers.jsonl").read_bytes() == b""


@pytest.mark.parametrize("shard", ["4/4", "1", "-1/4", "a/b", "0/0"])
def test_a_shard_that_is_none_is_refused(scans, tmp_path, shard):
    """Before anything is written."""
    result = batch(scans, "-o", tmp_path / "answers.jsonl", "--shard", shard)

    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_all_kinds_of_input_give_the_same_rows(undisturbed, scans, tmp_path):
    """A folder, a pattern, a manifest and tars of the same pictures."""
    few = [row["source"] for row in undisturbed[:40]]
    (tmp_path / "scans").mkdir()
    for name in few:
        os.link(scans / name, tmp_path / "scans" / name)
    (tmp_path / "scans" / "all.lst").write_text("\r\n".join(["", *few, ""]))
    members = {f"./{name}": (scans / name).read_bytes() for name in few}
    write_tar(tmp_path / "scans.tar", members)
    write_tar(tmp_path / "scans.tar.gz", members, "w:gz")
    inputs = ["scans", "scans/*.png", "scans/all.lst", "scans.tar", "scans.tar.gz"]
    for number, each in enumerate(inputs):
        done(tmp_path / each, "-o", tmp_path / f"{number}.jsonl")

    assert [rows_of(tmp_path / f"{number}.jsonl") for number in range(len(inputs))] == [undisturbed[:40]] * len(inputs)


def test_folders_are_read_by_name_to_any_depth(tmp_path):
    """What is hidden, or no picture by its name, is passed over; links to folders are not followed."""
    for name in ["b/2.png", "b/10.PNG", "a.jpg", "c/d/e.tif", ".hidden/a.png", "b/._2.png", "notes.txt", "labels.csv"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names_of(f"{tmp_path}/**/*.[pP]*") == ["b/10.PNG", "b/2.png"]

    (tmp_path / "b" / "up").symlink_to(tmp_path)
    assert names_of(tmp_path) == ["a.jpg", "b/10.PNG", "b/2.png", "c/d/e.tif"]


def test_of_several_inputs_the_names_tell_which(tmp_path, monkeypatch):
    """Two folders may have pictures of the same name."""
    monkeypatch.chdir(tmp_path)
    for name in ["a/1.png", "b/1.png"]:
        Path(name).parent.mkdir()
        Path(name).write_bytes(BLANK)
    write_tar(Path("c.tar"), {"1.png": BLANK})
    Path("b/list.txt").write_text(f"1.png\n{tmp_path}/a/1.png")

    assert names_of("a", "b/", "b/*.png", "b/list.txt", "c.tar", "a/1.png") == [
        "a/1.png",
        "b/1.png",
        "b/1.png",
        "b/1.png",
        f"{tmp_path}/a/1.png",
        "c.tar/1.png",
        "a/1.png",
    ]


def test_of_a_tar_regular_pictures_are_read_and_nothing_else(tmp_path):
    """No links, no devices, no labels; and nothing is written to disk."""
    path = tmp_path / "all.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in [("a.png", tarfile.REGTYPE), ("link.png", tarfile.SYMTYPE), ("pipe.png", tarfile.FIFOTYPE),
                           ("folder.png", tarfile.DIRTYPE), ("../b.png", tarfile.REGTYPE), ("a.cls", tarfile.REGTYPE),
                           (".c.png", tarfile.REGTYPE)]:  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type = kind
            tar.addfile(member)

    assert names_of(path) == ["a.png"]
    assert [each.name for each in tmp_path.iterdir()] == ["all.tar"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_cut_short_gives_the_rows_before_and_fails(undisturbed, scans, tmp_path, mode):
    """And goes on when it is whole."""
    path = tmp_path / f"scans.tar{mode.replace('w:', '.').removeprefix('w')}"
    few = [row["source"] for row in undisturbed[:40]]
    write_tar(path, {name: (scans / name).read_bytes() for name in few}, mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    out = tmp_path / "answers.jsonl"

    result = batch(path, "-o", out)
    written = len(rows_of(out)) if out.exists() else 0
    held = is_held_open(path)  # while the result is there: its traceback has all that was at work
    path.write_bytes(whole)
    done(path, "-o", out)

    assert result.exit_code == 1
    assert "damaged or cut short" in result.stderr
    assert not held
    assert written < 40
    assert written or mode == "w:bz2"  # whose blocks are larger than all of these scans
    assert rows_of(out) == undisturbed[:40]


def test_a_manifest_is_text(tmp_path):
    """A picture that somebody called .txt is not a thousand paths that lead nowhere."""
    (tmp_path / "picture.txt").write_bytes(BLANK)

    with pytest.raises(BatchError, match="no list of paths"):
        names_of(tmp_path / "picture.txt")


def test_a_manifest_may_begin_with_a_mark(tmp_path):
    """As editors on Windows write it."""
    (tmp_path / "all.txt").write_text("a.png\n", encoding="utf-8-sig")

    assert names_of(tmp_path / "all.txt") == ["a.png"]


@pytest.mark.parametrize("header", [{"GNU.sparse.size": "x"}, {"GNU.sparse.map": "a,b"}])
def test_a_header_that_makes_no_sense_is_damage(tmp_path, header):
    """Of which tarfile tells in other words."""
    path = tmp_path / "scans.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("a.png")
        member.pax_headers = header
        tar.addfile(member)

    with pytest.raises(BatchError, match="damaged"):
        names_of(path)


def test_damage_amid_a_tar_is_not_its_end(tmp_path):
    """tarfile would end there without a word."""
    path = tmp_path / "scans.tar"
    write_tar(path, {"a.png": BLANK, "b.png": BLANK, "c.png": BLANK})
    content = bytearray(path.read_bytes())
    second = MEMBER + -(-len(BLANK) // MEMBER) * MEMBER
    content[second : second + 8] = b"\xff" * 8
    path.write_bytes(content)

    with pytest.raises(BatchError, match="damaged"):
        names_of(path)


def test_what_cannot_be_read_has_a_row_that_says_why(digit_png, tmp_path, monkeypatch):
    """The others are not touched by it; all formats say the same."""
    monkeypatch.setenv("LENET_MAX_PIXELS", "10000")
    monkeypatch.setenv("LENET_MAX_BODY_BYTES", "50000")
    noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3)).astype(np.uint8)
    files = {
        "a.png": digit_png,
        "blank.png": BLANK,
        "cut.png": digit_png[:100],
        "empty.png": b"",
        "large.png": png(np.zeros((200, 200), np.uint8)),
        "many.bmp": png(np.tile(noise, (2, 1, 1)), compress_level=0),
        "text.png": b"this is no picture",
        "z.png": digit_png,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "all.txt").write_text("\n".join([*files, "gone.png"]))

    said = done(tmp_path / "all.txt", "-o", tmp_path / "out.jsonl")
    rows = {row["source"]: row for row in rows_of(tmp_path / "out.jsonl")}

    assert "2 accepted, 1 rejected, 6 unreadable" in said
    assert {name: row["error"] and row["error"]["type"] for name, row in rows.items()} == {
        "a.png": None,
        "blank.png": None,
        "cut.png": "/problems/corrupt-image",
        "empty.png": "/problems/malformed-body",
        "large.png": "/problems/image-too-large",
        "many.bmp": "/problems/body-too-large",
        "text.png": "/problems/unsupported-image",
        "z.png": None,
        "gone.png": "/problems/unreadable-file",
    }
    assert rows["blank.png"] == {
        "source": "blank.png",
        "digit": None,
        "confidence": 0.0,
        "probabilities": [0.1] * 10,
        "accepted": False,
        "reason": "blank",
        "warnings": [],
        "error": None,
    }
    assert rows["cut.png"]["probabilities"] is None
    assert rows["cut.png"]["error"]["detail"] == "The picture is damaged or cut short; send it whole."
    assert rows["gone.png"]["error"]["detail"] == "No such file or directory."


def test_formats_agree(scans, tmp_path):
    """The same rows in JSONL, CSV and Parquet, of read, blank and damaged pictures."""
    names = ["00000.png", "00001.png", "blank.png", "damaged.png", 'a "name", with\na\tline.png']
    for name in names[:2]:
        os.link(scans / name, tmp_path / name)
    (tmp_path / names[2]).write_bytes(BLANK)
    (tmp_path / names[3]).write_bytes(BLANK[:60])
    os.link(scans / "00002.png", tmp_path / names[4])
    for format in ("jsonl", "csv", "parquet"):
        done(tmp_path, "-o", tmp_path / "out" / f"answers.{format}")
        done(tmp_path, "-o", tmp_path / "out" / f"answers.{format}")  # whatever was written is found again

    rows = rows_of(tmp_path / "out" / "answers.jsonl")
    assert sorted(row["source"] for row in rows) == sorted([*names[:4], r'a "name", with\x0aa\x09line.png'])
    assert pyarrow.dataset.dataset(tmp_path / "out" / "answers.parquet").to_table().to_pylist() == rows
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [as_csv(row) for row in rows] == lines


def as_csv(row: dict) -> dict[str, str]:
    """A row of JSON as a CSV shows it."""
    error = row["error"] or {"type": "", "detail": ""}
    shown = {
        "source": row["source"],
        "digit": "" if row["digit"] is None else str(row["digit"]),
        "confidence": "" if row["confidence"] is None else str(row["confidence"]),
    }
    numbers = row["probabilities"] or [""] * 10
    return (
        shown
        | {f"p{digit}": str(number) for digit, number in enumerate(numbers)}
        | {"accepted": str(row["accepted"]).lower(), "reason": row["reason"] or ""}
        | {"warnings": " ".join(row["warnings"]), "error": error["type"], "detail": error["detail"]}
    )


def test_names_are_one_line_of_text_whatever_they_are():
    """File systems allow any bytes."""
    assert readable("ünïcode.png") == "ünïcode.png"
    assert readable(os.fsdecode(b"\xff\n.png")) == r"\xff\x0a.png"


@pytest.mark.parametrize(
    ("change", "named"),
    [(["--polarity", "light-on-dark"], "polarity"), (["--shard", "0/2"], "shard"), (["--model", "{tiny}"], "model")],
    ids=["polarity", "shard", "model"],
)
def test_an_output_of_another_batch_is_not_gone_on_with(scans, tmp_path, tiny_model, change, named):
    """What differs is named, and the way out."""
    few, out = scans / "0000*.png", tmp_path / "answers.jsonl"
    done(few, "-o", out)
    before = out.read_bytes()
    change = [each.format(tiny=tiny_model) for each in change]

    refused = batch(few, "-o", out, *change)
    assert refused.exit_code == 1
    assert len(refused.stderr.splitlines()) == 1
    assert f"was begun with {named}" in refused.stderr
    assert "--restart" in refused.stderr
    assert out.read_bytes() == before

    done(few, "-o", out, *change, "--restart")
    assert out.read_bytes() != before


def test_an_output_whose_inputs_have_changed_is_not_gone_on_with(scans, tmp_path):
    """A picture that came in between would shift all that follow; one that comes after them is read."""
    folder, out = tmp_path / "scans", tmp_path / "answers.jsonl"
    write_scans(folder, 3)
    done(folder, "-o", out)
    os.link(folder / "00000.png", folder / "00003.png")
    assert "1 pictures" in done(folder, "-o", out)
    os.link(folder / "00000.png", folder / "00001a.png")
    refused = batch(folder, "-o", out)

    assert refused.exit_code == 1
    assert "row 3 of" in refused.stderr
    assert "--restart" in refused.stderr
    assert [row["source"] for row in rows_of(out)] == [f"0000{number}.png" for number in range(4)]


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.parquet"])
def test_a_file_that_is_no_batch_is_not_overwritten(scans, tmp_path, name):
    """Unless that is what is wanted."""
    out = tmp_path / name
    out.write_text("something dear to somebody\n")

    refused = batch(scans / "00000.png", "-o", out)

    assert refused.exit_code == 1
    assert "--restart" in refused.stderr
    assert out.read_text() == "something dear to somebody\n"
    done(scans / "00000.png", "-o", out, "--restart")


def test_what_is_no_file_is_never_replaced(scans, tmp_path):
    """Be it a pipe, or a device."""
    out = tmp_path / "answers.jsonl"
    os.mkfifo(out)

    for more in ([], ["--restart"]):
        assert batch(scans / "00000.png", "-o", out, *more).exit_code == 1
    assert out.is_fifo()


def test_a_damaged_part_is_told(scans, tmp_path):
    """And does not stay open."""
    out = tmp_path / "answers.parquet"
    done(scans / "0000[0-2].png", "-o", out)
    part = out / "part-00000.parquet"
    content = bytearray(part.read_bytes())
    content[4:60] = b"\xff" * 56  # the first page, of the sources
    part.write_bytes(content)
    result = batch(scans / "0000[0-2].png", "-o", out)

    assert result.exit_code == 1
    assert f"{part} is no part of this batch" in result.stderr
    assert not is_held_open(part)


def test_rows_that_somebody_has_changed_are_told(scans, tmp_path):
    """By line, instead of a traceback."""
    out = tmp_path / "answers.jsonl"
    done(scans / "0000[0-2].png", "-o", out)
    lines = out.read_text().splitlines()
    out.write_text("\n".join([lines[0], "{", lines[2], ""]))

    assert "line 2, is no row" in batch(scans / "0000[0-2].png", "-o", out).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no/such/folder", "-o", "{tmp}/a.jsonl"], 2, "no/such/folder is not there"),
        (["/dev/null", "-o", "{tmp}/a.jsonl"], 2, "/dev/null is neither a file nor a folder"),
        (["a" * 300, "-o", "{tmp}/a.jsonl"], 2, "cannot be read: File name too long"),
        (["docs", "-o", "{tmp}/a.jsonl", "--shard", f"0/{10**19}"], 2, "--shard"),
        (["{tmp}", "-o", "{tmp}/a.jsonl"], 1, "there is no picture in"),
        (["{tmp}/*.png", "-o", "{tmp}/a.jsonl"], 1, "there is no picture in"),
        (["docs", "-o", "{tmp}/a.xlsx"], 2, "--format"),
        (["docs", "-o", "README.md/a.jsonl"], 1, "cannot be written"),
        (["docs", "-o", "{tmp}/a.jsonl", "--model", "no/such.onnx"], 1, "no readable"),
    ],
    ids=["input", "device", "long name", "shard", "folder", "pattern", "format", "output", "model"],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, monkeypatch, arguments, code, said):
    """And nothing is written."""
    monkeypatch.chdir(ROOT)
    result = batch(*(each.format(tmp=tmp_path) for each in arguments))

    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_worker_that_dies_is_told(stuck, scans, tmp_path, undisturbed):
    """As one does that the kernel kills for its memory; then the batch goes on."""
    out = tmp_path / "answers.jsonl"
    with held(stuck, "-o", out, "--workers", 1) as process:
        wait_until(lambda: out.exists() and out.read_bytes().count(b"\n") == 2 * CHUNK)
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        said = process.communicate(timeout=30)[1]
    release(stuck, scans)
    done(stuck, "-o", out)

    assert process.returncode == 1
    assert "a worker process died" in said
    assert rows_of(out) == undisturbed


def test_the_model_that_is_named_answers(scans, tmp_path, tiny_model):
    """Not the one in the repository."""
    done(scans / "0000*.png", "-o", tmp_path / "answers.jsonl", "--model", tiny_model)
    identity = json.loads((tmp_path / f"answers.jsonl{SUFFIX}").read_text())

    assert identity["model"].startswith("tiny 0.0.1")
    assert Classifier.load(tiny_model).record.sha256 in identity["model"]


def test_what_ray_cannot_write_is_told_in_one_line(monkeypatch, capsys):
    """Fails where it is a traceback."""

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(sys.modules, "service.batch.cluster", SimpleNamespace(run_on_ray=fail))
    job = SimpleNamespace(reader=SimpleNamespace(model_path=ARTIFACTS / MODEL_FILE), output="/answers.parquet")
    with pytest.raises(typer.Exit):
        _run_on_ray(job, None)
    assert "/answers.parquet could not be written: Permission denied" in capsys.readouterr().err

"""The benchmark counts right; how fast anything is, no test says."""

import os
import shutil
from urllib.request import urlopen

import pytest
import uvloop

from benchmarks import steps
from benchmarks.asks import BATCH, DIGIT, SEVEN, encoded, form, photographed, raw
from benchmarks.contestants import (
    BARE,
    FORM,
    JSON,
    OURS,
    PHOTO,
    ROOT,
    Contestant,
    bare,
    ours,
    tutorial,
    uvicorn,
)
from benchmarks.figures import Figure
from benchmarks.load import check_tools, load
from benchmarks.measure import Cost, middle
from benchmarks.process import answer_to, running
from benchmarks.rivals import lenet
from benchmarks.steps import HTTP, STEPS, Stopwatch, in_process
from benchmarks.table import Results
from tests.burner import PART_SECONDS, PARTS
from tests.samples import IMAGES, LABELS

CORE = max(os.sched_getaffinity(0))
BURNER = Contestant(uvicorn("tests.burner:app"), {"burner": raw(SEVEN)})

needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")


@pytest.fixture(scope="module")
def our_server():
    """This service, as it is measured."""
    with running(ours(), CORE) as server:
        yield server


def answered(port):
    """How many predictions a server of ours says it has answered."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = response.read().decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("lenet5_requests_total") and '"/predict"' in line
    )


def test_processor_time_counts_every_thread_and_process():
    """A third of it is spent in the loop, a third in a thread, a third in a process of its own."""
    with running(BURNER, CORE) as server:
        before, times = server.cpu_seconds(), 40
        for _ in range(times):
            answer_to(BURNER.asks["burner"], server.port)
        each = (server.cpu_seconds() - before) / times

    assert PARTS * PART_SECONDS * 0.95 < each < PARTS * PART_SECONDS * 2


@needs_wrk
def test_load_counts_what_the_server_answered(our_server):
    """By the server's own metrics."""
    before = answered(our_server.port)
    done = load(our_server.port, raw(SEVEN), connections=4, seconds=1, core=CORE)
    after = answered(our_server.port)

    assert done.requests <= after - before <= done.requests + 4  # one on each connection may be under way at the end
    assert done.seconds >= 1
    assert 0 < done.p50_ms <= done.p99_ms


@needs_wrk
def test_load_refuses_to_count_failures(our_server):
    """A server that refuses quickly is not a fast one."""
    with pytest.raises(RuntimeError, match="failed"):
        load(our_server.port, raw(b"no picture"), connections=1, seconds=1, core=CORE)


def test_what_to_install_is_said(monkeypatch):
    """Where wrk is missing."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="apt-get install wrk"):
        check_tools()


@pytest.mark.parametrize("name", [OURS, FORM, JSON, PHOTO])
def test_we_answer_what_is_asked(our_server, name):
    """Every kind of body has the seven in it."""
    assert f'"digit":{DIGIT}'.encode() in answer_to(ours().asks[name], our_server.port)


def test_big_pictures_and_batches_are_answered(our_server):
    """As the other figures ask them."""
    answer_to(raw(photographed(4000, 3000), kind="image/jpeg"), our_server.port)
    batch = answer_to(form([SEVEN] * BATCH, "/predict/batch", "files"), our_server.port)

    assert batch.count(f'"digit":{DIGIT}'.encode()) == BATCH


def test_the_bare_server_answers_what_we_do(our_server):
    """Byte for byte, so that as much is sent."""
    contestant = bare(our_server.answer)
    with running(contestant, CORE) as server:
        assert answer_to(contestant.asks[BARE], server.port) == our_server.answer


def test_the_tutorial_app_reads_the_digit():
    """In the form that its own documentation sends."""
    with running(tutorial(), CORE) as server:
        assert b"probabilities" in server.answer


def test_rivals_read_a_picture_as_the_tutorials_do():
    """All of them by these three functions, several at once too."""
    answers = lenet.infer(lenet.load(), [lenet.decode(SEVEN)] * 2)

    assert [answer["digit"] for answer in answers] == [DIGIT, DIGIT]
    assert sum(answers[0]["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_a_wrong_answer_is_no_answer(our_server):
    """Here it is right, and of another digit."""
    with pytest.raises(RuntimeError, match="answered wrong, with 200"):
        answer_to(raw(encoded(IMAGES[LABELS != DIGIT][0], "PNG")), our_server.port)


def test_a_server_that_ends_is_told_as_it_failed():
    """By what its first request met, not by what is missing when it is to be stopped."""
    with pytest.raises(ConnectionRefusedError), running(Contestant(("false",), {"none": raw(SEVEN)}), CORE):
        pass


def test_the_stopwatch_counts_what_is_within_once(monkeypatch):
    """A step that calls another has its own time alone: of seven seconds, four."""
    monkeypatch.setattr(steps, "perf_counter", iter([0.0, 1.0, 4.0, 7.0]).__next__)
    watch = Stopwatch()
    watch.timed("frame", watch.timed("decode", lambda: None))()

    assert (watch.spent["decode"], watch.spent["frame"]) == (3.0, 4.0)


def test_steps_add_up():
    """Every step of the front is found, and none of them is the whole."""
    parts = uvloop.run(in_process(raw(SEVEN), 2))

    assert list(parts) == [*STEPS, HTTP]
    assert all(microseconds > 0 for microseconds in parts.values())


def test_medians_and_promises():
    """Of three rounds the middle one counts, figure by figure."""
    costs = [Cost(*[value] * 8) for value in (1.0, 9.0, 2.0)]
    assert middle(costs) == Cost(*[2.0] * 8)
    assert Figure("of time", 2.8, "", 2.8).met
    assert not Figure("of pace", 0.3, "", 0.36, more_is_better=True).met


def test_results_are_kept_and_shown(tmp_path):
    """What is written is read back, and a table has every row of it."""
    costs = {BARE: Cost(10, 40_000, 0.1, 0.6, 1.2, 20, 30, 0.1), OURS: Cost(5, 20_000, 0.2, 1.2, 2.4, 50, 90, 0.5)}
    results = Results("2026-01-31", "a machine", costs, [Figure("a ratio", 2.5, "", 2.8)])
    results.write(tmp_path / "kept.json")
    servers, figures = Results.read(tmp_path / "kept.json").markdown()

    assert Results.read(tmp_path / "kept.json") == results
    assert f"| {OURS} | 5 | 20,000 | 0.50 | 0.20 | 2.0 | 1.2 / 2.4 | 50 | 2.5 | 90 | 0.5 |" in servers
    assert "| a ratio | 2.50 | ≤ 2.8 | met |" in figures
    assert "2026-01-31: a machine" in servers


def test_what_was_measured_is_what_is_said():
    """The tables of the run that is kept, and of no other."""
    servers, figures = Results.read().markdown()
    assert servers in (ROOT / "README.md").read_text()
    assert figures in (ROOT / "docs" / "performance.md").read_text()

"""`lenet5 predict`, `lenet5 model` and what all commands share: help, completion, exit codes."""

import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from model.contract import ARTIFACTS, RECORD_FILE
from model.record import Record
from service.cli import app, terminal
from service.cli.predict import BAR
from service.cli.terminal import draw
from tests.conftest import ROOT, free_port, png, running_server
from tests.tiffs import broken_tiff, odd_tiff

SEVEN = ROOT / "docs" / "seven.jpg"
COMMANDS = ["serve", "predict", "batch", "evaluate", "model"]


def lenet5(*arguments: object, columns: int = 80, stdin: bytes | None = None, **environment: str) -> Result:
    """Run the command in this process."""
    terminal.console.width = terminal.errors.width = columns
    environment = {"COLUMNS": str(columns)} | environment  # for help, which has a console of its own
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin, env=environment)


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run the command in a process of its own, as a shell does."""
    command = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


def documents(result: Result) -> list[dict]:
    """What --json printed."""
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def files(tmp_path, digit_png) -> list[Path]:
    """A digit, a blank sheet, a damaged PNG, an empty file, no picture, and a file that is not there."""
    contents = {
        "digit.png": digit_png,
        "blank.png": png(np.full((50, 60), 255, np.uint8)),
        "damaged.png": digit_png[:80],
        "empty.png": b"",
        "notes.png": b"these are notes",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in [*contents, "gone.png"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(command):
    """Of the command itself, within 80 columns."""
    shown = lenet5(command, "--help").stdout

    assert f"lenet5 {command} " in shown.partition("Example")[2]
    assert max(map(len, shown.splitlines())) <= 80


def test_help_lists_the_commands():
    """And is what anybody gets who asks for nothing."""
    shown = lenet5("--help").stdout

    assert all(f" {command} " in shown for command in COMMANDS)
    assert lenet5().stdout.split() == shown.split()
    assert lenet5("-h").stdout == shown


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("lenet5 pre", "predict"),
        ("lenet5 batch --rest", "--restart"),
        ("lenet5 predict --polarity dark", "dark-on-light"),
    ],
)
def test_the_shell_completes(words, offered):
    """Commands, options, and what an option may be."""
    number = str(len(words.split()) - 1)
    done = process(_LENET5_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=number)

    assert offered in done.stdout.split()


def test_the_shell_is_told_how_to_complete():
    """By a script that calls the command again; the shell is found out."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m service.cli --show-completion; exit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "_LENET5_COMPLETE=complete_bash" in done.stdout, done.stderr


def test_help_loads_no_network():
    """Who presses TAB does not wait for it."""
    code = "import sys, service.cli; print(sorted({'onnxruntime', 'fastapi', 'uvicorn', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


def test_one_picture_is_drawn_beside_its_answer():
    """28 columns of half blocks, ten probabilities, the digit and what to think of it; in 80 columns."""
    result = lenet5("predict", SEVEN)
    lines = result.stdout.splitlines()

    assert result.exit_code == 0, result.stderr
    assert max(map(len, lines)) <= 80
    assert re.search(r"\b7  9\d\.\d\d%  accepted", result.stdout)
    assert "uneven light" in result.stdout
    bars = [line for line in lines if line.rstrip().endswith("%")]
    assert [line[31:].split()[0] for line in bars] == list("0123456789")
    assert "█" in result.stdout


def test_half_blocks_are_the_pixels():
    """With colours each is two pixels; without, what is light."""
    frame = np.zeros((28, 28), np.uint8)
    frame[0, 0], frame[1, 1], frame[2:4, 2], frame[27, 27] = 255, 200, 128, 90
    plain = str(draw(frame, coloured=False)).split("\n")
    console = Console(color_system="truecolor", force_terminal=True, width=80, legacy_windows=False)
    with console.capture() as capture:
        console.print(draw(frame, coloured=True))
    coloured = capture.get().splitlines()

    assert [len(plain), len(coloured)] == [14, 14]
    assert [line.rstrip() for line in plain] == ["▀▄", "  █", *[""] * 12]
    assert coloured[0].startswith("\x1b[38;2;255;255;255;48;2;0;0;0m▀")
    assert "38;2;0;0;0;48;2;90;90;90m▀" in coloured[13]


def test_several_pictures_are_a_table(files):
    """Of what could be read; what could not be is told apart, and by the exit code."""
    result = lenet5("predict", *files, columns=300)
    narrow = lenet5("predict", *files)

    assert result.exit_code == narrow.exit_code == 1
    assert max(map(len, narrow.stdout.splitlines())) <= 80
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    assert lines[str(files[0])][2] == "accepted"
    assert lines[str(files[1])] == ["–", "0.00%", "blank"]
    assert [line.split(": ")[1].rsplit("/", 1)[1] for line in result.stderr.splitlines()] == [
        file.name for file in files[2:]
    ]
    assert all(line.startswith("lenet5: ") for line in result.stderr.splitlines())


def test_several_pictures_are_drawn_if_asked_to(files):
    """And one is not, if not."""
    bar = "━" * BAR  # of a probability near 1
    assert lenet5("predict", files[0], files[0], "--draw").stdout.count(bar) == 2
    assert bar not in lenet5("predict", files[0], "--no-draw").stdout


def test_json_is_what_the_route_answers(client, files):
    """But for the request's id: nothing else is missing and nothing differs."""
    posted = client.post("/predict", content=files[0].read_bytes()).json()
    [printed] = documents(lenet5("predict", files[0], "--json"))

    posted.pop("request_id")
    assert printed == {"file": str(files[0])} | posted


def test_a_service_gives_the_same_answers(server, files):
    """With --url: digits, reasons and errors, in order; and the same exit code."""
    here = lenet5("predict", *files, "--json")
    there = lenet5("predict", *files, "--json", "--url", server.url)

    assert here.exit_code == there.exit_code == 1
    pairs = list(zip(documents(here), documents(there), strict=True))
    assert len(pairs) == len(files)
    for mine, its in pairs:
        assert "error" in mine or its.pop("request_id")
        if "error" in its:
            its["error"] = {key: its["error"][key] for key in ("type", "title", "detail")}
        if "empty" not in mine["file"]:  # one has an empty file before it, the other an empty body
            assert mine == its
    assert [mine.get("error", {}).get("type") for mine, _ in pairs] == [
        None,
        None,
        "/problems/corrupt-image",
        "/problems/malformed-body",
        "/problems/unsupported-image",
        "/problems/unreadable-file",
    ]
    assert lenet5("predict", SEVEN, "--url", f"{server.url}/predict").stdout == lenet5("predict", SEVEN).stdout


def test_polarity_reaches_whoever_reads(server, tmp_path):
    """Where it is wrong, so is what the network sees."""
    inverted = [
        documents(lenet5("predict", SEVEN, "--json", "--polarity", polarity, *where))[0]["preprocessing"]["inverted"]
        for where in ([], ["--url", server.url])
        for polarity in ("dark-on-light", "light-on-dark")
    ]
    assert inverted == [True, False, True, False]


def test_standard_input_is_read(digit_png, golden):
    """As any command in a pipe reads it."""
    result = lenet5("predict", "-", "--json", stdin=digit_png)

    assert documents(result)[0]["digit"] == golden.digit


def test_the_key_is_sent(digit_png, tmp_path):
    """Where LENET_API_KEY is set; a service that wants another says so."""
    (tmp_path / "digit.png").write_bytes(digit_png)
    with running_server(api_key="secret") as server:
        arguments = ["predict", tmp_path / "digit.png", "--url", server.url, "--json"]
        right, wrong = (lenet5(*arguments, LENET_API_KEY=key) for key in ("secret", "other"))

    assert right.exit_code == 0
    assert wrong.exit_code == 1
    assert documents(wrong)[0]["error"]["type"] == "/problems/unauthorized"


class Elsewhere(BaseHTTPRequestHandler):
    """Some other server, that redirects one path, and knows JSON on another only."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        self.send_header("Content-Length", "2")
        if moved:
            self.send_header("Location", "http://elsewhere.example/predict")
        self.end_headers()
        self.wfile.write(b"{}" if self.path.startswith("/json") else b"hi")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere():
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, args=(0.02,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_key_follows_no_redirect(elsewhere):
    """It is told instead where the service went."""
    result = lenet5("predict", SEVEN, "--url", f"{elsewhere}/moved", LENET_API_KEY="secret")

    assert result.exit_code == 1
    assert "302" in result.stderr
    assert "http://elsewhere.example/predict" in result.stderr


def test_who_cannot_be_asked_is_told_in_one_line(elsewhere):
    """Once, not for every file."""
    for url, said in [
        (f"http://127.0.0.1:{free_port()}", "Connection refused"),
        (elsewhere, "does not answer as this"),
        (f"{elsewhere}/json", "does not answer as this"),
        ("http://.x.example:1", "no answer from http://.x.example:1"),
        (f"{elsewhere}/ü", "no answer from"),
    ]:
        result = lenet5("predict", SEVEN, SEVEN, "--url", url)

        assert result.exit_code == 1
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["predict", SEVEN, "--url", "localhost:8000"], {}, 2, "looks like http://localhost:8000"),
        (["predict", SEVEN, "--url", "http://localhost", "--model", "x"], {}, 2, "exclude each other"),
        (["predict", SEVEN, "--model", "no/such.onnx"], {}, 1, "no readable"),
        (["predict", SEVEN], {"LENET_MAX_PIXELS": "many"}, 2, "LENET_MAX_PIXELS"),
        (["model", "--model", "no/such.onnx"], {}, 1, "no readable"),
    ],
    ids=["no url", "url and model", "no model", "a wrong setting", "no card"],
)
def test_a_wrong_command_is_told_in_one_line(arguments, environment, code, said):
    """2 where the command is wrong, 1 where what it names is."""
    result = lenet5(*arguments, **environment)

    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_libraries_find_odd_in_a_picture_is_not_printed(tmp_path):
    """Pillow warns, and libtiff writes to standard error."""
    broken, odd = tmp_path / "broken.tif", tmp_path / "odd.tif"
    broken.write_bytes(broken_tiff())
    odd.write_bytes(odd_tiff(40_000))
    result = process("predict", broken, odd)

    assert result.stderr == f"lenet5: {broken}: The picture is damaged or cut short; send it whole.\n"


def test_a_name_that_is_no_text_is_escaped(tmp_path, digit_png):
    """Where the output takes UTF-8 alone."""
    name = tmp_path / os.fsdecode(b"\xff.png")
    name.write_bytes(digit_png)
    for more in ([], ["--json"], ["--draw"]):
        result = process("predict", name, *more, PYTHONIOENCODING="utf-8:strict")

        assert result.returncode == 0, result.stderr
        assert "xff.png" in result.stdout.replace("\n", "")  # a table breaks it, and JSON escapes it once more


def test_standard_input_may_be_closed():
    """Which is told as of any file."""
    command = f"{sys.executable} -m service.cli predict - <&-"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert result.returncode == 1
    assert result.stderr == "lenet5: -: Standard input is closed.\n"


@pytest.mark.parametrize("arguments", [["predict"], ["predict", SEVEN, "--polarity", "grey"], ["frobnicate"]])
def test_what_typer_refuses_has_exit_code_2(arguments):
    """No file, no such choice, no such command."""
    assert lenet5(*arguments).exit_code == 2


def test_the_card_is_what_the_route_answers(client):
    """As JSON."""
    assert json.loads(lenet5("model", "--json").stdout) == client.get("/v1/model").json()


def test_the_card_is_readable(tiny_model):
    """In 80 columns; of a record that says little, too."""
    record = Record.read(ARTIFACTS / RECORD_FILE)
    found = record.evaluation["mnist_test"]
    shown = lenet5("model").stdout
    little = lenet5("model", "--model", tiny_model)

    assert max(len(line) for line in shown.splitlines() if "file" not in line) <= 80
    figures = [f"{found['images']:,}", f"{found['accuracy']:.2%}"]
    assert ["mnist", "test", *figures] in [line.split()[:4] for line in shown.splitlines()]
    assert record.sha256 in shown
    assert "44,426" in shown
    assert little.exit_code == 0, little.stderr
    assert "It is a stand-in." in little.stdout


def test_the_command_serves(tmp_path):
    """As python -m service does; a wrong port is told before anything is loaded."""
    assert lenet5("serve", "--port", "65536").exit_code == 2
    done = process("serve", "--port", str(free_port()), LENET_MODEL_PATH="no/such.onnx")
    assert done.returncode == 1
    assert "no readable" in done.stderr

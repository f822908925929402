"""What only the start needed is let go, and what is left works."""

import subprocess
import sys

import pytest

from service.footprint import drop_mapped_files, unchanged_areas
from tests.conftest import ROOT

MODEL = ROOT / "model" / "artifacts" / "lenet5.onnx"
PROGRAM = """
import re, sys
from pathlib import Path
from service.classifier import Classifier
from service.footprint import drop_mapped_files

def of_files():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

classifier = Classifier.load(Path(sys.argv[1]))
before = of_files()
drop_mapped_files()
after = of_files()
classifier.prove()
print(before - after, of_files() - after)
"""
AREA = """\
{address} {access} 00000000 fe:00 {inode} {path}
Size:                200 kB
Anonymous:          {changed:4} kB
VmFlags: rd mr mw me
"""


def test_the_start_leaves_little_behind():
    """At least 15 MB are let go, and half of that comes back at most; the model gives its golden sample still."""
    program = [sys.executable, "-c", PROGRAM, str(MODEL)]
    gone, back = map(int, subprocess.run(program, capture_output=True, text=True, check=True).stdout.split())
    assert gone > 15_000
    assert back < gone / 2


@pytest.mark.parametrize(
    ("access", "inode", "changed", "expected"),
    [
        ("r-xp", 17, 0, [(0x1000, 0x3000)]),
        ("r--p", 17, 0, [(0x1000, 0x3000)]),
        ("r--p", 17, 4, []),
        ("rw-p", 17, 0, []),
        ("r--s", 17, 0, []),
        ("r-xp", 0, 0, []),
    ],
)
def test_only_what_a_file_can_give_back_is_let_go(access, inode, changed, expected):
    """What was changed, may be changed, is shared or of no file stays. Without the first the process dies at once."""
    areas = AREA.format(address="1000-3000", access=access, inode=inode, path="/lib/a.so", changed=changed)
    areas += AREA.format(address="7f00-8f00", access="rw-p", inode=0, path="", changed=0)
    assert list(unchanged_areas(areas)) == expected


def test_where_nothing_is_told_nothing_is_let_go(tmp_path):
    """Other systems have no such file."""
    assert drop_mapped_files(tmp_path / "smaps") == 0

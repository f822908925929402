"""The recipe `best`, stage by stage and as a whole, on a small scale: what it must do, not how well."""

import resource
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console
from rich.progress import Progress

import training.best
import training.pictures.studio
import training.school
from model.contract import MODEL_FILE, RECORD_FILE
from model.record import Record
from tests.synthetic import write_mnist
from tests.typefaces import ALL
from training.augmentation import JITTER, SHIFT, distort, distort_framed
from training.best import _dependencies, train_best
from training.corpus import Mixture, Source
from training.dataset import NO_DIGIT, Labelled, fetch_mnist
from training.descent import Rates
from training.device import HAS_BFLOAT16, in_bfloat16
from training.pictures.studio import _Studio
from training.pipeline import make_artifacts
from training.recipes import BEST, Course, Portion, Serving
from training.rejection import PARAMETERS, JudgedLeNet5, train_judge
from training.spent import NO_TIME
from training.stages import Stages
from training.student import Lessons, ask_teachers, distillation, train_student, write_versions
from training.teacher import Teacher

QUIET = Progress(disable=True)


def source(label, count, share):
    images = torch.full((count, 1, 28, 28), label, dtype=torch.uint8)
    return Source(images, torch.full((count,), label, dtype=torch.int64), share)


@pytest.mark.parametrize("distorted", [distort, distort_framed])
def test_no_strength_is_no_distortion(distorted):
    """Nor of what is empty."""
    torch.manual_seed(0)
    for level in (0, 1):
        images = torch.zeros(50, 1, 28, 28)
        images[:, :, 6:22, 10:18] = level
        assert torch.allclose(distorted(images, torch.zeros(50)), images, atol=1e-5)
    assert not distorted(torch.zeros(50, 1, 28, 28), torch.ones(50)).any()


def seven():
    """200 of them, 20 pixels high, as MNIST's are."""
    images = torch.zeros(200, 1, 28, 28)
    images[:, :, 4:24, 10:14] = 1
    images[:, :, 4:8, 10:20] = 1
    return images


def centre(images, axis):
    return (images[:, 0].sum(axis) * torch.arange(28.0)).sum(1) / images[:, 0].sum((1, 2))


def test_what_is_distorted_moves():
    """But not out of sight: no farther than shifts and what turning and bending do to where its ink is."""
    torch.manual_seed(0)
    images = seven()
    moved = distort(images, torch.ones(200))
    assert (moved.sum(dim=(1, 2, 3)) > 30).all()
    for axis in (1, 2):
        off = centre(moved, axis) - centre(images, axis)
        assert SHIFT / 3 < off.std() < SHIFT
        assert off.abs().max() < SHIFT + 3


def test_what_is_distorted_can_be_framed():
    """The form is another; its size and centre are those of the digit, as far as framing gives them to any."""
    torch.manual_seed(0)
    images = seven()
    moved = distort_framed(images, torch.ones(200))
    assert ((moved - images).abs().sum(dim=(1, 2, 3)) > 20).float().mean() > 0.9
    for axis in (1, 2):
        off = centre(moved, axis) - centre(images, axis)
        assert off.abs().mean() < JITTER
        assert off.std() > JITTER / 4
    ink = moved[:, 0] > 0.2
    sides = torch.maximum(ink.any(1).sum(1), ink.any(2).sum(1)).float()
    assert (sides - 20).abs().mean() < 1.5
    assert (sides - 20).abs().max() <= 5
    edge = torch.ones(28, 28, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert ink[:, edge].any(1).float().mean() < 0.05  # no stroke is drawn out


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
    written = source.in_versions(write_versions(source, 3, 1.0, distort, QUIET))
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
    for temperature in (1.0, 8.0):
        learn = partial(distillation, wanted=wanted, labels=labels, temperature=temperature, label_weight=0.0)
        assert learn(wanted) == pytest.approx(0, abs=1e-5)
        other = wanted.clone()
        other[1] += torch.randn(10)
        assert learn(other) == pytest.approx(0, abs=1e-5)
        other[0] += 3 * torch.randn(10)
        assert learn(other) > 1e-4
    hard = distillation(wanted, wanted, labels, 8.0, label_weight=1.0)
    assert hard == pytest.approx(torch.nn.functional.cross_entropy(wanted[[0, 2]], labels[[0, 2]]).item(), rel=1e-5)


def test_unlikely_digits_count_only_where_answers_are_softened():
    """So LeNet-5 first learns how a teacher sees an image, and then which digit it is."""
    wanted = torch.tensor([[9.0, *[0.0] * 9]])
    other, labels = wanted.clone(), torch.tensor([0])
    other[0, 5] -= 4
    costs = [float(distillation(other, wanted, labels, temperature, 0.0)) for temperature in (8.0, 1.0)]
    assert costs[0] > 100 * costs[1] > 0


def test_teachers_answer_with_their_mean():
    """And of what is no digit nobody is asked."""
    torch.manual_seed(0)
    teachers = [Teacher((4, 6, 8)).eval() for _ in range(2)]
    images = torch.randint(0, 256, (5, 1, 28, 28), dtype=torch.uint8)
    asked = Source(images, torch.zeros(5, dtype=torch.int64), 1.0)
    answers = ask_teachers(teachers, asked, QUIET)
    alone = [ask_teachers([teacher], asked, QUIET).float() for teacher in teachers]
    assert not torch.allclose(alone[0], alone[1], atol=0.01)
    assert torch.allclose(answers.float(), (alone[0] + alone[1]) / 2, atol=0.01)
    assert not ask_teachers([], asked, QUIET).any()


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


def test_rough_products_are_near_those_of_float32():
    """Where they are rough at all; weights stay what they are."""
    torch.manual_seed(0)
    layer, given = torch.nn.Linear(64, 10), torch.rand(5, 64)
    with torch.no_grad():
        exact = layer(given)
        with in_bfloat16():
            rough = layer(given)
    assert rough.dtype == (torch.bfloat16 if HAS_BFLOAT16 else torch.float32)
    assert torch.allclose(rough.float(), exact, atol=0.02)


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

    write = Path.write_bytes

    def cut(path, content):
        write(path, b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", cut)
    with pytest.raises(KeyboardInterrupt):
        Stages(1, "1.0", tmp_path).run("a", {}, lambda seed: {})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_as_one(tmp_path):
    """torch's own words for it speak of positions."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Stages(1, "1.0", tmp_path).run("a", {}, lambda seed: {"numbers": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("left", [b"", b"half", None], ids=["empty", "nonsense", "cut short"])
def test_a_damaged_stage_is_made_anew(tmp_path, left):
    """As a power cut leaves one."""
    made = Stages(1, "1.0", tmp_path).run("a", {}, lambda seed: {"numbers": torch.rand(3)})
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100] if left is None else left)
    again = Stages(1, "1.0", tmp_path).run("a", {}, lambda seed: {"numbers": torch.rand(3)})

    assert torch.equal(again["numbers"], made["numbers"])


@pytest.mark.parametrize(
    ("changed", "stages"),
    [
        ({"version": "another"}, ""),  # has its own place in the key of every stage
        ({"candidates": 0}, ""),
        ({"judge_epochs": 0}, "judge"),
        ({"epochs": 0}, "student judge"),
        ({"courses": ()}, "student judge"),
        ({"specialists": 0}, "student judge"),
        ({"student_versions": 0}, "student judge"),
        ({"student_strength": 0}, "student judge"),
        ({"muon_weight_decay": 0}, "student judge"),
        ({"specialist_epochs": 0}, "specialist student judge"),
        ({"generalist_epochs": 0}, "generalist student judge"),
        ({"teacher_weight_decay": 0}, "generalist specialist student judge"),
        ({"servings": BEST.servings | {"mnist": "another"}}, "generalist specialist student judge"),
        ({"servings": BEST.servings | {"printed": "another"}}, "generalist student judge"),
        ({"servings": BEST.servings | {"other": "another"}}, "student judge"),
    ],
    ids=" ".join,
)
def test_a_stage_depends_on_what_made_it(changed, stages):
    """And on nothing else, so that a changed recipe goes on from what is still true."""
    before, after = (_dependencies(recipe, 100) for recipe in (BEST, replace(BEST, **changed)))
    assert {name for name in before if before[name] != after[name]} == set(stages.split())
    assert all(_dependencies(BEST, 100)[name] != _dependencies(BEST, 101)[name] for name in before)


def test_a_stage_depends_on_how_precisely_it_was_computed(monkeypatch):
    """Another processor may have units for bfloat16, or none."""
    before = _dependencies(BEST, 100)
    monkeypatch.setattr(training.best, "HAS_BFLOAT16", "another")
    assert all(before[name] != numbers for name, numbers in _dependencies(BEST, 100).items())


SMALL = replace(
    BEST,
    epochs=16,
    batch_size=32,
    hold_out=100,
    epoch_images=1_200,
    student_versions=3,
    judge_epochs=20,
    judge_batch_size=100,
    judge_again_epochs=10,
    judge_again_servings={"branched": Portion(30, 0.05), "lit": Portion(10, 0.02)},
    teacher_widths=(8, 12, 16),
    generalist_epochs=6,
    specialists=2,
    specialist_epochs=4,
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
            interrupted.setattr(training.school, "train_judge", interrupt)
            with pytest.raises(KeyboardInterrupt):
                make_artifacts(SMALL, 0, mnist, out, QUIET)
        assert not out.exists() or not list(out.iterdir())
        for name in ("train_teacher", "train_student"):  # they are done
            patch.setattr(training.school, name, interrupt)
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


def test_who_learns_what(monkeypatch, tmp_path):
    """Each teacher its kinds, LeNet-5 all; of MNIST's digits versions of its own, half of them framed again."""
    kinds = list(SMALL.servings)
    drawn = {kind: Labelled(np.full((1, 28, 28), n, np.uint8), np.array([n])) for n, kind in enumerate(kinds)}
    pictures = SimpleNamespace(train=drawn, judge={})
    written, asked, taught = [], [], []

    def write(source, versions, strength, distortion, progress):
        written.append((kinds[source.labels[0]], versions, strength))
        return source.images + (100 if distortion is distort_framed else 0)

    def ask(teachers, source, progress):
        assert not any(teacher.training for teacher in teachers)
        asked.append([int(teacher.output.bias[0]) for teacher in teachers])
        return source.images[:, 0, 0, :10].float()

    def study(recipe, lessons, hold_out, progress):
        taught.append(lessons)
        return JudgedLeNet5(), []

    def learn(recipe, epochs, mixture, progress):
        seeds.add(torch.initial_seed())
        learned.append((epochs, sorted(mixture.labels.tolist())))
        net = Teacher(recipe.teacher_widths)
        torch.nn.init.constant_(net.output.bias, len(learned))
        return net

    learned, seeds = [], set()
    for name, stub in (("write_versions", write), ("ask_teachers", ask), ("train_student", study)):
        monkeypatch.setattr(training.school, name, stub)
    monkeypatch.setattr(training.school, "train_teacher", learn)
    monkeypatch.setattr(training.best, "make_pictures", lambda *_: pictures)
    monkeypatch.setattr(training.best.School, "teach_judge", lambda *_: 1 / 0)
    monkeypatch.setattr("training.stages.platformdirs.user_cache_path", lambda name: tmp_path)
    recipe = replace(SMALL, judge_again_servings={})
    with pytest.raises(ZeroDivisionError):
        train_best(recipe, pictures.train["mnist"], pictures.train["mnist"], QUIET)
    assert learned == [(recipe.generalist_epochs, [0, 1, 2, 3]), *[(recipe.specialist_epochs, [0])] * 2]
    served = [(kind, serving.versions, serving.strength) for kind, serving in recipe.servings.items()]
    for_student = ("mnist", recipe.student_versions, recipe.student_strength)
    assert written == [*served[:4], served[0], served[0], for_student, for_student, *served[1:]]
    assert asked == [[1, 2, 3], [1], [1], [1], [], []]
    assert len(seeds) == len(learned)
    [lessons] = taught
    assert torch.equal(lessons.taught[:, 0], lessons.mixture.images[:, 0, 0, 0].float())
    assert lessons.mixture.images[:, 0, 0, 0].tolist() == [0, 100, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("device", "functions", "said"), [("cpu", None, True), ("cpu", object(), False), ("cuda", None, False)]
)
def test_who_trains_without_a_compiler_is_told(monkeypatch, device, functions, said):
    """Before the first stage: it takes twice as long. A GPU needs none."""
    monkeypatch.setattr(training.best, "compiled", lambda: functions)
    monkeypatch.setattr(training.best, "DEVICE", torch.device(device))
    monkeypatch.setattr(training.best, "make_pictures", lambda *_: 1 / 0)
    progress = Progress(console=Console(file=StringIO()), disable=True)
    with pytest.raises(ZeroDivisionError):
        train_best(SMALL, None, SimpleNamespace(labels=[]), progress)
    assert ("compiler" in progress.console.file.getvalue()) is said


def test_courses_follow_one_another(monkeypatch):
    """Over all epochs, each with its own share of the rates."""
    taken = []

    def take(net, course, epochs, recipe, lessons, hold_out, progress):
        taken.append((course.rate, list(epochs), lessons))
        return [None] * len(epochs)

    monkeypatch.setattr("training.student._take", take)
    shares = ((0.5, 1.0), (0.3, 0.8), (0.2, 0.3))
    courses = tuple(Course(share, temperature=1.0, rate=rate) for share, rate in shares)
    train_student(replace(SMALL, epochs=10, courses=courses), "lessons", None, QUIET)
    assert taken == [(1.0, [1, 2, 3, 4, 5], "lessons"), (0.8, [6, 7, 8], "lessons"), (0.3, [9, 10], "lessons")]
    assert sum(course.share for course in BEST.courses) == pytest.approx(1)


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_a_course_scales_the_rates_and_not_the_decay(monkeypatch, rate):
    """What decays are hidden weights alone, and that is a fraction of their rate already."""
    asked = []

    def descend(net, hidden, rates, steps, rising):
        asked.append((rates, len(hidden)))
        raise ZeroDivisionError

    monkeypatch.setattr("training.student.Descent", descend)
    lessons = Lessons(Mixture([Source(torch.zeros(1, 1, 28, 28), torch.zeros(1), 1.0)], 100), torch.zeros(1, 10))
    courses = (Course(share=1.0, temperature=1.0, rate=rate),)
    recipe = replace(SMALL, courses=courses, muon_learning_rate=0.2, learning_rate=0.1, muon_weight_decay=0.03)
    with pytest.raises(ZeroDivisionError):
        train_student(recipe, lessons, None, QUIET)
    rates = Rates(0.2 * rate, recipe.muon_momentum, 0.1 * rate, recipe.momentum, hidden_weight_decay=0.03)
    assert asked == [(rates, 4)]


def test_teachers_pool_twice():
    """Between a convolution and its normalisation; the first, which sees every pixel, is half as wide."""
    features = Teacher((4, 6, 8)).features
    assert features(torch.rand(2, 1, 28, 28)).shape == (2, 8, 7, 7)
    convolutions = [layer.out_channels for layer in features if isinstance(layer, torch.nn.Conv2d)]
    assert convolutions == [2, 4, 6, 6, 8, 8]
    assert [type(layer).__name__ for layer in features][3:6] == ["Conv2d", "MaxPool2d", "BatchNorm2d"]


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

"""The model card: a record in words. Every figure comes from the record, so the two cannot disagree."""

from pathlib import Path
from typing import Any

from model.record import Record
from training.artifacts import CONFUSION_FILE, CURVES_FILE, RELIABILITY_FILE, RISK_FILE

_LIMITS = (
    "It reads single western digits, upright. Turned or mirrored ones are read less well than the test figure says.",
    "What it sees is 28 by 28 grey levels, so the picture must be framed as MNIST framed its digits.",
    "Confidence is calibrated on MNIST. On pictures of another kind it says more than it should.",
)
_LIMITS_WITHOUT_OTHERS = (
    "It has seen MNIST only: digits of American census workers and pupils. Other people's handwriting and printed "
    "digits are read less well.",
    "It knows ten digits and nothing else. Letters, shapes and several digits in one image get an answer too; the "
    "thresholds of acceptance refuse some of them, not all.",
)
_LIMITS_WITH_OTHERS = (
    "The pictures beside MNIST were drawn by programs: from fonts, and from strokes as people make them. They stand "
    "for other people's digits and are not them.",
    "Some signs have a digit's form, as the letter O, l or S may; no judge of one image can refuse these.",
)

_NETWORK = (
    "Two convolutions with average pooling, three dense layers, tanh between them; the division of the logits by\n"
    "the temperature and their softmax are part of the file."
)
"""Of a recipe that does not describe its `network` itself."""

_CHOICES = {
    "optimizer": "{}",
    "learning_rate": "learning rate {}",
    "momentum": "momentum {}",
    "batch_size": "batches of {}",
    "epochs": "{} epochs",
    "loss": "{}",
    "initialisation": "{}",
    "distortion": "{}",
    "seed": "seed {}",
    "torch": "torch {}",
}
"""How a recipe's choices are put into words, of those that it makes."""

_KINDS = {
    "mnist": "MNIST",
    "rewritten": "MNIST in other pens, photographed",
    "forms": "digits of other forms",
    "printed": "printed digits",
    "photographed": "printed digits, photographed",
    "lettered": "digits of fonts like handwriting",
    "characters": "handwritten characters",
    "branched": "characters that branch off a stem",
    "lit": "empty paper in hard light",
    "other": "letters, shapes, surfaces and things",
}
_PARTS = {"holdout": "hold-out", "test": "test"}
_ROWS = 12
"""Epochs shown, at most; the record has all."""


def set_name(name: str) -> str:
    """The name of a set of pictures for people, of one such as `mnist_test`; others stay as they are."""
    kind, _, part = name.rpartition("_")
    return f"{_KINDS[kind]}, {_PARTS[part]}" if kind in _KINDS and part in _PARTS else name


def limits(*, digits_only: bool) -> tuple[str, ...]:
    """What a model cannot do, by whether it ever saw anything but digits."""
    return _LIMITS + (_LIMITS_WITHOUT_OTHERS if digits_only else _LIMITS_WITH_OTHERS)


def summarise(record: Record) -> list[tuple[str, str]]:
    """What matters about a model, as name and value: shown at the end of training and on top of the card."""
    test, training = record.evaluation["mnist_test"], record.training
    low, high = test["interval_95"]
    ece, accepted = record.calibration["ece"], record.acceptance
    return [
        ("Model", f"{record.name} {record.version}, {training['parameters']:,} parameters"),
        ("Recipe", f"{training['recipe']}, seed {training['seed']}, {training['epochs']} epochs"),
        ("Test accuracy", f"{test['accuracy']:.2%} ({test['errors']} errors in {test['images']:,})"),
        ("95 % interval", f"{low:.2%} to {high:.2%}"),
        ("Hold-out accuracy", f"{record.evaluation['mnist_holdout']['accuracy']:.2%}"),
        ("Calibration error", f"{ece['mnist_test']:.2%} on test, {ece['mnist_holdout']:.2%} on hold-out"),
        ("Temperature", f"{record.calibration['temperature']:.3f}"),
        ("Accepted from", f"confidence {accepted.min_confidence:.4f} and evidence {accepted.min_evidence:.4f}"),
        ("Accepted of test", f"{test['accepted']:.2%}, {test['errors_accepted']} errors among them"),
        ("Time", f"{training['seconds']:.0f} s, {training['cpu_seconds']:.0f} s of CPU"),
        ("Model file", f"sha256 {record.sha256[:12]}…"),
    ]


def write_card(record: Record, path: Path) -> None:
    """Write the card as Markdown."""
    path.write_text("\n".join(_lines(record)), encoding="utf-8")


def _lines(record: Record) -> list[str]:
    return [
        f"# {record.name} {record.version}",
        "",
        "LeNet-5 reads one digit in an image of 28 by 28 grey levels.",
        "",
        *_table(("", ""), summarise(record)),
        *_details(record),
        *_data(record),
        *_training(record.training),
        *_evaluation(record),
        *_calibration(record),
        "## Limits",
        "",
        *(f"- {limit}" for limit in record.limits),
        "",
        "## Ethical considerations",
        "",
        "MNIST names nobody: its digits come from census forms and pupils' exercises, without their writers' names. A",
        "misread digit can still do harm where it is an amount, a dose or an address: there, let a person check",
        "what was not accepted, and a sample of what was.",
        "",
    ]


def _details(record: Record) -> list[str]:
    outputs = ", ".join(f"`{name}` {value['type']} {value['shape']}" for name, value in record.outputs.items())
    return [
        "## Model details",
        "",
        record.training.get("network", _NETWORK),
        "",
        f"- Input: `{record.input['name']}` {record.input['type']} {record.input['shape']} in {record.input['range']},"
        " light ink on dark ground.",
        f"- Outputs: {outputs}.",
        f"- sha256: `{record.sha256}`; of the layers file `{record.layers_sha256}`.",
        "",
        "## Intended use",
        "",
        "Reading single digits that were cut out and framed: forms, meters, puzzles, teaching. Not for whole numbers,",
        "for letters, or for decisions about people that no person looks at.",
        "",
    ]


def _data(record: Record) -> list[str]:
    return [
        "## Data",
        "",
        f"{record.data['name']}, as published. These are the uncompressed files:",
        "",
        *_table(("file", "sha256"), [(name, f"`{digest}`") for name, digest in record.data["sha256"].items()]),
        *_pictures(record.data),
    ]


def _pictures(data: dict[str, Any]) -> list[str]:
    """What was learned from beside MNIST; nothing where that was nothing."""
    if "pictures" not in data:
        return []
    rows = [(_KINDS[kind], f"{count:,}") for kind, count in data["pictures"].items()]
    fonts = [(part, str(len(families)), _families(families)) for part, families in data["fonts"].items()]
    return [
        "Beside it, pictures drawn and photographed by programs of this repository, and framed as the service frames",
        "what it is sent:",
        "",
        *_table(("pictures of", "for training"), rows),
        f"Things are {data['things']}; strokes of letters, the {data['strokes']}. Printed characters are of these free",
        "fonts out of Debian packages; no family, and none of its relatives, is in more than one part:",
        "",
        *_table(("part", "families", "with their licences"), fonts),
    ]


def _families(families: list[dict[str, str]]) -> str:
    licences = sorted({family["licence"] for family in families})
    grouped = {licence: [each["name"] for each in families if each["licence"] == licence] for licence in licences}
    return "; ".join(f"{licence}: {', '.join(names)}" for licence, names in grouped.items())


def _training(training: dict[str, Any]) -> list[str]:
    rows = [
        (
            str(epoch["epoch"]),
            f"{epoch['train_loss']:.4f}",
            f"{epoch['train_accuracy']:.2%}",
            f"{epoch['validation_loss']:.4f}",
            f"{epoch['validation_accuracy']:.2%}",
        )
        for epoch in _some(training["history"])
    ]
    choices = ", ".join(words.format(training[choice]) for choice, words in _CHOICES.items() if choice in training)
    return [
        "## Training",
        "",
        f"Recipe `{training['recipe']}`: {training['purpose']}. {choices}.",
        *_distillation(training),
        f"Trained on the first {training['images']:,} training images. The last {training['hold_out']:,} were held out"
        " for the curves, the temperature and the thresholds.",
        "",
        f"![Loss and accuracy, epoch by epoch]({CURVES_FILE})",
        "",
        *_table(("epoch", "training loss", "accuracy", "validation loss", "accuracy"), rows),
    ]


def _distillation(training: dict[str, Any]) -> list[str]:
    """How a teacher and a judge took part; nothing where none did."""
    if "teacher_widths" not in training:
        return []
    t = training
    shares = "; ".join(f"{_KINDS[kind]} {serving['share']:.0%}" for kind, serving in t["servings"].items())
    courses = "; ".join(
        f"{course['share']:.0%} of the epochs at temperature {course['temperature']:g} and {course['rate']:.0%} of the"
        " rates"
        for course in t["courses"]
    )
    rough = " in bfloat16" if t["teachers_in_bfloat16"] else ""
    return [
        f"An epoch is {t['epoch_images']:,} images: {shares}. Muon's rate is {t['muon_learning_rate']:g} at its"
        f" highest, its momentum {t['muon_momentum']:g}; those above are SGD's. A step takes"
        f" {t['muon_weight_decay']:g} times Muon's rate off the weights of LeNet-5's hidden layers.",
        f"Its teachers, {1 + t['specialists']} convolutional networks of {t['teacher_parameters']:,} parameters each,"
        f" learned before{rough}: a generalist from all digits, {t['generalist_epochs']} epochs, and"
        f" {t['specialists']} specialists from MNIST's alone, {t['specialist_epochs']} epochs each. LeNet-5 learns from"
        " their logits, of MNIST the mean of all, of the rest the generalist's, and from the labels with weight"
        f" {t['label_weight']:g}, in {len(t['courses'])} courses: {courses}. MNIST's digits come to it in"
        f" {2 * t['student_versions']} versions, half of them moved and half framed again, from as they are to"
        f" distorted {t['student_strength'] / t['servings']['mnist']['strength']:.0%} as strongly as its teachers'.",
        f"Its judge of what is no digit, {t['judge_parameters']} numbers on F6 that no probability depends on, learns"
        f" along with weight {t['rejection_weight']:g}; then alone for {t['judge_epochs']} epochs, and for"
        f" {t['judge_again_epochs']} more with what got past it before.",
        "The training loss is the sum of LeNet-5's and its judge's. It falls where the temperature does, so courses do"
        " not compare by it.",
    ]


def _some(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """So many epochs, evenly apart, the last among them."""
    apart = -(-len(history) // _ROWS)
    return history[::-1][::apart][::-1]


def _evaluation(record: Record) -> list[str]:
    rows = []
    digits = {name: figures for name, figures in record.evaluation.items() if "accuracy" in figures}
    for name, figures in digits.items():
        low, high = figures["interval_95"]
        share = f"{figures['accepted']:.2%}"
        rows.append(
            (
                set_name(name),
                f"{figures['images']:,}",
                str(figures["errors"]),
                f"{figures['accuracy']:.2%}",
                f"{low:.2%} to {high:.2%}",
                share,
                str(figures["errors_accepted"]),
            )
        )
    test = record.evaluation["mnist_test"]
    shares = [("–" if share is None else f"{share:.2%}") for share in test["per_digit"]]
    confusions = ", ".join(f"{c['true']} as {c['read']} ({c['times']}×)" for c in test["confusions"])
    return [
        "## Evaluation",
        "",
        "All figures are of the exported file, run by onnxruntime. Nothing was chosen on test sets.",
        *_looks(record.training),
        "",
        *_table(("images of", "images", "errors", "accuracy", "95 % interval", "accepted", "errors accepted"), rows),
        *_table(tuple(record.labels), [tuple(shares)]),
        f"Most often confused on the test set: {confusions or 'nothing'}.",
        "",
        f"![Which digit was read as which]({CONFUSION_FILE})",
        "",
        *_rejection(record),
        "What refusing the least confident answers buys:",
        "",
        f"![Errors among the accepted, by how many are accepted]({RISK_FILE})",
        "",
    ]


def _looks(training: dict[str, Any]) -> list[str]:
    candidates = training.get("candidates")
    if candidates is None:
        return []
    return [f"Finished candidates whose figures on MNIST's test set were looked at, this model included: {candidates}."]


def _rejection(record: Record) -> list[str]:
    """How many pictures that are no digit get through; nothing for a model that never met any."""
    rows = [
        (set_name(name), f"{figures['images']:,}", f"{1 - figures['accepted']:.2%}", f"{figures['auroc']:.4f}")
        for name, figures in record.evaluation.items()
        if "auroc" in figures
    ]
    if not rows:
        return []
    return [
        "Pictures that are no digit, and that framing let pass. The area is the chance that one of MNIST's digits has",
        "more evidence than one of them.",
        "",
        *_table(("images of", "images", "refused", "area under ROC"), rows),
    ]


def _calibration(record: Record) -> list[str]:
    calibration = record.calibration
    rows = [
        (set_name(name), f"{error:.2%}", "{:.2%} to {:.2%}".format(*calibration["interval_95"][name]))
        for name, error in calibration["ece"].items()
    ]
    return [
        "## Calibration",
        "",
        f"Temperature {calibration['temperature']:.4f}, fitted on the hold-out. Expected calibration error over"
        f" {calibration['bins']} bins:",
        "",
        *_table(("images of", "error", "95 % bootstrap interval"), rows),
        f"![Accuracy by confidence]({RELIABILITY_FILE})",
        "",
        f"An answer is accepted from confidence {record.acceptance.min_confidence:.4f} and evidence"
        f" {record.acceptance.min_evidence:.4f}: chosen so that nearly all digits of the hold-outs pass.",
        "",
    ]


def _table(header: tuple[str, ...], rows: list[Any]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [*(f"| {' | '.join(cells)} |" for cells in lines), ""]

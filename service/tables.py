"""The figures of an evaluation as tables of text, for the terminal and for a report."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.contract import LABELS, RECORD_FILE
from model.scores import wilson_interval
from service.evaluate import UNREADABLE, Evaluation, SetScore, macro_accuracy

DASH = "–"
_REASONS = ("blank", "several_digits", "not_a_digit", "low_confidence", UNREADABLE)
_MANY = 1000
"""From so many pictures on a hundredth of a percent means something."""

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text. The first column is named, the others are numbers."""

    title: str
    header: Row
    """Broken into lines where a narrow table should break it."""
    rows: list[Row]
    summary: list[Row] = field(default_factory=list)
    """Rows that sum up those above."""


def make_tables(evaluation: Evaluation) -> list[Table]:
    """Every table that has something to say."""
    scores, pooled, thresholds = evaluation.scores, evaluation.pooled, evaluation.thresholds
    several = len(scores) > 1
    tables = [_digits(scores, pooled, thresholds, several)] if pooled.digits else []
    tables += [_per_digit(scores, pooled, several)] if pooled.digits else []
    tables += [_others(scores, pooled, thresholds, several)] if pooled.others else []
    tables += [_reasons(scores, pooled, several)] if pooled.reasons else []
    return tables


def _digits(scores: Sequence[SetScore], pooled: SetScore, thresholds: bool, several: bool) -> Table:
    def row(score: SetScore) -> Row:
        accepted, kept = (score.accepted, score.accepted_right) if thresholds else (None, None)
        return (
            score.name,
            f"{score.digits:,}",
            f"{score.right:,}",
            percent(score.right, score.digits),
            between(score.right, score.digits),
            percent(accepted, score.digits),
            percent(kept, accepted),
            DASH if score.ece is None else f"{score.ece:.2%}",
        )

    summary = []
    if several:
        mean = macro_accuracy(scores)
        macro = DASH if mean is None else f"{mean:.1%}"
        summary = [row(pooled), ("mean of the sets", "", "", macro, "", "", "", "")]
    return Table(
        "Pictures of one digit",
        ("set", "pictures", "right", "accuracy", "95 %\ninterval", "accepted", "right\nof them", "ECE"),
        [row(score) for score in scores if score.digits],
        summary,
    )


def _per_digit(scores: Sequence[SetScore], pooled: SetScore, several: bool) -> Table:
    def shown(share: float | None) -> str:
        return DASH if share is None else "100" if share == 1 else f"{100 * share:.1f}"

    def row(score: SetScore) -> Row:
        return (score.name, *map(shown, score.per_digit))

    rows = [row(score) for score in scores if score.digits]
    return Table("Read right, by digit (%)", ("set", *LABELS), rows, [row(pooled)] if several else [])


def _others(scores: Sequence[SetScore], pooled: SetScore, thresholds: bool, several: bool) -> Table:
    def row(score: SetScore) -> Row:
        rejected = score.others_rejected if thresholds else None
        return (
            score.name,
            f"{score.others:,}",
            DASH if rejected is None else f"{rejected:,}",
            percent(rejected, score.others),
            DASH if rejected is None else between(rejected, score.others),
        )

    header = ("set", "pictures", "rejected", "share", "95 %\ninterval")
    rows = [row(score) for score in scores if score.others]
    return Table("Pictures of no digit, or of several: to be rejected", header, rows, [row(pooled)] if several else [])


def _reasons(scores: Sequence[SetScore], pooled: SetScore, several: bool) -> Table:
    found = [reason for reason in _REASONS if reason in pooled.reasons]

    def row(score: SetScore) -> Row:
        return (score.name, f"{score.pictures:,}", *(f"{score.reasons.get(reason, 0):,}" for reason in found))

    rows = [row(score) for score in scores if score.reasons]
    header = ("set", "pictures", *(reason.replace("_", "\n", 1).replace("_", " ") for reason in found))
    return Table("Not accepted, by reason", header, rows, [row(pooled)] if several else [])


def make_notes(evaluation: Evaluation) -> list[str]:
    """What the tables do not say."""
    notes = []
    if not evaluation.thresholds:
        notes.append(
            f"No {RECORD_FILE} lies beside the model, so there are no thresholds: what would be accepted is not known."
        )
    unreadable = evaluation.pooled.reasons.get(UNREADABLE, 0)
    if unreadable:
        notes.append(f"{unreadable:,} of the pictures could not be read; they count as wrong and not accepted.")
    return notes


def percent(count: int | None, of: int | None) -> str:
    """A share as a percentage, a dash where there is none."""
    return f"{count / of:.{_decimals(of)}%}" if count is not None and of else DASH


def between(count: int, of: int) -> str:
    """The 95 % interval of a share, in percent."""
    low, high = wilson_interval(count, of)
    return f"{100 * low:.{_decimals(of)}f}{DASH}{100 * high:.{_decimals(of)}f}"


def _decimals(of: int) -> int:
    return 2 if of >= _MANY else 1

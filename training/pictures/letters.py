"""Letters and signs, printed and handwritten, that nobody reads as a digit."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from numpy.random import Generator
from PIL import Image

from training.pictures.fonts import NOWHERE, Typeface
from training.pictures.glyphs import pick, render
from training.pictures.lookalikes import LIKE_DIGITS

# Left out is what some font or hand draws as a digit: O o D Q (0), I i j l (1), Z z (2), З Э (3), Y y Ч (4), S s (5),
# G b б σ (6), B β В (8), g q (9), and what looks like them under an accent or in another alphabet.
LATIN = "ACEFHJKLMNPRTUVWXacdefhkmnprtuvwxÄÅÁÀÂÃÇÉÈÊËÑÜÚÛŁŘŤŇČĚŴÆäåáàâãçéèêëñüúûłřťňčěŵæœþħŋÞĦ"
GREEK = "ΑΓΔΕΗΚΛΜΝΞΠΡΣΤΦΧΨΩαεηκλμνπρτφχψω"
CYRILLIC = "АГДЕЖИЙКЛМНПРТУФХЦШЩЪЫЮЯЄЂЉЊЖаежийклмнпртфхцшщъыюяєђљњћ"
PUNCTUATION = "#%*+<=>?@[]^{}~¢£¥§©«»±¶×÷€†‡‰→←↑↓↔∀∃∆∇∈∏∑√∞∠∧∨∩∪∫≈≠≡≤≥⊂⊃⊕⊗♀♂♠♣♥♦♪★☆☎☺☂☀✓✗✚❤"
"""No $ & ( ) / \\ | ! and no dot or dash: a digit could be meant, or nothing at all."""
LETTERS = LATIN + GREEK + CYRILLIC


class Styles(NamedTuple):
    """Font files to draw from: of handwriting, of print, and of other scripts with how their letters' names begin."""

    hand: Sequence[Sequence[Path]]
    print: Sequence[Sequence[Path]]
    script: Sequence[tuple[str, Sequence[Path]]]


def sort_styles(typefaces: Sequence[Typeface]) -> Styles:
    """Sort families by what is to be drawn from them."""
    hand = [face.styles for face in typefaces if face.family.kind == "hand"]
    printed = [face.styles for face in typefaces if face.is_print and face.family.kind != "segment"]
    script = [(face.family.letters, face.styles) for face in typefaces if face.family.kind == "script"]
    return Styles(hand, printed, script)


def draw_letter(styles: Styles, rng: Generator) -> Image.Image | None:
    """A Latin, Greek or Cyrillic letter, in two of five cases as a hand writes it; grey, cut to its ink."""
    family = pick(styles.hand if styles.hand and rng.random() < 0.4 else styles.print, rng)
    alphabet = pick((LATIN, LATIN, LATIN, GREEK, CYRILLIC), rng)
    return _drawn(pick(family, rng), pick(alphabet, rng))


def draw_symbol(styles: Styles, rng: Generator) -> Image.Image | None:
    """A sign; None where the font does not have it."""
    family = pick(styles.hand if styles.hand and rng.random() < 0.2 else styles.print, rng)
    return _drawn(pick(family, rng), pick(PUNCTUATION, rng))


def draw_script(styles: Styles, rng: Generator) -> Image.Image | None:
    """A letter of another script."""
    letters, files = pick(styles.script, rng)
    return _drawn(pick(files, rng), pick(letters_of(letters), rng))


def _drawn(font_file: Path, text: str) -> Image.Image | None:
    drawn, missing = render(font_file, text), render(font_file, NOWHERE)
    if drawn is None or (missing is not None and drawn.tobytes() == missing.tobytes()):
        return None
    return drawn


@cache
def letters_of(script: str) -> str:
    """All letters whose Unicode names begin so, but those that look like a digit."""
    return "".join(letter for letter in _named_letters().get(script.split()[0], "") if _is_of(letter, script))


def _is_of(letter: str, script: str) -> bool:
    return unicodedata.name(letter).startswith(f"{script} ") and letter not in LIKE_DIGITS


@cache
def _named_letters() -> dict[str, str]:
    """Every letter of the first two planes beyond Latin, Greek and Cyrillic, by the first word of its name."""
    found: dict[str, list[str]] = {}
    for code in range(0x530, 0x1F000):
        letter = chr(code)
        if unicodedata.category(letter) in ("Lo", "Ll", "Lu"):
            found.setdefault(unicodedata.name(letter, "").partition(" ")[0], []).append(letter)
    return {word: "".join(letters) for word, letters in found.items()}

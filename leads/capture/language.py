"""What the letters of a text say: their script, words of two scripts, names of noise. Pure."""

import re
from collections import Counter
from itertools import pairwise

SCRIPTS = {
    "Latin": "a-zA-Z\u00aa-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "East Asian": "\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af",
}
_LETTERS = {name: re.compile(f"[{ranges}]") for name, ranges in SCRIPTS.items()}
_LOOKALIKES = re.compile(r"[a-zA-Z][а-яА-ЯёЁ]|[а-яА-ЯёЁ][a-zA-Z]")
_VOWELS = re.compile("[aeiouyäöüáéíóúàèìòùâêîôûåæøœ]", re.IGNORECASE)
_CONSONANTS = re.compile("[bcdfghjklmnpqrstvwxz]{7,}", re.IGNORECASE)
ENOUGH = 20  # letters from which a text has a script
LONG_WORD = 8


def script_of(text: str) -> str:
    """The script of most letters, or an empty string where there are too few to say."""
    counts = Counter({name: len(letters.findall(text)) for name, letters in _LETTERS.items()})
    name, count = counts.most_common(1)[0]
    return name if count >= ENOUGH else ""


def mixed_words(text: str) -> int:
    """How often Latin and Cyrillic letters stand side by side, to pass for what they are not."""
    return len(_LOOKALIKES.findall(text))


def is_noise(word: str) -> bool:
    """Whether a program made this up: `xKjQwZpTrLm`. Real names may be as odd as Schwartzschild."""
    if len(word) < LONG_WORD or not word.isascii() or not word.isalpha():
        return False
    switches = sum(a.islower() and b.isupper() for a, b in pairwise(word))
    vowels = len(_VOWELS.findall(word))
    return switches >= 4 or vowels * 12 < len(word) or bool(_CONSONANTS.search(word))

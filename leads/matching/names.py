"""Names as people write them, and the names of fields as form builders do."""

import re

PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "du",
        "la",
        "le",
        "ter",
        "ten",
        "zu",
        "bin",
        "al",
        "el",
    ]
)


def split_name(full: str) -> tuple[str, str]:
    """First and last name: “Pieter van den Berg”, “Berg, Pieter”, “Cher”."""
    text = " ".join(full.split())
    last, comma, first = text.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    words = text.rstrip(",").split(" ")
    if len(words) == 1:
        return words[0], ""
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in PARTICLES:
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


def plain_key(name: str) -> str:
    """A field's name without case, punctuation and the prefixes that form builders add."""
    key = re.sub(r"[^a-z0-9]", "", name.casefold())
    return re.sub(r"^(your|my|contact|lead|field)(?=[a-z]{3})", "", key)

"""Who somebody is: pure rules on names and identifiers, no database.

Only an exact canonical e-mail address tells that two are the same person. A shared phone number,
as of a reception desk, is a hint for a human.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

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


class Verdict(StrEnum):
    KNOWN = "known"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Match:
    """`lead_id` for a known person; `hints` are leads that might be the same."""

    verdict: Verdict
    lead_id: int | None = None
    hints: tuple[int, ...] = field(default=())


def match(*, by_email: int | None, by_phone: Sequence[int] = ()) -> Match:
    """Decide from the leads that own the address and those that share the number."""
    if by_email is not None:
        others = tuple(lead for lead in by_phone if lead != by_email)
        return Match(Verdict.KNOWN, by_email, others)
    return Match(Verdict.NEW, hints=tuple(by_phone))


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

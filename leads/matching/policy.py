"""Which lead a capture belongs to, by what names a person exactly.

In this order, the first that finds somebody decides:

1. the canonical e-mail address. Plus-tags and Gmail's dots are no identity: they may be different
   mailboxes of different people, so they only make a suggestion (`twins`);
2. an id that the same source gave before;
3. the phone number, if exactly one lead has it, its full name agrees, and not both have an address
   of their own. A number alone, as of a reception desk, is a hint.

Names that are merely alike are looked for afterwards, by the finder of duplicates: they suggest.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    SAME = "same"
    SUGGEST = "suggest"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Reason:
    """`words` for people, `code` for programs; `lead_id` is whom it points to."""

    code: str
    words: str
    lead_id: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A lead that shares something with the capture."""

    lead_id: int
    name: str = ""
    has_email: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """`lead_id` for a known person; the reasons name whoever else it might be, too."""

    verdict: Verdict
    lead_id: int | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def hints(self) -> tuple[int, ...]:
        """Leads that might be the same, but are not treated so."""
        named = (reason.lead_id for reason in self.reasons)
        others = (lead for lead in named if lead is not None and lead != self.lead_id)
        return tuple(dict.fromkeys(others))


def match(
    *,
    by_email: int | None = None,
    by_external: int | None = None,
    by_phone: Sequence[Known] = (),
    name: str = "",
    has_email: bool = False,
) -> Match:
    """Decide from the leads that own the address or id, and those that share the number."""
    reasons: list[Reason] = []
    if by_email is not None:
        reasons.append(Reason("email", "The same e-mail address", by_email))
    if by_external is not None:
        reasons.append(Reason("external_id", "The same id at its source", by_external))
    lead_id = by_email if by_email is not None else by_external
    for known in by_phone:
        agrees = same_name(known.name, name)
        code = "phone_and_name" if agrees else "phone"
        words = "The same phone number and name" if agrees else "The same phone number"
        reasons.append(Reason(code, words, known.lead_id))
        alone = len(by_phone) == 1 and not (has_email and known.has_email)
        if lead_id is None and agrees and alone:
            lead_id = known.lead_id
    if lead_id is not None:
        return Match(Verdict.SAME, lead_id, tuple(reasons))
    if reasons:
        return Match(Verdict.SUGGEST, None, tuple(reasons))
    return Match(Verdict.NEW, None, (Reason("unknown", "Nobody known by this address or number"),))


def same_name(one: str, other: str) -> bool:
    """Whether two full names agree: in any order and case, with or without accents."""
    words = name_words(one)
    return len(words) >= 2 and words == name_words(other)


def name_words(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c if c.isalpha() else " " for c in plain if not unicodedata.combining(c))
    return frozenset(letters.split())

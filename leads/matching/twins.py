"""How likely two leads are one person, from what they share. Only people decide on it."""

from dataclasses import dataclass

from leads.matching.policy import Reason

THRESHOLD = 45  # below, nobody is asked
SIMILAR, ALIKE = 0.55, 0.95  # trigram similarity of names
DIFFERENT = 0.3
MOST = 99  # only an address makes certain


@dataclass(frozen=True, slots=True)
class Facts:
    """What two leads have in common. `name`: similarity 0…1; None when one of them has no name."""

    same_mailbox: bool = False
    same_phone: bool = False
    same_external: bool = False
    name: float | None = None
    same_company: bool = False
    similar_company: bool = False


@dataclass(frozen=True, slots=True)
class Likeness:
    """`is_same`: sure enough to be merged in bulk, once somebody has chosen them."""

    score: int
    is_same: bool
    reasons: tuple[Reason, ...]

    @property
    def matters(self) -> bool:
        return self.score >= THRESHOLD


def likeness(facts: Facts) -> Likeness:
    parts = [part for part in _parts(facts) if part[0]]
    score = max(0, min(MOST, sum(points for points, _ in parts)))
    return Likeness(score, _is_same(facts), tuple(reason for _, reason in parts))


def _parts(facts: Facts) -> list[tuple[int, Reason]]:
    name = facts.name
    parts = [
        (70 * facts.same_mailbox, Reason("mailbox", "Same mailbox, but for a tag or dots")),
        (45 * facts.same_phone, Reason("phone", "Same phone")),
        (35 * facts.same_external, Reason("external_id", "Same id at another source")),
    ]
    if name is not None and name >= ALIKE:
        parts.append((40, Reason("name", "Same name")))
    elif name is not None and name >= SIMILAR:
        parts.append((round(40 * name), Reason("similar_name", "Similar name")))
    elif name is not None and name < DIFFERENT:
        parts.append((-25, Reason("different_name", "Different names")))
    if facts.same_company:
        parts.append((25, Reason("company", "Same company")))
    elif facts.similar_company:
        parts.append((15, Reason("similar_company", "Similar company")))
    return parts


def _is_same(facts: Facts) -> bool:
    if facts.name is None:
        return False
    return (facts.same_mailbox and facts.name >= SIMILAR) or (
        facts.same_phone and facts.name >= ALIKE
    )

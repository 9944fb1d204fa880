"""Colleagues named in a note: `@anna`, `@anna.smith`, `@"Anna Smith"` or `@Anna Smith`."""

import re
from collections.abc import Iterable

from leadcrm.accounts.models import User

MOST = 20
QUOTED = re.compile(r"""(?<![\w@])@["“]([^"”\n]{1,100})["”]""")
PLAIN = re.compile(r"(?<![\w@])@([\w.-]{1,60})(?:[ ]([\w'’-]{1,60}))?")


def mentioned(text: str) -> list[User]:
    """Who is meant, each once. A first name counts when only one colleague has it."""
    if "@" not in text:
        return []
    people = list(User.objects.filter(is_active=True).order_by("pk"))
    found = [_find(words, people) for words in _names(text)]
    return list(dict.fromkeys(user for user in found if user is not None))[:MOST]


def _names(text: str) -> list[tuple[str, ...]]:
    """What each may mean, the longest first."""
    quoted = [(name,) for name in QUOTED.findall(text)]
    plain = [
        (f"{first} {second}", first) if second else (first,)
        for first, second in PLAIN.findall(text)
    ]
    return [*quoted, *plain]


def _find(candidates: Iterable[str], people: list[User]) -> User | None:
    for candidate in candidates:
        name = candidate.strip().rstrip(".").lower()
        for matches in (
            [user for user in people if user.name.lower() == name],
            [user for user in people if user.email.partition("@")[0] == name],
            [user for user in people if user.first_name.lower() == name],
        ):
            if len(matches) == 1:
                return matches[0]
    return None

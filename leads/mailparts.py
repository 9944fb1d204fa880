"""What mails may say of a lead besides the lead itself: groups that the apps above offer by name.

In a template `{{ surveys.is_it_for_you }}` is a part of the group `surveys`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from leads.models import Lead

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """`names`: what there is now, with words for the editor; `values` for one lead."""

    names: Callable[[], Words]
    values: Callable[[Lead, datetime], Words]


GROUPS: dict[str, Parts] = {}


def offer(group: str, parts: Parts) -> None:
    GROUPS[group] = parts


def names() -> dict[str, dict[str, str]]:
    return {group: dict(parts.names()) for group, parts in GROUPS.items()}


def values_for(lead: Lead, *, at: datetime) -> dict[str, dict[str, str]]:
    return {group: dict(parts.values(lead, at)) for group, parts in GROUPS.items()}

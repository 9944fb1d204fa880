"""Places on the lead's page that the upper apps fill.

`leads` does not know them: an app registers a panel in its own `panels.py`, with the template and a
function that gives its context. The page shows all panels of a place in the order of `position`.

A panel with a heading for `later` is no part of the first answer: the page shows the heading, and
asks for all of these panels at once as soon as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from leads.models import Lead


class Place(StrEnum):
    SUMMARY = "summary"  # cells of the band under the name
    SIDE = "side"  # sections of the right column
    DETAILS = "details"  # sections of the left column
    COMPOSER = "composer"  # ways to log something; data: `label`, `icon`, perhaps a shortcut `key`
    ACTIONS = "actions"  # buttons in the top bar


Context = Callable[[Lead, Any, datetime], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Panel:
    key: str
    place: Place
    position: int
    template: str
    context: Context
    later: str = ""

    def shown(self, lead: Lead, user: Any, at: datetime) -> "Shown | None":
        data = self.context(lead, user, at)
        return None if data is None else Shown(self.key, self.template, data)

    @property
    def awaited(self) -> "Shown":
        """What stands in its place until it comes."""
        return Shown(self.key, LATER, {"key": self.key, "heading": self.later})


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its data, ready to be included."""

    key: str
    template: str
    data: dict[str, Any]


PANELS: dict[str, Panel] = {}
LATER = "leads/later.html"


def panel(
    key: str, *, place: Place, position: int, template: str, later: str = ""
) -> Callable[[Context], Context]:
    """Register a panel. Its function gets (lead, user, at); None hides it.

    :param later: the heading of a panel that costs too much for the first answer.
    """

    def register(context: Context) -> Context:
        PANELS[key] = Panel(key, place, position, template, context, later)
        return context

    return register


def panels_for(
    lead: Lead, user: Any, *, at: datetime, whole: bool = True
) -> dict[str, list[Shown]]:
    """All panels to show for one lead, grouped by place.

    :param whole: at once, with those that otherwise come later.
    """
    shown: dict[str, list[Shown]] = {place.value: [] for place in Place}
    for item in sorted(PANELS.values(), key=lambda p: (p.position, p.key)):
        waits = item.later and not whole
        if found := item.awaited if waits else item.shown(lead, user, at):
            shown[item.place.value].append(found)
    return shown


def later_panels(lead: Lead, user: Any, *, at: datetime) -> list[tuple[str, Shown | None]]:
    """The key of each panel the page waits for, with the panel unless it has nothing to say."""
    waiting = [item for item in PANELS.values() if item.later]
    return [(item.key, item.shown(lead, user, at)) for item in waiting]

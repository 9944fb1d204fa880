"""Places on the lead's page that the upper apps fill.

`leads` does not know them: an app registers a panel in its own `panels.py`, with the template and a
function that gives its context. The page shows all panels of a place in the order of `position`.
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


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its data, ready to be included."""

    key: str
    template: str
    data: dict[str, Any]


PANELS: dict[str, Panel] = {}


def panel(key: str, *, place: Place, position: int, template: str) -> Callable[[Context], Context]:
    """Register a panel. Its function gets (lead, user, at); None hides it."""

    def register(context: Context) -> Context:
        PANELS[key] = Panel(key, place, position, template, context)
        return context

    return register


def panels_for(lead: Lead, user: Any, *, at: datetime) -> dict[str, list[Shown]]:
    """All panels to show for one lead, grouped by place."""
    shown: dict[str, list[Shown]] = {place.value: [] for place in Place}
    for item in sorted(PANELS.values(), key=lambda p: (p.position, p.key)):
        data = item.context(lead, user, at)
        if data is not None:
            shown[item.place.value].append(Shown(item.key, item.template, data))
    return shown

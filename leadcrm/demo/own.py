"""The demo company's own fields, and what its leads have in them."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from leadcrm.demo.story import STAGES, Story
from leads import fields
from leads.actions.fields import FieldValues, create_field

DEFINITIONS: tuple[FieldValues, ...] = (
    {"label": "Plan", "type": "select", "group": "Interest", "help": "What was spoken of.",
     "options": ("Starter", "Team", "Enterprise")},
    {"label": "Seats", "type": "integer", "group": "Interest", "help": "People to be scheduled."},
    {"label": "Must connect to", "type": "multi_select", "group": "Interest",
     "options": ("AFAS", "Exact", "SAP", "Visma", "Workday")},
    {"label": "Plans with today", "type": "select", "group": "Today",
     "options": ("Paper", "Spreadsheet", "Shiftboard", "In-house tool")},
    {"label": "Contract ends", "type": "date", "group": "Today",
     "help": "With the tool they plan with today."},
    {"label": "Works council", "type": "yes_no", "group": "Today"},
)  # fmt: skip
TOOLS = {"paper": 2, "spreadsheet": 5, "shiftboard": 2, "in_house_tool": 2}
SYSTEMS = ("afas", "exact", "sap", "visma", "workday")


def define() -> None:
    """The fields, once."""
    if not fields.all_definitions():
        for values in DEFINITIONS:
            create_field(values)


def values_of(story: Story, *, now: datetime) -> dict[str, Any]:
    """More is known of those who came further; the same lead always has the same values."""
    random = Random(story.fields["email"])
    depth = STAGES.index(story.stage) if story.stage in STAGES else 2
    size = story.fields.get("company_size") or 50
    known: dict[str, Any] = {}
    if random.random() < 0.2 + 0.2 * depth:
        known["seats"] = max(5, round(size * random.uniform(0.4, 0.9)))
        known["plan"] = "enterprise" if size > 400 else "team" if size > 80 else "starter"
    if random.random() < 0.15 + 0.2 * depth:
        known["plans_with_today"] = random.choices(list(TOOLS), list(TOOLS.values()))[0]
    if known.get("plans_with_today") in {"shiftboard", "in_house_tool"} or random.random() < 0.1:
        ends = now + timedelta(days=random.randrange(-60, 420))
        known["contract_ends"] = ends.date().isoformat()
    if depth >= 2 and random.random() < 0.6:
        known["must_connect_to"] = sorted(random.sample(SYSTEMS, random.randrange(1, 3)))
        known["works_council"] = size > 50 and random.random() < 0.8
    return known

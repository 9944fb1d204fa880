"""Surveys for tests, and somebody who answers them in a browser without JavaScript."""

import re
from datetime import datetime
from typing import Any

from django.test import Client

from leads.models import Lead
from scoring.actions import surveys as actions
from scoring.models import Survey
from scoring.surveys import content as contents
from scoring.surveys import links
from tests.factories import NOON

BUDGET = {
    "key": "budget", "type": "single", "label": "Is there a budget?", "required": True,
    "maps_to": "bant.budget",
    "options": [
        {"value": "yes", "label": "Yes, approved", "points": 10, "level": "yes"},
        {"value": "soon", "label": "Next year", "points": 4, "level": "partial"},
        {"value": "no", "label": "No", "points": 0, "level": "no", "go": "end:later"},
    ],
}  # fmt: skip
STAFF = {
    "key": "staff", "type": "number", "label": "How many people?", "maps_to": "company_size",
    "ranges": [{"from": 100, "to": None, "points": 8}, {"from": 20, "to": 99, "points": 3}],
}  # fmt: skip
TOOLS = {
    "key": "tools", "type": "several", "label": "What do you use?", "maps_to": "tag",
    "options": [
        {"value": "excel", "label": "Spreadsheets", "points": 2},
        {"value": "paper", "label": "Paper", "points": 3},
    ],
}  # fmt: skip
YOU = {
    "key": "you", "type": "contact", "label": "Who are you?", "required": True,
    "with_name": True, "with_company": True, "consent": "You may write to me.",
}  # fmt: skip
GOOD = {"key": "good", "name": "Good fit", "title": "A good fit", "text": "{points} of {most}",
        "from_points": 15, "button_label": "Book", "button_url": "https://x.example/demo",
        "tag": "Fit"}  # fmt: skip
LATER = {"key": "later", "name": "Later", "title": "Let us stay in touch", "from_points": None}


def make_survey(
    *questions: dict[str, Any], kind: str = "quiz", name: str = "Fit check", **more: Any
) -> Survey:
    """A published one."""
    content = contents.read(
        {
            "title": "Does it fit?",
            "questions": [*(questions or (BUDGET, STAFF, TOOLS, YOU))],
            "endings": [GOOD, LATER],
            **more,
        }
    )
    survey = actions.create_survey(name=name, kind=kind, content=content)
    actions.publish_survey(survey.pk)
    survey.refresh_from_db()
    return survey


def token_of(survey: Survey, lead: Lead, *, at: datetime = NOON) -> str:
    return links.personal_link(survey, lead, at=at).rstrip("/").rpartition("/")[2]


class Person:
    """Goes from page to page as a browser does, with what stands on each."""

    def __init__(self, token: str) -> None:
        self.client, self.path = Client(), f"/q/{token}/"
        self.open()

    def open(self) -> int:
        response = self.client.get(self.path)
        self.page = response.content.decode()
        return int(response.status_code)

    def send(self, *, follow: bool = True, **answers: Any) -> Any:
        """`budget="yes"` answers that question; `you={"email": …}` its parts."""
        data: dict[str, Any] = {
            name: values[-1] if name != "q" else values for name, values in self.hidden().items()
        }
        for key, value in answers.items():
            if isinstance(value, dict):
                data |= {f"a-{key}-{part}": each for part, each in value.items()}
            elif value is not None:
                data[f"a-{key}"] = value
        response = self.client.post(self.action(), data)
        if response.status_code == 303 and follow and response["Location"].startswith("/"):
            self.path = response["Location"]
            self.open()
        else:
            self.page = response.content.decode()
        return response

    def hidden(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page
        ):
            found.setdefault(name, []).append(value)
        return found

    def action(self) -> str:
        found = re.search(r'<form [^>]*action="([^"]+)"', self.page)
        return found[1] if found else self.path

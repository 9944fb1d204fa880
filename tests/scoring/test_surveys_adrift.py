"""The database is away while somebody answers a survey: what they sent counts later."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from leadcrm.lib import pump
from leads import arrivals
from leads.capture import lifeboat
from leads.models import InboxItem, Lead
from scoring.models import BantAnswer, SurveyResponse
from tests.factories import LeadFactory
from tests.leads.test_lifeboat import database_away
from tests.scoring.surveys import BUDGET, YOU, Person, make_survey, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.SPOOL_DIR = tmp_path / "spool"
    lifeboat._count.forget()
    yield
    lifeboat._count.forget()
    arrivals.SHORE.__init__()  # type: ignore[misc]


def test_the_answer_of_a_lead_is_kept_and_counts_once_it_is_back() -> None:
    lead = LeadFactory()
    person = Person(token_of(make_survey(BUDGET), lead, at=timezone.now()))

    with database_away():
        thanks = person.send(budget="yes")
    lifeboat.drain()
    pump.run_all()

    assert thanks.status_code == 202
    assert SurveyResponse.objects.get().state == "completed"
    assert BantAnswer.objects.get(lead=lead).level == "yes"
    assert InboxItem.objects.get().reason_code == "survey_answers"


def test_who_said_who_they_are_becomes_a_lead() -> None:
    person = Person(make_survey(YOU, BUDGET).slug)

    with database_away():
        person.send(you={"email": "priya@kestrel.example", "name": "Priya"})
    lifeboat.drain()
    pump.run_all()

    assert SurveyResponse.objects.get().lead == Lead.objects.get(email="priya@kestrel.example")

"""Load the demo company as a whole."""

from datetime import datetime, timedelta

from django.db import transaction

from leadcrm.demo import load
from leadcrm.demo.drips import load_drips
from leadcrm.demo.inbox import load_waiting
from leadcrm.demo.surveys import load_surveys
from leadcrm.demo.twins import load_twins
from leadcrm.demo.visits import load_visits
from leadcrm.demo.website import load_website
from leads.models import Lead
from scoring.actions import rescore_everyone

SCORED_DAYS_AGO = (56, 42, 28, 21, 14, 7, 3, 1, 0)


@transaction.atomic
def load_demo(*, count: int, seed: int, now: datetime) -> list[Lead]:
    """Colleagues, leads and their history; then the scores of the last weeks by the real rules."""
    staff = load.load_company(now=now)
    told = load.load_stories(staff, count=count, seed=seed, now=now)
    load_drips(told, seed=seed, now=now)
    load_surveys(seed=seed, now=now)
    for days in SCORED_DAYS_AGO:
        rescore_everyone(at=now - timedelta(days=days), announce=False)
    load_waiting(now=now)
    load_website(seed=seed, now=now)
    load_twins(seed=seed)
    load_visits(seed=seed, now=now)
    return [lead for _, lead in told]

"""Several workers and visitors at once: no lost update, no deadlock, no second crossing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from leadcrm.eventlog.models import DomainEvent
from leads.actions import record_activity, update_lead
from leads.models import DirtyLead, LeadScore
from scoring import actions
from scoring.defaults import ensure_default_model
from scoring.models import ScoringModel
from tests.factories import LeadFactory
from tests.scoring.factories import activity_rule, attribute_rule, make_version

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2020, 1, 2, tzinfo=UTC)
VISITS = 15


@pytest.fixture(autouse=True)
def _starter_comes_back() -> Iterator[None]:
    yield
    ScoringModel.objects.all().delete()
    ensure_default_model()


def together(*work: Callable[[], None]) -> None:
    def run(one: Callable[[], None]) -> None:
        try:
            one()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(run, one) for one in work]:
            done.result(timeout=60)


def test_the_last_word_is_right_and_each_crossing_is_published_once() -> None:
    version = make_version(
        activity_rule("page_view", points=2, counting="every"),
        attribute_rule(points=30),
        warm_from=10,
        hot_from=50,
    )
    leads = [LeadFactory() for _ in range(6)]
    ids = [lead.pk for lead in leads]

    def visit() -> None:
        for _ in range(VISITS):
            for pk in ids:
                record_activity(pk, "page_view", at=LONG_AGO)

    def edit() -> None:
        for pk in reversed(ids):
            update_lead(pk, {"industry": "Care"}, at=LONG_AGO)

    def work() -> None:
        for _ in range(40):
            actions.rescore_dirty(at=LATER)

    def publish() -> None:
        draft = actions.create_draft(version.model_id, at=LATER)
        actions.publish_version(draft.pk, at=LATER)
        for _ in range(10):
            actions.continue_rescore(at=LATER)

    together(visit, edit, work, work, publish)
    while actions.rescore_dirty(at=LATER):
        pass

    assert set(LeadScore.objects.values_list("score", flat=True)) == {2 * VISITS + 30}
    assert not DirtyLead.objects.exists()
    hot = DomainEvent.objects.filter(name="lead.score_crossed", payload__to_temperature="hot")
    assert sorted(event.payload["lead_id"] for event in hot) == ids

"""Facts follow the tables they are copied from, whatever writes those and when it commits."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from leadcrm.demo.rebuilding import column
from leads.actions import delete_lead, record_activity
from leads.actions.leads import restore_leads
from leads.models import Lead
from leads.reports import Scope
from pipeline import actions, facts
from pipeline.models import ChangedLead, CycleFact
from pipeline.reports import metrics
from tests.factories import NOON, UserFactory
from tests.pipeline.factories import cycle_of, open_lead
from tests.pipeline.test_reports import scope_of

pytestmark = pytest.mark.django_db


def wrong() -> list[int]:
    facts.catch_up()
    return column(facts.DIFFERENT)


class TestFollowing:
    def test_a_new_cycle_a_move_an_answer_and_a_close(self) -> None:
        lead = open_lead()
        assert wrong() == []

        actions.move_to_stage(lead.pk, to="sql", at=NOON + timedelta(hours=1))
        assert wrong() == []

        called = record_activity(lead.pk, "call_attempt", at=NOON + timedelta(hours=2))
        actions.record_contact(lead.pk, activity_id=called, at=NOON + timedelta(hours=2))
        assert wrong() == []

        actions.move_to_stage(lead.pk, to="lost", at=NOON + timedelta(hours=3), reason="price")
        assert wrong() == []
        assert CycleFact.objects.get().outcome == "lost"

    def test_a_statement_over_many_leads(self) -> None:
        alice = UserFactory()
        for _ in range(3):
            open_lead()
        facts.catch_up()

        Lead.objects.update(owner=alice, country="NL")

        assert wrong() == []
        assert CycleFact.objects.filter(owner=alice, country="NL").count() == 3

    def test_a_lead_that_stops_to_count_and_counts_again(self) -> None:
        lead = open_lead()
        facts.catch_up()

        delete_lead(lead.pk, at=NOON)
        facts.catch_up()
        assert not CycleFact.objects.exists()

        restore_leads(NOON, at=NOON)
        assert wrong() == []
        assert CycleFact.objects.get().pk == cycle_of(lead).pk

    def test_a_cycle_that_goes_to_another_lead(self) -> None:
        lead, other = open_lead(), open_lead()
        actions.move_to_stage(other.pk, to="lost", at=NOON, reason="price")
        facts.catch_up()

        type(cycle_of(lead)).objects.filter(lead=other).update(lead=lead, number=2)

        assert wrong() == []
        assert set(CycleFact.objects.values_list("lead", flat=True)) == {lead.pk}

    def test_changes_that_no_report_asks_for_are_not_noted(self) -> None:
        lead = open_lead()
        facts.catch_up()

        Lead.objects.filter(pk=lead.pk).update(job_title="Head of Operations")

        assert not ChangedLead.objects.exists()

    def test_a_report_reads_what_was_written_just_before(self) -> None:
        scope: Scope = scope_of(UserFactory(role="admin"))
        lead = open_lead()

        assert metrics.waiting_now(scope).get().lead_id == lead.pk

    def test_counting_anew_mends_what_was_written_past_the_triggers(self) -> None:
        lead, gone = open_lead(), open_lead()
        facts.catch_up()
        CycleFact.objects.filter(lead=lead).update(country="XX", target_minutes=None)
        Lead.objects.filter(pk=gone.pk).update(is_test=True)
        ChangedLead.objects.all().delete()
        assert len(wrong()) == 2

        facts.count_anew()

        assert wrong() == []


@pytest.mark.django_db(transaction=True)
def test_a_change_that_commits_late_is_copied_then() -> None:
    """Its note is older than others that were worked off, but was not to be seen until now."""
    early, late = open_lead(), open_lead()
    facts.catch_up()
    written, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            Lead.objects.filter(pk=late.pk).update(country="BE")
            written.set()
            may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=slowly)
    thread.start()
    written.wait(20)
    Lead.objects.filter(pk=early.pk).update(country="NL")

    facts.catch_up()
    seen_before = set(CycleFact.objects.values_list("country", flat=True))
    may_commit.set()
    thread.join()
    facts.catch_up()

    assert "BE" not in seen_before
    assert set(CycleFact.objects.values_list("country", flat=True)) == {"NL", "BE"}

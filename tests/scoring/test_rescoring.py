from datetime import timedelta

import pytest

from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads.actions import mark_dirty, record_activity
from leads.models import Activity, DirtyLead, Lead, LeadScore
from scoring import actions
from scoring.models import Qualification, Rescore, ScoreChange
from tests.factories import NOON, LeadFactory
from tests.scoring.factories import DAY, activity_rule, attribute_rule, did, make_version

pytestmark = pytest.mark.django_db
WARM = {"warm_from": 10, "hot_from": 20}


def row_of(lead: Lead) -> LeadScore:
    return LeadScore.objects.get(lead=lead)


def events(name: str) -> list[dict[str, object]]:
    return list(
        DomainEvent.objects.filter(name=name).order_by("pk").values_list("payload", flat=True)
    )


def drain(at: object = NOON) -> int:
    rounds = 0
    while actions.rescore_dirty(at=at):  # type: ignore[arg-type]
        rounds += 1
    return rounds


class TestDirtyLeads:
    def test_an_activity_is_scored_when_the_queue_is_drained(self) -> None:
        make_version(activity_rule(points=12), **WARM)
        lead = LeadFactory()
        record_activity(lead.pk, "pricing_view", at=NOON)

        drain()

        row = row_of(lead)
        assert (row.score, row.engagement, row.temperature) == (12, 12, "warm")
        assert (row.temperature_since, row.computed_at, row.trend) == (NOON, NOON, [12])
        assert not DirtyLead.objects.exists()

    def test_draining_again_changes_and_publishes_nothing(self) -> None:
        make_version(attribute_rule(points=12), **WARM)
        lead = LeadFactory(industry="Care")
        for _ in range(3):
            mark_dirty([lead.pk])
            drain()

        assert len(events("lead.score_crossed")) == 1
        assert ScoreChange.objects.filter(lead=lead).count() == 1
        assert row_of(lead).trend == [12]

    def test_a_lead_that_changed_while_it_was_scored_stays_queued(self) -> None:
        make_version(attribute_rule())
        lead = LeadFactory()
        mark_dirty([lead.pk])
        claim = pump.claim(DirtyLead, limit=10)
        mark_dirty([lead.pk])

        from scoring.actions.rescoring import _finish_dirty

        _finish_dirty([lead.pk], str(claim.token))

        assert DirtyLead.objects.filter(lead=lead, lease_token=None).exists()

    def test_without_a_published_model_the_queue_empties_and_scores_stay(self) -> None:
        make_version(attribute_rule(), state="draft")
        lead = LeadFactory(industry="Care", score=33)
        mark_dirty([lead.pk])

        drain()

        assert row_of(lead).score == 33
        assert not DirtyLead.objects.exists()

    def test_merged_and_deleted_leads_are_left_alone(self) -> None:
        make_version(attribute_rule())
        alice = LeadFactory(industry="Care")
        merged = LeadFactory(industry="Care", merged_into=alice)
        deleted = LeadFactory(industry="Care", deleted_at=NOON)
        mark_dirty([merged.pk, deleted.pk])

        drain()

        assert [row_of(lead).computed_at for lead in (merged, deleted)] == [None, None]
        assert not DirtyLead.objects.exists()


class TestCrossing:
    def test_publishes_once_and_writes_the_timeline_and_the_ledger(self) -> None:
        make_version(activity_rule(points=12, counting="every"), **WARM)
        lead = LeadFactory()
        did(lead)
        actions.rescore([lead.pk], at=NOON)
        did(lead)

        actions.rescore([lead.pk], at=NOON)

        assert events("lead.score_crossed") == [
            {"lead_id": lead.pk, "from_temperature": a, "to_temperature": b, "score": score}
            for a, b, score in (("cold", "warm", 12), ("warm", "hot", 24))
        ]
        crossed = Activity.objects.filter(lead=lead, type="score_crossed").order_by("pk")
        assert [a.properties["to"] for a in crossed] == ["warm", "hot"]
        change = ScoreChange.objects.filter(lead=lead).order_by("pk").last()
        assert change is not None
        assert (change.from_score, change.to_score, change.to_temperature) == (12, 24, "hot")

    def test_a_score_that_hovers_at_the_border_does_not_flap(self) -> None:
        make_version(
            attribute_rule(points=20),
            attribute_rule(points=-2, condition={"field": "city", "op": "is", "value": "Delft"}),
            hysteresis=3,
            **WARM,
        )
        lead = LeadFactory(industry="Care")
        for city in ("", "Delft", "", "Delft"):
            Lead.objects.filter(pk=lead.pk).update(city=city)
            actions.rescore([lead.pk], at=NOON)

        assert row_of(lead).score == 18
        assert row_of(lead).temperature == "hot"
        assert len(events("lead.score_crossed")) == 1

    def test_history_can_be_loaded_silently(self) -> None:
        make_version(
            attribute_rule(points=30), mql={"field": "score", "op": "gte", "value": 9}, **WARM
        )
        lead = LeadFactory(industry="Care")

        changed = actions.rescore_everyone(at=NOON)

        assert (changed, row_of(lead).temperature) == (1, "hot")
        assert Qualification.objects.filter(lead=lead, kind="mql").exists()
        assert not DomainEvent.objects.exists()
        assert not Activity.objects.exists()


class TestQualification:
    MQL = {"field": "score", "op": "gte", "value": 20}

    def test_is_published_once_for_each_entering_with_proof(self) -> None:
        make_version(attribute_rule(points=20), mql=self.MQL)
        lead = LeadFactory(industry="Care")
        actions.rescore([lead.pk], at=NOON)
        actions.rescore([lead.pk], at=NOON + DAY)
        Lead.objects.filter(pk=lead.pk).update(industry="")
        actions.rescore([lead.pk], at=NOON + 2 * DAY)
        Lead.objects.filter(pk=lead.pk).update(industry="Care")

        actions.rescore([lead.pk], at=NOON + 3 * DAY)

        assert [event["kind"] for event in events("lead.qualified")] == ["mql", "mql"]
        first, second = Qualification.objects.filter(lead=lead).order_by("entered_at")
        assert (first.entered_at, first.left_at) == (NOON, NOON + 2 * DAY)
        assert (second.entered_at, second.left_at) == (NOON + 3 * DAY, None)
        assert (first.proof["score"], first.proof["fit"]) == (20, 20)

    def test_survives_a_few_points_below(self) -> None:
        make_version(
            attribute_rule(points=20),
            attribute_rule(points=-2, condition={"field": "city", "op": "is", "value": "Delft"}),
            mql=self.MQL,
            hysteresis=3,
        )
        lead = LeadFactory(industry="Care")
        actions.rescore([lead.pk], at=NOON)
        Lead.objects.filter(pk=lead.pk).update(city="Delft")

        actions.rescore([lead.pk], at=NOON)

        assert Qualification.objects.get(lead=lead).left_at is None

    def test_several_kinds_are_published_in_the_order_leads_pass_them(self) -> None:
        make_version(attribute_rule(points=30), mql=self.MQL, sql=self.MQL)
        lead = LeadFactory(industry="Care")

        actions.rescore([lead.pk], at=NOON)

        assert [event["kind"] for event in events("lead.qualified")] == ["mql", "sql"]
        assert Activity.objects.filter(lead=lead, type="qualified").count() == 2


class TestTime:
    def test_what_expires_is_scored_again_when_it_is_due(self) -> None:
        make_version(activity_rule(points=12, window_days=7), **WARM)
        lead = LeadFactory()
        did(lead, days_ago=2)
        actions.rescore([lead.pk], at=NOON)

        assert row_of(lead).next_change_at == NOON + 5 * DAY
        assert actions.queue_due(at=NOON + 4 * DAY) == 0
        assert actions.queue_due(at=NOON + 5 * DAY) == 1
        drain(NOON + 5 * DAY)

        assert (row_of(lead).score, row_of(lead).next_change_at) == (0, None)
        assert actions.queue_due(at=NOON + 90 * DAY) == 0

    def test_points_halve_with_their_half_life(self) -> None:
        make_version(activity_rule(points=12, decay="half_life", decay_days=10))
        lead = LeadFactory()
        did(lead)

        scores = []
        for days in (0, 10, 20, 40):
            actions.rescore([lead.pk], at=NOON + days * DAY)
            scores.append(row_of(lead).score)

        assert scores == [12, 6, 3, 1]

    def test_what_is_dated_in_the_future_counts_from_then_on(self) -> None:
        make_version(activity_rule(points=12))
        lead = LeadFactory()
        did(lead, days_ago=-1)
        actions.rescore([lead.pk], at=NOON)
        assert (row_of(lead).score, row_of(lead).next_change_at) == (0, NOON + DAY)

        actions.rescore([lead.pk], at=NOON + DAY)

        assert row_of(lead).score == 12

    def test_silence_costs_points_from_the_announced_day(self) -> None:
        make_version(
            attribute_rule(points=20),
            attribute_rule(
                points=-5,
                condition={"field": "last_activity_at", "op": "older_than_days", "value": 30},
            ),
        )
        lead = LeadFactory(industry="Care")
        record_activity(lead.pk, "page_view", at=NOON)
        actions.rescore([lead.pk], at=NOON)
        due = row_of(lead).next_change_at

        assert due == NOON + 30 * DAY
        actions.rescore([lead.pk], at=NOON + 30 * DAY)

        assert row_of(lead).score == 15


class TestPublishing:
    def test_a_draft_changes_no_score_until_it_is_published(self) -> None:
        version = make_version(attribute_rule(points=12))
        lead = LeadFactory(industry="Care")
        draft = actions.create_draft(version.model_id, at=NOON)
        actions.save_rule(draft.pk, {"points": 15}, rule_id=draft.rules.get().pk)
        actions.rescore([lead.pk], at=NOON)
        assert row_of(lead).score == 12

        actions.publish_version(draft.pk, at=NOON)
        while actions.continue_rescore(at=NOON):
            pass

        assert row_of(lead).score == 15

    def test_a_full_pass_goes_range_by_range_and_ends(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scoring.actions.rescoring.RANGE", 2)
        version = make_version(attribute_rule())
        leads = [LeadFactory(industry="Care") for _ in range(5)]
        draft = actions.create_draft(version.model_id, at=NOON)
        actions.publish_version(draft.pk, at=NOON)

        rounds = 0
        while actions.continue_rescore(at=NOON):
            rounds += 1

        pass_ = Rescore.objects.get()
        assert (rounds, pass_.scored, pass_.changed, pass_.done_at) == (3, 5, 5, NOON)
        assert {row_of(lead).score for lead in leads} == {12}

    def test_a_newer_pass_takes_the_place_of_a_running_one(self) -> None:
        version = make_version(attribute_rule())
        LeadFactory(industry="Care")
        for _ in range(2):
            draft = actions.create_draft(version.model_id, at=NOON)
            actions.publish_version(draft.pk, at=NOON + timedelta(seconds=1))

        assert Rescore.objects.filter(done_at=None).count() == 1
        assert actions.continue_rescore(at=NOON) == 1
        assert actions.continue_rescore(at=NOON) == 0

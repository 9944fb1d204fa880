from typing import Any

import pytest

from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leadcrm.lib.errors import DomainError, Invalid
from leads import conditions
from leads.actions import mark_dirty, record_activity
from leads.models import Activity, DirtyLead, Lead, LeadScore
from scoring import actions, queries
from scoring.models import ModelVersion, Qualification, Rescore, ScoreChange, VersionScore
from tests.factories import NOON, LeadFactory, UserFactory
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

    def test_goes_range_by_range_and_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("scoring.actions.publishing.RANGE", 2)
        version = make_version(attribute_rule())
        leads = [LeadFactory(industry="Care") for _ in range(5)]
        draft = actions.create_draft(version.model_id, at=NOON)
        actions.publish_version(draft.pk, at=NOON)

        percents = []
        while actions.continue_rescore(at=NOON):
            percents.append(Rescore.objects.get().percent)

        pass_ = Rescore.objects.get()
        assert (pass_.scored, pass_.changed, pass_.done_at) == (5, 5, NOON)
        assert percents == sorted(percents)
        assert (len(percents), percents[2], percents[-1]) == (6, 80, 100)
        assert {row_of(lead).score for lead in leads} == {12}

    def test_a_newer_one_takes_the_place_of_one_that_still_runs(self) -> None:
        version = make_version(attribute_rule())
        lead = LeadFactory(industry="Care")
        first = new_version(version, points=14)
        actions.continue_rescore(at=NOON)
        second = new_version(version, points=15)

        finish()

        first.refresh_from_db()
        second.refresh_from_db()
        assert Rescore.objects.filter(done_at=None).count() == 0
        assert (first.state, second.state) == ("retired", "published")
        assert row_of(lead).score == 15

    def test_the_old_version_serves_until_the_switch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("scoring.actions.publishing.RANGE", 1)
        version = make_version(attribute_rule(points=12), activity_rule(points=10))
        leads = [LeadFactory(industry="Care") for _ in range(3)]
        actions.rescore([lead.pk for lead in leads], at=NOON)
        new_version(version, points=15)
        for _ in leads:
            assert {row_of(lead).score for lead in leads} == {12}
            assert queries.published_version() == version
            actions.continue_rescore(at=NOON)

        finish()

        assert {row_of(lead).score for lead in leads} == {15}

    @pytest.mark.parametrize("reached", [0, 1, 2, 3])
    def test_what_changes_meanwhile_is_right_before_and_after(
        self, monkeypatch: pytest.MonkeyPatch, reached: int
    ) -> None:
        monkeypatch.setattr("scoring.actions.publishing.RANGE", 2)
        version = make_version(attribute_rule(points=12), activity_rule(points=10))
        alice, bob, charlie = (LeadFactory(industry="Care") for _ in range(3))
        actions.rescore([lead.pk for lead in (alice, bob, charlie)], at=NOON)
        new_version(version, points=15)
        for _ in range(reached):
            actions.continue_rescore(at=NOON)
        did(alice)
        Lead.objects.filter(pk=charlie.pk).update(industry="Retail")
        newcomer = LeadFactory(industry="Care")
        actions.rescore([alice.pk, charlie.pk, newcomer.pk], at=NOON)

        shown = queries.published_version()
        old = shown == version
        assert [row_of(lead).score for lead in (alice, charlie, newcomer)] == (
            [22, 0, 12] if old else [25, 0, 15]
        )
        finish()

        scores = [row_of(lead).score for lead in (alice, bob, charlie, newcomer)]
        assert scores == [25, 15, 0, 15]
        assert not VersionScore.objects.exists()

    def test_a_killed_worker_s_range_is_done_again_by_another(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = make_version(attribute_rule(points=12))
        lead = LeadFactory(industry="Care")
        new_version(version, points=15)
        pump.claim(Rescore, limit=1)  # and dies with it
        assert actions.continue_rescore(at=NOON) == 0
        Rescore.objects.update(due_at=NOON)  # the lease ran out

        finish()

        assert row_of(lead).score == 15

    def test_tells_once_what_moved_and_marks_who_qualified_by_it(self) -> None:
        version = make_version(attribute_rule(points=12), mql=SCORE_14, **WARM)
        lead = LeadFactory(industry="Care")
        actions.rescore([lead.pk], at=NOON)
        before = len(events("lead.score_crossed"))
        new_version(version, points=25, override_note="a test")

        finish()

        assert row_of(lead).temperature == "hot"
        assert len(events("lead.score_crossed")) == before
        told = {"model": "default", "version": 2, "changed": 1}
        moved = {"moves": {"warm>hot": 1}, "qualified": {"mql": 1}}
        assert events("scoring.published") == [told | moved]
        assert [event["cause"] for event in events("lead.qualified")] == ["publish"]
        assert Qualification.objects.get(lead=lead).cause == "publish"
        change = ScoreChange.objects.filter(lead=lead).latest("pk")
        assert (change.cause, change.version.number) == ("publish", 2)

    def test_may_keep_quiet_about_who_qualified(self) -> None:
        version = make_version(attribute_rule(points=12), mql=SCORE_14)
        lead = LeadFactory(industry="Care")
        new_version(version, points=15, hand_over=False)

        finish()

        assert Qualification.objects.filter(lead=lead, kind="mql").exists()
        assert not events("lead.qualified")

    def test_rolling_back_publishes_the_old_rules_as_a_new_version(self) -> None:
        version = make_version(attribute_rule(points=12))
        lead = LeadFactory(industry="Care")
        new_version(version, points=15)
        finish()
        assert row_of(lead).score == 15

        back = actions.roll_back(version.model_id, 1, at=NOON + DAY)
        finish()

        back.refresh_from_db()
        assert (back.number, back.state, back.restored_from_id) == (3, "published", version.pk)
        assert row_of(lead).score == 12
        for number in (3, 7):
            with pytest.raises(DomainError):
                actions.roll_back(version.model_id, number, at=NOON)


SCORE_14 = {"field": "score", "op": "gte", "value": 14}


def new_version(version: ModelVersion, *, hand_over: bool = True, **changes: Any) -> ModelVersion:
    """Publish the attribute rule changed like this."""
    draft = actions.create_draft(version.model_id, at=NOON)
    values: Any = changes
    actions.save_rule(draft.pk, values, rule_id=draft.rules.get(activity_type="").pk)
    return actions.publish_version(draft.pk, at=NOON, hand_over=hand_over)


def finish() -> None:
    while actions.continue_rescore(at=NOON):
        pass


class TestCategories:
    def test_score_what_was_done_in_them_and_the_best_is_known(self) -> None:
        make_version(activity_rule(points=5, counting="every"))
        rosters = actions.create_model(name="Rosters", category="Rosters", at=NOON)
        payroll = actions.create_model(name="Payroll", category="Payroll", at=NOON)
        lead = LeadFactory()
        for category in ("Rosters", "Payroll", "Payroll", ""):
            did(lead, category=category)
        for model in (rosters, payroll):
            actions.publish_version(model.versions.get().pk, at=NOON)
        finish()
        finish()

        best = queries.categories_of(lead)

        assert [(row.version.model.category, row.score) for row in best] == [
            ("Payroll", 10), ("Rosters", 5),
        ]  # fmt: skip
        wanted = {"field": "best_category", "op": "is", "value": "Payroll"}
        assert conditions.matches(wanted, [lead.pk]) == {lead.pk}

    def test_follow_what_the_lead_does(self) -> None:
        make_version(activity_rule(points=5, counting="every", window_days=7))
        model = actions.create_model(name="Rosters", category="Rosters", at=NOON)
        lead = LeadFactory()
        actions.publish_version(model.versions.get().pk, at=NOON)
        finish()
        record_activity(lead.pk, "pricing_view", at=NOON, category="Rosters")
        drain()

        assert [row.score for row in queries.categories_of(lead)] == [5]
        assert actions.queue_due(at=NOON + 7 * DAY) == 1
        drain(NOON + 7 * DAY)

        assert not queries.categories_of(lead)

    def test_one_model_for_each_and_the_default_stays(self) -> None:
        version = make_version(attribute_rule())
        actions.create_model(name="Rosters", category="Rosters", at=NOON)

        with pytest.raises(DomainError, match="already"):
            actions.create_model(name="Again", category="rosters", at=NOON)
        with pytest.raises(DomainError, match="stays"):
            actions.archive_model(version.model_id, at=NOON)


class TestAdjustments:
    def test_count_until_they_expire_with_their_reason(self) -> None:
        version = make_version(attribute_rule(points=12))
        alice = UserFactory(name="Alice")
        lead = LeadFactory(industry="Care")
        actions.adjust_score(
            lead.pk, points=9, reason="Met at the fair", at=NOON, user=alice,
            expires_at=NOON + 30 * DAY,
        )  # fmt: skip
        drain()

        assert (row_of(lead).score, row_of(lead).next_change_at) == (21, NOON + 30 * DAY)
        explanation = queries.explanation_by(version, lead, at=NOON)
        assert ("Met at the fair", 9) in [(c.label, c.points) for c in explanation.contributions]
        assert actions.queue_due(at=NOON + 30 * DAY) == 1
        drain(NOON + 30 * DAY)
        assert row_of(lead).score == 12

    def test_can_be_taken_back_once(self) -> None:
        make_version(attribute_rule(points=12))
        lead = LeadFactory(industry="Care")
        made = actions.adjust_score(lead.pk, points=-5, reason="Wrong person", at=NOON)
        drain()
        assert row_of(lead).score == 7

        actions.revoke_adjustment(made.pk, at=NOON + DAY)
        drain(NOON + DAY)

        assert row_of(lead).score == 12
        with pytest.raises(actions.AdjustmentOver):
            actions.revoke_adjustment(made.pk, at=NOON + DAY)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"points": 0}, "points"),
            ({"points": 101}, "points"),
            ({"points": True}, "points"),
            ({"reason": "  "}, "reason"),
            ({"reason": None}, "reason"),
            ({"expires_at": NOON}, "expires_at"),
            ({"expires_at": NOON + 4000 * DAY}, "expires_at"),
        ],
    )
    def test_mistakes_are_named(self, changes: dict[str, Any], field: str) -> None:
        make_version(attribute_rule())
        values: dict[str, Any] = {"points": 5, "reason": "Met", **changes}

        with pytest.raises(Invalid) as refusal:
            actions.adjust_score(LeadFactory().pk, at=NOON, **values)

        assert [mistake.field for mistake in refusal.value.errors] == [field]


class TestHysteresisOfQualification:
    def test_who_qualified_stays_until_the_condition_to_leave_holds(self) -> None:
        version = make_version(
            attribute_rule(points=20),
            attribute_rule(points=-9, condition={"field": "city", "op": "is", "value": "Delft"}),
            attribute_rule(points=-9, condition={"field": "city", "op": "is", "value": "Gouda"}),
            mql={"field": "score", "op": "gte", "value": 20},
            mql_leave={"field": "score", "op": "lt", "value": 11},
        )
        lead = LeadFactory(industry="Care")
        held = []
        for city in ("", "Delft", ""):
            Lead.objects.filter(pk=lead.pk).update(city=city)
            actions.rescore([lead.pk], at=NOON)
            held.append(Qualification.objects.filter(lead=lead, left_at=None).count())
        version.rules.filter(points=-9).update(points=-10)
        Lead.objects.filter(pk=lead.pk).update(city="Gouda")
        actions.rescore([lead.pk], at=NOON + DAY)

        assert held == [1, 1, 1]
        assert Qualification.objects.get(lead=lead).left_at == NOON + DAY
        assert [event["kind"] for event in events("lead.unqualified")] == ["mql"]

    def test_the_proof_says_what_was_true_with_which_values(self) -> None:
        make_version(
            attribute_rule(points=20),
            sql={"all": [
                {"field": "score", "op": "gte", "value": 20},
                {"not": {"field": "city", "op": "is", "value": "Delft"}},
                {"activity": "pricing_view", "times": {"at_least": 2}},
            ]},
        )  # fmt: skip
        lead = LeadFactory(industry="Care", city="Gouda")
        did(lead)
        did(lead)

        actions.rescore([lead.pk], at=NOON)

        proof = Qualification.objects.get(lead=lead).proof
        facts = [(fact["holds"], fact["actual"]) for fact in proof["facts"]]
        assert proof["condition"][0] == "Score is at least 20"
        assert facts == [(True, "20"), (False, "Gouda"), (True, "2")]

    def test_time_alone_ends_it_when_it_is_due(self) -> None:
        used = {"activity": "product_used", "times": {"at_least": 1}, "within_days": 30}
        make_version(attribute_rule(points=2), pql=used)
        lead = LeadFactory()
        did(lead, "product_used", days_ago=10)
        actions.rescore([lead.pk], at=NOON)
        assert row_of(lead).next_change_at == NOON + 20 * DAY

        actions.queue_due(at=NOON + 20 * DAY)
        drain(NOON + 20 * DAY)

        assert Qualification.objects.get(lead=lead).left_at == NOON + 20 * DAY

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection

from leadcrm.accounts.models import Absence, Notification, User, WorkingHours
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.actions import delete_lead
from leads.events import LeadQualified
from leads.models import Company, Lead
from pipeline import actions, handlers, queries
from pipeline.actions.routing import drain_waiting
from pipeline.models import (
    Assignment,
    Pool,
    PoolMember,
    RoutingDecision,
    RoutingRule,
    RuleSet,
    WaitingLead,
)
from tests.conftest import Mailbox
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory
from tests.pipeline.factories import capture, make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)
IN_NL = {"all": [{"field": "country", "op": "is", "value": "NL"}]}


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams")


@pytest.fixture
def bob() -> User:
    return UserFactory(name="Bob Brown")


@pytest.fixture
def charlie() -> User:
    return UserFactory(name="Charlie Clark")


def decide(lead: Lead, **options: object) -> RoutingDecision:
    decision = actions.route(lead.pk, at=LATER, **options)  # type: ignore[arg-type]
    assert decision is not None
    return decision


class TestRules:
    def test_the_first_that_holds_wins(self, alice: User, bob: User) -> None:
        publish_rules(
            actions.NewRule(
                name="Benelux", condition=IN_NL, target_kind="user", target_id=alice.pk
            ),
            actions.NewRule(name="Everyone else", target_kind="user", target_id=bob.pk),
        )
        dutch, german = open_lead(country="NL"), open_lead(country="DE")

        assert decide(dutch).chosen == alice
        assert decide(german).chosen == bob

    def test_switched_off_rules_are_not_tried(self, alice: User, bob: User) -> None:
        publish_rules(
            actions.NewRule(name="Off", target_kind="user", target_id=alice.pk, enabled=False),
            actions.NewRule(name="On", target_kind="user", target_id=bob.pk),
        )

        decision = decide(open_lead())

        assert decision.chosen == bob
        assert [step["rule"] for step in decision.trace] == ["On"]

    def test_no_rule_matched_means_the_fallback_queue(self, alice: User) -> None:
        team = TeamFactory(name="Desk")
        publish_rules(
            actions.NewRule(name="NL", condition=IN_NL, target_kind="user", target_id=alice.pk)
        )
        lead = open_lead(country="DE")

        decision = decide(lead)

        lead.refresh_from_db()
        assert (decision.chosen, decision.queue) == (None, team)
        assert (lead.owner, lead.team) == (None, team)
        assert not WaitingLead.objects.exists()

    def test_the_owner_of_the_company_gets_the_colleague(self, alice: User, bob: User) -> None:
        company = Company.objects.create(name="Kestrel", domain="kestrel.example")
        known = open_lead(company=company)
        actions.assign(known.pk, owner=alice, at=NOON)
        publish_rules(
            actions.NewRule(name="Same company", target_kind="company_owner"),
            actions.NewRule(name="Others", target_kind="user", target_id=bob.pk),
        )

        colleague, stranger = decide(open_lead(company=company)), decide(open_lead())

        assert colleague.chosen == alice
        assert "owns Kestrel" in colleague.reason
        assert stranger.chosen == bob
        assert stranger.trace[0]["note"] == "Nobody here owns the company’s leads."

    def test_a_lead_with_an_owner_keeps_it(self, alice: User, bob: User) -> None:
        publish_rules(actions.NewRule(name="All", target_kind="user", target_id=bob.pk))
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        assert actions.route(lead.pk, at=LATER) is None
        assert decide(lead, again=True).chosen == bob

    def test_a_new_installation_shares_among_all_active_reps(self, alice: User, bob: User) -> None:
        owners = {decide(open_lead()).chosen for _ in range(2)}

        assert owners == {alice, bob}
        assert Pool.objects.get().includes_everyone


class TestDraftAndPublish:
    def test_a_draft_changes_nothing_until_it_is_published(self, alice: User, bob: User) -> None:
        publish_rules(actions.NewRule(name="All", target_kind="user", target_id=alice.pk))

        actions.save_draft(
            [actions.NewRule(name="All", target_kind="user", target_id=bob.pk)], at=NOON
        )
        before = decide(open_lead())
        actions.publish_draft(at=LATER)
        after = decide(open_lead())

        assert (before.chosen, after.chosen) == (alice, bob)
        assert before.rule_set != after.rule_set

    def test_a_copied_rule_keeps_its_key(self, alice: User) -> None:
        published = publish_rules(
            actions.NewRule(name="All", target_kind="user", target_id=alice.pk)
        )

        draft = actions.start_draft(at=LATER)

        assert draft.rules.get().key == published.rules.get().key
        assert draft.number == published.number + 1

    def test_every_mistake_is_named_with_its_place(self) -> None:
        with pytest.raises(Invalid) as refused:
            actions.save_draft(
                [
                    actions.NewRule(name="", target_kind="user", target_id=0),
                    actions.NewRule(
                        name="Odd",
                        target_kind="queue",
                        target_id=TeamFactory().pk,
                        condition={"field": "shoe_size", "op": "is", "value": 44},
                    ),
                ],
                at=NOON,
            )

        fields = [error.field for error in refused.value.errors]
        assert fields[:2] == ["rules.0.name", "rules.0.target"]
        assert fields[2].startswith("rules.1.condition")

    def test_an_empty_draft_is_not_published(self) -> None:
        actions.save_draft([], at=NOON)

        with pytest.raises(actions.NothingToPublish):
            actions.publish_draft(at=NOON)


class TestSharesOfAPool:
    def test_are_exact_by_weight(self, alice: User, bob: User, charlie: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob, charlie, weights=(3, 2, 1))))
        leads = [open_lead() for _ in range(12)]

        owners = Counter(decide(lead).chosen for lead in leads)

        assert owners == {alice: 6, bob: 4, charlie: 2}

    def test_skip_who_is_full_away_paused_off_shift_or_gone(self, alice: User) -> None:
        full, away, paused, off_shift, gone, busy = (UserFactory() for _ in range(6))
        pool = make_pool(full, away, paused, off_shift, gone, busy, alice)
        member = {m.user_id: m for m in PoolMember.objects.all()}
        actions.assign(open_lead().pk, owner=full, at=NOON)
        PoolMember.objects.filter(pk=member[full.pk].pk).update(open_cap=1)
        Absence.objects.create(user=away, first_day=NOON.date(), last_day=NOON.date())
        PoolMember.objects.filter(pk=member[paused.pk].pk).update(paused=True)
        WorkingHours.objects.create(user=off_shift, weekday=3, starts=time(13), ends=time(17))
        User.objects.filter(pk=gone.pk).update(is_active=False)
        PoolMember.objects.filter(pk=member[busy.pk].pk).update(day_cap=1)
        actions.assign(open_lead().pk, owner=busy, at=NOON, cause=Assignment.Cause.ROUTED)
        publish_rules(pool_rule(pool))

        decision = decide(open_lead())

        codes = {row["user"]: row["code"] for row in decision.candidates}
        assert codes == {
            full.pk: "at_capacity",
            away.pk: "absent",
            paused.pk: "paused",
            off_shift.pk: "off_shift",
            gone.pk: "inactive",
            busy.pk: "day_cap",
            alice.pk: None,
        }
        assert decision.chosen == alice

    def test_working_hours_count_where_the_person_is(self, alice: User, bob: User) -> None:
        User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo")  # 21:00 there
        for user in (alice, bob):
            WorkingHours.objects.create(user=user, weekday=3, starts=time(9), ends=time(17))
        publish_rules(pool_rule(make_pool(alice, bob)))

        assert {decide(open_lead()).chosen for _ in range(2)} == {bob}

    def test_an_absence_ends_with_the_local_day(self, alice: User) -> None:
        User.objects.filter(pk=alice.pk).update(time_zone="Pacific/Auckland")
        Absence.objects.create(user=alice, first_day=date(2026, 11, 1), last_day=NOON.date())
        publish_rules(pool_rule(make_pool(alice)))

        next_day_there = datetime(2026, 11, 19, 11, 30, tzinfo=UTC)
        decision = actions.route(open_lead().pk, at=next_day_there)

        assert decision is not None
        assert decision.chosen == alice

    def test_a_weight_or_cap_that_cannot_be_meant_is_refused(self, alice: User) -> None:
        pool = make_pool(alice)

        with pytest.raises(Invalid) as refused:
            actions.set_pool_member(pool, alice, weight=0, open_cap=0)

        assert [error.field for error in refused.value.errors] == ["weight", "open_cap"]


@pytest.mark.django_db(transaction=True)
def test_many_captures_at_once_share_exactly_and_never_block_each_other() -> None:
    users = [UserFactory() for _ in range(3)]
    publish_rules(pool_rule(make_pool(*users, weights=(3, 2, 1))))
    leads = [open_lead() for _ in range(24)]

    def route(lead: Lead) -> int | None:
        try:
            decision = actions.route(lead.pk, at=LATER)
            return decision.chosen_id if decision else None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        chosen = Counter(pool.map(route, leads))

    assert chosen == {users[0].pk: 12, users[1].pk: 8, users[2].pk: 4}
    assert sum(PoolMember.objects.values_list("credit", flat=True)) == 0


class TestNobodyHasRoom:
    def test_is_never_nobody_responsible(self, alice: User, charlie: User) -> None:
        team = TeamFactory(manager=charlie)
        pool = make_pool(alice, queue=team)
        PoolMember.objects.update(paused=True)
        publish_rules(pool_rule(pool))
        lead = open_lead()

        decision = decide(lead)
        pump.run_all()

        lead.refresh_from_db()
        assert (decision.chosen, decision.queue, lead.team) == (None, team, team)
        assert "nobody in Inside sales has room (1 paused)" in decision.reason
        assert Notification.objects.get(kind="queued").user == charlie

    def test_an_empty_pool_says_so(self) -> None:
        publish_rules(pool_rule(make_pool()))

        assert "the pool is empty" in decide(open_lead()).reason

    def test_waiting_leads_are_served_oldest_first_as_room_appears(self, alice: User) -> None:
        pool = make_pool(alice)
        PoolMember.objects.update(paused=True)
        publish_rules(pool_rule(pool))
        first, second, third = (open_lead() for _ in range(3))
        for minute, lead in enumerate((second, first, third)):
            actions.route(lead.pk, at=NOON + timedelta(minutes=minute))
        PoolMember.objects.update(paused=False, open_cap=2)

        served = drain_waiting(at=LATER)

        assert served == 2
        assert set(Lead.objects.filter(owner=alice)) == {second, first}
        assert WaitingLead.objects.get().lead == third
        assert Assignment.objects.filter(cause="drained").count() == 2

    def test_a_new_lead_stands_behind_those_who_wait(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        PoolMember.objects.update(paused=True)
        first, second = open_lead(), open_lead()
        decide(first)
        PoolMember.objects.update(paused=False, open_cap=1)

        decision = decide(second)
        drain_waiting(at=LATER)

        assert "others wait before it" in decision.reason
        assert Lead.objects.get(owner=alice) == first
        assert WaitingLead.objects.get().lead == second

    def test_looking_again_without_room_writes_nothing(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        PoolMember.objects.update(paused=True)
        decide(open_lead())

        assert drain_waiting(at=LATER) == 0
        assert RoutingDecision.objects.count() == 1

    def test_new_rules_are_tried_on_those_who_wait(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        PoolMember.objects.update(paused=True)
        lead = open_lead()
        decide(lead)

        publish_rules(actions.NewRule(name="To Bob", target_kind="user", target_id=bob.pk))
        drain_waiting(at=LATER)

        lead.refresh_from_db()
        assert lead.owner == bob
        assert not WaitingLead.objects.exists()

    def test_a_named_person_who_is_away_gets_it_on_return(self, alice: User) -> None:
        absence = Absence.objects.create(user=alice, first_day=NOON.date(), last_day=NOON.date())
        publish_rules(actions.NewRule(name="Named", target_kind="user", target_id=alice.pk))
        lead = open_lead()
        decide(lead)

        absence.delete()
        drain_waiting(at=LATER)

        lead.refresh_from_db()
        assert lead.owner == alice

    def test_one_that_was_deleted_does_not_hold_up_the_others(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        PoolMember.objects.update(paused=True)
        deleted, kept = open_lead(), open_lead()
        decide(deleted)
        decide(kept)
        delete_lead(deleted.pk, at=LATER)
        PoolMember.objects.update(paused=False)

        assert drain_waiting(at=LATER) == 1

        kept.refresh_from_db()
        assert kept.owner == alice
        assert not WaitingLead.objects.exists()

    def test_who_gets_an_owner_by_hand_waits_no_longer(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        PoolMember.objects.update(paused=True)
        lead = open_lead()
        decide(lead)

        actions.assign(lead.pk, owner=bob, at=LATER)

        assert not WaitingLead.objects.exists()


class TestExplanation:
    def test_holds_everything_needed_to_answer_why(self, alice: User, bob: User) -> None:
        pool = make_pool(alice, bob, weights=(2, 1))
        publish_rules(
            actions.NewRule(name="Benelux", condition=IN_NL, target_kind="user", target_id=bob.pk),
            pool_rule(pool),
        )
        lead = open_lead(country="DE", score=72)

        decision = decide(lead)

        benelux, inside_sales = decision.trace
        assert (benelux["rule"], benelux["matched"]) == ("Benelux", False)
        assert benelux["failing"] == {"text": "Country is Netherlands", "actual": "Germany"}
        assert inside_sales["matched"] is True
        assert decision.inputs["country"] == "DE"
        assert decision.inputs["score"] == 72
        assert decision.rotation_before == {str(alice.pk): 0, str(bob.pk): 0}
        assert decision.rotation_after == {str(alice.pk): -1, str(bob.pk): 1}
        assert decision.reason == (
            "Rule “Inside sales”: Alice Adams, next in turn in Inside sales, 0 open leads."
        )
        assert Assignment.objects.get(owner=alice).decision == decision

    def test_a_dry_run_shows_who_would_get_what_and_writes_nothing(
        self, alice: User, bob: User
    ) -> None:
        pool = make_pool(alice, bob)
        publish_rules(pool_rule(pool))
        leads = [open_lead(country=c).pk for c in ("DE", "NL", "DE", "FR")]
        draft = actions.save_draft(
            [
                actions.NewRule(name="NL", condition=IN_NL, target_kind="user", target_id=bob.pk),
                pool_rule(pool),
            ],
            at=NOON,
        )

        forecast = queries.dry_run(list(queries.rules_of(draft)), leads, at=LATER)

        assert [(row.rule, row.user) for row in forecast] == [
            ("Inside sales", "Alice Adams"),
            ("NL", "Bob Brown"),
            ("Inside sales", "Bob Brown"),
            ("Inside sales", "Alice Adams"),
        ]
        assert not RoutingDecision.objects.exists()
        assert RuleSet.objects.get(state="published") != draft
        assert RoutingRule.objects.filter(rule_set=draft).count() == 2


class TestFromTheFormToTheRep:
    def test_owner_decision_notification_and_mail(self, alice: User, mailbox: Mailbox) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        lead = LeadFactory(first_name="Priya", last_name="Raman", company_name="Kestrel")

        capture(lead, message="We plan shifts for 260 drivers.")
        publish(LeadQualified(lead_id=lead.pk, kind="sql", score=87), at=NOON)
        pump.run_all()

        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.owner, lead.stage.key, lead.lifecycle) == (alice, "sql", "sql")
        assert RoutingDecision.objects.get().chosen == alice
        note = Notification.objects.get(kind="assigned")
        assert (note.user, note.title) == (alice, "Priya Raman is yours")
        [mail] = list(mailbox)
        assert mail["Subject"] == "Priya Raman (Kestrel) is yours"
        assert mail["X-Envelope-To"] == alice.email
        text = mail.get_body(("plain",)).get_content()
        assert "We plan shifts for 260 drivers." in text
        assert f"/leads/{lead.public_id}/" in text

    def test_delivered_twice_it_happens_once(self, alice: User, mailbox: Mailbox) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        lead = open_lead()
        event = LeadQualified(lead_id=lead.pk, kind="sql", score=87)

        for _ in range(2):
            handlers.qualify_and_route(event)
            pump.run_all()

        assert RoutingDecision.objects.count() == 1
        assert Assignment.objects.filter(owner=alice).count() == 1
        assert Notification.objects.filter(kind="assigned").count() == 1
        assert len(mailbox) == 1

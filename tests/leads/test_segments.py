"""Segments: who enters and leaves them, when, and what keeps them from going round in circles."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from leadcrm.audit.checks import wrong_memberships
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid, StaleVersion
from leads import actions, conditions
from leads.actions import segments
from leads.actions.leads import delete_leads
from leads.models import Activity, Lead, Segment, SegmentClock, SegmentMembership, Touch
from tests.factories import NOON, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db

CARE = {"field": "industry", "op": "is", "value": "Care"}
LARGE = {"field": "company_size", "op": "gte", "value": 100}


def make_segment(name: str, tree: Any = CARE) -> Segment:
    segment = segments.create_segment(name=name, tree=tree)
    pump.run_all()
    segment.refresh_from_db()
    return segment


def inside(segment: Segment) -> set[Lead]:
    return {m.lead for m in SegmentMembership.objects.filter(segment=segment, left_at=None)}


def came_by_google(lead: Lead) -> None:
    Touch.objects.create(lead=lead, channel="paid_search", utm_source="google", occurred_at=NOON)
    actions.mark_dirty([lead.pk])


def told(name: str) -> list[int | None]:
    return list(DomainEvent.objects.filter(name=name).values_list("lead_id", flat=True))


class TestLiveSegments:
    def test_find_their_members_when_they_are_made(self) -> None:
        alice, _bob = LeadFactory(industry="Care"), LeadFactory(industry="Retail")

        segment = make_segment("Care")

        assert inside(segment) == {alice}
        assert (segment.size, segment.is_counting) == (1, False)

    def test_let_a_lead_in_and_out_as_it_changes_and_say_so(self) -> None:
        segment, alice = make_segment("Care"), LeadFactory(industry="Retail")

        actions.update_lead(alice.pk, {"industry": "Care"}, at=NOON)
        pump.run_all()

        assert inside(segment) == {alice}
        assert told("segment.entered") == [alice.pk]

        actions.update_lead(alice.pk, {"industry": "Retail"}, at=NOON)
        pump.run_all()

        segment.refresh_from_db()
        assert (inside(segment), segment.size) == (set(), 0)
        assert told("segment.left") == [alice.pk]
        assert SegmentMembership.objects.filter(segment=segment, lead=alice).count() == 1

    def test_ask_for_behaviour_and_for_scores(self) -> None:
        visited = make_segment("Visited", {"activity": "pricing_view"})
        scored = make_segment("Scored", {"field": "score", "op": "gte", "value": 1})
        alice = LeadFactory()

        actions.record_activity(alice.pk, "pricing_view", at=timezone.now())
        pump.run_all()

        alice.score_row.refresh_from_db()
        assert inside(visited) == {alice}
        assert (alice in inside(scored)) == (alice.score_row.score >= 1)

    def test_that_name_others_follow_them_at_once(self) -> None:
        care = make_segment("Care")
        both = make_segment("Large care", {"all": [{"segment": care.public_id}, LARGE]})
        rest = make_segment("The rest", {"not": {"segment": both.public_id}})
        alice = LeadFactory(company_size=500)

        actions.update_lead(alice.pk, {"industry": "Care"}, at=NOON)
        pump.run_all()

        assert inside(both) == {alice}
        assert inside(rest) == set()

    def test_lose_who_is_deleted(self) -> None:
        alice = LeadFactory(industry="Care")
        segment = make_segment("Care")

        delete_leads([alice.pk], at=NOON)
        pump.run_all()

        assert inside(segment) == set()

    def test_changed_conditions_move_people_and_are_counted_anew(self) -> None:
        alice, bob = LeadFactory(industry="Care"), LeadFactory(company_size=500)
        segment = make_segment("Care")

        segments.update_segment(segment.pk, tree=LARGE, at=NOON, version=1)
        pump.run_all()

        assert inside(segment) == {bob}
        assert told("segment.left") == [alice.pk]

    def test_saving_over_a_colleagues_change_is_refused(self) -> None:
        segment = make_segment("Care")
        segments.update_segment(segment.pk, name="Caring", at=NOON, version=1)

        with pytest.raises(StaleVersion):
            segments.update_segment(segment.pk, name="Cared for", at=NOON, version=1)

    def test_counting_from_scratch_agrees_with_following_changes(self) -> None:
        segment = make_segment("Care")
        leads = [LeadFactory() for _ in range(12)]
        for n, lead in enumerate(leads * 3):
            industry = "Care" if n % 5 in (0, 2, 3) else "Retail"
            actions.update_lead(lead.pk, {"industry": industry}, at=NOON)
            if n % 4 == 0:
                pump.run_all()
        pump.run_all()
        followed = inside(segment)

        SegmentMembership.objects.filter(segment=segment).delete()
        Segment.objects.update(due_at=NOON)
        pump.run_all()

        segment.refresh_from_db()
        assert followed == inside(segment) == set(Lead.objects.filter(industry="Care"))
        assert segment.size == len(followed)


class TestTime:
    """Nothing changes about Alice but the date."""

    @pytest.fixture
    def alice(self) -> Lead:
        lead: Any = LeadFactory()
        return lead  # type: ignore[no-any-return]

    def visited(self, lead: Lead, *, days: float) -> None:
        at = timezone.now() - timedelta(days=days)
        actions.record_activity(lead.pk, "page_view", at=at)
        pump.run_all()

    def clock(self, lead: Lead) -> timedelta:
        """How long until she is looked at again."""
        return SegmentClock.objects.get(lead=lead).due_at - timezone.now()

    def pass_time(self, lead: Lead, **by: float) -> None:
        """Everything that happened is so much older, and so is the plan to look again."""
        span = timedelta(**by)
        Activity.objects.filter(lead=lead).update(occurred_at=F("occurred_at") - span)
        Lead.objects.filter(pk=lead.pk).update(created_at=F("created_at") - span)
        SegmentClock.objects.update(due_at=F("due_at") - span)
        pump.run_all()

    def test_lets_out_who_did_something_too_long_ago(self, alice: Lead) -> None:
        week = make_segment("This week", {"activity": "page_view", "within_days": 7})
        self.visited(alice, days=6)

        assert inside(week) == {alice}
        assert timedelta(hours=23) < self.clock(alice) < timedelta(hours=25)

        self.pass_time(alice, hours=25)

        assert inside(week) == set()
        stay = SegmentMembership.objects.get(segment=week)
        assert (stay.came_by, stay.went_by) == ("change", "time")

    def test_lets_in_who_has_been_silent_long_enough(self, alice: Lead) -> None:
        silent = make_segment("Silent", {"activity": "page_view", "last": {"older_than_days": 30}})
        self.visited(alice, days=29)

        assert inside(silent) == set()

        self.pass_time(alice, hours=25)

        assert inside(silent) == {alice}

    def test_counts_until_the_oldest_of_several_is_too_old(self, alice: Lead) -> None:
        busy = make_segment(
            "Busy", {"activity": "page_view", "times": {"at_least": 2}, "within_days": 7}
        )
        self.visited(alice, days=6)
        self.visited(alice, days=1)

        assert inside(busy) == {alice}

        self.pass_time(alice, days=2)

        assert inside(busy) == set()

    def test_moves_by_dates_of_fields_too(self, alice: Lead) -> None:
        young = make_segment("Young", {"field": "created_at", "op": "within_days", "value": 30})
        old = make_segment("Old", {"not": {"segment": young.public_id}})

        assert inside(young) == {alice}

        self.pass_time(alice, days=31)

        assert (inside(young), inside(old)) == (set(), {alice})

    def test_looks_at_nobody_whom_time_cannot_move(self, alice: Lead) -> None:
        make_segment("Care")
        make_segment("Visited", {"activity": "page_view"})
        self.visited(alice, days=1)

        assert not SegmentClock.objects.exists()


class TestChangesOfAllKinds:
    """Whatever a condition can ask for: a change of it is noticed without counting anew."""

    @pytest.mark.parametrize(
        ("tree", "change"),
        [
            ({"tag": "VIP"}, lambda lead: actions.set_tags(lead.pk, ["VIP"], at=NOON)),
            (
                {"field": "consent.phone", "op": "is", "value": True},
                lambda lead: actions.record_consent(lead.pk, "phone", granted=True, at=NOON),
            ),
            (
                {"activity": "call_connected"},
                lambda lead: actions.record_activity(lead.pk, "call_connected", at=NOON),
            ),
            (
                {"touch": {"utm_source": "google"}},
                came_by_google,
            ),
        ],
        ids=["tag", "consent", "activity", "touch"],
    )
    def test_let_in(self, tree: Any, change: Callable[[Lead], Any]) -> None:
        alice = LeadFactory()
        segment = make_segment("Those", tree)

        change(alice)
        pump.run_all()

        assert inside(segment) == {alice}

    def test_a_list_by_hand_moves_segments_that_name_it(self) -> None:
        alice: Any = LeadFactory()
        guests = segments.create_segment(name="Guests", kind="frozen")
        named = make_segment("Named", {"list": guests.public_id})

        segments.add_to_list(guests.pk, [alice.pk], at=NOON)
        pump.run_all()

        assert inside(named) == {alice}


class TestTheAudit:
    def test_names_who_is_wrongly_in_a_segment_or_out_of_it(self) -> None:
        alice = LeadFactory(industry="Care")
        segment = make_segment("Care")

        assert list(wrong_memberships()) == []

        SegmentMembership.objects.filter(segment=segment).delete()
        [breach] = wrong_memberships()

        assert (breach.count, breach.examples) == (1, (alice.public_id,))
        assert "“Care”" in breach.rule


class TestCircles:
    def test_a_segment_cannot_depend_on_itself(self) -> None:
        care = make_segment("Care")
        large = make_segment("Large", {"segment": care.public_id})

        with pytest.raises(Invalid, match="Large → Care"):
            segments.update_segment(
                care.pk, tree={"any": [CARE, {"segment": large.public_id}]}, at=NOON
            )

    def test_a_segment_that_is_gone_matches_nobody_and_cannot_be_chosen(self) -> None:
        care, alice = make_segment("Care"), LeadFactory(industry="Care")
        pump.run_all()
        segments.archive_segment(care.pk, at=NOON)

        with pytest.raises(Invalid, match="no segment"):
            make_segment("Large", {"segment": care.public_id})

        assert conditions.matches({"segment": care.public_id}, [alice.pk]) == set()

    def test_one_that_others_use_stays(self) -> None:
        care = make_segment("Care")
        make_segment("Large", {"segment": care.public_id})

        with pytest.raises(segments.SegmentInUse, match="segment “Large”"):
            segments.archive_segment(care.pk, at=NOON)

    def test_scoring_rules_cannot_ask_for_segments(self) -> None:
        with pytest.raises(Invalid, match="depend on scores"):
            conditions.parse({"segment": "abc"}, computed=False)


class TestFrozenLists:
    def make(self, leads: Iterable[Lead]) -> Segment:
        guests = segments.create_segment(name="Dinner guests", kind="frozen", user=UserFactory())
        segments.add_to_list(guests.pk, [lead.pk for lead in leads], at=NOON)
        pump.run_all()
        return Segment.objects.get(pk=guests.pk)

    def test_keep_who_was_put_on_them(self) -> None:
        alice: Any = LeadFactory()

        guests = self.make([alice])
        actions.update_lead(alice.pk, {"industry": "Care"}, at=NOON)
        pump.run_all()

        assert (inside(guests), guests.size) == ({alice}, 1)

    def test_hold_nobody_twice_and_let_go(self) -> None:
        alice: Any = LeadFactory()
        bob: Any = LeadFactory()
        guests = self.make([alice])

        added = segments.add_to_list(guests.pk, [alice.pk, bob.pk], at=NOON)
        removed = segments.remove_from_list(guests.pk, [alice.pk], at=NOON)

        guests.refresh_from_db()
        assert (added, removed) == (1, 1)
        assert (inside(guests), guests.size) == ({bob}, 1)

    def test_can_be_asked_for_in_conditions(self) -> None:
        alice: Any = LeadFactory()
        bob: Any = LeadFactory()

        guests = self.make([alice])

        ids = [alice.pk, bob.pk]
        assert conditions.matches({"segment": guests.public_id}, ids) == {alice.pk}
        explained = conditions.explain({"segment": guests.public_id}, bob.pk)
        assert (explained.holds, explained.text) == (False, "is in the segment “Dinner guests”")

    def test_a_live_segment_cannot_be_filled_by_hand(self) -> None:
        with pytest.raises(Invalid, match="fills itself"):
            segments.add_to_list(make_segment("Care").pk, [LeadFactory().pk], at=NOON)

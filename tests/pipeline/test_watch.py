"""The watch finds leads that nobody cares for, and the manager hears of them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Absence, Notification, Role, Team, User
from leadcrm.lib import pump
from leads.models import Lead
from pipeline import actions
from pipeline.actions.watching import ensure_watches, look, set_watch
from pipeline.models import Alarm, Watch
from tests.conftest import Mailbox
from tests.factories import TeamFactory, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _watches() -> None:
    ensure_watches()


@pytest.fixture
def charlie() -> User:
    return UserFactory(name="Charlie Clark", role=Role.MANAGER)


@pytest.fixture
def team(charlie: User) -> Team:
    return TeamFactory(name="North", manager=charlie)


@pytest.fixture
def alice(team: Team) -> User:
    return UserFactory(name="Alice Adams", team=team)


def look_now() -> None:
    Watch.objects.update(due_at=timezone.now())
    pump.run_all()


def raised() -> list[str]:
    return sorted(Alarm.objects.filter(cleared_at=None).values_list("watch_id", flat=True))


class TestTheWatch:
    def test_finds_each_kind_and_tells_the_manager_once(
        self, alice: User, team: Team, charlie: User, mailbox: Mailbox
    ) -> None:
        now = timezone.now()
        Watch.objects.update(grace_minutes=0)
        gone = UserFactory(name="Gone", is_active=False)
        actions.set_pool_member(pool := make_pool(alice, queue=team), alice, paused=True)
        publish_rules(pool_rule(pool))
        waiting = open_lead(at=now, team=team)
        actions.route(waiting.pk, at=now)
        left = open_lead(at=now, team=team)
        Lead.objects.filter(pk=left.pk).update(owner=gone)
        open_lead(at=now - timedelta(days=2), owner=alice, team=team)

        look_now()
        look_now()

        assert raised() == ["no_next_step", "owner_gone", "past_target", "waiting"]
        told = Notification.objects.filter(user=charlie, kind="watch")
        assert told.count() == 4
        assert any("Past its target" in m["Subject"] or "past" in m["Subject"] for m in mailbox)

    def test_ends_the_alarm_when_all_is_well_again(self, alice: User, team: Team) -> None:
        lead = open_lead(at=timezone.now() - timedelta(days=2), owner=alice, team=team)
        look_now()
        before = raised()

        actions.log_call(lead.pk, user=alice, outcome="connected", at=timezone.now())
        pump.run_all()
        look_now()

        assert "past_target" in before
        assert "past_target" not in raised()
        assert Alarm.objects.filter(watch="past_target").get().cleared_at is not None

    def test_lets_a_new_lead_be_for_a_while(self, alice: User, team: Team) -> None:
        open_lead(at=timezone.now(), owner=alice, team=team)

        look_now()

        assert "no_next_step" not in raised()

    def test_hears_of_an_absence_that_nobody_covers(self, alice: User, team: Team) -> None:
        today = timezone.now().date()
        open_lead(at=timezone.now(), owner=alice, team=team)
        absence = Absence.objects.create(user=alice, first_day=today, last_day=today)
        look_now()
        uncovered = raised()

        absence.cover = UserFactory.create()
        absence.save()
        look_now()

        assert "owner_gone" in uncovered
        assert "owner_gone" not in raised()

    def test_says_nothing_when_it_is_switched_off(self, alice: User, team: Team) -> None:
        open_lead(at=timezone.now() - timedelta(days=2), owner=alice, team=team)
        set_watch("past_target", enabled=False, grace_minutes=0)

        look(Watch.objects.get(kind="past_target"), at=timezone.now())

        assert not Alarm.objects.exists()


class TestThePage:
    def test_shows_zero(self, client: Client, charlie: User) -> None:
        client.force_login(charlie)

        page = client.get("/routing/watch/").content.decode()

        assert "<strong>Zero.</strong>" in page

    def test_shows_the_list_with_its_age(
        self, client: Client, alice: User, team: Team, charlie: User
    ) -> None:
        open_lead(
            at=timezone.now() - timedelta(days=2), owner=alice, team=team, first_name="Ingrid"
        )
        client.force_login(charlie)

        page = client.get("/routing/watch/?kind=past_target").content.decode()

        assert "Ingrid" in page
        assert "Past its target: 1" in page
        assert "<strong>Zero.</strong>" not in page

    def test_of_a_stranger_shows_nothing(self, client: Client, alice: User, team: Team) -> None:
        open_lead(
            at=timezone.now() - timedelta(days=2), owner=alice, team=team, first_name="Ingrid"
        )
        client.force_login(UserFactory())

        assert "Ingrid" not in client.get("/routing/watch/?kind=past_target").content.decode()

    def test_managers_say_how_long_is_too_long(self, client: Client, charlie: User) -> None:
        client.force_login(charlie)

        client.post("/routing/watch/no_next_step/", {"enabled": "on", "grace": "1,5"})
        wrong = client.post("/routing/watch/no_next_step/", {"enabled": "on", "grace": "soon"})

        assert Watch.objects.get(kind="no_next_step").grace_minutes == 90
        assert wrong.status_code == 422
        assert "such as 24 or 0.5" in wrong.content.decode()

    def test_stands_beside_the_navigation(
        self, client: Client, alice: User, team: Team, charlie: User
    ) -> None:
        open_lead(at=timezone.now() - timedelta(days=2), owner=alice, team=team)
        look_now()
        client.force_login(charlie)

        assert "alarms of the watch" in client.get("/routing/targets/").content.decode()

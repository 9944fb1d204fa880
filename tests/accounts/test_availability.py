"""Working hours, absences and holidays in the browser; teams that must not go round in a circle."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import (
    Absence,
    HolidayCalendar,
    Membership,
    Role,
    Team,
    User,
    WorkingHours,
)
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="North")


@pytest.fixture
def alice(team: Team) -> User:
    return UserFactory(name="Alice Adams", team=team)


@pytest.fixture
def bob(team: Team) -> User:
    return UserFactory(name="Bob Brown", team=team)


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def manager(client: Client, team: Team) -> Client:
    client.force_login(UserFactory(name="Charlie Clark", role=Role.MANAGER, team=team))
    return client


def day(offset: int) -> date:
    return timezone.now().date() + timedelta(days=offset)


class TestHours:
    def test_a_week_with_a_break_is_kept(self, browser: Client, alice: User) -> None:
        browser.post(
            "/settings/hours/",
            {
                "day_0_0_from": "09:00",
                "day_0_0_to": "12:00",
                "day_0_1_from": "13:00",
                "day_0_1_to": "17:30",
            },
        )

        rows = WorkingHours.objects.filter(user=alice).order_by("starts")
        assert [f"{row.weekday} {row.starts:%H:%M}-{row.ends:%H:%M}" for row in rows] == [
            "0 09:00-12:00",
            "0 13:00-17:30",
        ]
        assert 'value="17:30"' in browser.get("/settings/hours/").content.decode()

    @pytest.mark.parametrize(
        ("hours", "words"),
        [
            (("17:00", "09:00", "", ""), "Monday ends at 09:00, before it starts"),
            (("09:00", "13:00", "12:00", "17:00"), "Two blocks of Monday overlap"),
            (("09:00", "", "", ""), "say when it starts and when it ends"),
        ],
    )
    def test_that_cannot_be_meant_are_refused_in_words(
        self, browser: Client, hours: tuple[str, ...], words: str
    ) -> None:
        names = ("day_0_0_from", "day_0_0_to", "day_0_1_from", "day_0_1_to")

        answer = browser.post("/settings/hours/", dict(zip(names, hours, strict=True)))

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not WorkingHours.objects.exists()

    def test_of_others_are_for_their_manager(
        self, manager: Client, alice: User, client: Client
    ) -> None:
        stranger = UserFactory()

        manager.post(
            f"/settings/hours/{alice.public_id}/",
            {"day_4_0_from": "08:00"} | {"day_4_0_to": "16:00"},
        )

        assert WorkingHours.objects.get().user == alice
        assert manager.get(f"/settings/hours/{stranger.public_id}/").status_code == 404

    def test_a_zone_that_does_not_exist_is_refused_with_the_cure(self, browser: Client) -> None:
        answer = browser.post("/settings/profile/", {"name": "Alice", "time_zone": "Mars/Base"})

        assert answer.status_code == 422
        assert "no time zone we know. Choose a place" in answer.content.decode()


class TestAbsences:
    def add(self, browser: Client, person: User, **fields: object) -> str:
        given = {"first_day": day(3), "last_day": day(9), **fields}
        answer = browser.post(f"/settings/hours/{person.public_id}/absences/", given)
        return answer.content.decode() if answer.status_code == 422 else ""

    def test_are_written_down_with_their_cover(
        self, browser: Client, alice: User, bob: User
    ) -> None:
        refused = self.add(browser, alice, cover=bob.public_id, moves_leads="on", note="Norway")

        absence = Absence.objects.get()
        page = browser.get("/settings/hours/").content.decode()
        assert refused == ""
        assert (absence.user, absence.cover, absence.moves_leads) == (alice, bob, True)
        assert "Bob Brown, with the open leads" in page

    def test_that_overlap_are_refused(self, browser: Client, alice: User) -> None:
        self.add(browser, alice)

        refused = self.add(browser, alice, first_day=day(9), last_day=day(12))

        assert "is away from" in refused
        assert Absence.objects.count() == 1

    def test_need_a_cover_who_is_there(self, browser: Client, alice: User, bob: User) -> None:
        Absence.objects.create(user=bob, first_day=day(5), last_day=day(6), cover=alice)

        circle = self.add(browser, alice, cover=bob.public_id)
        nobody = self.add(browser, alice, moves_leads="on")

        assert "Bob Brown is away, too, and Alice Adams covers for them" in circle
        assert "Say who takes the leads meanwhile" in nobody

    def test_end_the_day_before_somebody_is_back(self, browser: Client, alice: User) -> None:
        absence = Absence.objects.create(user=alice, first_day=day(-3), last_day=day(5))
        coming = Absence.objects.create(user=alice, first_day=day(9), last_day=day(9))

        browser.post(f"/settings/absences/{absence.pk}/end/")
        browser.post(f"/settings/absences/{coming.pk}/end/")

        absence.refresh_from_db()
        assert absence.last_day == day(-1)
        assert not Absence.objects.filter(pk=coming.pk).exists()


class TestHolidays:
    def test_are_written_one_a_line(self, manager: Client) -> None:
        lines = "2026-12-25 Christmas Day\n\n26.12.2026 Boxing Day\n"

        manager.post("/settings/calendar/holidays/new/", {"name": "NL", "days": lines})

        calendar = HolidayCalendar.objects.get()
        assert calendar.is_default
        assert list(calendar.days.order_by("day").values_list("name", flat=True)) == [
            "Christmas Day",
            "Boxing Day",
        ]
        assert "NL" in manager.get("/settings/calendar/").content.decode()

    def test_a_line_that_is_no_date_is_named(self, manager: Client) -> None:
        answer = manager.post(
            "/settings/calendar/holidays/new/", {"name": "NL", "days": "2026-02-30 Never"}
        )

        assert answer.status_code == 422
        assert "Line 1 does not begin with a date" in answer.content.decode()

    def test_of_the_workspace_are_not_deleted_while_there_are_others(self, manager: Client) -> None:
        first = HolidayCalendar.objects.create(name="NL", is_default=True)
        HolidayCalendar.objects.create(name="DE")

        answer = manager.post(f"/settings/calendar/holidays/{first.pk}/delete/")

        assert answer.status_code == 409
        assert "Make another one that first" in answer.content.decode()


class TestAbilities:
    def test_are_for_managers_to_write_down(self, manager: Client, alice: User) -> None:
        manager.post(
            f"/settings/hours/{alice.public_id}/abilities/",
            {"languages": "EN, nl", "territory": "nl,be", "skills": "SAP, sap ,Law"},
        )

        alice.refresh_from_db()
        assert alice.languages == ["en", "nl"]
        assert alice.territory == ["NL", "BE"]
        assert alice.skills == ["sap", "Law"]

    def test_a_code_that_is_none_is_refused(self, manager: Client, alice: User) -> None:
        answer = manager.post(
            f"/settings/hours/{alice.public_id}/abilities/", {"languages": "english"}
        )

        assert answer.status_code == 422
        assert "is no code of two letters" in answer.content.decode()


def test_a_team_cannot_be_part_of_one_below_it(client: Client, team: Team) -> None:
    below = TeamFactory(name="Oslo", parent=team)
    client.force_login(UserFactory(role=Role.ADMIN))

    answer = client.post(f"/settings/teams/{team.pk}/", {"name": "North", "parent": below.pk})

    team.refresh_from_db()
    assert answer.status_code == 422
    assert "escalations would never end" in answer.content.decode()
    assert team.parent is None
    assert not Membership.objects.filter(team=below).exists()

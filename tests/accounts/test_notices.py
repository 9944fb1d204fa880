"""How people hear of things: in the app, by e-mail, in a digest; and when they do not."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts import noticemail, notices
from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import Digest, Notification, User
from leadcrm.accounts.notices import Choice
from leadcrm.lib import pump
from tests.conftest import Mailbox
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com", time_zone="Europe/Amsterdam")


def choose(user: User, **more: object) -> None:
    hours = {"quiet_from": None, "quiet_until": None, "digest_at": None}
    notices.choose(user, more.pop("choices", {}), at=timezone.now(), **{**hours, **more})  # type: ignore[arg-type]


def tell(user: User, key: str = "a", kind: str = "mention") -> None:
    notify(user, kind=kind, title=f"News {key}", dedupe_key=key, url="/leads/")


def deliver() -> None:
    Notification.objects.filter(email="waiting").update(due_at=timezone.now())
    pump.run_all()


class TestByEmail:
    def test_several_things_come_in_one(self, alice: User, mailbox: Mailbox) -> None:
        tell(alice, "a")
        tell(alice, "b")

        deliver()

        assert len(mailbox) == 1
        assert mailbox[0]["Subject"] == "2 things to know"

    def test_what_was_read_in_the_app_is_not_sent(self, alice: User, mailbox: Mailbox) -> None:
        tell(alice)
        Notification.objects.update(read_at=timezone.now())

        deliver()

        assert not mailbox
        assert Notification.objects.get().email == "seen"

    def test_each_kind_goes_its_own_way(self, alice: User, mailbox: Mailbox) -> None:
        choose(alice, choices={"mention": Choice(in_app=False, email="off")})

        tell(alice)
        deliver()

        assert not mailbox
        assert not Notification.objects.get().in_app


class TestQuietHours:
    def test_run_over_midnight_in_the_persons_zone(self, alice: User) -> None:
        choose(alice, quiet_from=time(22), quiet_until=time(7))

        late = datetime(2026, 11, 19, 21, 30, tzinfo=UTC)  # half past ten in Amsterdam
        noon = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)

        assert notices.is_quiet(alice, late)
        assert not notices.is_quiet(alice, noon)
        assert notices.after_quiet(alice, late) == datetime(2026, 11, 20, 6, 0, tzinfo=UTC)

    def test_end_by_the_clock_on_the_wall_when_it_changes(self, alice: User) -> None:
        choose(alice, quiet_from=time(22), quiet_until=time(7))

        before = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # summer time begins that night

        assert notices.after_quiet(alice, before) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)

    def test_hold_an_email_back(self, alice: User, mailbox: Mailbox) -> None:
        tell(alice)
        row = Notification.objects.get()
        choose(alice, quiet_from=time(0), quiet_until=time(23, 59))
        night = timezone.localtime(timezone.now(), alice.zone).replace(hour=3)

        Notification.objects.update(due_at=timezone.now())
        noticemail.send_due(at=night)

        row.refresh_from_db()
        assert not mailbox
        assert row.email == "waiting"
        assert row.due_at is not None

    def test_need_a_beginning_and_an_end(self, client: Client, alice: User) -> None:
        client.force_login(alice)

        answer = client.post("/settings/notifications/choices/", {"quiet_from": "22:00"})

        assert answer.status_code == 422
        assert "when the quiet begins and when it ends" in answer.content.decode()


class TestDigest:
    def test_comes_once_a_day_with_what_was_kept_for_it(
        self, alice: User, mailbox: Mailbox
    ) -> None:
        choose(alice, digest_at=time(8), choices={"mention": Choice(in_app=True, email="digest")})
        tell(alice)
        Digest.objects.update(due_at=timezone.now())

        noticemail.send_digests(at=timezone.now())
        noticemail.send_digests(at=timezone.now())

        assert len(mailbox) == 1
        assert "News a" in mailbox[0].as_string()
        assert Digest.objects.get().due_at > timezone.now() - timedelta(minutes=1)

    def test_is_not_sent_when_there_is_nothing_to_say(self, alice: User, mailbox: Mailbox) -> None:
        choose(alice, digest_at=time(8))
        Digest.objects.update(due_at=timezone.now())

        noticemail.send_digests(at=timezone.now())

        assert not mailbox

    def test_ends_when_somebody_wants_none(self, alice: User) -> None:
        choose(alice, digest_at=time(8))
        choose(alice)

        assert not Digest.objects.exists()


class TestLive:
    def test_says_what_is_new_and_then_nothing(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        first = client.get("/settings/notifications/live/").json()
        tell(alice)

        news = client.get(f"/settings/notifications/live/?after={first['last']}").json()
        again = client.get(f"/settings/notifications/live/?after={news['last']}")

        assert first["items"] == []
        assert (news["unread"], news["items"][0]["title"]) == (1, "News a")
        assert again.status_code == 204

    @pytest.mark.parametrize("after", ["x", "9" * 30, "²", "-1"])
    def test_nonsense_is_answered(self, client: Client, alice: User, after: str) -> None:
        client.force_login(alice)

        assert client.get(f"/settings/notifications/live/?after={after}").status_code == 200

"""The settings pages: who may open them, and what they change."""

import re
from pathlib import Path

import pytest
from django.test import Client

from leadcrm.accounts import actions
from leadcrm.accounts.authentication import find_key
from leadcrm.accounts.models import ApiKey, Notification, Role, User, Workspace
from leadcrm.eventlog.models import DomainEvent, EventDelivery
from tests.conftest import Mailbox
from tests.factories import NOON, PASSWORD, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

ADMIN_PAGES = [
    "/settings/workspace/",
    "/settings/people/",
    "/settings/people/new/",
    "/settings/teams/new/",
    "/settings/api-keys/",
    "/settings/api-keys/new/",
    "/settings/events/",
]
OWN_PAGES = [
    "/settings/profile/",
    "/settings/notifications/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/email/",
]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Rep", email="alice@example.com")


@pytest.fixture
def admin() -> User:
    return UserFactory(name="Ada Admin", email="ada@example.com", role=Role.ADMIN)


class TestWhoMayOpen:
    @pytest.mark.parametrize("page", ADMIN_PAGES)
    @pytest.mark.parametrize("role", [Role.REP, Role.MARKETER, Role.MANAGER])
    def test_the_workspace_pages_do_not_exist_for_others(self, page: str, role: str) -> None:
        client = signed_in(UserFactory(role=role))

        assert client.get(page).status_code == 404

    @pytest.mark.parametrize("page", [*ADMIN_PAGES, *OWN_PAGES])
    def test_an_administrator_opens_all(self, page: str, admin: User) -> None:
        assert signed_in(admin).get(page).status_code == 200

    @pytest.mark.parametrize("page", OWN_PAGES)
    def test_everybody_opens_their_own(self, page: str, alice: User) -> None:
        assert signed_in(alice).get(page).status_code == 200

    @pytest.mark.parametrize("page", [*ADMIN_PAGES, *OWN_PAGES])
    def test_a_stranger_is_sent_to_sign_in(self, page: str, client: Client) -> None:
        answer = client.get(page)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")

    def test_the_menu_offers_only_what_opens(self, alice: User, admin: User) -> None:
        for_alice = signed_in(alice).get("/settings/profile/").content.decode()
        for_admin = signed_in(admin).get("/settings/profile/").content.decode()

        assert "/settings/people/" not in for_alice
        assert "/settings/people/" in for_admin


class TestSigningIn:
    def test_works_with_the_page_that_is_shown(self, client: Client, alice: User) -> None:
        page = client.get("/accounts/login/").content.decode()

        answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        assert 'name="login"' in page
        assert 'name="password"' in page
        assert answer["Location"] == "/"

    def test_a_wrong_password_says_so_beside_the_form(self, client: Client, alice: User) -> None:
        answer = client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})

        assert 'role="alert"' in answer.content.decode()

    def test_nobody_signs_up_by_themselves(self, client: Client) -> None:
        client.post("/accounts/signup/", {"email": "eve@example.com", "password1": PASSWORD})

        assert not User.objects.filter(email="eve@example.com").exists()


class TestProfile:
    def test_saves_theme_zone_and_shortcuts_and_pages_follow(self, alice: User) -> None:
        client = signed_in(alice)
        form = {"name": "Alice Ray", "time_zone": "Europe/Amsterdam", "theme": "dark"}

        client.post("/settings/profile/", form)

        page = client.get("/settings/profile/").content.decode()
        alice.refresh_from_db()
        assert (alice.name, alice.time_zone) == ("Alice Ray", "Europe/Amsterdam")
        assert '<html lang="en" data-theme="dark">' in page
        assert "data-keys-off" in page

    def test_refuses_a_zone_that_does_not_exist(self, alice: User) -> None:
        form = {"name": "Alice", "time_zone": "Mars/Olympus", "theme": ""}

        answer = signed_in(alice).post("/settings/profile/", form)

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.content.decode()

    def test_cannot_be_used_to_change_one_s_role(self, alice: User) -> None:
        form = {"name": "Alice", "time_zone": "UTC", "theme": "", "role": "admin"}

        signed_in(alice).post("/settings/profile/", form)

        alice.refresh_from_db()
        assert alice.role == Role.REP


class TestPeople:
    def test_an_invitation_lets_a_colleague_choose_a_password(
        self, admin: User, mailbox: Mailbox, client: Client
    ) -> None:
        team = TeamFactory()
        form = {"email": "Bob@example.com", "name": "Bob", "role": "rep", "teams": [team.pk]}

        signed_in(admin).post("/settings/people/new/", form)

        bob = User.objects.get(email="bob@example.com")
        link = re.search(r"https?://[^/]+(/accounts/\S+)", mailbox[0].get_content())
        assert link
        page = client.get(link[1], follow=True)
        choice = {"password1": "four quiet words here", "password2": "four quiet words here"}
        client.post(page.redirect_chain[-1][0], choice)
        bob.refresh_from_db()
        assert bob.check_password("four quiet words here")
        assert list(bob.teams.all()) == [team]

    def test_an_invitation_survives_a_mail_server_that_is_down(
        self, admin: User, mailbox: Mailbox, settings: object
    ) -> None:
        settings.EMAIL_PORT = 1  # type: ignore[attr-defined]
        form = {"email": "bob@example.com", "name": "Bob", "role": "rep"}

        answer = signed_in(admin).post("/settings/people/new/", form, follow=True)

        assert User.objects.filter(email="bob@example.com").exists()
        assert "the mail server refused" in answer.content.decode()

    def test_the_same_address_is_not_invited_twice(self, admin: User, alice: User) -> None:
        form = {"email": "ALICE@example.com", "name": "Alice", "role": "rep"}

        answer = signed_in(admin).post("/settings/people/new/", form)

        assert answer.status_code == 422
        assert "is already here" in answer.content.decode()

    def test_a_deactivated_colleague_is_out_at_once(self, admin: User, alice: User) -> None:
        client = signed_in(alice)

        signed_in(admin).post(f"/settings/people/{alice.public_id}/active/", {"active": "no"})

        assert client.get("/settings/profile/").status_code == 302

    def test_the_last_administrator_stays(self, admin: User) -> None:
        client = signed_in(admin)

        client.post(f"/settings/people/{admin.public_id}/active/", {"active": "no"})
        answer = client.post(f"/settings/people/{admin.public_id}/", {"name": "Ada", "role": "rep"})

        admin.refresh_from_db()
        assert (admin.role, admin.is_active) == (Role.ADMIN, True)
        assert "Make somebody else one first" in answer.content.decode()

    def test_a_team_gets_its_manager(self, admin: User) -> None:
        charlie = UserFactory(role=Role.MANAGER)

        signed_in(admin).post("/settings/teams/new/", {"name": "Benelux", "manager": charlie.pk})

        assert charlie.managed_teams.get().name == "Benelux"

    def test_the_page_asks_the_database_as_often_for_many_as_for_few(
        self, admin: User, django_assert_max_num_queries: object
    ) -> None:
        for _ in range(12):
            UserFactory(team=TeamFactory())
        client = signed_in(admin)

        with django_assert_max_num_queries(14):  # type: ignore[operator]
            client.get("/settings/people/")


class TestApiKeys:
    def make(self, client: Client, **changes: object) -> str:
        form = {"name": "Booking site", "kind": "secret", "scopes": ["capture:write"], **changes}
        return client.post("/settings/api-keys/new/", form).content.decode()

    def test_a_key_is_shown_once(self, admin: User) -> None:
        client = signed_in(admin)

        page = self.make(client)

        plain = re.search(r'value="(lc_live_[^"]+)"', page)
        assert plain
        assert find_key(plain[1]) == ApiKey.objects.get()
        assert plain[1] not in client.get("/settings/api-keys/").content.decode()

    def test_a_publishable_key_may_not_read(self, admin: User) -> None:
        page = self.make(
            signed_in(admin), kind="publishable", scopes=["leads:read"], origins="https://a.example"
        )

        assert "may not have “leads:read”" in page
        assert not ApiKey.objects.exists()

    def test_a_publishable_key_needs_sites(self, admin: User) -> None:
        page = self.make(signed_in(admin), kind="publishable")

        assert "Name the sites" in page

    def test_a_revoked_key_stops_working(self, admin: User) -> None:
        new = actions.create_api_key(name="Old", scopes=["leads:read"])

        signed_in(admin).post(f"/settings/api-keys/{new.key.pk}/revoke/")

        assert find_key(new.plain) is None


class TestEvents:
    def test_what_was_given_up_can_be_tried_again(self, admin: User) -> None:
        event = DomainEvent.objects.create(name="lead.captured", occurred_at=NOON)
        dead = EventDelivery.objects.create(
            event=event, handler="x", state="dead", last_error="<b>boom</b>", due_at=None
        )
        client = signed_in(admin)

        page = client.get("/settings/events/").content.decode()
        client.post("/settings/events/retry/", {"do": "chosen", "ids": [dead.pk]})

        dead.refresh_from_db()
        assert "&lt;b&gt;boom&lt;/b&gt;" in page
        assert dead.state == EventDelivery.State.PENDING


class TestCaughtMail:
    MESSAGE = (
        "From: LeadCRM <hello@example.com>\nTo: priya@kestrel.example\nSubject: Three depots\n"
        "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
        "<p>Hello</p><script>alert(1)</script>"
    )

    @pytest.fixture(autouse=True)
    def _caught(self, tmp_path: Path, settings: object) -> None:
        settings.EMAIL_CATCHER, settings.MAIL_DIR = True, tmp_path  # type: ignore[attr-defined]
        (tmp_path / "1.eml").write_text(self.MESSAGE)

    def test_is_listed_and_shown_without_its_scripts_running(self, admin: User) -> None:
        client = signed_in(admin)

        listed = client.get("/settings/mail/").content.decode()
        opened = client.get("/settings/mail/1.eml/").content.decode()
        inside = client.get("/settings/mail/1.eml/html/")

        assert "Three depots" in listed
        assert "<iframe" in opened
        assert "sandbox" in inside["Content-Security-Policy"]
        assert "script-src 'none'" in inside["Content-Security-Policy"]

    @pytest.mark.parametrize("key", ["2.eml", "..", "%2e%2e%2fsecret.eml", "1.txt"])
    def test_shows_no_other_file(self, admin: User, key: str) -> None:
        assert signed_in(admin).get(f"/settings/mail/{key}/").status_code == 404

    def test_is_closed_to_others_and_where_mail_is_really_sent(
        self, admin: User, alice: User, settings: object
    ) -> None:
        for_alice = signed_in(alice).get("/settings/mail/").status_code
        settings.EMAIL_CATCHER = False  # type: ignore[attr-defined]

        assert (for_alice, signed_in(admin).get("/settings/mail/").status_code) == (404, 404)


class TestNotifications:
    def test_are_one_s_own_and_are_read_by_opening(self, alice: User) -> None:
        bob = UserFactory()
        actions.notify(alice, kind="lead", title="Priya is yours", dedupe_key="1", url="/settings/")
        actions.notify(bob, kind="lead", title="Marcus is yours", dedupe_key="1")
        mine, other = Notification.objects.get(user=alice), Notification.objects.get(user=bob)
        client = signed_in(alice)

        page = client.get("/settings/notifications/").content.decode()
        looked = client.get(f"/settings/notifications/{mine.pk}/").status_code
        answer = client.post(f"/settings/notifications/{mine.pk}/")

        mine.refresh_from_db()
        assert "Priya is yours" in page
        assert "Marcus" not in page
        assert answer["Location"] == "/settings/"
        assert mine.read_at
        assert looked == 405  # links are followed by programs too
        assert client.post(f"/settings/notifications/{other.pk}/").status_code == 404


class TestTheShell:
    def test_names_the_workspace_and_has_one_heading(self, alice: User) -> None:
        workspace = Workspace.load()
        workspace.name = "Marlow & Co"
        workspace.save()

        page = signed_in(alice).get("/settings/profile/").content.decode()

        assert "Marlow &amp; Co" in page
        assert page.count("<h1") == 1
        assert page.index('class="skip"') < page.index("<main")

    def test_a_missing_page_is_said_in_words(self, alice: User) -> None:
        answer = signed_in(alice).get("/nowhere/")

        assert answer.status_code == 404
        assert "isn’t shared with you" in answer.content.decode()


class TestTheGallery:
    def test_shows_every_part_to_developers_only(self, alice: User, settings: object) -> None:
        client = signed_in(alice)

        in_production = client.get("/settings/components/").status_code
        settings.DEBUG = True  # type: ignore[attr-defined]

        assert in_production == 404
        assert "First reply: 869" in client.get("/settings/components/").content.decode()

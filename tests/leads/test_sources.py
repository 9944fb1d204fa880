"""Sources as the office sets them up, and as programs read them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Notification, User
from leadcrm.eventlog.actions import deliver_due
from leads.actions import sources as actions
from leads.models import Connection, Form, InboxItem, Inquiry, Lead, Source
from leads.providers import PROVIDERS
from leads.providers.answers import flatten
from leads.providers.mapping import suggested
from tests.factories import UserFactory, make_form
from tests.leads.sources import Sender, Use, connect, document, secret_of, settle_captures

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", role="marketer")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def page_of(browser: Client, connection: Connection, part: str = "") -> str:
    return browser.get(f"/sources/{connection.source.key}/{part}").content.decode()


def act(browser: Client, connection: Connection, part: str, **data: Any) -> Any:
    answer = browser.post(f"/sources/{connection.source.key}/{part}", data, follow=True)
    settle_captures()
    return answer


class TestConnecting:
    def test_offers_every_provider(self, browser: Client) -> None:
        page = browser.get("/sources/new/").content.decode()

        assert all(provider.label in page for provider in PROVIDERS.values())

    @pytest.mark.parametrize("provider", ["webhook", "google-ads", "meta", "email"])
    def test_shows_the_address_and_what_to_do_with_it(self, browser: Client, provider: str) -> None:
        answer = browser.post(
            f"/sources/new/?provider={provider}",
            {"name": "Spring", "channel": "other", "option_port": "993", "option_security": "ssl"},
            follow=True,
        )

        page = answer.content.decode()
        found = re.search(r"/in/[\w-]+/([\w-]{43})/", page)
        assert answer.status_code == 200, answer.content
        assert found
        assert found[1] == secret_of(Connection.objects.get(), Use.ADDRESS)
        assert "Set it up" in page

    def test_keeps_pasted_secrets_to_itself(self, browser: Client) -> None:
        answer = browser.post(
            "/sources/new/?provider=typeform",
            {"name": "Spring", "channel": "other", "secret": "whsec-abcdefghij"},
            follow=True,
        )

        connection = Connection.objects.get()
        assert secret_of(connection, Use.SIGNING) == "whsec-abcdefghij"
        assert "whsec-abcdefghij" not in answer.content.decode()
        assert "abcdefghij" not in str(connection.secrets.values_list("sealed", "fingerprint"))

    def test_gives_each_source_a_key_of_its_own(self) -> None:
        keys = {connect("webhook", name="Partner").source.key for _ in range(3)}

        assert len(keys) == 3


class TestSourceList:
    def test_tells_what_came_and_what_wants_eyes(self, browser: Client) -> None:
        sender = Sender(connect("webhook", name="Partner"))
        sender.post({"email": "alice@kestrel.example"})
        sender.post({"colour": "teal"})
        make_form()

        page = browser.get("/sources/").content.decode()

        assert 'href="/inbox/?source=partner">1</a>' in page
        assert "Live" in page
        assert "Book a demo" in page

    def test_asks_the_database_the_same_number_of_times_for_many(self, browser: Client) -> None:
        connect("webhook")
        browser.get("/sources/")

        with CaptureQueriesContext(database) as one:
            browser.get("/sources/")
        for _ in range(5):
            connect("webhook")
        with CaptureQueriesContext(database) as many:
            browser.get("/sources/")

        assert len(many) == len(one)


class TestSourcePage:
    def test_changes_the_address_and_keeps_the_former_one_for_a_week(self, browser: Client) -> None:
        connection = connect("webhook")
        former = secret_of(connection, Use.ADDRESS)

        act(browser, connection, "address/", do="rotate")
        still = browser.post(f"/in/{former}/", "{}", content_type="application/json")
        act(browser, connection, "address/", do="forget")
        gone = browser.post(f"/in/{former}/", "{}", content_type="application/json")

        assert secret_of(connection, Use.ADDRESS) != former
        assert (still.status_code, gone.status_code) == (202, 404)

    def test_takes_a_new_secret_and_the_former_one_for_a_day(self, browser: Client) -> None:
        connection = connect("typeform", secret="former-secret")

        act(browser, connection, "secret/signing/", do="replace", secret="newer-secret")

        assert connection.plain_secrets(Use.SIGNING) == ["newer-secret", "former-secret"]
        connection.secrets.filter(expires_at__isnull=False).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
        assert connection.plain_secrets(Use.SIGNING) == ["newer-secret"]

    def test_asks_for_no_secret_any_more_where_the_provider_needs_none(
        self, browser: Client
    ) -> None:
        optional, needed = connect("wpforms", makes_secret=True), connect("meta", secret="app")

        act(browser, optional, "secret/signing/", do="drop")
        act(browser, needed, "secret/signing/", do="drop")

        assert optional.plain_secrets(Use.SIGNING) == []
        assert needed.plain_secrets(Use.SIGNING) == ["app"]

    def test_says_what_to_paste_when_nothing_was(self, browser: Client) -> None:
        connection = connect("meta")

        answer = act(browser, connection, "secret/access/", do="replace", secret=" ")

        assert answer.status_code == 422
        assert "access-error" in answer.content.decode()

    def test_is_switched_off_and_on_again(self, browser: Client) -> None:
        sender = Sender(connect("webhook"))

        act(browser, sender.connection, "switch/", on="0")
        sender.post({"email": "alice@kestrel.example"})
        held = Lead.objects.count()
        act(browser, sender.connection, "switch/", on="1")

        assert (held, Lead.objects.count()) == (0, 1)

    def test_saves_what_it_is_told(self, browser: Client, alice: User) -> None:
        connection = connect("meta")

        act(
            browser,
            connection,
            "edit/",
            name="Spring ads",
            channel="paid_social",
            is_test="on",
            allowed_hosts="https://www.marlow.example/\nmarlow.example",
            watchers=[alice.pk],
            option_form_ids="793235552669212\n12",
        )

        connection.refresh_from_db()
        assert connection.source.name == "Spring ads"
        assert connection.is_test
        assert connection.allowed_hosts == ["www.marlow.example", "marlow.example"]
        assert sorted(connection.polls.values_list("name", flat=True)) == ["12", "793235552669212"]

    def test_says_what_happens_to_its_leads_and_who_is_told(
        self, browser: Client, alice: User
    ) -> None:
        connection = connect("webhook")
        given = {"name": "Partner", "channel": "other", "tags": "Partner", "owner": "routing"}

        act(browser, connection, "edit/", **given, mail=[alice.pk])
        page = browser.get(f"/sources/{connection.source.key}/edit/").content.decode()

        connection.source.refresh_from_db()
        assert connection.source.wishes == {
            "owner": "routing",
            "tags": ["Partner"],
            "mail": [alice.pk],
        }
        assert f"Tell {alice.name} by e-mail" in page

    def test_is_archived_and_taken_out_again(self, browser: Client) -> None:
        sender = Sender(connect("webhook", name="Partner"))

        act(browser, sender.connection, "archive/")
        listed = browser.get("/sources/").content.decode()
        archived = browser.get("/sources/?archived=1").content.decode()
        answer = sender.post({"email": "alice@kestrel.example"})
        held = sender.item().state
        act(browser, sender.connection, "archive/")

        assert "/sources/partner/" not in listed
        assert "/sources/partner/" in archived
        assert (answer.status_code, held) == (202, "needs_review")
        assert "/sources/partner/" in browser.get("/sources/").content.decode()

    def test_is_neither_archived_nor_deleted_while_a_form_uses_it(self, browser: Client) -> None:
        connection = connect("webhook")
        form = make_form()
        Form.objects.update(source=connection.pk)

        for deed in ("archive/", "delete/"):
            answer = act(browser, connection, deed)
            assert f"“{form}” sends through it." in answer.content.decode()

        assert Source.objects.get(pk=connection.pk).archived_at is None

    def test_is_deleted_only_while_nothing_came_through_it(self, browser: Client) -> None:
        empty, used = connect("webhook", name="Empty"), Sender(connect("webhook", name="Used"))
        used.post({"email": "alice@kestrel.example"})

        act(browser, empty, "delete/")
        refused = act(browser, used.connection, "delete/").content.decode()

        assert "Archive it: they keep naming their source." in refused
        assert not Source.objects.filter(key="empty").exists()
        assert Source.objects.filter(key="used").exists()

    def test_refuses_what_is_no_website(self, browser: Client) -> None:
        connection = connect("webhook")

        answer = act(
            browser, connection, "edit/", name="x", channel="other", allowed_hosts="a b/../c"
        )

        assert answer.status_code == 422
        assert "is not a website" in answer.content.decode()

    def test_tells_its_watchers_of_each_new_lead(self, alice: User) -> None:
        sender = Sender(connect("webhook", name="Partner"))
        sender.connection.watchers.add(alice)

        sender.post({"email": "bob@kestrel.example", "name": "Bob Baker"})
        sender.post({"email": "bob@kestrel.example", "message": "Again"})
        while deliver_due():
            pass

        told = Notification.objects.get(user=alice)
        assert "Partner" in told.title

    def test_tells_the_office_once_when_proofs_do_not_fit(self, alice: User) -> None:
        rep = UserFactory(role="rep")
        sender = Sender(connect("google-ads", name="Ads", makes_secret=True))

        for number in range(3):
            sender.post({**document("google_ads.json"), "campaign_id": number})

        told = Notification.objects.get(user=alice)
        assert told.title == "Leads of “Ads” are waiting"
        assert not Notification.objects.filter(user=rep).exists()


class TestFields:
    BODY = {
        "payload": {
            "wer": "Alice Archer",
            "kontakt": "alice@kestrel.example",
            "etat": "10k",
            "farbe": "teal",
            "ok": "ja",
        },
        "answers": [{"name": "Funktion", "value": "COO"}],
    }
    RULES = {
        "payload.wer": "name",
        "payload.etat": "bant.budget",
        "payload.farbe": "ignore",
        "payload.ok": "consent.marketing_email",
        "answers[Funktion]": "job_title",
    }

    @pytest.fixture
    def sender(self) -> Sender:
        return Sender(connect("webhook", name="Partner"))

    def rules(self, **more: str) -> dict[str, str]:
        data: dict[str, str] = {}
        for number, (path, target) in enumerate({**self.RULES, **more}.items()):
            data |= {f"path-{number}": path, f"target-{number}": target}
        return data

    def test_stand_beside_what_really_came(self, browser: Client, sender: Sender) -> None:
        sender.post(self.BODY)

        page = page_of(browser, sender.connection, "fields/")

        assert "payload.kontakt" in page
        assert "answers[Funktion]" in page
        assert "E-mail (by itself)" in page

    def test_say_so_when_nothing_came_yet(self, browser: Client, sender: Sender) -> None:
        assert "Nothing to look at yet" in page_of(browser, sender.connection, "fields/")

    def test_show_the_lead_before_anything_is_saved(self, browser: Client, sender: Sender) -> None:
        sender.post(self.BODY)

        answer = act(browser, sender.connection, "fields/", do="preview", **self.rules())

        page = answer.content.decode()
        assert re.search(r"<dt>Job title</dt><dd>COO</dd>", page)
        assert re.search(r"<dt>BANT: budget</dt><dd>10k</dd>", page)
        assert not sender.connection.mappings.exists()

    def test_hold_for_what_comes_after_they_are_saved(
        self, browser: Client, sender: Sender
    ) -> None:
        sender.post({"x": 1})
        act(browser, sender.connection, "fields/", do="save", **self.rules())

        sender.post(self.BODY)

        lead, inquiry = Lead.objects.get(), Inquiry.objects.get()
        assert (lead.first_name, lead.job_title) == ("Alice", "COO")
        assert inquiry.fields["bant"] == {"budget": {"value": "10k"}}
        assert "payload.farbe" not in inquiry.fields
        assert inquiry.context["consent"] == {"marketing_email": True}
        sender.connection.refresh_from_db()
        assert sender.connection.mapping.number == 1

    def test_are_versions_that_never_change(self, browser: Client, sender: Sender) -> None:
        act(browser, sender.connection, "fields/", do="save", **self.rules())
        act(browser, sender.connection, "fields/", do="save", **self.rules(more="email"))

        assert list(sender.connection.mappings.values_list("number", flat=True)) == [1, 2]

    def test_are_applied_to_what_waits(self, browser: Client, sender: Sender) -> None:
        sender.post({"payload": {"wer": "Bob Baker"}})
        before = sender.item().state
        act(browser, sender.connection, "fields/", do="save", **self.rules())

        act(browser, sender.connection, "fields/", do="apply")

        assert (before, sender.item().state) == ("needs_review", "applied")
        assert Lead.objects.get().last_name == "Baker"

    def test_leave_room_for_what_an_entry_says_otherwise(
        self, browser: Client, sender: Sender
    ) -> None:
        rules = {"path-0": "work", "target-0": "email"}
        act(browser, sender.connection, "fields/", do="save", **rules)

        sender.post({"email": "private@x.example", "work": "alice@kestrel.example"})
        sender.post({"email": "bob@kestrel.example", "work": ""})

        emails = set(Lead.objects.values_list("email", flat=True))
        assert emails == {"alice@kestrel.example", "bob@kestrel.example"}

    def test_ignore_what_cannot_be_meant(self, browser: Client, sender: Sender) -> None:
        odd = {"path-0": "a\x00b", "target-0": "email", "path-1": "x", "target-1": "password"}

        answer = act(browser, sender.connection, "fields/", do="save", **odd)

        sender.connection.refresh_from_db()
        assert answer.status_code == 200
        assert sender.connection.mapping.rules == []


class TestSuggestions:
    @pytest.mark.parametrize(
        ("path", "target"),
        [
            (("data", "user", "email"), "email"),
            (("contact", "name"), "name"),
            (("name", "first"), "first_name"),
            (("name", "last"), "last_name"),
            (("company", "name"), "company_name"),
            (("form", "name"), ""),
            (("plan", "title"), ""),
            (("Job Title",), "job_title"),
            (("fields", "Ihre Nachricht", "value"), ""),
            (("hidden", "utm_source"), "utm_source"),
            (("context", "pageUri"), "page_url"),
            (("Phone", "full"), "phone"),
        ],
    )
    def test_go_by_names_where_these_speak_of_the_person(
        self, path: tuple[str, ...], target: str
    ) -> None:
        assert suggested(path) == target

    def test_address_lists_of_names_by_the_names(self) -> None:
        body = {"fields": [{"name": "a", "value": 1}, {"name": "a", "value": [2, 3]}], "b": [4, 5]}

        found = {answer.path: answer.value for answer in flatten(body, [])}

        assert found == {"fields[a]": [1, [2, 3]], "b": [4, 5]}


class TestApi:
    def client(self, *scopes: str) -> Client:
        plain = create_api_key(name="Program", scopes=scopes).plain
        return Client(headers={"Authorization": f"Bearer {plain}"})

    def test_tells_of_sources_and_never_of_their_secrets(self) -> None:
        sender = Sender(connect("google-ads", name="Ads", makes_secret=True))
        sender.post(document("google_ads.json"))
        program = self.client("leads:read")

        listed = program.get("/api/v1/sources/")
        told = program.get("/api/v1/sources/ads/")

        assert listed.json()["results"][0]["provider"] == "google-ads"
        assert told.json()["states_30_days"]["quarantined"] == 1
        for use in (Use.ADDRESS, Use.SIGNING):
            secret = secret_of(sender.connection, use)
            assert secret not in listed.content.decode() + told.content.decode()

    def test_connects_a_source_and_tells_its_address_once(self) -> None:
        program = self.client("leads:read", "leads:write")

        made = program.post(
            "/api/v1/sources/",
            {"name": "Partner", "provider": "webhook"},
            content_type="application/json",
        )
        sent = Client().post(
            made.json()["address"].partition("/in/")[1]
            and "/in/" + made.json()["address"].partition("/in/")[2],
            {"email": "alice@kestrel.example"},
            content_type="application/json",
        )

        assert (made.status_code, sent.status_code) == (201, 202)
        assert InboxItem.objects.get().source == Source.objects.get(key="partner")

    def test_refuses_providers_it_does_not_know(self) -> None:
        answer = self.client("leads:read", "leads:write").post(
            "/api/v1/sources/", {"name": "x", "provider": "y"}, content_type="application/json"
        )

        assert answer.status_code in {400, 422}


class TestSecrets:
    def test_open_with_a_former_key_of_the_installation(self, settings: Any) -> None:
        connection = connect("typeform", secret="whsec-abcdefghij")

        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-key-of-the-installation-0123456789abcdef"

        assert connection.plain_secrets(Use.SIGNING) == ["whsec-abcdefghij"]
        settings.SECRET_KEY_FALLBACKS = []
        assert connection.plain_secrets(Use.SIGNING) == []


def test_watching_starts_again_with_the_source() -> None:
    connection = connect("email", options={"host": "imap.x.example"}, places=["INBOX"])

    actions.switch(connection, on=False)
    settle_captures()
    idle = connection.polls.get().due_at
    actions.switch(connection, on=True)

    assert idle is None
    assert connection.polls.get().due_at is not None

"""Whose browser it is: forms, mails and signed words; cutting; shared computers; merged leads."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads.actions import record_consent
from leads.models import (
    Activity,
    Consent,
    IdentityLink,
    Lead,
    LeadScore,
    Touch,
    TrackedSite,
    VisitorEvent,
)
from leads.tracking import clicks, sites
from tests.factories import LeadFactory, UserFactory, make_form
from tests.leads.test_capture_forms import Visitor as FormVisitor
from tests.leads.websites import ORIGIN, Browser, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> TrackedSite:
    return make_site()


@pytest.fixture
def browser(site: TrackedSite) -> Browser:
    return Browser(site)


@pytest.fixture
def alice() -> Lead:
    return LeadFactory(first_name="Alice", email="alice@kestrel.example")


@pytest.fixture
def bob() -> Lead:
    return LeadFactory(first_name="Bob", email="bob@harbour.example")


def sign_in(browser: Browser, lead: Lead) -> None:
    """The site's server says who is signed in, and signs it."""
    signature = sites.signature_of(browser.site, lead.email)
    browser.send(identify={"email": lead.email, "signature": signature})


def follow_mail(browser: Browser, lead: Lead) -> None:
    browser.leave_for(f"{ORIGIN}/offer")
    browser.view("/offer", click=sites.click_token(lead, at=datetime.now(UTC)))


def told(lead: Lead) -> list[str]:
    rows = Activity.objects.filter(lead=lead, link__isnull=False).order_by("occurred_at", "pk")
    return [row.properties.get("title", row.type) for row in rows]


class TestAForm:
    def test_brings_in_what_its_sender_did_before(self, browser: Browser) -> None:
        make_form()
        browser.leave_for(f"{ORIGIN}/?utm_source=google&utm_medium=cpc&utm_campaign=spring")
        browser.view("/")
        browser.view("/pricing")
        form = FormVisitor("/f/book-a-demo/")
        form.open()

        form.send(first_name="Alice", email="alice@kestrel.example", lc_visitor=browser.visitor)
        browser.view("/thanks")

        lead = Lead.objects.get()
        assert told(lead) == ["/", "/pricing", "/thanks"]
        touch = Touch.objects.get()
        assert (touch.channel, touch.utm_campaign) == ("paid_search", "spring")

    def test_tells_attribution_of_all_visits_that_somebody_sent(self, browser: Browser) -> None:
        for page in ("/?utm_source=news&utm_medium=email", "/plain", "/?gclid=abc"):
            browser.leave_for(ORIGIN + page)
            browser.view(page)

        capture(browser.visitor, "alice@kestrel.example")

        channels = Touch.objects.order_by("occurred_at", "pk").values_list("channel", flat=True)
        assert list(channels) == ["email", "paid_search"]

    def test_may_come_before_the_page_it_was_sent_from(self, browser: Browser) -> None:
        capture(browser.visitor, "alice@kestrel.example")

        browser.view("/form")

        assert told(Lead.objects.get()) == ["/form"]
        assert browser.stored.user_agent

    def test_with_an_id_that_is_none_is_a_form_all_the_same(self) -> None:
        for odd in ("x", "\x00", 7, {"a": 1}, "9" * 40):
            capture(odd, "alice@kestrel.example")

        assert Lead.objects.count() == 1
        assert not IdentityLink.objects.exists()

    def test_of_somebody_else_leaves_the_first_what_it_did(
        self, browser: Browser, alice: Lead, bob: Lead
    ) -> None:
        browser.view("/one")
        capture(browser.visitor, alice.email)
        browser.view("/two")

        capture(browser.visitor, bob.email)
        browser.view("/three")
        capture(browser.visitor, alice.email)
        browser.view("/four")

        assert told(alice) == ["/one", "/two", "/four"]
        assert told(bob) == ["/three"]
        assert Lead.objects.live().count() == 2


class TestAMail:
    def test_is_probable_so_only_what_follows_counts(self, browser: Browser, alice: Lead) -> None:
        browser.view("/before")

        follow_mail(browser, alice)
        browser.view("/after")

        assert told(alice) == ["/offer", "/after"]
        assert IdentityLink.objects.get().confidence == "medium"

    def test_becomes_certain_with_a_form(self, browser: Browser, alice: Lead) -> None:
        browser.view("/before")
        follow_mail(browser, alice)

        capture(browser.visitor, alice.email)

        assert told(alice) == ["/before", "/offer"]
        assert IdentityLink.objects.get().confidence == "high"

    def test_that_was_forwarded_is_found_out(
        self, browser: Browser, alice: Lead, bob: Lead
    ) -> None:
        browser.view("/before")
        follow_mail(browser, alice)

        capture(browser.visitor, bob.email)

        assert told(alice) == []
        assert told(bob) == ["/before", "/offer"]
        assert IdentityLink.objects.get(lead=alice).cut_reason

    def test_takes_no_browser_from_a_person_who_is_certain(
        self, browser: Browser, alice: Lead, bob: Lead
    ) -> None:
        capture(browser.visitor, bob.email)

        follow_mail(browser, alice)

        assert told(bob) == ["/offer"]
        assert told(alice) == []

    def test_marks_only_addresses_of_sites_with_our_script(
        self, site: TrackedSite, alice: Lead
    ) -> None:
        marked = clicks.with_click(f"{ORIGIN}/a?b=%20c#d", alice.pk, at=datetime.now(UTC))

        assert clicks.is_tracked(f"{ORIGIN}/a")
        assert not clicks.is_tracked("https://elsewhere.example/")
        assert marked.startswith(f"{ORIGIN}/a?b=%20c&lc_click={alice.public_id}.")
        assert marked.endswith("#d")

    def test_is_believed_for_half_an_hour(self, browser: Browser, alice: Lead) -> None:
        old = sites.click_token(alice, at=datetime.now(UTC) - timedelta(hours=1))

        browser.view(click=old)
        browser.view(click=old.replace(alice.public_id, "0123456789ab"))
        browser.view(click="nonsense")

        assert not IdentityLink.objects.exists()


class TestIdentify:
    def test_signed_by_the_site_counts(self, browser: Browser, alice: Lead) -> None:
        browser.view("/before")

        sign_in(browser, alice)
        browser.view("/after")

        assert told(alice) == ["/before", "/after"]

    def test_unsigned_writes_nothing_until_a_colleague_confirms(
        self, browser: Browser, alice: Lead
    ) -> None:
        browser.view("/before")

        browser.send(identify={"email": alice.email, "signature": "0" * 64})
        browser.view("/after")
        assert told(alice) == []

        link = IdentityLink.objects.get()
        client = Client()
        client.force_login(UserFactory(role=Role.ADMIN))
        page = client.get(f"/leads/{alice.public_id}/?open=all").content.decode()
        assert "unproven" in page
        client.post(f"/leads/{alice.public_id}/browsers/{link.pk}/confirm/")
        assert told(alice) == ["/before", "/after"]

    def test_of_nobody_we_know_makes_nobody(self, browser: Browser, site: TrackedSite) -> None:
        email = "stranger@nowhere.example"

        browser.send(identify={"email": email, "signature": sites.signature_of(site, email)})

        assert not Lead.objects.exists()

    def test_with_an_old_secret_is_not_believed(
        self, browser: Browser, site: TrackedSite, alice: Lead
    ) -> None:
        sites.renew_secret(site)

        sign_in(browser, alice)

        assert IdentityLink.objects.get().confidence == "low"

    def test_by_two_people_never_makes_them_one(
        self, browser: Browser, alice: Lead, bob: Lead
    ) -> None:
        sign_in(browser, alice)
        browser.view("/hers")

        sign_in(browser, bob)
        browser.view("/his")

        assert (told(alice), told(bob)) == (["/hers"], ["/his"])
        assert IdentityLink.objects.get(lead=alice).ended_at is not None


class TestCutting:
    def test_takes_back_what_the_browser_brought(self, browser: Browser, alice: Lead) -> None:
        browser.leave_for(f"{ORIGIN}/?utm_source=news")
        browser.view("/one")
        capture(browser.visitor, alice.email)
        link = IdentityLink.objects.get()
        client = Client()
        client.force_login(UserFactory(role=Role.ADMIN))

        answer = client.post(f"/leads/{alice.public_id}/browsers/{link.pk}/cut/")
        browser.view("/two")

        assert answer.status_code == 302
        assert told(alice) == []
        assert LeadScore.objects.get(lead=alice).last_activity_type == "form_submit"
        assert VisitorEvent.objects.filter(link=None).count() == 1
        assert "/one" not in client.get(f"/leads/{alice.public_id}/?open=all").content.decode()

    def test_is_for_those_who_see_the_lead(self, browser: Browser, alice: Lead) -> None:
        capture(browser.visitor, alice.email)
        link, stranger = IdentityLink.objects.get(), Client()
        stranger.force_login(UserFactory())

        answer = stranger.post(f"/leads/{alice.public_id}/browsers/{link.pk}/cut/")

        assert answer.status_code == 404
        assert IdentityLink.objects.get().cut_at is None

    def test_needs_a_link_of_that_lead(self, browser: Browser, alice: Lead, bob: Lead) -> None:
        capture(browser.visitor, alice.email)
        client = Client()
        client.force_login(UserFactory(role=Role.ADMIN))

        answer = client.post(
            f"/leads/{bob.public_id}/browsers/{IdentityLink.objects.get().pk}/cut/"
        )

        assert answer.status_code == 404


class TestPeopleWhoDoNotWantIt:
    def test_are_tracked_no_more(self, browser: Browser, alice: Lead) -> None:
        browser.view("/one")
        capture(browser.visitor, alice.email)
        client = Client()
        client.force_login(UserFactory(role=Role.ADMIN))

        client.post(f"/leads/{alice.public_id}/tracking/", {"do": "stop"})
        pump.run_all()
        browser.view("/two")
        capture(browser.visitor, alice.email)
        browser.view("/three")

        assert told(alice) == ["/one"]
        assert VisitorEvent.objects.count() == 1
        assert not clicks.with_click(ORIGIN, alice.pk, at=datetime.now(UTC)).count("lc_click")

    def test_may_change_their_mind(self, browser: Browser, alice: Lead) -> None:
        capture(browser.visitor, alice.email)
        for granted in (False, True):
            record_consent(alice.pk, "tracking", granted=granted, at=datetime.now(UTC))
            pump.run_all()

        capture(browser.visitor, alice.email)
        browser.view("/again")

        assert told(alice) == ["/again"]

    def test_say_so_on_the_website_and_get_a_receipt(self, browser: Browser, alice: Lead) -> None:
        capture(browser.visitor, alice.email)

        browser.send(consent=False)

        assert Consent.objects.get(lead=alice, purpose="tracking").granted is False


class TestMergedLeads:
    def test_what_the_browser_does_follows_the_one_that_is_left(
        self, browser: Browser, alice: Lead, bob: Lead
    ) -> None:
        capture(browser.visitor, alice.email)
        Lead.objects.filter(pk=alice.pk).update(merged_into=bob)

        browser.view("/later")

        assert told(bob) == ["/later"]

    def test_of_deleted_leads_nothing_is_told(self, browser: Browser, alice: Lead) -> None:
        capture(browser.visitor, alice.email)
        Lead.objects.filter(pk=alice.pk).update(deleted_at=datetime.now(UTC))

        browser.view("/later")

        assert told(alice) == []


class TestMachines:
    def test_tell_nothing_on_timelines(self, site: TrackedSite, alice: Lead) -> None:
        bot = Browser(site, **{"User-Agent": "HeadlessChrome/120"})
        bot.view("/one")

        follow_mail(bot, alice)
        capture(bot.visitor, alice.email)

        assert told(alice) == []


class TestTheActivitiesApi:
    @pytest.fixture
    def program(self) -> Client:
        key = create_api_key(name="Shop", scopes=["leads:write", "leads:read"])
        return Client(headers={"Authorization": f"Bearer {key.plain}"})

    def post(self, program: Client, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        answer = program.post("/api/v1/activities/", list(rows), content_type="application/json")
        assert answer.status_code == 202
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def test_tells_of_a_visitor_who_is_known(
        self, program: Client, browser: Browser, alice: Lead
    ) -> None:
        capture(browser.visitor, alice.email)
        row = {"id": "o-1", "visitor": browser.visitor, "type": "purchase",
               "properties": {"amount": "12.50", "currency": "eur"}}  # fmt: skip

        first, again = self.post(program, row)[0], self.post(program, row)[0]

        activity = Activity.objects.get(type="purchase")
        assert (first["status"], again["status"]) == ("recorded", "duplicate")
        assert (activity.lead, first["activity"]) == (alice, activity.pk)
        assert activity.properties == {"amount": 12.5, "currency": "EUR"}

    def test_keeps_what_nobody_is_known_for_until_somebody_is(
        self, program: Client, browser: Browser
    ) -> None:
        row = {"id": "w-1", "visitor": browser.visitor, "type": "webinar_attended",
               "properties": {"title": "Planning"}}  # fmt: skip

        first, again = self.post(program, row)[0], self.post(program, row)[0]
        capture(browser.visitor, "alice@kestrel.example")

        assert (first["status"], first["activity"], again["status"]) == (
            "recorded",
            None,
            "duplicate",
        )
        assert told(Lead.objects.get()) == ["Planning"]

    def test_names_a_visitor(self, program: Client, browser: Browser, alice: Lead) -> None:
        browser.view("/before")

        self.post(
            program, {"visitor": browser.visitor, "email": alice.email, "type": "trial_started"}
        )

        assert told(alice) == ["/before"]
        assert IdentityLink.objects.get().method == "api"

    def test_says_what_is_wrong_row_by_row(self, program: Client, alice: Lead) -> None:
        results = self.post(
            program,
            {"visitor": "nobody", "type": "page_view"},
            {"type": "page_view"},
            {"email": alice.email, "type": "purchase", "properties": {"amount": "much"}},
            {"email": alice.email, "type": "purchase", "properties": {"currency": "€"}},
            {"visitor": str(uuid.uuid4()), "type": "page_view"},
        )

        fields = [[error["field"] for error in result["errors"]] for result in results]
        assert fields == [["visitor"], ["lead"], ["properties.amount"],
                          ["properties.currency"], []]  # fmt: skip

    def test_knows_no_visitors_of_leads_its_person_may_not_see(
        self, browser: Browser, alice: Lead
    ) -> None:
        capture(browser.visitor, alice.email)
        key = create_api_key(name="Rep", scopes=["leads:write"], user=UserFactory())
        program = Client(headers={"Authorization": f"Bearer {key.plain}"})

        [result] = self.post(program, {"visitor": browser.visitor, "type": "page_view"})

        assert result["errors"][0]["code"] == "not_found"
        assert told(alice) == []


def capture(visitor: Any, email: str) -> None:
    """Send a form through the API, as a page does that knows its visitor."""
    key = create_api_key(name="Forms", scopes=["capture:write"])
    answer = Client(headers={"Authorization": f"Bearer {key.plain}"}).post(
        "/api/v1/capture/",
        {"fields": {"email": email}, "context": {"visitor": visitor}},
        content_type="application/json",
    )
    assert answer.status_code == 202
    pump.run_all()

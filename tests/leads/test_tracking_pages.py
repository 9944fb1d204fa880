"""Setting up tracked websites, and what a lead's page shows of its visits."""

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from leads.models import TrackedSite, TrackingPolicy
from leads.tracking import sites
from tests.factories import LeadFactory, UserFactory
from tests.leads.test_stitching import capture
from tests.leads.websites import ORIGIN, Browser, forget_all, make_site

pytestmark = pytest.mark.django_db

NEW = {"name": "Kestrel", "addresses": "kestrel.example/about\nhttp://localhost:3000",
       "storage": "cookie", "honours_gpc": "on"}  # fmt: skip
POLICY = {"keep_days": "90", "keep_machine_days": "7"}


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(UserFactory(role=Role.MARKETER))
    return client


class TestAWebsite:
    def test_is_added_with_a_key_of_its_own(self, marketer: Client) -> None:
        answer = marketer.post("/settings/tracking/new/", NEW, follow=True)

        site = TrackedSite.objects.get()
        page = answer.content.decode()
        assert site.api_key.origins == ["https://kestrel.example", "http://localhost:3000"]
        assert (site.storage, site.follows_links) == ("cookie", False)
        assert f"/t.js?k={site.key}" in page
        assert "Nothing has arrived yet" in page

    @pytest.mark.parametrize(
        "addresses", ["", "ftp://x.example", "https://", "a b", "http://[::", "javascript:alert(1)"]
    )
    def test_needs_addresses_that_browsers_send(self, marketer: Client, addresses: str) -> None:
        answer = marketer.post("/settings/tracking/new/", {**NEW, "addresses": addresses})

        assert answer.status_code == 422
        assert not TrackedSite.objects.exists()

    def test_shows_what_has_arrived_and_who_was_refused(self, marketer: Client) -> None:
        site = make_site()
        Browser(site).view("/pricing")
        Browser(site, Origin="https://shop.kestrel.example").view()

        part = marketer.get(
            f"/settings/tracking/{site.pk}/check/", headers={"HX-Request": "true"}
        ).content.decode()

        assert "It works." in part
        assert "/pricing" in part
        assert "https://shop.kestrel.example" in part

    def test_takes_changes(self, marketer: Client) -> None:
        site = make_site()

        marketer.post(
            f"/settings/tracking/{site.pk}/",
            {**NEW, "name": "Shop", "storage": "none", "waits_for_consent": "on"},
        )

        site = TrackedSite.objects.select_related("api_key").get()
        assert (site.name, site.storage, site.waits_for_consent) == ("Shop", "none", True)
        assert site.api_key.origins[0] == "https://kestrel.example"

    def test_gets_a_new_secret(self, marketer: Client) -> None:
        site = make_site()
        before = sites.secret_of(site)

        marketer.post(f"/settings/tracking/{site.pk}/secret/")

        site.refresh_from_db()
        assert sites.secret_of(site) != before
        assert (
            sites.secret_of(site) in marketer.get(f"/settings/tracking/{site.pk}/").content.decode()
        )

    def test_is_stopped(self, marketer: Client) -> None:
        site = make_site()

        marketer.post(f"/settings/tracking/{site.pk}/stop/")
        forget_all()

        assert Browser(site).view().status_code == 401
        assert marketer.get(f"/settings/tracking/{site.pk}/").status_code == 404


class TestWhatHoldsForAll:
    def test_is_saved_and_said_in_words(self, marketer: Client) -> None:
        changes = {"excluded_addresses": "198.51.100.7, 2001:db8::/32", "excluded_paths": "/a/*"}

        marketer.post("/settings/tracking/", {**POLICY, **changes})

        policy = TrackingPolicy.load()
        page = marketer.get("/settings/tracking/").content.decode()
        assert (policy.truncates_addresses, policy.keep_days) == (False, 90)
        assert policy.excluded_addresses == "198.51.100.7\n2001:db8::/32"
        assert "go 90 days after their last visit" in page

    @pytest.mark.parametrize(
        "wrong",
        [
            {"keep_days": "0"},
            {"keep_days": "many"},
            {"excluded_addresses": "our office"},
            {"excluded_paths": "admin"},
        ],
    )
    def test_is_refused_in_words(self, marketer: Client, wrong: dict[str, str]) -> None:
        answer = marketer.post("/settings/tracking/", {**POLICY, **wrong})

        assert answer.status_code == 422
        assert TrackingPolicy.load().keep_days == 180


class TestTheLeadsPage:
    def test_shows_visits_pages_and_browsers(self, marketer: Client) -> None:
        lead, browser = LeadFactory(email="alice@kestrel.example"), Browser(make_site())
        browser.leave_for(f"{ORIGIN}/?utm_source=news&utm_medium=email&utm_campaign=june")
        for path in ("/pricing", "/pricing", "/about"):
            browser.view(path)
        capture(browser.visitor, lead.email)

        page = marketer.get(f"/leads/{lead.public_id}/?open=all").content.decode()

        for words in ("On the website", "/pricing", "E-mail, june", "Firefox on Linux", "Cut",
                      "Viewed 3 pages"):  # fmt: skip
            assert words in page

    def test_says_nothing_of_a_website_nobody_was_seen_on(self, marketer: Client) -> None:
        page = marketer.get(f"/leads/{LeadFactory().public_id}/?open=all").content.decode()

        assert "On the website" not in page
        assert "Do not track" in page

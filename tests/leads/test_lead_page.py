"""The page of one lead: reading, changing, writing on its timeline."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Team, User
from leads import actions, panels
from leads.models import Lead, LeadScore, Note, Touch
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def sales() -> Team:
    return TeamFactory(name="Sales")


@pytest.fixture
def alice(sales: Team) -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com", team=sales)


@pytest.fixture
def bob(sales: Team) -> User:
    return UserFactory(name="Bob Baker", email="bob@example.com", team=sales)


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def lead(alice: User) -> Any:
    return LeadFactory(
        first_name="Ingrid",
        last_name="Øvergård",
        email="i.overgard@fjellvik.example",
        company_name="Fjellvik Seafood",
        owner=alice,
    )


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


class TestLeadPage:
    def test_shows_the_person_where_from_and_consent(self, browser: Client, lead: Lead) -> None:
        Lead.objects.filter(pk=lead.pk).update(country="NL", phone="+31105550142")
        Touch.objects.create(
            lead=lead,
            channel="paid_search",
            utm_campaign="nl-rota-software",
            landing_page="/guides/overtime",
            occurred_at=NOON,
        )
        actions.record_consent(lead.pk, "marketing_email", granted=True, at=NOON)

        page = text_of(browser.get(f"/leads/{lead.public_id}/?open=all"))

        for words in [
            "Ingrid Øvergård", "local time", "+31 10 555 0142", "Paid search", "nl-rota-software",
            "/guides/overtime", "Marketing e-mail: yes",
        ]:  # fmt: skip
            assert words in page, words

    def test_of_a_merged_lead_leads_to_the_one_that_is_left(
        self, browser: Client, lead: Lead, alice: User
    ) -> None:
        middle = LeadFactory(merged_into=lead, owner=alice)
        merged = LeadFactory(merged_into=middle, owner=alice)

        response = browser.get(f"/leads/{merged.public_id}/")

        assert response["Location"] == f"/leads/{lead.public_id}/"

    def test_leads_to_its_neighbours_in_the_list_one_came_from(
        self, browser: Client, alice: User
    ) -> None:
        low, middle, high = (LeadFactory(owner=alice, score=n) for n in (10, 50, 90))
        LeadFactory(owner=alice, score=60, country="DE")
        Lead.objects.filter(pk__in=[low.pk, middle.pk, high.pk]).update(country="NL")
        query = "view=all&country=NL&sort=-score"

        beside = browser.get(f"/leads/{middle.public_id}/?{query}").context["beside"]

        assert beside["previous"] == f"/leads/{high.public_id}/?{query}"
        assert beside["next"] == f"/leads/{low.public_id}/?{query}"

    def test_survives_a_list_that_makes_no_sense(self, browser: Client, lead: Lead) -> None:
        page = browser.get(f"/leads/{lead.public_id}/?stage=nowhere&sort=x&group=x&day=x")

        assert page.status_code == 200

    def test_asks_a_bounded_number_of_queries(
        self,
        browser: Client,
        lead: Lead,
        django_assert_max_num_queries: Any,
        monkeypatch: pytest.MonkeyPatch,
        settings: Any,
    ) -> None:
        settings.USERSESSIONS_TRACK_ACTIVITY = False
        monkeypatch.setattr(panels, "PANELS", {})  # what other apps show is theirs to bound
        for minute in range(40):
            actions.record_activity(lead.pk, "page_view", at=NOON + timedelta(minutes=minute))

        with django_assert_max_num_queries(13):
            browser.get(f"/leads/{lead.public_id}/")

    def test_stands_after_twenty_statements_whatever_the_other_apps_show(
        self, browser: Client, lead: Lead, django_assert_max_num_queries: Any, settings: Any
    ) -> None:
        settings.USERSESSIONS_TRACK_ACTIVITY = False
        actions.set_tags(lead.pk, ["Expo"], at=NOON)
        actions.record_consent(lead.pk, "marketing_email", granted=True, at=NOON)
        Touch.objects.create(lead=lead, channel="email", occurred_at=NOON)
        actions.record_activity(lead.pk, "pricing_view", at=NOON)
        browser.get(f"/leads/{lead.public_id}/")  # the first makes what an installation starts with

        with django_assert_max_num_queries(20):
            page = text_of(browser.get(f"/leads/{lead.public_id}/"))

        assert "Marketing e-mail: yes" in page
        assert 'id="later-came"' in page
        assert "Who gets the credit" not in page

    def test_asks_for_the_dear_panels_once_it_stands(self, browser: Client, lead: Lead) -> None:
        Touch.objects.create(lead=lead, channel="email", landing_page="/offer", occurred_at=NOON)

        part = text_of(browser.get(f"/leads/{lead.public_id}/panels/", headers=HTMX))

        assert '<div hx-swap-oob="beforebegin:#later-came">' in part
        assert "/offer" in part
        for key in ("came", "why", "drips", "routing", "website", "deals"):  # gone, shown or not
            assert f'<div id="later-{key}" hx-swap-oob="delete">' in part, key

    def test_has_all_panels_without_scripts_behind_a_link(
        self, browser: Client, lead: Lead
    ) -> None:
        Touch.objects.create(lead=lead, channel="email", landing_page="/offer", occurred_at=NOON)
        page = text_of(browser.get(f"/leads/{lead.public_id}/?view=mine"))

        whole = text_of(browser.get(f"/leads/{lead.public_id}/?view=mine&open=all"))

        assert 'href="?view=mine&amp;open=all#came"' in page
        assert "/offer" not in page
        assert "/offer" in whole
        assert "/panels/" not in whole
        sent_away = browser.get(f"/leads/{lead.public_id}/panels/")
        assert sent_away["Location"] == f"/leads/{lead.public_id}/?open=all"


class TestTimeline:
    def test_tells_what_happened_by_day_of_the_reader(
        self, browser: Client, lead: Lead, alice: User
    ) -> None:
        alice.time_zone = "Pacific/Auckland"
        alice.save()
        at = timezone.now().replace(year=2024, month=3, day=10, hour=20, minute=5)
        actions.record_activity(
            lead.pk, "demo_requested", at=at, properties={"message": "We plan 260 shifts."}
        )
        actions.record_activity(
            lead.pk, "call_connected", at=at, user=alice, properties={"minutes": 6}
        )

        page = text_of(browser.get(f"/leads/{lead.public_id}/"))

        assert "Monday 11 March 2024" in page
        assert "09:05" in page
        assert "We plan 260 shifts." in page
        assert "Alice Archer called and spoke" in page

    @pytest.mark.parametrize(
        ("group", "shown"),
        [
            ("talk", {"call_connected"}),
            ("web", {"page_view", "website_quiz"}),
            ("email", {"email_open"}),
            ("system", {"note_added"}),
        ],
    )
    def test_shows_one_kind(self, browser: Client, lead: Lead, group: str, shown: set[str]) -> None:
        kinds = ["call_connected", "page_view", "website_quiz", "email_open", "note_added"]
        for kind in kinds:
            actions.record_activity(lead.pk, kind, at=NOON, properties={"title": f"its {kind}"})

        part = text_of(
            browser.get(f"/leads/{lead.public_id}/timeline/?group={group}", headers=HTMX)
        )

        assert part.count("<time") == len(shown)

    def test_tells_of_pages_viewed_one_after_the_other_at_once(
        self, browser: Client, lead: Lead
    ) -> None:
        for minute, page in enumerate(["/", "/pricing", "/pricing", "/about"]):
            at, properties = NOON + timedelta(minutes=minute), {"url": f"https://x.example{page}"}
            actions.record_activity(lead.pk, "page_view", at=at, properties=properties)
        actions.record_activity(lead.pk, "page_view", at=NOON + timedelta(hours=1))

        page = text_of(browser.get(f"/leads/{lead.public_id}/"))

        assert "Viewed 4 pages" in page
        assert "/, /pricing, /about" in page
        assert "Viewed a page" in page

    def test_goes_on_where_it_stopped_without_repeating_the_day(
        self, browser: Client, lead: Lead
    ) -> None:
        for minute in range(45):
            actions.record_activity(lead.pk, "product_view", at=NOON + timedelta(minutes=minute))
        first = browser.get(f"/leads/{lead.public_id}/")
        line = first.context["timeline"]

        more = text_of(
            browser.get(
                f"/leads/{lead.public_id}/timeline/?cursor={line.next}&day={line.last_day}",
                headers=HTMX,
            )
        )

        assert more.count("<time") == 15
        assert "data-day" not in more

    @pytest.mark.parametrize(
        "properties",
        [
            {},
            {"fields": 3},
            {"levels": "x"},
            {"url": "http://["},
            {"title": ["x"], "minutes": "many", "note": 7},
        ],
    )
    @pytest.mark.parametrize(
        "kind", ["page_view", "lead_updated", "bant_answered", "score_crossed", "owner_changed",
                 "stage_changed", "qualified", "consent_granted", "call_attempt", "made_up"]
    )  # fmt: skip
    def test_bears_whatever_was_recorded(
        self, browser: Client, lead: Lead, kind: str, properties: dict[str, Any]
    ) -> None:
        actions.record_activity(lead.pk, kind, at=NOON, properties=properties)

        assert browser.get(f"/leads/{lead.public_id}/").status_code == 200


class TestNotes:
    def test_are_written_on_the_timeline(self, browser: Client, lead: Lead, alice: User) -> None:
        body = {"body": "Works council signs off."}

        part = text_of(browser.post(f"/leads/{lead.public_id}/notes/", body, headers=HTMX))
        plain = browser.post(f"/leads/{lead.public_id}/notes/", body)

        assert "Alice Archer noted" in part
        assert plain["Location"] == f"/leads/{lead.public_id}/"
        assert [note.author for note in Note.objects.all()] == [alice, alice]

    @pytest.mark.parametrize("body", ["", "   ", "x" * 20_001, "\x00"])
    def test_that_say_nothing_or_too_much_are_refused(
        self, browser: Client, lead: Lead, body: str
    ) -> None:
        response = browser.post(f"/leads/{lead.public_id}/notes/", {"body": body})

        assert response.status_code == 422
        assert not Note.objects.exists()


class TestTags:
    def test_are_added_and_removed(self, browser: Client, lead: Lead) -> None:
        path = f"/leads/{lead.public_id}/tags/"
        browser.post(path, {"tags": "Depots, Payroll pain, depots"})

        part = text_of(browser.post(path, {"remove": "Depots"}, headers=HTMX))

        assert "Payroll pain" in part
        assert [tag.name for tag in lead.tags.all()] == ["Payroll pain"]

    @pytest.mark.parametrize("tags", ["", ",,", "\x00"])
    def test_need_words(self, browser: Client, lead: Lead, tags: str) -> None:
        response = browser.post(f"/leads/{lead.public_id}/tags/", {"tags": tags})

        assert response.status_code == 422


class TestEditingInPlace:
    def path(self, lead: Lead, name: str = "city") -> str:
        return f"/leads/{lead.public_id}/fields/{name}/"

    def test_reads_edits_and_saves_one_field(self, browser: Client, lead: Lead) -> None:
        editing = text_of(browser.get(self.path(lead), headers=HTMX))
        saved = text_of(
            browser.post(
                self.path(lead), {"city": "Bergen", "version": "1", "was": ""}, headers=HTMX
            )
        )

        assert 'name="city"' in editing
        assert "Bergen" in saved
        assert '<a class="edit"' in saved
        lead.refresh_from_db()
        assert (lead.city, lead.version) == ("Bergen", 2)

    def test_shows_a_value_somebody_else_saved_meanwhile(self, browser: Client, lead: Lead) -> None:
        actions.update_lead(lead.pk, {"city": "Oslo"}, at=NOON)
        body = {"city": "Bergen", "version": "1", "was": ""}

        refused = browser.post(self.path(lead), body, headers=HTMX)
        kept = browser.post(self.path(lead), {**body, "keep": "1"}, headers=HTMX)

        assert refused.status_code == 412
        assert b"Oslo" in refused.content
        assert b"Keep mine" in refused.content
        assert b"Bergen" in kept.content

    def test_minds_only_changes_of_the_same_field(self, browser: Client, lead: Lead) -> None:
        actions.update_lead(lead.pk, {"job_title": "Director"}, at=NOON)

        saved = browser.post(
            self.path(lead), {"city": "Bergen", "version": "1", "was": ""}, headers=HTMX
        )

        lead.refresh_from_db()
        assert saved.status_code == 200
        assert (lead.city, lead.job_title) == ("Bergen", "Director")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("email", "nonsense"),
            ("country", "ZZZ"),
            ("time_zone", "Mars"),
            ("company_size", "-3"),
            ("company_size", "9" * 40),
            ("city", "x" * 81),
            ("city", "\x00"),
            ("language", "Norwegian, mostly"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(
        self, browser: Client, lead: Lead, name: str, value: str
    ) -> None:
        response = browser.post(
            self.path(lead, name), {name: value, "version": "1", "was": ""}, headers=HTMX
        )

        assert response.status_code == 422
        assert b'role="alert"' in response.content

    @pytest.mark.parametrize("name", ["score", "owner", "public_id", "version", "deleted_at"])
    def test_offers_contact_fields_only(self, browser: Client, lead: Lead, name: str) -> None:
        assert browser.get(self.path(lead, name), headers=HTMX).status_code == 404
        assert browser.post(self.path(lead, name), {name: "1"}).status_code == 404


class TestEditForm:
    def body(self, lead: Lead, **changes: Any) -> dict[str, Any]:
        return {
            "first_name": lead.first_name,
            "last_name": lead.last_name,
            "email": lead.email,
            "company_name": lead.company_name,
            "version": lead.version,
        } | changes

    def test_saves_everything_at_once(self, browser: Client, lead: Lead) -> None:
        path = f"/leads/{lead.public_id}/edit/"
        assert "i.overgard@fjellvik.example" in text_of(browser.get(path))

        response = browser.post(path, self.body(lead, city="Bergen", country="NO"))

        lead.refresh_from_db()
        assert response.status_code == 302
        assert (lead.city, lead.country, lead.version) == ("Bergen", "NO", 2)

    def test_shows_what_somebody_else_saved_and_lets_keep_mine(
        self, browser: Client, lead: Lead
    ) -> None:
        path = f"/leads/{lead.public_id}/edit/"
        actions.update_lead(lead.pk, {"city": "Oslo"}, at=NOON)

        refused = browser.post(path, self.body(lead, city="Bergen"))
        kept = browser.post(path, self.body(lead, city="Bergen", keep="1"))

        assert refused.status_code == 412
        assert b"Oslo" in refused.content
        assert kept.status_code == 302
        lead.refresh_from_db()
        assert lead.city == "Bergen"

    def test_links_to_the_lead_that_has_the_address(
        self, browser: Client, lead: Lead, alice: User
    ) -> None:
        twin = LeadFactory(email="pieter@scheldt.example", owner=alice)

        response = browser.post(
            f"/leads/{lead.public_id}/edit/", self.body(lead, email="Pieter@scheldt.example")
        )

        assert response.status_code == 409
        assert f"/leads/{twin.public_id}/".encode() in response.content


class TestAdding:
    def test_makes_a_lead(self, browser: Client, lead: Lead) -> None:
        body = {"first_name": "Pieter", "email": "pieter@scheldt.example", "country": "BE"}

        response = browser.post("/leads/new/", body)

        made = Lead.objects.get(email="pieter@scheldt.example")
        assert response["Location"] == f"/leads/{made.public_id}/"
        assert LeadScore.objects.filter(lead=made).exists()

    def test_shows_it_at_once_to_the_rep_who_entered_it(self, browser: Client, alice: User) -> None:
        make_funnel()

        response = browser.post("/leads/new/", {"first_name": "Pieter"}, follow=True)

        assert "Added Pieter." in text_of(response)
        assert Lead.objects.get(first_name="Pieter").owner == alice

    def test_links_to_the_lead_that_has_the_address(self, browser: Client, lead: Lead) -> None:
        response = browser.post("/leads/new/", {"email": "I.Overgard@fjellvik.example"})

        assert response.status_code == 409
        assert f"/leads/{lead.public_id}/".encode() in response.content
        assert b"Open that lead" in response.content

    def test_tells_nothing_of_a_hidden_lead_with_the_address(
        self, browser: Client, bob: User
    ) -> None:
        LeadFactory(email="pieter@scheldt.example", first_name="Pieterjan", owner=bob)

        response = browser.post("/leads/new/", {"email": "pieter@scheldt.example"})

        assert response.status_code == 409
        assert b"Pieterjan" not in response.content
        assert b"This address belongs to another lead." in response.content

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({}, "Fill in a name"),
            ({"email": "nonsense"}, "no e-mail address"),
            ({"first_name": "x" * 101}, "at most 100"),
            ({"first_name": "\x00"}, "Null characters"),
            ({"first_name": "A", "country": "Norway"}, "valid choice"),
            ({"first_name": "A", "company_size": "many"}, "whole number"),
        ],
    )
    def test_says_beside_each_field_what_is_wrong(
        self, browser: Client, body: dict[str, str], words: str
    ) -> None:
        response = browser.post("/leads/new/", body)

        assert response.status_code == 422
        assert words in response.content.decode()


class TestDeleting:
    def test_hides_the_lead_and_offers_undo(self, browser: Client, lead: Lead) -> None:
        page = text_of(browser.post(f"/leads/{lead.public_id}/delete/", follow=True))

        assert "Deleted Ingrid Øvergård." in page
        assert "/leads/undo/" in page
        assert browser.get(f"/leads/{lead.public_id}/").status_code == 404


class TestWhoMay:
    @pytest.mark.parametrize(
        ("method", "tail"),
        [
            ("get", ""),
            ("get", "edit/"),
            ("post", "edit/"),
            ("get", "fields/city/"),
            ("post", "fields/city/"),
            ("get", "timeline/"),
            ("post", "notes/"),
            ("get", "tags/"),
            ("post", "tags/"),
            ("post", "delete/"),
        ],
    )
    def test_a_rep_finds_no_lead_of_a_colleague(
        self, browser: Client, bob: User, method: str, tail: str
    ) -> None:
        hidden = LeadFactory(owner=bob, first_name="Hidden")

        for headers in ({}, HTMX):
            response = getattr(browser, method)(
                f"/leads/{hidden.public_id}/{tail}", headers=headers
            )
            assert response.status_code == 404
            assert b"Hidden" not in response.content
        hidden.refresh_from_db()
        assert hidden.deleted_at is None

    def test_a_manager_sees_the_leads_of_the_team(
        self, client: Client, sales: Team, lead: Lead
    ) -> None:
        charlie = UserFactory(name="Charlie Cole", role="manager", team=sales)
        client.force_login(charlie)

        assert client.get(f"/leads/{lead.public_id}/").status_code == 200

    def test_a_stranger_is_asked_to_sign_in(self, client: Client, lead: Lead) -> None:
        response = client.get(f"/leads/{lead.public_id}/")

        assert response.status_code == 302
        assert "login" in response["Location"]

    @pytest.mark.parametrize("lead_id", ["%00", "../etc", "zzzzzzzzzzzz", "x" * 500])
    def test_addresses_that_name_nothing_are_not_found(self, browser: Client, lead_id: str) -> None:
        make_funnel()

        assert browser.get(f"/leads/{lead_id}/").status_code == 404

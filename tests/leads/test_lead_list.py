"""The list of leads as people use it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, SavedView, Team, User
from leads import actions
from leads.models import Lead, LeadScore
from tests.factories import (
    NOON,
    LeadFactory,
    SourceFactory,
    TeamFactory,
    UserFactory,
    make_funnel,
)

pytestmark = pytest.mark.django_db


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


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


class TestRows:
    def test_show_the_leads_of_the_reader_and_the_queue(
        self, browser: Client, alice: User, bob: User, sales: Team
    ) -> None:
        LeadFactory(first_name="Ingrid", owner=alice)
        LeadFactory(first_name="Queued", owner=None, team=sales)
        LeadFactory(first_name="Hidden", owner=bob)

        page = text_of(browser.get("/leads/"))

        assert "Ingrid" in page
        assert "Queued" in page
        assert "Hidden" not in page

    def test_show_score_stage_reply_owner_and_source(self, browser: Client, alice: User) -> None:
        now = timezone.now()
        lead = LeadFactory(
            owner=alice,
            stage=make_funnel()["sql"],
            source=SourceFactory(name="Google Ads"),
            response_started_at=now,
            response_due_at=now + timedelta(minutes=12, seconds=30),
        )
        LeadScore.objects.filter(lead=lead).update(score=87, temperature="hot", trend=[40, 60, 87])

        page = text_of(browser.get("/leads/"))

        for words in ["87", "Hot", "SQL", "12 min left", "Alice", "Google Ads"]:
            assert words in page, words

    def test_leave_the_bar_of_a_phone_as_it_is(self, browser: Client) -> None:
        bar = text_of(browser.get("/leads/")).split('class="tabbar"')[1].split("</nav>")[0]

        assert "Leads</a>" in bar
        assert "view=" not in bar

    def test_never_run_what_a_stranger_typed(self, browser: Client, alice: User) -> None:
        lead = LeadFactory(
            first_name="<script>alert(1)</script>", company_name='"><img src=x>', owner=alice
        )
        actions.add_tags([lead.pk], ["<b>bold</b>"])

        for path in ["/leads/", f"/leads/{lead.public_id}/", "/search/?q=alert"]:
            page = text_of(browser.get(path))
            assert "<script>alert(1)" not in page
            assert "<img src=x>" not in page
            assert "<b>bold" not in page

    def test_ask_the_same_few_queries_however_many_there_are(
        self,
        browser: Client,
        alice: User,
        django_assert_max_num_queries: Any,
        settings: Any,
    ) -> None:
        settings.USERSESSIONS_TRACK_ACTIVITY = False  # the list of devices is not this page's
        stage = make_funnel()["sql"]
        LeadFactory.create_batch(60, owner=alice, stage=stage, source=SourceFactory())
        LeadScore.objects.update(last_activity_at=NOON, last_activity_type="page_view")

        with django_assert_max_num_queries(11):
            browser.get("/leads/")


class TestOrders:
    def test_put_the_liveliest_first_and_those_without_activity_last(
        self, browser: Client, alice: User
    ) -> None:
        names = ["Quiet", "Lively", "Slow"]
        quiet, lively, slow = (LeadFactory(first_name=name, owner=alice) for name in names)
        actions.record_activity(lively.pk, "page_view", at=NOON)
        actions.record_activity(slow.pk, "page_view", at=NOON - timedelta(days=1))

        page = text_of(browser.get("/leads/"))

        assert page.index("Lively") < page.index("Slow") < page.index("Quiet")
        assert quiet.pk

    @pytest.mark.parametrize(
        ("sort", "first"), [("-score", "Hot"), ("score", "Cold"), ("reply", "Waiting")]
    )
    def test_follow_the_heading(self, browser: Client, alice: User, sort: str, first: str) -> None:
        LeadFactory(first_name="Hot", owner=alice, score=90)
        LeadFactory(first_name="Cold", owner=alice, score=1)
        LeadFactory(
            first_name="Waiting", owner=alice, score=50, response_due_at=NOON, last_name="Z"
        )

        page = text_of(browser.get(f"/leads/?sort={sort}"))

        rows = page[page.index("<tbody>") :]
        others = {"Hot", "Cold", "Waiting"} - {first}
        assert all(rows.index(first) < rows.index(other) for other in others)

    def test_page_through_everything_once(self, browser: Client, alice: User) -> None:
        for n in range(120):
            LeadFactory(owner=alice, score=n % 7)
        seen: list[str] = []
        cursor = ""

        for _ in range(5):
            response = browser.get(f"/leads/?sort=-score&cursor={cursor}")
            seen += [row.lead.public_id for row in response.context["rows"]]
            cursor = response.context["page"].next
            if not cursor:
                break

        assert len(seen) == len(set(seen)) == 120

    def test_refuse_an_order_there_is_not(self, browser: Client) -> None:
        response = browser.get("/leads/?sort=password")

        assert response.status_code == 400
        assert b"There is no order" in response.content


class TestFilters:
    def test_narrow_and_stand_above_the_list_in_words(self, browser: Client, alice: User) -> None:
        stages = make_funnel()
        LeadFactory(first_name="Wanted", owner=alice, stage=stages["sql"], country="NL")
        LeadFactory(first_name="Other", owner=alice, stage=stages["won"], country="DE")

        page = text_of(browser.get("/leads/?stage__not=won&country=NL,BE,LU,FR"))

        assert "Wanted" in page
        assert "Other" not in page
        assert "NL, BE, LU" in page
        assert "+1" in page
        assert 'aria-label="Remove filter Stage"' in page

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("owner=me", {"Mine"}),
            ("owner=none", {"Queued"}),
            ("owner=me,none", {"Mine", "Queued"}),
            ("tag=Depots", {"Mine"}),
            ("has_next_step=1", {"Mine"}),
            ("has_next_step=0", {"Queued"}),
            ("unanswered=1", {"Queued"}),
            ("unanswered=0", {"Mine"}),
            ("created_within=7", {"Mine"}),
            ("created_before=2000-01-01", {"Queued"}),
            ("created_after=2000-01-01", {"Mine"}),
            ("score_min=50", {"Mine"}),
            ("score_max=49", {"Queued"}),
            ("temperature=hot,warm", {"Mine"}),
            ("search=min", {"Mine"}),
            ("search=kes", {"Mine", "Queued"}),
            ("search=mi", {"Mine"}),
            ("source_kind=form", {"Mine"}),
        ],
    )
    def test_mean_what_they_say(
        self, browser: Client, alice: User, sales: Team, query: str, names: set[str]
    ) -> None:
        now = timezone.now()
        mine = LeadFactory(
            first_name="Mine",
            owner=alice,
            next_step_at=now,
            score=80,
            source=SourceFactory(key="f", kind="form"),
        )
        LeadScore.objects.filter(lead=mine).update(temperature="hot")
        actions.add_tags([mine.pk], ["Depots"])
        LeadFactory(
            first_name="Queued",
            team=sales,
            response_due_at=now,
            created_at=NOON.replace(year=1999),
        )

        response = browser.get(f"/leads/?{query}")

        assert {row.lead.first_name for row in response.context["rows"]} == names

    @pytest.mark.parametrize(
        "query",
        [
            "stage=nowhere",
            "score_min=x",
            "search=%00",
            "owner=%00",
            "country=ZZZ",
            "tag=" + "x," * 500,
        ],
    )
    def test_that_make_no_sense_are_refused_in_words(self, browser: Client, query: str) -> None:
        response = browser.get(f"/leads/?{query}")

        assert response.status_code in {200, 400}
        assert response.status_code == 400 or "%00" in query

    def test_come_in_a_form_that_works_without_scripts(self, browser: Client) -> None:
        make_funnel()

        page = text_of(browser.get("/leads/filter/?stage=sql&sort=-score"))

        assert 'action="/leads/"' in page
        assert 'value="sql" id="id_stage_3" checked' in page
        assert '<input type="hidden" name="sort" value="-score">' in page

    def test_without_a_match_say_which_to_drop(self, browser: Client, alice: User) -> None:
        LeadFactory(owner=alice)

        page = text_of(browser.get("/leads/?temperature=hot"))

        assert "No lead matches" in page
        assert "Drop temperature" in page

    def test_first_run_says_what_a_lead_is(self, browser: Client) -> None:
        assert "No leads yet" in text_of(browser.get("/leads/"))


class TestSavedViews:
    def test_keep_filters_under_a_name(self, browser: Client, alice: User) -> None:
        query = "temperature=hot&sort=-score&view=all&cursor=x"

        response = browser.post("/leads/views/new/", {"name": "Hot ones", "query": query})

        view = SavedView.objects.get()
        assert (view.user, view.query) == (alice, "temperature=hot&sort=-score")
        assert response["Location"] == f"/leads/?view=v{view.pk}&temperature=hot&sort=-score"
        assert "Hot ones" in text_of(browser.get("/leads/"))

    def test_of_others_show_only_when_shared(self, browser: Client, bob: User) -> None:
        view = actions.save_view(bob, name="Bob’s view", query="owner=me")
        before = text_of(browser.get("/leads/"))

        actions.share_view(bob, view.pk, shared=True)

        assert "Bob’s view" not in before
        assert "Bob’s view" in text_of(browser.get("/leads/"))

    def test_of_others_cannot_be_changed(self, browser: Client, bob: User) -> None:
        view = actions.save_view(bob, name="Bob’s view", query="", shared=True)

        for deed in ("delete", "share"):
            assert browser.post(f"/leads/views/{view.pk}/{deed}/").status_code == 404
        assert SavedView.objects.get().shared

    def test_are_deleted_by_their_owner(self, browser: Client, alice: User) -> None:
        view = actions.save_view(alice, name="Mine", query="")

        browser.post(f"/leads/views/{view.pk}/delete/")

        assert not SavedView.objects.exists()

    def test_are_counted_after_the_page(self, browser: Client, alice: User, bob: User) -> None:
        LeadFactory.create_batch(2, owner=alice)
        LeadFactory(owner=bob)
        actions.save_view(alice, name="Broken", query="stage=gone")

        part = text_of(browser.get("/leads/views/counts/", headers={"HX-Request": "true"}))

        assert 'All leads <span class="count">2</span>' in part
        assert 'Unanswered <span class="count">0</span>' in part
        assert "Broken </a>" in part.replace("Broken</a>", "Broken </a>")

    def test_need_a_name(self, browser: Client) -> None:
        response = browser.post("/leads/views/new/", {"name": " ", "query": ""})

        assert response.status_code == 422
        assert b"This field is required" in response.content

    @pytest.mark.parametrize("key", ["inbound", "hot", "unanswered", "no-next-step"])
    def test_that_everybody_has_open(self, browser: Client, key: str) -> None:
        page = browser.get("/leads/")
        href = next(tab.href for tab in page.context["list"].tabs if tab.view.key == key)

        shown = browser.get(f"/leads/{href}")

        assert shown.status_code == 200
        assert shown.context["list"].view.key == key
        assert not shown.context["list"].is_changed


class TestManyAtOnce:
    def test_tags_the_chosen(self, browser: Client, alice: User) -> None:
        leads = LeadFactory.create_batch(2, owner=alice)
        ids = [lead.public_id for lead in leads]

        browser.post("/leads/bulk/tag/", {"ids": ids, "tags": "Depots, Payroll pain"})

        assert [sorted(t.name for t in lead.tags.all()) for lead in leads] == [
            ["Depots", "Payroll pain"],
            ["Depots", "Payroll pain"],
        ]

    def test_reaches_no_hidden_lead(self, browser: Client, bob: User) -> None:
        hidden = LeadFactory(owner=bob)
        body = {"ids": [hidden.public_id], "tags": "Depots"}

        browser.post("/leads/bulk/tag/", body)
        browser.post("/leads/bulk/delete/", body)

        hidden.refresh_from_db()
        assert not hidden.tags.exists()
        assert hidden.deleted_at is None

    def test_deletes_with_an_undo(self, browser: Client, alice: User) -> None:
        lead = LeadFactory(owner=alice)
        page = text_of(browser.post("/leads/bulk/delete/", {"ids": [lead.public_id]}, follow=True))
        undo = page.split('action="/leads/undo/')[1].split('"')[0]
        assert not Lead.objects.live().exists()

        browser.post(f"/leads/undo/{undo}")

        assert Lead.objects.live().get() == lead

    @pytest.mark.parametrize("token", ["x", "1-2-3.abc", "0-0-0." + "a" * 20])
    def test_refuses_a_made_up_undo(self, browser: Client, token: str) -> None:
        response = browser.post(f"/leads/undo/{token}/")

        assert response.status_code == 409
        assert b"Undo works for ten minutes" in response.content

    def test_refuses_the_undo_of_somebody_else(
        self, browser: Client, client: Client, alice: User, bob: User
    ) -> None:
        lead = LeadFactory(owner=alice)
        page = text_of(browser.post("/leads/bulk/delete/", {"ids": [lead.public_id]}, follow=True))
        undo = page.split('action="/leads/undo/')[1].split('"')[0]
        client.force_login(bob)

        assert client.post(f"/leads/undo/{undo}").status_code == 409

    @pytest.mark.parametrize("what", ["assign", "stage", "tag"])
    def test_asks_what_to_give_with_and_without_scripts(
        self, browser: Client, alice: User, what: str
    ) -> None:
        make_funnel()
        lead = LeadFactory(owner=alice)

        part = text_of(browser.get(f"/leads/bulk/{what}/", headers={"HX-Request": "true"}))
        page = text_of(browser.post(f"/leads/bulk/{what}/", {"ids": [lead.public_id]}))

        assert "<html" not in part
        assert f'name="ids" value="{lead.public_id}"' in page

    def test_says_when_nothing_is_chosen(self, browser: Client) -> None:
        response = browser.post("/leads/bulk/delete/")

        assert response.status_code == 404
        assert b"Nothing is selected" in response.content

    def test_returns_only_to_pages_of_ours(self, browser: Client, alice: User) -> None:
        lead = LeadFactory(owner=alice)
        body = {"ids": [lead.public_id], "tags": "A", "next": "//evil.example/"}

        assert browser.post("/leads/bulk/tag/", body)["Location"] == "/leads/"


class TestExport:
    def rows(self, response: Any) -> list[dict[str, str]]:
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_holds_the_view_and_no_hidden_lead(
        self, browser: Client, alice: User, bob: User
    ) -> None:
        LeadFactory(first_name="Hot", owner=alice, score=80)
        LeadFactory(first_name="Cold", owner=alice, score=10)
        LeadFactory(first_name="Hidden", owner=bob, score=90)

        rows = self.rows(browser.get("/leads/export/?score_min=50"))

        assert [row["First name"] for row in rows] == ["Hot"]
        assert rows[0]["Owner"] == "Alice Archer"

    def test_holds_the_chosen(self, browser: Client, alice: User) -> None:
        chosen, _ = LeadFactory.create_batch(2, owner=alice)

        rows = self.rows(browser.post("/leads/export/", {"ids": [chosen.public_id]}))

        assert [row["Id"] for row in rows] == [chosen.public_id]

    def test_never_hands_a_formula_to_a_spreadsheet(self, browser: Client, alice: User) -> None:
        LeadFactory(
            owner=alice,
            first_name='=HYPERLINK("https://evil.example")',
            last_name="@SUM(A1)",
            phone="+31105550142",
        )

        [row] = self.rows(browser.get("/leads/export/"))

        assert row["First name"].startswith("'=")
        assert row["Last name"] == "'@SUM(A1)"
        assert row["Phone"] == "+31105550142"


class TestSearch:
    @pytest.mark.parametrize(
        "text",
        [
            "ingrid", "Øvergård", "ing fjell", "i.overgard@fjellvik.example",
            "I.OVERGARD@FJELLVIK.EXAMPLE", "047 55 01 42", "+47 475501", "in øv", "Ingird",
            "Overgaard fjellvik",
        ],
    )  # fmt: skip
    def test_finds_somebody_from_a_few_letters(
        self, browser: Client, alice: User, text: str
    ) -> None:
        LeadFactory(
            first_name="Ingrid",
            last_name="Øvergård",
            email="i.overgard@fjellvik.example",
            company_name="Fjellvik Seafood",
            phone="+4747550142",
            owner=alice,
        )
        LeadFactory(first_name="Pieter", last_name="Claes", company_name="Scheldt", owner=alice)

        response = browser.get("/search/", {"q": text})

        assert [lead.first_name for lead in response.context["found"].leads] == ["Ingrid"]

    def test_finds_companies(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.ADMIN))
        actions.create_lead({"last_name": "X", "company_name": "Kestrel Logistics"}, at=NOON)

        assert "Kestrel Logistics" in text_of(client.get("/search/?q=kestr"))

    def test_shows_nothing_hidden(self, browser: Client, bob: User) -> None:
        lead = actions.create_lead(
            {"email": "ingrid@fjellvik.example", "company_name": "Fjellvik"}, at=NOON
        )
        Lead.objects.filter(pk=lead.pk).update(owner=bob)

        for text in ["ingrid", "ingrid@fjellvik.example", "fjellvik", "ingird"]:
            assert not browser.get("/search/", {"q": text}).context["found"], text

    def test_gives_options_to_the_palette(self, browser: Client, alice: User) -> None:
        lead = LeadFactory(first_name="Ingrid", owner=alice)

        part = text_of(browser.get("/search/?q=ingrid", headers={"HX-Request": "true"}))

        assert "<html" not in part
        assert f'id="lead-{lead.public_id}"' in part
        assert 'role="option"' in part

    @pytest.mark.parametrize("text", ["", " ", "\x00", "%", "_", "\\", "'; --", "x" * 10_000, "()"])
    def test_stays_calm_whatever_is_typed(self, browser: Client, text: str) -> None:
        assert browser.get("/search/", {"q": text}).status_code == 200

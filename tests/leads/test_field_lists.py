"""Custom fields in the list of leads: filters, chips, columns, orders."""

from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role, SavedView, User
from leads.models import FieldDefinition, Lead, ListColumns
from tests.factories import LeadFactory, UserFactory
from tests.leads.factories import PLANS, FieldFactory

pytestmark = pytest.mark.django_db

FIELDS = {
    "note": "text",
    "plan": "select",
    "tools": "multi_select",
    "seats": "integer",
    "budget": "money",
    "trial": "yes_no",
    "ends": "date",
    "demo_at": "moment",
    "seat": "country",
}
PEOPLE: dict[str, dict[str, Any]] = {
    "Ann": {"plan": "pro", "seats": 5, "ends": "2026-11-30", "tools": ["pro"], "seat": "NL"},
    "Ben": {"plan": "starter", "seats": 50, "trial": True, "budget": {"amount": 900}},
    "Cy": {"plan": "classic", "note": "Wants a fax", "demo_at": "2026-11-30T09:30:00Z"},
    "Di": {"seats": "many", "ends": "2026-02-31", "trial": "maybe", "budget": 12, "plan": 4},
}


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", role=Role.MANAGER)


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture(autouse=True)
def _leads(alice: User) -> None:
    for position, (key, type_) in enumerate(FIELDS.items()):
        options = PLANS if type_ in FieldDefinition.HAS_OPTIONS else []
        FieldFactory(key=key, type=type_, options=options, position=position)
    for name, custom in PEOPLE.items():
        LeadFactory(first_name=name, last_name="", owner=alice, custom=custom)


def names(answer: Any) -> list[str]:
    return [row.lead.first_name for row in answer.context["rows"]]


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("custom.plan=pro,starter", {"Ann", "Ben"}),
            ("custom.plan__not=pro", {"Ben", "Cy", "Di"}),
            ("custom.tools=pro", {"Ann"}),
            ("custom.seats__min=5&custom.seats__max=49", {"Ann"}),
            ("custom.seats=50", {"Ben"}),
            ("custom.budget__min=1", {"Ben"}),
            ("custom.trial=1", {"Ben"}),
            ("custom.note__contains=FAX", {"Cy"}),
            ("custom.note=wants a fax", {"Cy"}),
            ("custom.note__not=wants a fax", {"Ann", "Ben", "Di"}),
            ("custom.ends__after=2026-11-30", {"Ann"}),
            ("custom.ends__before=2026-11-30", set()),
            ("custom.ends__next=3650", {"Ann"}),
            ("custom.demo_at__after=2026-11-30", {"Cy"}),
            ("custom.demo_at__within=3650", set()),
            ("custom.seat=nl", {"Ann"}),
            ("custom.ends__known=0", {"Ben", "Cy", "Di"}),
            ("custom.plan=pro&custom.seats__min=6", set()),
        ],
    )
    def test_narrow_the_page_and_the_api_alike(
        self, browser: Client, alice: User, query: str, found: set[str]
    ) -> None:
        key = create_api_key(name="Sync", scopes=["leads:read"], user=alice)

        page = browser.get(f"/leads/?{query}")
        answer = browser.get(
            f"/api/v1/leads/?{query}", headers={"Authorization": f"Bearer {key.plain}"}
        )

        assert set(names(page)) == found
        assert {row["first_name"] for row in answer.json()["results"]} == found

    def test_are_told_in_words_and_can_be_taken_out(self, browser: Client) -> None:
        page = browser.get(
            "/leads/?custom.plan=pro,starter&custom.seats__min=5&custom.trial__known=0"
        )

        said = [
            (item["chip"].label, item["chip"].op, item["chip"].value)
            for item in page.context["list"].chips
        ]
        assert said == [
            ("Plan", "is any of", "Pro, Starter"),
            ("Seats", "from", "5"),
            ("Trial", "is", "not known"),
        ]
        assert "custom.plan" not in page.context["list"].chips[0]["remove"]

    def test_are_offered_in_the_filter_form(self, browser: Client) -> None:
        form = browser.get("/leads/filter/?custom.note=x").content.decode()

        for name in ("custom.plan", "custom.seats__min", "custom.ends__next", "custom.note"):
            assert f'name="{name}"' in form
        assert 'name="custom.note__not"' not in form

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("custom.seats__min=many", "Write a number"),
            ("custom.plan=gold", "Select a valid choice"),
            ("custom.ends__after=soon", "Write a day"),
            ("custom.fax=1", "There is no filter “custom.fax” (any more)"),
            ("custom.plan__min=1", "There is no filter “custom.plan__min”"),
        ],
    )
    def test_say_what_is_wrong(self, browser: Client, query: str, words: str) -> None:
        answer = browser.get(f"/leads/?{query}")

        assert answer.status_code == 400
        assert words in answer.content.decode()


class TestOrders:
    def test_sort_by_the_typed_value_with_unknown_ones_last(self, browser: Client) -> None:
        assert names(browser.get("/leads/?sort=custom.seats"))[:2] == ["Ann", "Ben"]
        assert names(browser.get("/leads/?sort=-custom.seats"))[:2] == ["Ben", "Ann"]

    @pytest.mark.parametrize("key", ["seats", "budget", "trial", "ends", "demo_at", "plan", "seat"])
    def test_page_through_every_type(self, browser: Client, alice: User, key: str) -> None:
        key_ = create_api_key(name="Sync", scopes=["leads:read"], user=alice)
        seen: list[str] = []
        url: str | None = f"/api/v1/leads/?ordering=-custom.{key}&page_size=1"

        while url:
            body = browser.get(url, headers={"Authorization": f"Bearer {key_.plain}"}).json()
            seen += [row["first_name"] for row in body["results"]]
            url = body["next"]

        assert sorted(seen) == ["Ann", "Ben", "Cy", "Di"]

    @pytest.mark.parametrize("sort", ["custom.tools", "custom.fax", "custom."])
    def test_refuse_what_has_no_order(self, browser: Client, sort: str) -> None:
        assert browser.get(f"/leads/?sort={sort}").status_code == 400

    def test_walk_from_lead_to_lead(self, browser: Client) -> None:
        ann = Lead.objects.get(first_name="Ann")
        ben = Lead.objects.get(first_name="Ben")

        page = browser.get(f"/leads/{ann.public_id}/?sort=custom.seats").content.decode()

        assert f'href="/leads/{ben.public_id}/?sort=custom.seats" aria-label="Next lead"' in page


class TestColumns:
    def choose(self, browser: Client, *keys: str, do: str = "save", next_: str = "/leads/") -> Any:
        data = {"order": keys, "columns": keys, "do": do, "next": next_}
        return browser.post("/leads/columns/", data)

    def test_are_remembered_for_each_person(self, browser: Client, alice: User) -> None:
        self.choose(browser, "custom.plan", "city", "score")

        page = browser.get("/leads/")

        assert [column.key for column in page.context["list"].shown] == [
            "custom.plan", "city", "score",
        ]  # fmt: skip
        assert '<a href="?sort=custom.plan">Plan</a>' in page.content.decode()
        assert "Classic" in page.content.decode()
        assert ListColumns.objects.get().user == alice

    def test_can_be_those_of_one_view_only(self, browser: Client, alice: User) -> None:
        answer = self.choose(
            browser, "email", "custom.seats", do="here", next_="/leads/?custom.plan=pro"
        )

        assert answer["Location"] == "/leads/?custom.plan=pro&columns=email,custom.seats"
        view = SavedView.objects.create(
            user=alice, name="Pros", query="custom.plan=pro&columns=email,custom.seats"
        )
        page = browser.get(f"/leads/?view=v{view.pk}&{view.query}")
        assert [column.label for column in page.context["list"].shown] == ["E-mail", "Seats"]
        assert not page.context["list"].is_changed

    def test_move_before_they_are_kept(self, browser: Client) -> None:
        page = self.choose(browser, "score", "stage", do="down:score")

        rows = [row["column"].key for row in page.context["rows"]]
        assert rows[:2] == ["stage", "score"]
        assert not ListColumns.objects.exists()

    def test_go_back_to_the_usual_ones(self, browser: Client) -> None:
        self.choose(browser, "email")
        self.choose(browser, "email", do="usual")

        assert len(browser.get("/leads/").context["list"].shown) == 9

    def test_leave_out_what_is_sensitive_or_gone(self, browser: Client) -> None:
        self.choose(browser, "custom.plan", "custom.seats", "email")
        FieldDefinition.objects.filter(key="plan").update(is_sensitive=True)
        FieldDefinition.objects.filter(key="seats").delete()

        page = browser.get("/leads/?sort=custom.plan")

        assert page.status_code == 400
        shown = browser.get("/leads/").context["list"].shown
        assert [column.key for column in shown] == ["email"]

    def test_cost_no_query_for_each_row(
        self, browser: Client, django_assert_max_num_queries: Any
    ) -> None:
        self.choose(browser, *(f"custom.{key}" for key in FIELDS))

        with django_assert_max_num_queries(14):
            browser.get("/leads/")

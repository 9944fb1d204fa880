"""Leads through the REST API, as an integrator meets them."""

import json
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role, Team, User
from leads import actions
from leads.models import Activity, Lead, LeadIdentifier
from tests.factories import (
    NOON,
    LeadFactory,
    SourceFactory,
    TeamFactory,
    UserFactory,
    make_funnel,
)
from tests.leads.factories import FieldFactory

pytestmark = pytest.mark.django_db


class Api:
    """A program with a key."""

    def __init__(self, client: Client, user: User | None = None, *scopes: str) -> None:
        scopes = scopes or ("leads:read", "leads:write")
        self.client, self.key = client, create_api_key(name="Test", scopes=scopes, user=user).plain

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        call = getattr(self.client, method)
        headers["authorization"] = f"Bearer {self.key}"
        if data is None:
            return call(f"/api/v1/{path}", headers=headers)
        body = data if isinstance(data, (str, bytes)) else json.dumps(data)
        return call(f"/api/v1/{path}", data=body, content_type="application/json", headers=headers)


@pytest.fixture
def api(client: Client) -> Api:
    return Api(client)


@pytest.fixture
def sales() -> Team:
    return TeamFactory(name="Sales")


@pytest.fixture
def alice(sales: Team) -> User:
    return UserFactory(name="Alice Archer", team=sales)


def fields_of(response: Any) -> dict[str, str]:
    assert response["Content-Type"] == "application/problem+json"
    return {error["field"]: error["code"] for error in response.json()["errors"]}


class TestListing:
    def test_shows_each_lead_in_its_whole_shape(self, api: Api, alice: User) -> None:
        stage = make_funnel()["sql"]
        lead = LeadFactory(first_name="Priya", owner=alice, stage=stage, score=87)
        actions.set_tags(lead.pk, ["Depots"], at=NOON)

        answer = api("get", "leads/").json()

        assert (answer["next"], answer["previous"]) == (None, None)
        [row] = answer["results"]
        assert row["id"] == lead.public_id
        assert row["company"] == "Kestrel Logistics"
        assert row["stage"] == "sql"
        assert row["owner"] == {"id": alice.public_id, "name": "Alice Archer"}
        assert (row["score"], row["temperature"], row["version"]) == (87, "cold", 1)
        assert (row["tags"], row["custom"]) == (["Depots"], {})

    def test_walks_through_pages_by_whole_addresses(self, api: Api) -> None:
        LeadFactory.create_batch(5)

        first = api("get", "leads/?page_size=2&ordering=name").json()
        path = first["next"].removeprefix("http://testserver/api/v1/")
        second = api("get", path).json()

        assert "page_size=2" in first["next"]
        assert second["previous"] is not None
        assert not {r["id"] for r in first["results"]} & {r["id"] for r in second["results"]}

    @pytest.mark.parametrize("ordering", ["score", "-last_activity", "created_at", "name", "reply"])
    def test_knows_every_order_of_the_page(self, api: Api, ordering: str) -> None:
        LeadFactory.create_batch(3)

        answer = api("get", f"leads/?ordering={ordering}&page_size=2")

        assert len(answer.json()["results"]) == 2
        assert answer.json()["next"]

    def test_narrows_by_the_filters_of_the_page(self, api: Api, alice: User) -> None:
        stages = make_funnel()
        wanted = LeadFactory(owner=alice, stage=stages["sql"], country="NL", score=80)
        LeadFactory(stage=stages["won"], country="DE", score=10)
        queries = [
            "stage=sql",
            "stage__not=won,lost",
            f"owner={alice.public_id}",
            "country=nl,be",
            "score_min=50",
            "search=raman&score_min=50",
            "open=true",
        ]

        for query in queries:
            rows = api("get", f"leads/?{query}").json()["results"]
            assert [row["id"] for row in rows] == [wanted.public_id], query

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("stage=nowhere", "stage"),
            ("owner=nobody", "owner"),
            ("owner=me", "owner"),
            ("temperature=boiling", "temperature"),
            ("score_min=many", "score_min"),
            ("score_max=99999999999999999999", "score_max"),
            ("created_after=yesterday-ish", "created_after"),
            ("created_within=0", "created_within"),
            ("country=Netherlands", "country"),
            ("unanswered=maybe", "unanswered"),
            ("search=%00", "search"),
            ("tag=%00", "tag"),
            ("source=" + ",".join("x" * 3 for _ in range(300)), "source"),
            ("search=" + "x" * 5000, "search"),
            ("ordering=password", "ordering"),
            ("page_size=0", "page_size"),
            ("page_size=lots", "page_size"),
            ("stge=sql", "stge"),
        ],
    )
    def test_names_the_filter_that_makes_no_sense(self, api: Api, query: str, field: str) -> None:
        answer = api("get", f"leads/?{query}")

        assert answer.status_code == 400
        assert field in fields_of(answer)

    def test_refuses_a_made_up_cursor_in_words(self, api: Api) -> None:
        answer = api("get", "leads/?cursor=W3RydWUsWyJ4IiwieSJdXQ")

        assert answer.status_code == 422
        assert fields_of(answer) == {"cursor": "invalid"}

    def test_asks_the_same_few_queries_for_many_leads(
        self, api: Api, django_assert_max_num_queries: Any
    ) -> None:
        LeadFactory.create_batch(12)

        with django_assert_max_num_queries(5):
            assert len(api("get", "leads/").json()["results"]) == 12


class TestCreating:
    def test_makes_a_lead_with_its_company_and_tags(self, api: Api) -> None:
        source = SourceFactory(key="partner", name="Partner")
        FieldFactory(key="sites", type="integer")
        answer = api(
            "post",
            "leads/",
            {
                "email": "Ingrid@Fjellvik.example",
                "first_name": "Ingrid",
                "company": "Fjellvik Seafood",
                "country": "no",
                "company_size": 120,
                "custom": {"sites": "3"},
                "tags": ["Fish", "Cold chain"],
                "source": "partner",
            },
        )

        assert answer.status_code == 201
        assert answer["ETag"] == '"1"'
        lead = Lead.objects.select_related("company").get(public_id=answer.json()["id"])
        assert lead.company is not None
        assert (lead.company.name, lead.country, lead.source) == ("Fjellvik Seafood", "NO", source)
        assert answer.json()["tags"] == ["Cold chain", "Fish"]
        assert answer.json()["custom"] == {"sites": 3}

    def test_answers_with_the_known_lead_and_fills_only_what_is_empty(self, api: Api) -> None:
        known = LeadFactory(email="ingrid@fjellvik.example", first_name="Ingrid", job_title="")

        answer = api(
            "post",
            "leads/",
            {"email": "INGRID@fjellvik.example", "first_name": "Inga", "job_title": "Director"},
        )

        assert answer.status_code == 200
        assert answer.json()["id"] == known.public_id
        assert (answer.json()["first_name"], answer.json()["job_title"]) == ("Ingrid", "Director")

    def test_brings_a_deleted_lead_back(self, api: Api) -> None:
        known = LeadFactory(email="ingrid@fjellvik.example")
        actions.delete_lead(known.pk, at=NOON)

        answer = api("post", "leads/", {"email": "ingrid@fjellvik.example"})

        assert (answer.status_code, answer.json()["id"]) == (200, known.public_id)

    def test_tells_nothing_of_a_lead_the_key_may_not_see(self, client: Client, alice: User) -> None:
        LeadFactory(email="ingrid@fjellvik.example", first_name="Ingrid")

        answer = Api(client, alice)("post", "leads/", {"email": "ingrid@fjellvik.example"})

        assert answer.status_code == 409
        assert fields_of(answer) == {"email": "email_taken"}
        assert b"Ingrid" not in answer.content

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "email"),
            ({"email": "not an address"}, "email"),
            ({"email": ["a@b.example"]}, "email"),
            ({"email": "a@b.example", "first_name": "x" * 101}, "first_name"),
            ({"email": "a@b.example", "first_name": {"$gt": ""}}, "first_name"),
            ({"email": "a@b.example", "company_size": "many"}, "company_size"),
            ({"email": "a@b.example", "company_size": 10**30}, "company_size"),
            ({"email": "a@b.example", "country": "Norway"}, "country"),
            ({"email": "a@b.example", "time_zone": "Mars/Olympus"}, "time_zone"),
            ({"email": "a@b.example", "custom": [1]}, "custom"),
            ({"email": "a@b.example", "custom": {"x": "y" * 30_000}}, "custom"),
            ({"email": "a@b.example", "tags": "one"}, "tags"),
            ({"email": "a@b.example", "tags": ["t" * 41]}, "tags.0"),
            ({"email": "a@b.example", "source": "nowhere"}, "source"),
            ({"email": "a@b.example", "frist_name": "A"}, "frist_name"),
            ({"email": "a@b.example", "stage": "sql"}, "stage"),
            ([1], "body"),
            ("text", "body"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, api: Api, body: Any, field: str) -> None:
        answer = api("post", "leads/", json.dumps(body))

        assert answer.status_code == 400
        assert field in fields_of(answer)

    @pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"email": NaN}', b"[" * 50_000])
    def test_says_what_is_wrong_with_broken_json(self, api: Api, body: bytes) -> None:
        answer = api("post", "leads/", body)

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_drops_characters_that_cannot_be_stored(self, api: Api) -> None:
        answer = api("post", "leads/", '{"first_name": "Ing\\u0000rid", "last_name": "\\ud800x"}')

        assert answer.status_code == 201
        assert (answer.json()["first_name"], answer.json()["last_name"]) == ("Ingrid", "x")


class TestChanging:
    def test_saves_against_the_version_that_was_read(self, api: Api) -> None:
        lead = LeadFactory()

        answer = api("patch", f"leads/{lead.public_id}/", {"city": "Bergen"}, **{"if-match": '"1"'})

        assert (answer.status_code, answer["ETag"]) == (200, '"2"')
        assert answer.json()["city"] == "Bergen"

    @pytest.mark.parametrize("way", ["header", "field"])
    def test_refuses_to_write_over_what_was_not_read(self, api: Api, way: str) -> None:
        lead = LeadFactory(city="Oslo")
        api("patch", f"leads/{lead.public_id}/", {"city": "Bergen"})
        body = {"city": "Tromsø"} | ({"version": 1} if way == "field" else {})
        headers = {"if-match": '"1"'} if way == "header" else {}

        answer = api("patch", f"leads/{lead.public_id}/", body, **headers)

        assert answer.status_code == 412
        assert answer.json()["type"] == "urn:leadcrm:problem:stale_version"
        lead.refresh_from_db()
        assert lead.city == "Bergen"

    @pytest.mark.parametrize("name", ["stage", "owner", "score", "status", "lifecycle", "id"])
    def test_says_where_to_change_what_it_does_not(self, api: Api, name: str) -> None:
        lead = LeadFactory()

        answer = api("patch", f"leads/{lead.public_id}/", {name: "x"})

        assert answer.status_code == 400
        assert fields_of(answer) == {name: "read_only"}

    def test_replaces_the_tags(self, api: Api) -> None:
        lead = LeadFactory()
        actions.set_tags(lead.pk, ["Old"], at=NOON)

        answer = api("patch", f"leads/{lead.public_id}/", {"tags": ["New"]})

        assert answer.json()["tags"] == ["New"]

    def test_empties_a_field_by_null(self, api: Api) -> None:
        lead = LeadFactory(city="Oslo", company_size=5)

        answer = api("patch", f"leads/{lead.public_id}/", {"city": None, "company_size": None})

        assert (answer.json()["city"], answer.json()["company_size"]) == ("", None)

    def test_refuses_an_address_of_another_lead(self, api: Api) -> None:
        LeadFactory(email="bob@example.com")
        lead = LeadFactory()

        answer = api("patch", f"leads/{lead.public_id}/", {"email": "bob@example.com"})

        assert answer.status_code == 409
        assert fields_of(answer) == {"email": "email_taken"}

    def test_deletes_and_hides(self, api: Api) -> None:
        lead = LeadFactory()

        assert api("delete", f"leads/{lead.public_id}/").status_code == 204
        assert api("get", f"leads/{lead.public_id}/").status_code == 404

    def test_resolves_a_merged_lead_to_the_one_that_is_left(self, api: Api) -> None:
        survivor = LeadFactory()
        merged = LeadFactory(merged_into=survivor)

        answer = api("get", f"leads/{merged.public_id}/")

        assert answer.json()["id"] == survivor.public_id


class TestManyAtOnce:
    def test_gives_each_row_its_own_result(self, api: Api) -> None:
        known = LeadFactory(email="known@example.com", first_name="Old", city="Oslo")
        rows = [
            {"email": "new@example.com", "first_name": "New"},
            {"email": "known@example.com", "first_name": "Newer"},
            {"email": "known@example.com", "city": "Oslo"},
            {"email": "nonsense"},
            17,
        ]

        answer = api("post", "leads/bulk/", {"leads": rows})

        results = answer.json()["results"]
        assert [row["status"] for row in results] == [
            "created",
            "updated",
            "unchanged",
            "error",
            "error",
        ]
        assert results[3]["errors"][0]["field"] == "email"
        known.refresh_from_db()
        assert (known.first_name, known.city) == ("Newer", "Oslo")

    @pytest.mark.parametrize("body", [[], {}, {"leads": "x"}, [{}] * 1001])
    def test_refuses_no_rows_and_too_many(self, api: Api, body: Any) -> None:
        answer = api("post", "leads/bulk/", body)

        assert answer.status_code == 400
        assert "leads" in fields_of(answer)


class TestActivities:
    def test_records_a_batch_with_a_result_for_each(self, api: Api) -> None:
        lead = LeadFactory(email="ingrid@fjellvik.example")
        rows = [
            {"id": "1", "lead": lead.public_id, "type": "pricing_view"},
            {"id": "2", "email": "INGRID@fjellvik.example", "type": "page_view"},
            {"id": "1", "lead": lead.public_id, "type": "pricing_view"},
            {"lead": "000000000000", "type": "page_view"},
            {"lead": lead.public_id, "type": "score_crossed"},
            {"lead": lead.public_id, "type": "Page View"},
            {"lead": lead.public_id, "type": "page_view", "occurred_at": "soon"},
            {"lead": lead.public_id, "type": "page_view", "properties": [1]},
            {"type": "page_view"},
            "text",
        ]

        answer = api("post", "activities/", rows)

        assert answer.status_code == 202
        results = answer.json()["results"]
        assert [row["status"] for row in results] == [
            "recorded", "recorded", "duplicate", *["error"] * 7,
        ]  # fmt: skip
        assert [row["errors"][0]["field"] for row in results[3:]] == [
            "lead", "type", "type", "occurred_at", "properties", "lead", "body",
        ]  # fmt: skip
        assert Activity.objects.filter(lead=lead).count() == 2

    def test_repeats_harmlessly(self, api: Api) -> None:
        lead = LeadFactory()
        rows = [{"id": "abc", "lead": lead.public_id, "type": "page_view"}]
        api("post", "activities/", rows)

        again = api("post", "activities/", rows)

        assert again.json()["results"][0]["status"] == "duplicate"
        assert Activity.objects.filter(lead=lead).count() == 1

    def test_stores_a_thousand_in_a_handful_of_queries(
        self, api: Api, django_assert_max_num_queries: Any
    ) -> None:
        lead = LeadFactory()
        rows = [{"lead": lead.public_id, "type": "page_view"} for _ in range(1000)]

        with django_assert_max_num_queries(12):
            answer = api("post", "activities/", rows)

        assert {row["status"] for row in answer.json()["results"]} == {"recorded"}

    def test_records_one_under_its_lead_and_lists_it(self, api: Api) -> None:
        lead = LeadFactory()
        body = {"type": "webinar_attended", "properties": {"title": "Rest rules"}, "id": "w1"}

        made = api("post", f"leads/{lead.public_id}/activities/", body)
        again = api("post", f"leads/{lead.public_id}/activities/", body)
        listed = api("get", f"leads/{lead.public_id}/activities/?type=webinar_attended").json()

        assert (made.status_code, again.status_code) == (201, 200)
        assert made.json()["id"] == again.json()["id"] == listed["results"][0]["id"]
        assert listed["results"][0]["properties"] == {"title": "Rest rules"}

    def test_shows_the_timeline_of_a_group(self, api: Api) -> None:
        lead = LeadFactory()
        actions.record_activity(lead.pk, "page_view", at=NOON)
        actions.record_activity(lead.pk, "call_connected", at=NOON)

        answer = api("get", f"leads/{lead.public_id}/timeline/?group=talk").json()

        assert [row["type"] for row in answer["results"]] == ["call_connected"]
        assert answer["results"][0]["group"] == "talk"

    def test_refuses_an_unknown_group(self, api: Api) -> None:
        lead = LeadFactory()

        answer = api("get", f"leads/{lead.public_id}/timeline/?group=gossip")

        assert (answer.status_code, fields_of(answer)) == (400, {"group": "invalid"})


class TestNotes:
    def test_writes_and_lists_notes(self, client: Client, alice: User) -> None:
        api = Api(client, alice)
        lead = LeadFactory(owner=alice)

        made = api("post", f"leads/{lead.public_id}/notes/", {"body": "Works council signs off."})
        listed = api("get", f"leads/{lead.public_id}/notes/").json()["results"]

        assert made.status_code == 201
        assert listed[0]["body"] == "Works council signs off."
        assert listed[0]["author"]["name"] == "Alice Archer"

    @pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": "x" * 20_001}, {"body": [1]}])
    def test_refuses_notes_that_say_nothing_or_too_much(self, api: Api, body: Any) -> None:
        lead = LeadFactory()

        answer = api("post", f"leads/{lead.public_id}/notes/", body)

        assert (answer.status_code, "body" in fields_of(answer)) == (400, True)


class TestLookups:
    def test_lists_sources(self, api: Api) -> None:
        SourceFactory(key="partner", name="Partner")

        rows = api("get", "sources/").json()["results"]

        assert {"key": "partner", "name": "Partner"}.items() <= rows[0].items()

    def test_lists_only_companies_of_visible_leads(self, client: Client, alice: User) -> None:
        api = Api(client)
        for email, owner in [("a@alpha.example", alice), ("b@beta.example", None)]:
            lead = actions.create_lead(
                {"email": email, "company_name": email[2:-8].title()}, at=NOON
            )
            Lead.objects.filter(pk=lead.pk).update(owner=owner)

        everything = api("get", "companies/").json()["results"]
        hers = Api(client, alice)("get", "companies/").json()["results"]
        hidden = next(row["id"] for row in everything if row["name"] == "Beta")

        assert [row["name"] for row in everything] == ["Alpha", "Beta"]
        assert [row["name"] for row in hers] == ["Alpha"]
        assert Api(client, alice)("get", f"companies/{hidden}/").status_code == 404


class TestWhoMay:
    @pytest.mark.parametrize(
        ("method", "tail"),
        [
            ("get", ""),
            ("patch", ""),
            ("delete", ""),
            ("get", "timeline/"),
            ("get", "activities/"),
            ("post", "activities/"),
            ("get", "notes/"),
            ("post", "notes/"),
        ],
    )
    def test_a_hidden_lead_and_a_missing_one_answer_alike(
        self, client: Client, alice: User, method: str, tail: str
    ) -> None:
        hidden = LeadFactory(owner=UserFactory(name="Bob"))
        api = Api(client, alice)
        body: Any = None if method in {"get", "delete"} else {}

        answers = [
            api(method, f"leads/{lead_id}/{tail}", body)
            for lead_id in (hidden.public_id, "zzzzzzzzzzzz")
        ]

        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()

    def test_a_rep_lists_own_leads_and_the_queue_of_the_team(
        self, client: Client, alice: User, sales: Team
    ) -> None:
        own = LeadFactory(owner=alice)
        queued = LeadFactory(owner=None, team=sales)
        LeadFactory(owner=UserFactory(name="Bob", team=sales))
        LeadFactory(owner=None, team=TeamFactory(name="Elsewhere"))

        rows = Api(client, alice)("get", "leads/").json()["results"]

        assert {row["id"] for row in rows} == {own.public_id, queued.public_id}

    def test_a_reading_key_may_not_write(self, client: Client) -> None:
        api = Api(client, None, "leads:read")
        lead = LeadFactory()

        assert api("get", "leads/").status_code == 200
        assert api("post", "leads/", {"email": "a@b.example"}).status_code == 403
        assert api("patch", f"leads/{lead.public_id}/", {"city": "X"}).status_code == 403

    def test_nobody_reads_without_a_key(self, client: Client) -> None:
        LeadFactory()

        assert client.get("/api/v1/leads/").status_code == 401

    def test_a_signed_in_person_uses_the_same_api(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.ADMIN))
        LeadFactory()

        assert len(client.get("/api/v1/leads/").json()["results"]) == 1

    def test_batches_reach_no_hidden_lead(self, client: Client, alice: User) -> None:
        hidden = LeadFactory(email="bob@example.com")
        rows = [
            {"lead": hidden.public_id, "type": "page_view"},
            {"email": "bob@example.com", "type": "page_view"},
        ]

        results = Api(client, alice)("post", "activities/", rows).json()["results"]

        assert [row["errors"][0]["code"] for row in results] == ["not_found", "not_found"]
        assert not Activity.objects.filter(lead=hidden).exists()
        assert LeadIdentifier.objects.filter(lead=hidden).count() == 1

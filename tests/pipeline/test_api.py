"""The pipeline for programs, through HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role, User
from leads.models import Lead
from pipeline import actions
from pipeline.models import Deal, ResponseClock, RuleSet, Task
from tests.factories import NOON, TeamFactory, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db


class Program:
    """A client of the API with a key."""

    def __init__(self, *scopes: str, user: User | None = None) -> None:
        made = create_api_key(
            name="ERP", scopes=scopes or ("pipeline:read", "pipeline:write"), user=user
        )
        self.client = Client(headers={"Authorization": f"Bearer {made.plain}"})

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")

    def send(self, method: str, path: str, body: Any = None) -> Any:
        call = getattr(self.client, method)
        return call(f"/api/v1/{path}", body, content_type="application/json")

    def post(self, path: str, body: Any = None) -> Any:
        return self.send("post", path, {} if body is None else body)


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams", email="alice@example.com")


@pytest.fixture
def program(alice: User) -> Program:
    return Program(user=UserFactory(name="Dora Admin", role=Role.ADMIN))


@pytest.fixture
def lead(alice: User) -> Lead:
    return open_lead()


def problems(response: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in response.json()["errors"]}


class TestStages:
    def test_are_listed_from_left_to_right(self, program: Program, lead: Lead) -> None:
        answer = program.get("stages/").json()

        keys = [stage["key"] for stage in answer["results"]]
        assert keys == ["new", "contacted", "mql", "sql", "proposal", "won", "lost"]
        assert answer["results"][2]["type"] == "research"

    def test_a_move_answers_with_where_the_lead_stands(self, program: Program, lead: Lead) -> None:
        answer = program.post(f"leads/{lead.public_id}/stage/", {"stage": "sql"})

        assert answer.status_code == 200
        body = answer.json()
        assert (body["stage"], body["cycle"]["number"]) == ("sql", 1)
        assert [row["to_stage"] for row in body["transitions"]] == ["sql", "new"]
        assert body["transitions"][0]["cause"] == "api"
        assert body["transitions"][0]["actor"]["name"] == "Dora Admin"
        assert program.get(f"leads/{lead.public_id}/stage/").json() == body

    def test_losing_needs_a_reason_and_reopening_takes_it_back(
        self, program: Program, lead: Lead
    ) -> None:
        path = f"leads/{lead.public_id}"
        refused = program.post(f"{path}/stage/", {"stage": "lost"})
        assert refused.status_code == 422
        assert problems(refused)["reason"].startswith("Say why it was lost")

        lost = program.post(f"{path}/stage/", {"stage": "lost", "reason": "no_budget"})
        assert lost.json()["cycle"]["outcome"] == "lost"
        again = program.post(f"{path}/stage/", {"stage": "sql"})
        assert again.status_code == 409
        assert "Reopen it first" in again.json()["detail"]

        assert program.post(f"{path}/reopen/").json()["stage"] == "new"
        assert program.post(f"{path}/reopen/").status_code == 409

    def test_a_stale_move_is_a_conflict(self, program: Program, lead: Lead) -> None:
        actions.move_to_stage(lead.pk, to="proposal", at=NOON)

        moved = program.post(
            f"leads/{lead.public_id}/stage/", {"stage": "sql", "expected_stage": "new"}
        )
        version = program.post(f"leads/{lead.public_id}/stage/", {"stage": "sql", "version": 99})

        assert (moved.status_code, version.status_code) == (409, 412)
        assert moved.json()["type"] == "urn:leadcrm:problem:moved_meanwhile"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "stage"),
            ({"stage": "nowhere"}, "stage"),
            ({"stage": ["sql"]}, "stage"),
            ({"stage": "won", "amount": "a lot"}, "amount"),
            ({"stage": "won", "amount": -1}, "amount"),
            ({"stage": "lost", "reason": "bored"}, "reason"),
            ({"stage": "sql", "colour": "red"}, "colour"),
        ],
    )
    def test_every_mistake_names_its_field(
        self, program: Program, lead: Lead, body: dict[str, Any], field: str
    ) -> None:
        refused = program.post(f"leads/{lead.public_id}/stage/", body)

        assert refused.status_code in (400, 422)
        assert field in problems(refused)


class TestOwner:
    def test_is_given_by_id_or_address(self, program: Program, lead: Lead, alice: User) -> None:
        path = f"leads/{lead.public_id}/owner/"

        answer = program.post(path, {"owner": "Alice@example.com", "note": "Speaks Dutch"})

        assert answer.status_code == 200
        assert answer.json()["owner"] == {"id": alice.public_id, "name": "Alice Adams"}
        assert answer.json()["note"] == "Speaks Dutch"
        assert program.post(path, {"owner": alice.public_id}).status_code == 200

    def test_null_puts_the_lead_into_a_queue(
        self, program: Program, lead: Lead, alice: User
    ) -> None:
        team = TeamFactory(name="Desk")
        actions.assign(lead.pk, owner=alice, at=NOON)

        answer = program.post(
            f"leads/{lead.public_id}/owner/", {"owner": None, "queue": team.pk}
        ).json()

        assert (answer["owner"], answer["queue"]["name"]) == (None, "Desk")

    def test_somebody_unknown_is_refused(self, program: Program, lead: Lead) -> None:
        refused = program.post(f"leads/{lead.public_id}/owner/", {"owner": "nobody@example.com"})

        assert refused.status_code == 422
        assert "can own leads" in problems(refused)["owner"]

    def test_comes_with_the_decision_that_chose(
        self, program: Program, lead: Lead, alice: User
    ) -> None:
        publish_rules(pool_rule(make_pool(alice)))

        decision = program.post(f"leads/{lead.public_id}/routing/").json()

        assert decision["chosen"]["name"] == "Alice Adams"
        assert decision["candidates"][0]["user"] == alice.public_id
        assert decision["rotation_after"] == {alice.public_id: 0}
        assert program.get(f"leads/{lead.public_id}/owner/").json()["decision"] == decision
        assert program.get(f"leads/{lead.public_id}/routing/").json()["results"] == [decision]
        assert program.post(f"leads/{lead.public_id}/routing/").status_code == 204

    def test_accepts_or_declines(self, lead: Lead, alice: User) -> None:
        actions.assign(lead.pk, owner=alice, at=NOON)
        own = Program(user=alice)

        accepted = own.post(f"leads/{lead.public_id}/acceptance/", {"accepted": True})
        declined = own.post(f"leads/{lead.public_id}/acceptance/", {"accepted": False})

        assert accepted.json()["accepted_at"]
        assert declined.status_code == 422
        assert "reason" in problems(declined)


class TestWork:
    def test_a_task_from_planning_to_done(self, program: Program, lead: Lead, alice: User) -> None:
        due = timezone.now() + timedelta(days=2)

        made = program.post(
            f"leads/{lead.public_id}/tasks/",
            {"title": "Call", "kind": "call", "due_at": due.isoformat(), "assignee": alice.email},
        )
        path = f"tasks/{made.json()['id']}"
        later = (due + timedelta(days=1)).isoformat()
        changed = program.send("patch", f"{path}/", {"title": "Call Priya"})
        snoozed = program.post(f"{path}/snooze/", {"until": later})
        done = program.post(f"{path}/done/", {"outcome": "Left a message"})

        assert made.status_code == 201
        assert changed.json()["title"] == "Call Priya"
        assert snoozed.json()["snoozed_until"]
        assert done.json()["done_at"]
        assert program.post(f"{path}/done/").status_code == 409
        assert program.get("tasks/?done=false").json()["results"] == []
        assert len(program.get(f"tasks/?assignee={alice.public_id}").json()["results"]) == 1
        assert program.send("delete", f"{path}/done/").json()["done_at"] is None
        assert program.send("delete", f"{path}/").status_code == 204
        assert not Task.objects.exists()

    def test_pages_follow_each_other(self, program: Program, lead: Lead) -> None:
        for day in range(5):
            due = NOON + timedelta(days=day) if day else None
            actions.create_task(lead.pk, title=f"Day {day}", due_at=due, at=NOON)

        titles: list[str] = []
        url: str | None = "tasks/?page_size=2"
        while url:
            page = program.get(url.split("/api/v1/")[-1]).json()
            titles += [task["title"] for task in page["results"]]
            url = page["next"]

        assert titles == ["Day 1", "Day 2", "Day 3", "Day 4", "Day 0"]

    def test_logging_a_call_stops_the_clock(self, lead: Lead, alice: User) -> None:
        actions.assign(lead.pk, owner=alice, at=NOON)
        own = Program(user=alice)
        path = f"leads/{lead.public_id}"
        assert own.get(f"{path}/response/").json()["running"] is True

        answer = own.post(f"{path}/calls/", {"outcome": "connected", "minutes": 6})

        clock = own.get(f"{path}/response/").json()
        assert answer.status_code == 201
        assert (clock["running"], clock["stopped_by"]["name"]) == (False, "Alice Adams")
        assert ResponseClock.objects.get().activity_id == answer.json()["activity"]

    def test_a_key_of_nobody_cannot_call(self, lead: Lead) -> None:
        refused = Program().post(f"leads/{lead.public_id}/calls/", {"outcome": "connected"})

        assert refused.status_code == 403

    def test_a_deal_from_offer_to_gone(self, program: Program, lead: Lead) -> None:
        made = program.post(
            f"leads/{lead.public_id}/deals/",
            {"amount": "18400.00", "currency": "eur", "expected_close": "2027-01-15"},
        )
        path = f"deals/{made.json()['id']}/"

        changed = program.send("patch", path, {"probability": 60})

        assert made.status_code == 201
        assert (made.json()["currency"], made.json()["state"]) == ("EUR", "open")
        assert changed.json()["probability"] == 60
        assert len(program.get("deals/?state=open").json()["results"]) == 1
        assert program.send("delete", path).status_code == 204
        assert not Deal.objects.exists()


class TestRules:
    def test_are_written_tried_and_published(
        self, program: Program, lead: Lead, alice: User
    ) -> None:
        pool = make_pool(alice)
        country = {"field": "country", "op": "is", "value": "NL"}
        rules = [
            {
                "name": "Benelux",
                "condition": country,
                "target": {"kind": "user", "id": alice.public_id},
            },
            {"name": "Others", "target": {"kind": "pool", "id": str(pool.pk)}},
        ]

        draft = program.send("put", "routing-rules/", {"rules": rules})
        tried = program.post("routing-rules/dry-run/", {"leads": [lead.public_id]})
        published = program.post("routing-rules/publish/")

        assert [rule["name"] for rule in draft.json()["rules"]] == ["Benelux", "Others"]
        assert tried.json()["results"] == [
            {"lead": lead.public_id, "rule": "Others", "user": "Alice Adams", "queue": ""}
        ]
        assert published.json()["state"] == "published"
        both = program.get("routing-rules/").json()
        assert (both["published"]["version"], both["draft"]) == (draft.json()["version"], None)
        assert program.get("pools/").json()["results"][0]["members"][0]["weight"] == 1

    def test_mistakes_are_named_and_nothing_is_written(self, program: Program) -> None:
        refused = program.send(
            "put",
            "routing-rules/",
            {
                "rules": [
                    {
                        "name": "Odd",
                        "condition": {"field": "shoe_size", "op": "is", "value": 44},
                        "target": {"kind": "pool", "id": "4711"},
                    }
                ]
            },
        )

        assert refused.status_code == 422
        assert "rules.0.target" in problems(refused)
        assert any(field.startswith("rules.0.condition") for field in problems(refused))
        assert not RuleSet.objects.filter(state="draft").exists()

    def test_are_changed_by_managers_only(self, alice: User) -> None:
        client = Client()
        client.force_login(alice)

        read = client.get("/api/v1/routing-rules/")
        written = client.put("/api/v1/routing-rules/", {"rules": []}, "application/json")

        assert (read.status_code, written.status_code) == (200, 403)


class TestWhoMaySee:
    @pytest.mark.parametrize(
        "path",
        ["stage", "owner", "tasks", "deals", "routing", "response"],
    )
    def test_a_colleagues_lead_is_not_there(self, lead: Lead, alice: User, path: str) -> None:
        actions.assign(lead.pk, owner=alice, at=NOON)
        bob = Program(user=UserFactory(name="Bob Brown"))

        hidden = bob.get(f"leads/{lead.public_id}/{path}/")
        missing = bob.get(f"leads/{'2' * 12}/{path}/")

        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.json() == missing.json()

    def test_nor_are_its_tasks_and_deals(self, lead: Lead, alice: User) -> None:
        actions.assign(lead.pk, owner=alice, at=NOON)
        task = actions.create_task(lead.pk, title="Call", at=NOON)
        deal = actions.create_deal(lead.pk, amount=1, at=NOON)  # type: ignore[arg-type]
        bob = Program(user=UserFactory(name="Bob Brown"))

        assert bob.get("tasks/").json()["results"] == []
        assert bob.get("deals/").json()["results"] == []
        assert bob.get(f"tasks/{task.pk}/").status_code == 404
        assert bob.send("patch", f"deals/{deal.pk}/", {"amount": "2"}).status_code == 404
        assert bob.get("tasks/99999999999999999999/").status_code == 404

    def test_a_key_needs_the_scope(self, lead: Lead) -> None:
        reader = Program("pipeline:read")

        assert reader.get("stages/").status_code == 200
        moved = reader.post(f"leads/{lead.public_id}/stage/", {"stage": "sql"})
        assert moved.status_code == 403
        assert Program("leads:read").get("stages/").status_code == 403

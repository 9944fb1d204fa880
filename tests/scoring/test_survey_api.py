from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from scoring.models import Survey
from tests.factories import LeadFactory
from tests.scoring.surveys import BUDGET, GOOD, LATER, Person, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    scopes = ["scoring:read", "scoring:write", "leads:read", "leads:write"]
    key = create_api_key(name="Tests", scopes=scopes).plain
    client = Client(headers={"Authorization": f"Bearer {key}"})

    def call(method: str, path: str, body: Any = None) -> Any:
        send = getattr(client, method)
        return send(f"/api/v1/{path}", body, content_type="application/json")

    return call


CONTENT = {"title": "Does it fit?", "questions": [BUDGET], "endings": [GOOD, LATER]}


def test_a_survey_is_made_published_sent_and_read(api: Any) -> None:
    lead = LeadFactory()
    made = api("post", "surveys/", {"name": "Fit", "kind": "quiz", "content": CONTENT})
    assert made.status_code == 201
    assert api("post", "surveys/fit/publish/").json()["version"] == 1
    link = api("post", "surveys/fit/links/", {"lead": lead.public_id}).json()["url"]

    Person(link.rstrip("/").rpartition("/")[2]).send(budget="yes")

    [response] = api("get", "surveys/fit/responses/").json()["results"]
    assert (response["lead"], response["points"]) == (lead.public_id, 10)
    assert response["values"] == {"budget": "yes"}
    assert response["answers"][0]["answer"] == "Yes, approved"
    assert api("get", "surveys/fit/").json()["completed"] == 1
    assert api("delete", "surveys/fit/publish/").status_code == 204
    assert not Survey.objects.get().is_published


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"questions": "x"}, "content.questions"),
        ({"questions": [1]}, "content.questions.0"),
        ({"questions": [{"key": "A B", "type": "text"}]}, "content.questions.0.key"),
        ({"questions": [{"key": "a", "type": "magic"}]}, "content.questions.0.type"),
        ({"questions": [BUDGET, BUDGET]}, "content.questions.1.key"),
        ({"layout": []}, "content.layout"),
        ({"title": 5}, "content.title"),
        (
            {"questions": [{**BUDGET, "options": [{"value": "a", "points": 1e99}]}]},
            "content.questions.0.options.0.points",
        ),
    ],
)
def test_mistakes_are_named_with_their_path(api: Any, change: Any, field: str) -> None:
    make_survey(BUDGET)

    response = api("patch", "surveys/fit-check/", {"content": {**CONTENT, **change}})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_what_is_not_ready_is_not_published(api: Any) -> None:
    jump = {**BUDGET, "go": "nowhere"}
    api("post", "surveys/", {"name": "Fit", "content": {**CONTENT, "questions": [jump]}})

    response = api("post", "surveys/fit/publish/")

    assert response.status_code == 422
    assert "does not come after it" in response.json()["detail"]
    assert api("get", "surveys/nothing/").status_code == 404


def test_the_standing_of_a_lead_names_framework_source_and_next_question(api: Any) -> None:
    lead = LeadFactory()
    api("patch", f"leads/{lead.public_id}/bant/", {"budget": {"level": "yes", "value": "€20k"}})

    body = api("get", f"leads/{lead.public_id}/standing/").json()

    budget = body["criteria"][0]
    assert (body["framework"], body["completeness"]) == ("bant", 25)
    assert (budget["source"], budget["details"]["amount"]) == ("api", 20000)
    assert body["next_question"]["key"] != "budget"
    assert body["history"][0]["until"] is None

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from scoring import actions
from scoring.models import BantAnswer, ModelVersion
from tests.factories import NOON, LeadFactory, UserFactory
from tests.scoring.factories import activity_rule, attribute_rule, did, make_version

pytestmark = pytest.mark.django_db
Call = Callable[..., Any]


@pytest.fixture
def api(client: Client) -> Call:
    """Calls the API with a key that may do everything here."""
    scopes = ["leads:read", "leads:write", "scoring:read", "scoring:write"]
    key = create_api_key(name="test", scopes=scopes).plain

    def call(method: str, path: str, body: Any = None, *, key: str = key) -> Any:
        raw = {} if body is None else {"data": json.dumps(body)}
        return getattr(client, method)(
            f"/api/v1/{path}",
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
            **raw,
        )

    return call


class TestScore:
    def test_gives_the_value_with_rows_that_sum_to_it(self, api: Call) -> None:
        make_version(
            attribute_rule(30), activity_rule(points=30, counting="every"), engagement_cap=50
        )
        lead = LeadFactory(industry="Care")
        did(lead)
        did(lead)

        body = api("get", f"leads/{lead.public_id}/score/?as_of=2026-11-19T12:00:00Z").json()

        assert (body["value"], body["model"], body["version"]) == (80, "default", 1)
        assert {"key": "engagement", "value": 50, "cap": 50} in body["groups"]
        assert sum(row["points"] for row in body["contributions"]) == 80
        cap = next(row for row in body["contributions"] if row["rule"] is None)
        assert (cap["label"], cap["points"]) == ("Engagement is limited to 50", -10)
        clicked = next(row for row in body["contributions"] if row["count"] == 2)
        assert clicked["detail"] == "2 times, latest 19 Nov 2026"

    def test_looks_back_at_what_had_happened_by_then(self, api: Call) -> None:
        make_version(activity_rule(points=12))
        lead = LeadFactory()
        did(lead)
        path = f"leads/{lead.public_id}/score/?as_of="

        assert api("get", path + "2026-11-19T12:00:00%2B00:00").json()["value"] == 12
        before = api("get", path + "2026-11-18T12:00:00Z").json()
        assert before["value"] == 0
        assert "up to this moment" in before["basis"]

    @pytest.mark.parametrize("as_of", ["yesterday", "2026-99-99", "%00", "0001-01-01T00:00:00Z"])
    def test_names_a_moment_that_cannot_be_read(self, api: Call, as_of: str) -> None:
        lead = LeadFactory()

        response = api("get", f"leads/{lead.public_id}/score/?as_of={as_of}")

        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "as_of"


class TestBant:
    def test_answers_are_replaced_and_completed(self, api: Call) -> None:
        lead = LeadFactory()
        path = f"leads/{lead.public_id}/bant/"
        api("put", path, {"budget": {"level": "yes", "value": "€20k"}, "need": {"level": "no"}})

        body = api("put", path, {"need": {"level": "yes", "evidence": "Call on Monday"}}).json()

        assert body["budget"] == {"level": "unknown", "value": "", "evidence": ""}
        assert body["need"] == {"level": "yes", "value": "", "evidence": "Call on Monday"}
        assert body["completeness"] == 25
        assert api("get", path).json() == body
        assert api("put", path, body).json() == body

    def test_a_patch_leaves_the_rest(self, api: Call) -> None:
        lead = LeadFactory()
        path = f"leads/{lead.public_id}/bant/"
        api("put", path, {"budget": {"level": "yes", "value": "€20k"}})

        body = api("patch", path, {"budget": {"level": "partial"}, "need": {"level": "no"}}).json()

        assert body["budget"] == {"level": "partial", "value": "€20k", "evidence": ""}
        assert body["completeness"] == 50

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ([], "body"),
            ("x", "body"),
            ({"luck": {"level": "yes"}}, "luck"),
            ({"need": "yes"}, "need"),
            ({"need": {"level": "perhaps"}}, "need.level"),
            ({"need": {"level": None}}, "need.level"),
            ({"need": {"level": "yes", "value": 5}}, "need.value"),
            ({"need": {"level": "yes", "evidence": "x" * 2000}}, "need.evidence"),
        ],
    )
    def test_mistakes_are_named(self, api: Call, body: Any, field: str) -> None:
        lead = LeadFactory()

        for method in ("put", "patch"):
            response = api(method, f"leads/{lead.public_id}/bant/", body)

            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == field
        assert not BantAnswer.objects.exists()

    def test_unknown_and_forbidden_leads_answer_alike(self, api: Call) -> None:
        bob = UserFactory()
        hidden = LeadFactory(owner=UserFactory())
        scopes = ["leads:read", "leads:write"]
        key = create_api_key(name="Bob's", scopes=scopes, user=bob).plain

        answers = [
            api(method, f"leads/{public_id}/{what}/", body, key=key)
            for public_id in (hidden.public_id, "nosuchleadxx")
            for method, what, body in (
                ("get", "bant", None),
                ("put", "bant", {"need": {"level": "yes"}}),
                ("get", "score", None),
            )
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1


class TestModels:
    def test_are_changed_as_a_draft_and_published(self, api: Call) -> None:
        make_version(attribute_rule(12, override_note=""))
        rule = {
            "group": "engagement", "weight_class": "very_important", "label": "Trial",
            "activity_type": "trial_started", "points": 9,
        }  # fmt: skip

        assert api("post", "scoring-models/default/draft/").status_code == 201
        created = api("post", "scoring-models/default/rules/", rule)
        path = f"scoring-models/default/rules/{created.json()['id']}/"
        assert api("patch", path, {"points": 7}).json()["points"] == 7
        assert api("patch", "scoring-models/default/draft/", {"hot_from": 80}).status_code == 200
        published = api("post", "scoring-models/default/publish/")

        assert (created.status_code, published.status_code) == (201, 202)
        body = api("get", "scoring-models/default/").json()
        assert body["draft"] is None
        assert (body["published"]["number"], body["published"]["hot_from"]) == (2, 80)
        assert [r["points"] for r in body["published"]["rules"]] == [12, 7]
        assert api("get", "scoring-models/").json()["results"][0]["id"] == "default"

    def test_mistakes_are_named(self, api: Call) -> None:
        make_version(attribute_rule())
        api("post", "scoring-models/default/draft/")

        response = api("post", "scoring-models/default/rules/", {"points": 3, "group": "fit"})

        fields = {error["field"] for error in response.json()["errors"]}
        assert response.status_code == 422
        assert fields == {"weight_class", "label", "condition"}

    def test_a_key_without_the_scope_and_a_rep_are_kept_out(
        self, api: Call, client: Client
    ) -> None:
        make_version(attribute_rule())
        key = create_api_key(name="reader", scopes=["scoring:read"]).plain
        client.force_login(UserFactory())

        assert api("get", "scoring-models/default/", key=key).status_code == 200
        assert api("post", "scoring-models/default/draft/", key=key).status_code == 403
        assert client.get("/api/v1/scoring-models/default/").status_code == 200
        assert client.post("/api/v1/scoring-models/default/draft/").status_code == 403
        assert ModelVersion.objects.count() == 1

    def test_without_a_draft_there_is_nothing_to_change(self, api: Call) -> None:
        make_version(attribute_rule())

        for method, path in (
            ("patch", "draft"),
            ("delete", "draft"),
            ("post", "rules"),
            ("post", "publish"),
        ):
            assert api(method, f"scoring-models/default/{path}/", {}).status_code == 404


def test_the_lead_shows_the_score_the_explanation_sums_to(api: Call) -> None:
    make_version(attribute_rule(30))
    lead = LeadFactory(industry="Care")
    actions.rescore([lead.pk], at=NOON)

    listed = api("get", f"leads/{lead.public_id}/").json()
    explained = api("get", f"leads/{lead.public_id}/score/").json()

    assert listed["score"] == explained["value"] == 30

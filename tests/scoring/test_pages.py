from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from scoring import actions
from scoring.models import ModelVersion, Rule
from tests.factories import NOON, LeadFactory, UserFactory
from tests.leads.factories import FieldFactory
from tests.scoring.factories import activity_rule, attribute_rule, did, make_version

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
FORM: dict[str, Any] = {
    "label": "Big enough",
    "group": "fit",
    "weight_class": "valid",
    "points": 3,
    "kind": "is",
    "field": "company_size",
    "op": "gte",
    "value": "50",
}


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(UserFactory(role=Role.MARKETER))
    return client


@pytest.fixture
def rule() -> Rule:
    return make_version(
        attribute_rule(12, override_note=""), activity_rule(), warm_from=10, hot_from=20
    ).rules.get(group="fit")


def draft() -> ModelVersion:
    return ModelVersion.objects.get(state="draft")


class TestScoringPage:
    def test_shows_rules_with_how_many_leads_they_reach(self, marketer: Client, rule: Rule) -> None:
        LeadFactory(industry="Care")

        page = marketer.get("/scoring/").content.decode()

        assert "Works in care" in page
        assert f'id="hits-{rule.uid}">1 lead<' in page
        assert "Version 1" in page

    def test_the_first_change_makes_a_draft_and_the_page_says_whom_it_moves(
        self, marketer: Client, rule: Rule
    ) -> None:
        lead = LeadFactory(industry="Care", first_name="Ana", last_name="Ortega")
        actions.rescore([lead.pk], at=NOON)
        marketer.post("/scoring/thresholds/", {
            "warm_from": 5, "hot_from": 12, "hysteresis": 0,
            "fit_cap": 100, "engagement_cap": 100, "bant_cap": 100,
        })  # fmt: skip

        page = marketer.get("/scoring/").content.decode()
        aside = marketer.get("/scoring/preview/", headers=HTMX).content.decode()

        assert "Draft, 1 edit" in page
        assert "Ana Ortega" in aside
        assert "Becoming hot" in aside

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_a_row_steps_points_and_switches(
        self, marketer: Client, rule: Rule, headers: dict[str, str]
    ) -> None:
        path = f"/scoring/rules/{rule.uid}/"
        marketer.post(path, {"points": 12, "step": "1"}, headers=headers)
        marketer.post(path, {"has_switch": "1"}, headers=headers)

        changed = draft().rules.get(uid=rule.uid)
        rule.refresh_from_db()
        assert (changed.points, changed.enabled) == (13, False)
        assert (rule.points, rule.enabled) == (12, True)

    @pytest.mark.parametrize("points", ["16", "9", "many", "1" * 50])
    def test_a_row_refuses_points_outside_the_band(
        self, marketer: Client, rule: Rule, points: str
    ) -> None:
        response = marketer.post(f"/scoring/rules/{rule.uid}/", {"points": points}, headers=HTMX)

        assert "toast" in response.headers["HX-Trigger"]
        assert not ModelVersion.objects.filter(state="draft").exists()

    def test_publishing_and_discarding(self, marketer: Client, rule: Rule) -> None:
        marketer.post(f"/scoring/rules/{rule.uid}/", {"step": "1"})
        marketer.post("/scoring/discard/")
        assert not ModelVersion.objects.filter(state="draft").exists()
        marketer.post(f"/scoring/rules/{rule.uid}/", {"step": "1"})

        response = marketer.post("/scoring/publish/", follow=True)

        assert "Published version 2" in response.content.decode()
        assert ModelVersion.objects.get(state="published").number == 2
        assert marketer.post("/scoring/publish/").status_code == 404

    @pytest.mark.parametrize("role", [Role.REP, Role.MANAGER])
    def test_others_read_but_do_not_change(self, client: Client, rule: Rule, role: Role) -> None:
        client.force_login(UserFactory(role=role))
        writes = [
            f"/scoring/rules/{rule.uid}/", f"/scoring/rules/{rule.uid}/edit/",
            f"/scoring/rules/{rule.uid}/delete/", "/scoring/rules/new/", "/scoring/thresholds/",
            "/scoring/publish/", "/scoring/discard/", "/scoring/qualification/",
        ]  # fmt: skip

        page = client.get("/scoring/")

        assert page.status_code == 200
        assert 'name="points"' not in page.content.decode()
        assert {client.post(path, {}).status_code for path in writes} == {403}
        assert ModelVersion.objects.count() == 1


class TestRuleForm:
    def test_adds_a_rule_about_a_field(self, marketer: Client, rule: Rule) -> None:
        response = marketer.post("/scoring/rules/new/", FORM)

        added = draft().rules.get(label="Big enough")
        assert response.status_code == 302
        assert added.condition == {"field": "company_size", "op": "gte", "value": 50}

    def test_adds_a_rule_about_an_activity(self, marketer: Client, rule: Rule) -> None:
        marketer.post("/scoring/rules/new/", {
            "label": "Reads prices", "group": "engagement", "weight_class": "most_important",
            "points": 12, "kind": "did", "activity_type": "page_view", "property_key": "url",
            "property_value": "/pricing", "at_least": 2, "window_days": 7, "counting": "at_most",
            "max_count": 3, "decay": "half_life", "decay_days": 30,
        })  # fmt: skip

        added = draft().rules.get(label="Reads prices")
        assert added.where == {"url": {"contains": "/pricing"}}
        assert (added.at_least, added.window_days, added.counting, added.max_count) == (
            2, 7, "at_most", 3,
        )  # fmt: skip
        assert (added.decay, added.decay_days) == ("half_life", 30)

    def test_shows_a_rule_as_it_is_and_changes_it(self, marketer: Client, rule: Rule) -> None:
        page = marketer.get(f"/scoring/rules/{rule.uid}/edit/").content.decode()
        assert 'value="Care"' in page

        changes = {**FORM, "weight_class": "most_important", "points": 11}
        marketer.post(f"/scoring/rules/{rule.uid}/edit/", changes)

        changed = draft().rules.get(uid=rule.uid)
        assert (changed.label, changed.points) == ("Big enough", 11)

    def test_takes_any_condition_as_json(self, marketer: Client, rule: Rule) -> None:
        FieldFactory(key="seats", type="integer")
        advanced = '{"all": [{"tag": "VIP"}, {"field": "custom.seats", "op": "gt", "value": 9}]}'

        marketer.post("/scoring/rules/new/", {**FORM, "advanced": advanced})

        added = draft().rules.get(label="Big enough")
        assert added.condition["all"][0] == {"tag": "VIP"}
        page = marketer.get(f"/scoring/rules/{added.uid}/edit/").content.decode()
        assert "custom.seats" in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"points": 9}, "“Valid” rules give 1 to 4 points"),
            ({"value": "many"}, "Write a number here"),
            ({"op": "contains"}, "takes one of"),
            ({"advanced": "{"}, "not valid JSON"),
            ({"advanced": "[" * 5000}, "nested too deeply"),
            ({"advanced": '{"tag": 5}'}, "Write some text here"),
            ({"label": ""}, "required"),
            ({"kind": "did", "activity_type": "page_view", "decay": "expiry"}, "how many days"),
            ({"field": "nope"}, "valid choice"),
            ({"points": "9" * 40}, "100"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(
        self, marketer: Client, rule: Rule, changes: dict[str, Any], words: str
    ) -> None:
        response = marketer.post("/scoring/rules/new/", {**FORM, **changes})

        assert response.status_code == 422
        assert words in response.content.decode()
        assert not Rule.objects.filter(label="Big enough").exists()

    def test_hostile_text_is_kept_as_text(self, marketer: Client, rule: Rule) -> None:
        label, value = "<script>alert(1)</script>\x00%s", "'; DROP TABLE leads_lead; --\x00"

        marketer.post(
            "/scoring/rules/new/",
            {**FORM, "label": label, "field": "industry", "op": "is", "value": value},
        )

        page = marketer.get("/scoring/")
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()


class TestQualificationForm:
    def test_changes_the_conditions_of_the_draft(self, marketer: Client, rule: Rule) -> None:
        assert marketer.get("/scoring/qualification/").status_code == 200

        sql = '{"field": "score", "op": "gte", "value": 55}'
        marketer.post("/scoring/qualification/", {"mql": "", "sql": sql, "pql": ""})

        assert (draft().mql, draft().sql) == (None, {"field": "score", "op": "gte", "value": 55})
        assert "Score is at least 55" in marketer.get("/scoring/").content.decode()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "not valid JSON"),
            ('{"field": "luck"}', "There is no field “luck”"),
            ("5", "object"),
        ],
    )
    def test_names_mistakes(self, marketer: Client, rule: Rule, text: str, words: str) -> None:
        response = marketer.post("/scoring/qualification/", {"mql": text})

        assert response.status_code == 422
        assert words in response.content.decode()


class TestLeadScorePage:
    def test_shows_every_contribution_and_the_sum(self, client: Client) -> None:
        make_version(attribute_rule(30), activity_rule(points=12))
        alice = UserFactory()
        lead = LeadFactory(industry="Care", owner=alice)
        did(lead, "pricing_view")
        actions.rescore([lead.pk], at=NOON)
        client.force_login(alice)

        page = client.get(f"/leads/{lead.public_id}/score/?as_of=2026-11-19").content.decode()
        earlier = client.get(f"/leads/{lead.public_id}/score/?as_of=2026-11-18").content.decode()

        assert "Why 42" in page
        assert "on 19 Nov 2026" in page
        assert "Why 30" in earlier

    @pytest.mark.parametrize("as_of", ["x", "2026-99-99", "9999-12-31", "%00"])
    def test_an_unreadable_day_means_now(self, client: Client, as_of: str) -> None:
        make_version(attribute_rule())
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        client.force_login(alice)

        assert client.get(f"/leads/{lead.public_id}/score/?as_of={as_of}").status_code == 200

    def test_the_lead_page_says_why(self, client: Client) -> None:
        make_version(attribute_rule(30))
        alice = UserFactory()
        lead = LeadFactory(industry="Care", owner=alice)
        actions.rescore([lead.pk], at=NOON)
        client.force_login(alice)

        page = client.get(f"/leads/{lead.public_id}/?open=all").content.decode()

        assert "Why 30" in page
        assert "Works in care" in page
        assert "0 of 4 known" in page

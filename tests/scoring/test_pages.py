from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from scoring import actions, panels
from scoring.forms import initial_of
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
    "condition-size": "1",
    "condition-match": "all",
    "condition.0-what": "field:company_size",
    "condition.0-was": "field:company_size",
    "condition.0-op": "gte",
    "condition.0-value": "50",
}

BIG = {"all": [{"field": "company_size", "op": "gte", "value": 50}]}


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
        assert draft().total_cap == 100

        page = marketer.get("/scoring/").content.decode()
        aside = marketer.get("/scoring/preview/", headers=HTMX).content.decode()

        assert "Draft, 2 edits" in page
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
        assert added.condition == BIG

    def test_adds_a_rule_about_an_activity(self, marketer: Client, rule: Rule) -> None:
        marketer.post("/scoring/rules/new/", {
            "label": "Reads prices", "group": "engagement", "weight_class": "most_important",
            "points": 12, "kind": "did", "activity_type": "page_view", "property_1": "url",
            "test_1": "contains", "value_1": "/pricing", "at_least": 2, "window_days": 7,
            "counting": "at_most",
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

    def test_takes_conditions_of_any_depth_without_scripts(
        self, marketer: Client, rule: Rule
    ) -> None:
        FieldFactory(key="seats", type="integer")
        nested = {
            **FORM, "condition-size": "2", "condition.1-size": "2", "condition.1-match": "any",
            "condition.1.0-what": "tag", "condition.1.0-op": "is", "condition.1.0-value": "VIP",
            "condition.1.1-what": "field:custom.seats", "condition.1.1-op": "gt",
            "condition.1.1-value": "9",
        }  # fmt: skip
        arranging = marketer.post("/scoring/rules/new/", {**nested, "do": "add:condition.1"})
        marketer.post("/scoring/rules/new/", nested)

        added = draft().rules.get(label="Big enough")
        assert arranging.status_code == 200
        assert added.condition["all"][1] == {
            "any": [{"tag": "VIP"}, {"field": "custom.seats", "op": "gt", "value": 9}]
        }
        page = marketer.get(f"/scoring/rules/{added.uid}/edit/").content.decode()
        assert "custom.seats" in page

    @pytest.mark.parametrize(
        ("changes", "saved"),
        [
            ({"counting": "per_day", "decay": "linear", "decay_days": 30}, {"decay": "linear"}),
            ({"counting": "distinct", "counted_by": "url"}, {"counted_by": "url"}),
            (
                {"counting": "amount", "counted_by": "amount", "per_amount": 100, "max_points": 9},
                {"per_amount": 100, "max_points": 9},
            ),
            ({"counting": "at_most", "max_count": 2, "per": "week"}, {"per": "week"}),
            ({"counts_machines": "on"}, {"human_only": False}),
            ({"activity_type": "other", "own_type": "seat_added"}, {"activity_type": "seat_added"}),
            (
                {"property_1": "amount", "test_1": "gte", "value_1": "50"},
                {"where": {"amount": {"gte": 50}}},
            ),
        ],
    )  # fmt: skip
    def test_offers_every_way_to_count(
        self, marketer: Client, rule: Rule, changes: dict[str, Any], saved: dict[str, Any]
    ) -> None:
        form = {**FORM, "kind": "did", "activity_type": "purchase", **changes}

        marketer.post("/scoring/rules/new/", form)

        added = draft().rules.get(label="Big enough")
        assert {name: getattr(added, name) for name in saved} == saved
        page = marketer.get(f"/scoring/rules/{added.uid}/edit/").content.decode()
        shown = {k: v for k, v in initial_of(added).items() if k in changes}
        assert {k: str(v) for k, v in shown.items()} == {
            k: "True" if v == "on" else str(v) for k, v in changes.items() if k in shown
        }
        assert "Big enough" in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"points": 9}, "“Valid” rules give 1 to 4 points"),
            ({"condition.0-value": "many"}, "Write a number here"),
            ({"condition.0-op": "contains"}, "takes one of"),
            ({"condition-size": "0"}, "Give the rule a condition"),
            ({"condition.0-what": "field:score", "condition.0-was": "field:score"}, "made by"),
            ({"label": ""}, "required"),
            ({"kind": "did", "activity_type": "page_view", "decay": "expiry"}, "how many days"),
            (
                {"kind": "did", "activity_type": "purchase", "counting": "amount"},
                "Name the property that holds the amount",
            ),
            ({"kind": "did", "activity_type": "other", "own_type": "Seat!"}, "Name an activity"),
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
            {
                **FORM,
                "label": label,
                "condition.0-what": "field:industry",
                "condition.0-was": "field:industry",
                "condition.0-op": "is",
                "condition.0-value": value,
            },
        )

        page = marketer.get("/scoring/")
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()

    def test_a_rule_on_a_deleted_field_is_flagged_and_gives_nothing(
        self, marketer: Client, rule: Rule
    ) -> None:
        gone = {"field": "custom.gone", "op": "is", "value": "x"}
        Rule.objects.filter(pk=rule.pk).update(condition=gone)
        lead = LeadFactory(industry="Care")

        actions.rescore([lead.pk], at=NOON)
        page = marketer.get("/scoring/").content.decode()
        edit = marketer.get(f"/scoring/rules/{rule.uid}/edit/").content.decode()

        lead.score_row.refresh_from_db()
        assert lead.score_row.score == 0
        assert "Counts for nobody" in page
        assert "There is no field “custom.gone”" in edit


def built(name: str, field: str, op: str, value: str) -> dict[str, str]:
    """What a builder of one condition posts."""
    return {
        f"{name}-size": "1", f"{name}.0-what": f"field:{field}", f"{name}.0-was": f"field:{field}",
        f"{name}.0-op": op, f"{name}.0-value": value,
    }  # fmt: skip


class TestQualificationForm:
    def test_changes_the_conditions_of_the_draft(self, marketer: Client, rule: Rule) -> None:
        assert marketer.get("/scoring/qualification/").status_code == 200

        enter, leave = built("sql", "score", "gte", "55"), built("sql_leave", "score", "lt", "40")
        marketer.post("/scoring/qualification/", {"mql-size": "0", **enter, **leave})

        assert draft().mql is None
        assert draft().sql == {"all": [{"field": "score", "op": "gte", "value": 55}]}
        assert draft().sql_leave == {"all": [{"field": "score", "op": "lt", "value": 40}]}
        page = marketer.get("/scoring/").content.decode()
        assert "Score is at least 55" in page
        assert "until Score is less than 40" in page

    @pytest.mark.parametrize(
        ("posted", "words"),
        [
            (built("mql", "luck", "is", "x"), "There is no field “luck”"),
            (built("mql", "score", "gte", "many"), "Write a number here"),
            (built("mql_leave", "score", "lt", "4"), "no condition to enter"),
        ],
    )
    def test_names_mistakes(
        self, marketer: Client, rule: Rule, posted: dict[str, str], words: str
    ) -> None:
        response = marketer.post("/scoring/qualification/", posted)

        assert response.status_code == 422
        assert words in response.content.decode()


class TestVersions:
    def test_the_page_before_publishing_says_what_is_different(
        self, marketer: Client, rule: Rule
    ) -> None:
        marketer.post(f"/scoring/rules/{rule.uid}/", {"step": "1"})

        page = marketer.get("/scoring/publish/").content.decode()

        assert "Different from version 1" in page
        assert "<del>12</del>" in page
        assert "<ins>13</ins>" in page

    def test_progress_is_shown_until_the_switch(self, marketer: Client, rule: Rule) -> None:
        LeadFactory(industry="Care")
        marketer.post(f"/scoring/rules/{rule.uid}/", {"step": "1"})
        marketer.post("/scoring/publish/", {"asked": "1", "note": "More for care"})
        part = marketer.get("/scoring/progress/", headers=HTMX)
        page = marketer.get("/scoring/").content.decode()
        while actions.continue_rescore(at=NOON):
            pass

        done = marketer.get("/scoring/progress/", headers=HTMX)

        assert "Version 2 is being published" in page
        assert 'hx-trigger="every 2s"' in part.content.decode()
        assert done.headers["HX-Refresh"] == "true"
        assert "every 2s" not in done.content.decode()
        assert "More for care" in marketer.get("/scoring/versions/").content.decode()
        assert "Against version 1" in marketer.get("/scoring/versions/2/").content.decode()

    def test_going_back(self, marketer: Client, rule: Rule) -> None:
        marketer.post(f"/scoring/rules/{rule.uid}/", {"step": "1"})
        marketer.post("/scoring/publish/")

        marketer.post("/scoring/versions/1/restore/")

        now = ModelVersion.objects.get(state="published")
        assert (now.number, now.rules.get(uid=rule.uid).points) == (3, 12)
        again = marketer.post("/scoring/versions/3/restore/", follow=True).content.decode()
        assert "never replaced" in again
        assert marketer.get("/scoring/versions/99/").status_code == 404

    def test_a_category_has_rules_of_its_own(self, marketer: Client, rule: Rule) -> None:
        marketer.post("/scoring/models/new/", {"name": "Rosters", "category": "Rosters"})
        path = "/scoring/rules/new/?model=rosters"
        marketer.post(path, {**FORM, "kind": "did", "activity_type": "page_view"})
        marketer.post("/scoring/publish/?model=rosters")

        lead = LeadFactory()
        did(lead, "page_view", category="Rosters")
        while actions.continue_rescore():
            pass
        actions.rescore([lead.pk], at=NOON)

        page = marketer.get("/scoring/?model=rosters").content.decode()
        wants = panels.why(lead, None, NOON) or {}
        again = marketer.post("/scoring/models/new/", {"name": "Rosters", "category": "rosters"})

        assert "Big enough" in page
        assert "Works in care" not in page
        assert [row.score for row in wants["categories"]] == [3]
        assert again.status_code == 422
        assert marketer.post("/scoring/models/default/archive/", follow=True).status_code == 200
        assert marketer.get("/scoring/?model=nope").status_code == 404
        assert ModelVersion.objects.filter(state="published").count() == 2

    def test_rules_move_within_their_group(self, marketer: Client, rule: Rule) -> None:
        marketer.post("/scoring/rules/new/", FORM)
        second = draft().rules.get(label="Big enough")

        marketer.post(f"/scoring/rules/{second.uid}/", {"move": "-1"})

        in_order = draft().rules.filter(group="fit").order_by("position")
        assert [row.label for row in in_order] == ["Big enough", "Works in care"]


class TestAdjusting:
    def test_a_rep_adjusts_and_takes_back(self, client: Client, rule: Rule) -> None:
        alice = UserFactory(name="Alice Archer")
        lead = LeadFactory(owner=alice)
        client.force_login(alice)
        path = f"/leads/{lead.public_id}/adjustments/"
        client.post(path, {"points": "9", "reason": "Met at the fair", "until": "2190-01-01"})
        assert not lead.adjustments.exists()
        client.post(path, {"points": "9", "reason": "Met at the fair"})

        page = client.get(path).content.decode()
        client.post(f"{path}{lead.adjustments.get().pk}/revoke/")

        assert "Met at the fair" in page
        assert "Alice Archer" in page
        assert lead.adjustments.get().revoked_by == alice
        assert client.post(path, {"points": "0"}).status_code == 422


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
        assert "19 Nov 2026" in page
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

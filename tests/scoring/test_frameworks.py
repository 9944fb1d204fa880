from datetime import date
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads import conditions, criteria
from leads.capture.mapping import person_of
from scoring import actions, frameworks, standing, values
from scoring.actions import frameworks as choosing
from scoring.models import BantAnswer, Framework, ModelVersion, Rule
from tests.factories import NOON, LeadFactory, UserFactory
from tests.scoring.factories import DAY, make_version

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 19)


def bant_rule(key: str, points: int = 10, level: str = "yes") -> dict[str, Any]:
    condition = {"field": f"bant.{key}", "op": "is", "value": level}
    return {
        "group": "bant", "weight_class": "most_important", "label": f"{key} {level}",
        "condition": condition, "points": points, "override_note": "for a test",
    }  # fmt: skip


class TestValues:
    @pytest.mark.parametrize(
        ("text", "details"),
        [
            ("€15–20k", {"amount": 15000, "amount_to": 20000, "currency": "EUR"}),
            ("15.000 EUR", {"amount": 15000, "currency": "EUR"}),
            ("up to $ 1.5m", {"amount": 1500000, "currency": "USD"}),
            ("about 12,500.50 CHF", {"amount": 12500, "currency": "CHF"}),
            ("a lot", {}),
            ("9" * 300, {}),
        ],
    )
    def test_of_money_are_read_from_words(self, text: str, details: dict[str, Any]) -> None:
        found = values.details_of("money", text, today=TODAY)

        assert {**found, "amount": found.get("amount")} == {
            **details,
            "amount": details.get("amount"),
        }

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("Q1", "2027-03-31"),
            ("Q4 2026", "2026-12-31"),
            ("before March", "2027-03-31"),
            ("3 December", "2026-12-03"),
            ("2027-02-30", None),
            ("soon", None),
        ],
    )
    def test_of_dates_are_read_from_words(self, text: str, day: str | None) -> None:
        assert values.details_of("date", text, today=TODAY).get("date") == day


class TestNextQuestion:
    def test_is_the_unknown_one_that_lifts_the_score_most(self) -> None:
        make_version(bant_rule("budget", 14), bant_rule("authority", 13), bant_rule("need", 10))
        lead = LeadFactory()
        actions.answer_bant(lead.pk, {"budget": {"level": "no"}}, source="rep", at=NOON)

        found = standing.next_question(standing.bant_of(lead), lead.score_row)

        assert found is not None
        assert (found.criterion.key, found.gain) == ("authority", 13)
        assert found.words == "Who decides about this, and who signs?"

    def test_promises_no_more_than_the_cap_leaves(self) -> None:
        make_version(bant_rule("need", 10), bant_cap=4)
        lead = LeadFactory()

        found = standing.next_question(standing.bant_of(lead), lead.score_row)

        assert found is not None
        assert found.gain == 4

    def test_there_is_none_when_all_is_known(self) -> None:
        lead = LeadFactory()
        answers: Any = {key: {"level": "yes"} for key in frameworks.BANT.keys}
        actions.answer_bant(lead.pk, answers, source="rep", at=NOON)

        assert standing.next_question(standing.bant_of(lead), lead.score_row) is None


class TestSwitching:
    def test_keeps_answers_and_shares_those_that_mean_the_same(self) -> None:
        lead = LeadFactory()
        said: Any = {"need": {"level": "yes"}, "budget": {"level": "no"}}
        actions.answer_bant(lead.pk, said, source="rep", at=NOON)

        choosing.use_framework("meddic", at=NOON)

        state = standing.bant_of(lead)
        assert state.framework.name == "MEDDIC"
        assert (state.known, state.answers["need"].level) == (1, "yes")
        choosing.use_framework("bant", at=NOON)
        assert standing.bant_of(lead).known == 2

    def test_lets_the_points_follow_in_the_draft(self) -> None:
        version = make_version(bant_rule("budget", 14))
        lead = LeadFactory()

        changed = choosing.use_framework("meddic", at=NOON)

        draft = version.model.versions.get(state=ModelVersion.State.DRAFT)
        by_field = {rule.condition["field"]: rule for rule in draft.rules.filter(enabled=True)}
        assert changed > 5
        assert "bant.budget" not in by_field
        assert Rule.objects.get(version=version).enabled
        actions.publish_version(draft.pk, at=NOON)
        said: Any = {"champion": {"level": "yes"}}
        actions.answer_bant(lead.pk, said, source="rep", at=NOON)
        pump.run_all()
        lead.score_row.refresh_from_db()
        assert lead.score_row.bant == 10

    def test_is_known_to_conditions_forms_and_captures(self) -> None:
        lead = LeadFactory()
        choosing.use_framework("meddic", at=NOON)
        said: Any = {"metrics": {"level": "yes"}}
        actions.answer_bant(lead.pk, said, source="form", at=NOON)

        tree = {"field": "bant.metrics", "op": "is", "value": "yes"}
        assert list(conditions.matches(tree, [lead.pk])) == [lead.pk]
        positive = {"field": "bant.positive", "op": "gte", "value": 1}
        assert list(conditions.matches(positive, [lead.pk])) == [lead.pk]
        assert ("metrics", "Metrics") in criteria.offered()
        person = person_of({"goal": "Overtime"}, {"goal": {"maps_to": "bant.metrics"}})
        assert person.bant == {"metrics": {"value": "Overtime"}}
        offered = [field.key for field in conditions.fields_for()]
        assert "bant.metrics" in offered
        assert "bant.budget" not in offered
        conditions.validate({"field": "bant.budget", "op": "is", "value": "yes"})

    def test_amounts_and_dates_can_be_asked_for(self) -> None:
        lead = LeadFactory()
        said: Any = {"budget": {"level": "yes", "value": "€15–20k"},
                     "timeline": {"level": "yes", "value": "2026-12-31"}}  # fmt: skip
        actions.answer_bant(lead.pk, said, source="rep", at=NOON)

        enough = {"field": "bant.budget.amount", "op": "gte", "value": 20000}
        too_much = {"field": "bant.budget.amount", "op": "gt", "value": 20000}
        assert list(conditions.matches(enough, [lead.pk])) == [lead.pk]
        assert not list(conditions.matches(too_much, [lead.pk]))
        soon = {"field": "bant.timeline.date", "op": "lt", "value": "2027-01-31"}
        assert list(conditions.matches(soon, [lead.pk])) == [lead.pk]


class TestSettings:
    @pytest.fixture
    def office(self, client: Client) -> Client:
        client.force_login(UserFactory(role=Role.MARKETER))
        return client

    def test_a_framework_of_ones_own_is_made_and_used(self, office: Client) -> None:
        row = {"c-0-label": "Fleet size", "c-0-kind": "text", "c-0-yes_points": "9",
               "c-0-partial_points": "4", "c-0-no_points": "0", "c-0-place": "1",
               "c-0-question": "How many trucks?"}  # fmt: skip

        office.post("/settings/qualification/new/", {"name": "Ours", **row})
        office.post("/settings/qualification/ours/use/")

        assert frameworks.active().keys == ("fleet_size",)
        assert "Fleet size" in office.get("/settings/qualification/").content.decode()

    @pytest.mark.parametrize(
        "body",
        [
            {"name": ""},
            {"name": "X"},
            {"name": "X", "c-0-label": "A", "c-1-label": "A", "c-0-place": "x"},
            {"name": "²", "c-0-label": "²"},
            {"name": "X", "c-0-label": "Positive"},
        ],
    )
    def test_a_mistake_is_said_in_words(self, office: Client, body: dict[str, str]) -> None:
        response = office.post("/settings/qualification/new/", body)

        assert response.status_code in {302, 422}
        assert not Framework.objects.filter(is_active=True).exists()

    def test_pages_open_and_the_one_in_use_stays(self, office: Client) -> None:
        office.post("/settings/qualification/champ/use/")

        assert office.get("/settings/qualification/champ/").status_code == 200
        assert office.get("/settings/qualification/nothing/").status_code == 404
        office.post("/settings/qualification/champ/delete/")
        assert frameworks.active().key == "champ"


class TestSlips:
    def test_are_taken_back_as_if_never_made(self, client: Client) -> None:
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        client.force_login(alice)
        actions.answer_bant(lead.pk, {"need": {"level": "yes"}}, source="form", at=NOON - DAY)
        click = {"dimension": "need", "level": "no"}
        client.post(f"/leads/{lead.public_id}/bant/", click)
        slip = BantAnswer.objects.get(superseded_at=None)

        client.post(f"/leads/{lead.public_id}/bant/{slip.pk}/undo/")

        assert BantAnswer.objects.get().level == "yes"
        assert BantAnswer.objects.get().superseded_at is None

    def test_of_others_stay(self, client: Client) -> None:
        alice, bob = UserFactory(), UserFactory(role=Role.ADMIN)
        lead = LeadFactory(owner=alice)
        said: Any = {"need": {"level": "no"}}
        actions.answer_bant(lead.pk, said, source="rep", at=NOON, user=bob)
        client.force_login(alice)
        answer = BantAnswer.objects.get()

        response = client.post(f"/leads/{lead.public_id}/bant/{answer.pk}/undo/")

        assert response.status_code == 404
        assert BantAnswer.objects.exists()


def test_one_click_keeps_the_words(client: Client) -> None:
    alice = UserFactory()
    lead = LeadFactory(owner=alice)
    client.force_login(alice)
    path = f"/leads/{lead.public_id}/bant/"
    client.post(path, {"dimension": "budget", "level": "", "value": "€20k", "evidence": "Call"})
    assert BantAnswer.objects.get().level == "partial"

    client.post(path, {"dimension": "budget", "level": "yes"})

    answer = BantAnswer.objects.get(superseded_at=None)
    assert (answer.level, answer.value, answer.evidence) == ("yes", "€20k", "Call")
    assert answer.details == {"amount": 20000, "currency": "EUR"}
    assert "Call" in client.get(path).content.decode()

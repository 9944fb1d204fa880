"""The configuration as a file: out and in again, compared, tried before it counts."""

import copy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role
from leadcrm.configuration import actions, text
from leadcrm.configuration.actions import ExpectationsNotMet
from leadcrm.lib.errors import Invalid
from leads.actions import segments
from leads.models import Lead, Segment
from scoring.defaults import ensure_default_model
from scoring.models import ModelVersion, Rule
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

CARE = {"field": "industry", "op": "is", "value": "Care"}
DIRECTOR = {
    "name": "A director who asks for a demo is sales-qualified",
    "lead": {"job_title": "Director of Operations", "company_size": 200, "industry": "Care"},
    "answers": {"budget": "yes", "need": "yes"},
    "activities": [{"type": "demo_requested", "days_ago": 1}, {"type": "pricing_view", "times": 2}],
    "expect": {"score": {"at_least": 60}, "qualified": ["sql"], "segments": ["Care"]},
}


@pytest.fixture(autouse=True)
def _workspace(db: None) -> None:
    ensure_default_model()
    segments.create_segment(name="Care", tree=CARE)


def written(document: Any) -> str:
    return text.dump(document)


def edited(**changes: Any) -> dict[str, Any]:
    """The file of this installation with some parts replaced."""
    return copy.deepcopy(actions.export()) | changes


def plan(document: Any) -> actions.Plan:
    return actions.plan(written(document), at=timezone.now())


def rule_of(document: Any, label: str) -> Any:
    return next(rule for rule in document["scoring"][0]["rules"] if rule["label"] == label)


class TestAFile:
    def test_that_was_just_written_changes_nothing(self) -> None:
        found = actions.plan(actions.export_text(), at=timezone.now())

        assert found.changes == ()
        assert not ModelVersion.objects.filter(state="draft").exists()

    def test_keeps_words_that_yaml_takes_for_something_else(self) -> None:
        tree = {"field": "country", "op": "in", "value": ["NO", "NL"]}
        segments.create_segment(name="yes", description="2026-11-22", tree=tree)

        found = text.load(actions.export_text())

        segment = next(row for row in found["segments"] if row["name"] == "yes")
        assert segment["conditions"] == tree
        assert segment["description"] == "2026-11-22"

    def test_shows_every_change_and_writes_none(self) -> None:
        document = edited()
        rule_of(document, "Sent a form")["points"] = 9
        document["scoring"][0]["temperatures"]["hot_from"] = 75
        document["scoring"][0]["rules"].remove(rule_of(document, "Address bounced"))
        document["segments"].append({"name": "Large", "conditions": {"field": "company_size",
            "op": "gte", "value": 100}})  # fmt: skip

        found = plan(document)

        assert [str(change) for change in found.changes] == [
            "segments › “Large”: added (Staff is at least 100)",
            "scoring › “Lead score” › temperatures › hot from: 70 → 75",
            "scoring › “Lead score” › rules › “Address bounced”: removed",
            "scoring › “Lead score” › rules › “Sent a form” › points: 8 → 9",
        ]
        assert not Segment.objects.filter(name="Large").exists()
        assert not ModelVersion.objects.filter(state="draft").exists()

    def test_is_taken_over_as_a_draft_or_published(self) -> None:
        document = edited()
        rule_of(document, "Sent a form")["points"] = 9

        actions.take_over(written(document), publish=False, at=timezone.now())

        draft = ModelVersion.objects.get(state="draft")
        assert draft.rules.get(label="Sent a form").points == 9

        actions.take_over(written(document), publish=True, at=timezone.now())

        draft.refresh_from_db()
        assert draft.state in ("publishing", "published")

    def test_keeps_segments_that_name_each_other_together(self) -> None:
        inner, outer = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
        document = {"leadcrm": 1, "segments": [
            {"id": outer, "name": "Outer", "conditions": {"segment": inner}},
            {"id": inner, "name": "Inner", "conditions": CARE},
        ]}  # fmt: skip

        actions.take_over(written(document), publish=False, at=timezone.now())

        assert Segment.objects.get(name="Outer").conditions == {"segment": inner}
        assert Segment.objects.get(name="Inner").public_id == inner


class TestExpectations:
    def test_come_true_on_leads_that_are_not_kept(self) -> None:
        found = plan(edited(expect=[DIRECTOR]))

        [verdict] = found.verdicts
        assert verdict.holds, verdict.mistakes
        assert not Lead.objects.exists()

    def test_that_fail_say_why_and_nothing_is_taken_over(self) -> None:
        document = edited(expect=[DIRECTOR | {"answers": {}}])
        rule_of(document, "Sent a form")["points"] = 9

        with pytest.raises(ExpectationsNotMet, match="does not come true") as refusal:
            actions.take_over(written(document), publish=True, at=timezone.now())

        said = " ".join(error.message for error in refusal.value.errors)
        assert "should be sql, is not" in said
        assert not ModelVersion.objects.filter(state="draft").exists()
        assert set(Rule.objects.filter(label="Sent a form").values_list("points", flat=True)) == {8}

    def test_are_tried_by_the_rules_of_the_file(self) -> None:
        quiet = DIRECTOR | {"expect": {"temperature": "cold"}}
        document = edited(expect=[quiet])
        document["scoring"][0]["rules"] = []

        assert plan(document).failed == []


MISTAKES: list[tuple[Any, str, str]] = [
    ([], "yaml", "parts"),
    ({"leadcrm": 2}, "leadcrm", "leadcrm: 1"),
    ({"leadcrm": 1, "segmnts": []}, "segmnts", "Use:"),
    ({"leadcrm": 1, "segments": {}}, "segments", "dash"),
    ({"leadcrm": 1, "segments": [{"conditions": CARE}]}, "segments.0.name", "text"),
    ({"leadcrm": 1, "segments": [{"name": "X", "id": "!"}]}, "segments.0.id", "12"),
    (
        {"leadcrm": 1, "segments": [{"name": "X", "conditions": {"all": [{"tag": ""}]}}]},
        "segments.0.conditions.all.0.tag",
        "text",
    ),
    ({"leadcrm": 1, "scoring": [{"id": "default", "caps": 5}]}, "scoring.0.caps", "fit"),
    (
        {"leadcrm": 1, "scoring": [{"id": "default", "rules": [{"label": "X"}]}]},
        "scoring.0.rules.0.",
        "",
    ),
    (
        {"leadcrm": 1, "expect": [{"name": "X", "expect": {"score": {"over": 5}}}]},
        "expect.0.expect.score.over",
        "at_least",
    ),
    (
        {"leadcrm": 1, "expect": [{"name": "X", "lead": {"shoe": 1}, "expect": {}}]},
        "expect.0.lead.shoe",
        "A lead has",
    ),
    (
        {"leadcrm": 1, "expect": [{"name": "X", "activities": [{"type": "X Y"}], "expect": {}}]},
        "expect.0.activities.0.activity",
        "lower case",
    ),
]


class TestMistakes:
    @pytest.mark.parametrize(("document", "path", "cure"), MISTAKES)
    def test_are_named_with_path_and_cure(self, document: Any, path: str, cure: str) -> None:
        with pytest.raises(Invalid) as refusal:
            plan(document)

        mistake = refusal.value.errors[0]
        assert mistake.field.startswith(path)
        assert cure in mistake.message

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("a: [1", "Line 1"),
            ("a: &x [1]\nb: *x", "anchors"),
            ("a: 1\na: 2", "twice"),
            ("1: a", "quotes"),
            ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
            ("[" * 200 + "]" * 200, "levels deep"),
            ("a: \x07", "YAML"),
        ],
    )
    def test_yaml_that_is_broken_or_more_than_data_is_refused(
        self, source: str, words: str
    ) -> None:
        with pytest.raises(Invalid, match=words):
            text.load(source)


class TestDoors:
    def test_an_administrator_looks_and_takes_over(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.ADMIN))
        document = edited(segments=[{"name": "Large", "conditions": CARE}])

        looked = client.post("/settings/configuration/", {"source": written(document)})
        taken = client.post(
            "/settings/configuration/", {"source": written(document), "do": "apply"}
        )

        assert "1 change" in looked.content.decode()
        assert taken.status_code == 302
        assert Segment.objects.filter(name="Large").exists()

    def test_programs_do_the_same(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.ADMIN))
        yaml = client.get("/api/v1/configuration/").json()["yaml"]

        answer = client.post(
            "/api/v1/configuration/", {"yaml": yaml}, content_type="application/json"
        )

        assert answer.json() == {"applied": False, "changes": [], "expectations": []}

    def test_the_command_shows_first(self, tmp_path: Path) -> None:
        path, out = tmp_path / "leadcrm.yaml", StringIO()
        path.write_text(written(edited(expect=[DIRECTOR | {"expect": {"score": 1}}])))

        with pytest.raises(CommandError, match="do not come true"):
            call_command("import_configuration", str(path), stdout=out)

        assert "score should be exactly 1" in out.getvalue()

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from leadcrm.lib.errors import Invalid, NotFound
from scoring import actions
from scoring.models import ModelVersion, Rule
from tests.factories import NOON, UserFactory
from tests.scoring.factories import attribute_rule, make_version

pytestmark = pytest.mark.django_db
CARE = {"field": "industry", "op": "is", "value": "Care"}
RULE: dict[str, Any] = {
    "group": "fit",
    "weight_class": "valid",
    "label": "Works in care",
    "condition": CARE,
    "points": 3,
}
ACTIVITY: dict[str, Any] = {**RULE, "condition": None, "activity_type": "pricing_view"}


@pytest.fixture
def draft() -> ModelVersion:
    version = make_version(attribute_rule(12, override_note=""))
    return actions.create_draft(version.model_id, at=NOON)


def save(draft: ModelVersion, values: Any) -> Rule:
    return actions.save_rule(draft.pk, values)


def refused(draft: ModelVersion, values: Any, rule_id: int | None = None) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        actions.save_rule(draft.pk, values, rule_id=rule_id)
    return [mistake.field for mistake in refusal.value.errors]


class TestBands:
    @pytest.mark.parametrize(
        ("weight", "inside", "outside"),
        [
            ("most_important", (10, 15), (9, 16)),
            ("very_important", (5, 9), (4, 10)),
            ("valid", (1, 4), (0, 5)),
            ("negative", (-100, -1), (0, 3)),
        ],
    )
    def test_points_stay_inside_the_band_of_their_weight(
        self, draft: ModelVersion, weight: str, inside: tuple[int, ...], outside: tuple[int, ...]
    ) -> None:
        for points in inside:
            save(draft, {**RULE, "weight_class": weight, "points": points})

        for points in outside:
            assert refused(draft, {**RULE, "weight_class": weight, "points": points}) == ["points"]

    def test_a_note_allows_an_exception(self, draft: ModelVersion) -> None:
        rule = save(draft, {**RULE, "points": 30, "override_note": "Partner programme"})

        assert rule.points == 30

    def test_the_database_keeps_the_bands_too(self, draft: ModelVersion) -> None:
        with pytest.raises(IntegrityError, match="points_inside_band"), transaction.atomic():
            Rule.objects.create(version=draft, **{**RULE, "points": 11})


class TestDrafts:
    def test_a_draft_copies_the_published_rules_and_is_made_once(self, draft: ModelVersion) -> None:
        published = ModelVersion.objects.get(state="published")

        again = actions.create_draft(draft.model_id, at=NOON)

        assert again == draft
        assert draft.number == 2
        assert draft.rules.get().uid == published.rules.get().uid

    def test_a_published_version_cannot_change(self, draft: ModelVersion) -> None:
        published = ModelVersion.objects.get(state="published")
        rule = published.rules.get()

        for change in (
            lambda: actions.save_rule(published.pk, {"points": 11}, rule_id=rule.pk),
            lambda: actions.delete_rule(published.pk, rule.pk),
            lambda: actions.set_thresholds(published.pk, {"hot_from": 90}),
            lambda: actions.publish_version(published.pk, at=NOON),
            lambda: actions.discard_draft(published.pk),
        ):
            with pytest.raises(actions.NotADraft):
                change()

    def test_publishing_retires_the_version_before(self, draft: ModelVersion) -> None:
        sofia = UserFactory(role="marketer")

        actions.publish_version(draft.pk, at=NOON, user=sofia)

        states = dict(ModelVersion.objects.values_list("number", "state"))
        assert states == {1: "retired", 2: "published"}
        draft.refresh_from_db()
        assert (draft.published_at, draft.published_by) == (NOON, sofia)

    def test_discarding_leaves_the_published_version(self, draft: ModelVersion) -> None:
        actions.discard_draft(draft.pk)

        assert ModelVersion.objects.get().state == "published"

    def test_a_rule_of_another_version_is_not_found(self, draft: ModelVersion) -> None:
        published = ModelVersion.objects.get(state="published")

        with pytest.raises(NotFound):
            actions.save_rule(draft.pk, {"points": 11}, rule_id=published.rules.get().pk)


class TestMistakes:
    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"group": "luck"}, ["group"]),
            ({"group": []}, ["group"]),
            ({"label": ""}, ["label"]),
            ({"label": "x" * 200}, ["label"]),
            ({"label": 5}, ["label"]),
            ({"points": True}, ["points"]),
            ({"points": "3"}, ["points"]),
            ({"points": 10**30}, ["points"]),
            ({"enabled": "no"}, ["enabled"]),
            ({"position": -1}, ["position"]),
            ({"colour": "red"}, ["colour"]),
            ({"condition": None}, ["condition"]),
            ({"condition": {"field": "score", "op": "gte", "value": 4}}, ["condition.field"]),
            ({"condition": {"all": [{"tag": 5}]}}, ["condition.all.0.tag"]),
            ({"activity_type": "pricing_view"}, ["condition"]),
        ],
    )
    def test_of_a_rule_are_named(
        self, draft: ModelVersion, changes: dict[str, Any], fields: list[str]
    ) -> None:
        assert refused(draft, {**RULE, **changes}) == fields

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"activity_type": "Pricing!"}, ["activity_type"]),
            ({"activity_type": 7}, ["activity_type"]),
            ({"where": []}, ["where"]),
            ({"where": {"url": {"like": "x"}}}, ["where.url.op"]),
            ({"at_least": 0}, ["at_least"]),
            ({"max_count": None}, ["max_count"]),
            ({"window_days": 99_999}, ["window_days"]),
            ({"counting": "twice"}, ["counting"]),
            ({"decay": "half_life"}, ["decay_days"]),
            ({"decay": "half_life", "decay_days": 0}, ["decay_days"]),
        ],
    )
    def test_of_an_activity_rule_are_named(
        self, draft: ModelVersion, changes: dict[str, Any], fields: list[str]
    ) -> None:
        assert refused(draft, {**ACTIVITY, **changes}) == fields

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"warm_from": 70, "hot_from": 40}, "hot_from"),
            ({"hot_from": 101}, "hot_from"),
            ({"hot_from": "70"}, "hot_from"),
            ({"fit_cap": -1}, "fit_cap"),
            ({"mql": {"field": "nope", "op": "is"}}, "mql.field"),
            ({"state": "published"}, "state"),
        ],
    )
    def test_of_thresholds_are_named_and_nothing_changes(
        self, draft: ModelVersion, values: Any, field: str
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            actions.set_thresholds(draft.pk, values)

        draft.refresh_from_db()
        assert refusal.value.errors[0].field == field
        assert (draft.warm_from, draft.hot_from, draft.state) == (40, 70, "draft")

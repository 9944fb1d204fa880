"""Conditions about the company's own fields: typed, and never broken by an odd value."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from leadcrm.lib.errors import Invalid
from leads import conditions
from leads.models import FieldDefinition, Lead
from tests.factories import NOON, LeadFactory
from tests.leads.factories import PLANS, FieldFactory

pytestmark = pytest.mark.django_db

FIELDS = {
    "name": "text",
    "plan": "select",
    "tools": "multi_select",
    "seats": "integer",
    "budget": "money",
    "trial": "yes_no",
    "ends": "date",
    "demo_at": "moment",
    "seat": "country",
}
VALUES = {
    "name": "Kestrel Fleet",
    "plan": "pro",
    "tools": ["starter", "classic"],
    "seats": 12,
    "budget": {"amount": 1200.5, "currency": "EUR"},
    "trial": False,
    "ends": "2026-02-28",
    "demo_at": "2026-02-28T09:30:00Z",
    "seat": "NL",
}
ODD: list[Any] = [
    None, "", "twelve", 1e300, True, [], ["x", 1], {"amount": "x"}, {}, "2026-02-31",
    "2025-02-29", "2026-02-28T25:00:00Z", "99999-01-01", "0000-00-00", "\\", "%s",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _fields() -> None:
    for key, type_ in FIELDS.items():
        options = PLANS if type_ in FieldDefinition.HAS_OPTIONS else []
        FieldFactory(key=key, type=type_, options=options)


def is_(key: str, value: Any, op: str = "is") -> dict[str, Any]:
    return {"field": f"custom.{key}", "op": op, "value": value}


def meets(lead: Lead, tree: Any) -> bool:
    return lead.pk in conditions.matches(tree, [lead.pk])


class TestFields:
    @pytest.mark.parametrize(
        ("tree", "holds"),
        [
            (is_("name", "fleet", "contains"), True),
            (is_("name", "kestrel fleet"), True),
            (is_("plan", "pro"), True),
            (is_("plan", ["starter", "pro"], "in"), True),
            (is_("plan", "pro", "is_not"), False),
            (is_("tools", "classic"), True),
            (is_("tools", ["pro", "starter"], "in"), True),
            (is_("tools", ["pro"], "not_in"), True),
            (is_("tools", "starter", "is_not"), False),
            (is_("tools", None, "is_set"), True),
            (is_("seats", 12), True),
            (is_("seats", [10, 12], "between"), True),
            (is_("seats", 12, "gt"), False),
            (is_("budget", 1200, "gt"), True),
            (is_("trial", False), True),
            (is_("trial", True, "is_not"), True),
            (is_("ends", "2026-02-28", "lte"), True),
            (is_("ends", "2026-02-28", "gt"), False),
            (is_("demo_at", "2026-02-28T10:00:00Z", "lt"), True),
            (is_("seat", "NL"), True),
        ],
    )
    def test_compare_by_their_type(self, tree: Any, holds: bool) -> None:
        lead = LeadFactory(custom=VALUES)

        assert meets(lead, tree) is holds

    @pytest.mark.parametrize("key", FIELDS)
    def test_that_are_empty_meet_nothing_but_its_negation(self, key: str) -> None:
        lead = LeadFactory()
        test = {"field": f"custom.{key}", "op": "is_set"}

        assert not meets(lead, test)
        assert meets(lead, {"not": test})

    @pytest.mark.parametrize("key", FIELDS)
    def test_of_another_time_never_break_the_statement(self, key: str) -> None:
        leads = [LeadFactory(custom={key: value}) for value in ODD]
        field = conditions.find_field(f"custom.{key}")
        assert field is not None
        values = {"between": {"number": [1, 2]}.get(field.type, ["2026-01-01", "2026-02-01"])}

        for op in conditions.OPERATORS[field.type]:
            value: Any = {"number": 5, "boolean": True, "date": "2026-01-01"}.get(field.type, "NL")
            if field.type in ("choice", "several") and key != "seat":
                value = "pro"
            value = 5 if op.endswith("days") else values.get(op, value)
            value = [value] if op in ("in", "not_in") else value
            conditions.matches(is_(key, value, op), [lead.pk for lead in leads])
            for lead in leads:
                conditions.explain(is_(key, value, op), lead.pk)

    def test_in_the_next_days_counts_today_and_not_yesterday(self) -> None:
        for offset in range(-1, 9):
            day = (NOON + timedelta(days=offset)).date()
            LeadFactory(custom={"ends": day.isoformat()}, job_title=str(offset))

        found = conditions.compile(is_("ends", 7, "in_next_days"), at=NOON)

        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT job_title FROM {conditions.LEADS} WHERE {found.sql} ORDER BY lead.id",  # noqa: S608
                found.params,
            )
            assert [row[0] for row in cursor.fetchall()] == [str(n) for n in range(8)]

    def test_take_the_words_people_see_for_an_option(self) -> None:
        lead = LeadFactory(custom=VALUES)

        assert meets(lead, is_("plan", "PRO"))
        assert conditions.describe(is_("plan", ["pro", "classic"], "in")) == (
            "Plan is any of Pro or Classic"
        )
        assert conditions.describe(is_("tools", "pro")) == "Tools includes Pro"


class TestFieldsThatAreNotThere:
    def test_say_so_and_match_nobody(self) -> None:
        FieldDefinition.objects.filter(key="plan").delete()
        lead = LeadFactory(custom=VALUES)

        assert not meets(lead, is_("plan", "pro"))
        assert not meets(lead, {"not": is_("plan", "starter")})
        assert "There is no field “custom.plan” (any more)" in conditions.describe(
            is_("plan", "pro")
        )
        with pytest.raises(Invalid, match="Choose another one"):
            conditions.validate(is_("plan", "pro"))

    def test_work_on_while_archived_but_are_not_offered(self) -> None:
        FieldDefinition.objects.filter(key="plan").update(is_active=False)
        lead = LeadFactory(custom=VALUES)

        assert meets(lead, is_("plan", "pro"))
        assert "custom.plan" not in [field.key for field in conditions.fields_for()]

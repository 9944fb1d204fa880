# ruff: noqa: S608  (the SQL comes from the compiler)
"""Random conditions: the compiled SQL, the explanation and plain Python agree about every lead."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import conditions
from leads.actions import set_tags
from leads.models import Activity, Lead, Touch
from tests.factories import LeadFactory
from tests.leads.condition_oracle import Deed, Subject, holds
from tests.leads.factories import FieldFactory

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TYPES = {
    "industry": "text",
    "job_title": "text",
    "company_size": "number",
    "custom.seats": "number",
    "created_at": "date",
    "next_step_at": "date",
    "is_test": "number",
}
WORDS = ["Care", "care", "Retail", "a", "100%_", "Ä", "head of care"]
URLS = ["/pricing", "/Pricing/yearly", "/guides", ""]
DATES = ["2026-10-20", "2026-11-12", "2026-11-19", "2026-12-01"]


# A population ------------------------------------------------------------------------------------


def _moment(chance: random.Random) -> datetime:
    """At odd times, and sometimes exactly at a border of whole days."""
    if chance.random() < 0.3:
        return NOW - chance.randrange(-3, 40) * DAY
    return NOW - timedelta(seconds=chance.randrange(-3 * 86400, 45 * 86400))


def _deeds(chance: random.Random, *, touch: bool) -> list[Deed]:
    def properties() -> dict[str, Any]:
        if touch:
            return {"utm_source": chance.choice(["google", "Bing", ""]), "channel": "email"}
        found = {"url": chance.choice(URLS), "amount": chance.choice([10, 2.5, "12", "much", True])}
        return {name: value for name, value in found.items() if chance.random() < 0.8}

    return [
        Deed(
            _moment(chance),
            "" if touch else chance.choice(["page_view", "purchase"]),
            properties(),
            is_human=touch or chance.random() < 0.8,
        )
        for _ in range(chance.randrange(7))
    ]


def _subject(chance: random.Random) -> Subject:
    def maybe(value: Any, unknown: Any = None) -> Any:
        return value if chance.random() < 0.75 else unknown

    fields = {
        "industry": maybe(chance.choice(WORDS), ""),
        "job_title": maybe(chance.choice(WORDS), ""),
        "company_size": maybe(chance.choice([0, 5, 10, 50])),
        "custom.seats": maybe(chance.choice([0, 5, 7.5])),
        "created_at": _moment(chance),
        "next_step_at": maybe(_moment(chance)),
        "is_test": chance.random() < 0.3,
    }
    tags = frozenset(tag for tag in ("VIP", "cold") if chance.random() < 0.4)
    acts, touches = (_deeds(chance, touch=touch) for touch in (False, True))
    return Subject(fields, TYPES, tags, acts, touches)


def _saved(subject: Subject) -> int:
    seats = subject.fields["custom.seats"]
    columns = {key: value for key, value in subject.fields.items() if key != "custom.seats"}
    lead: Any = LeadFactory(**columns, custom={} if seats is None else {"seats": seats})
    Lead.objects.filter(pk=lead.pk).update(created_at=subject.fields["created_at"])
    set_tags(lead.pk, sorted(subject.tags), at=NOW)
    Activity.objects.bulk_create(
        Activity(
            lead=lead,
            type=deed.type,
            occurred_at=deed.at,
            properties=deed.properties,
            klass="human" if deed.is_human else "machine",
        )
        for deed in subject.activities
    )
    Touch.objects.bulk_create(
        Touch(lead=lead, occurred_at=deed.at, **deed.properties) for deed in subject.touches
    )
    pk: int = lead.pk
    return pk


@pytest.fixture
def people(db: None) -> dict[int, Subject]:
    FieldFactory(key="seats", type="number")
    chance = random.Random(4)
    return {_saved(subject): subject for subject in (_subject(chance) for _ in range(25))}


# Conditions --------------------------------------------------------------------------------------

words = st.sampled_from(WORDS)
numbers = st.sampled_from([0, 1, 2, 5, 7.5, 10, 100])
days = st.integers(0, 40)
dates = st.sampled_from(DATES)


def _test(key: str) -> st.SearchStrategy[dict[str, Any]]:
    kind = TYPES[key]
    if key == "is_test":
        return st.builds(_field, st.just(key), st.sampled_from(["is", "is_not"]), st.booleans())
    several = {"text": st.lists(words, min_size=1, max_size=3), "number": st.lists(
        numbers, min_size=1, max_size=3)}.get(kind, st.nothing())  # fmt: skip
    one = {"text": words, "number": numbers, "date": dates}[kind]
    pairs = st.lists(one, min_size=2, max_size=2).map(sorted)
    parts = ["contains", "not_contains", "starts_with", "ends_with"]
    tests: list[tuple[list[str], st.SearchStrategy[Any]]] = [
        (["is_set", "is_not_set"], st.none()),
        *([(["is", "is_not"], one), (["in", "not_in"], several)] if kind != "date" else []),
        *([(parts, st.one_of(one, several))] if kind == "text" else []),
        *([(["gt", "gte", "lt", "lte"], one), (["between"], pairs)] if kind != "text" else []),
        *([(["within_days", "older_than_days", "in_next_days"], days)] if kind == "date" else []),
    ]
    return st.one_of(
        *(st.builds(_field, st.just(key), st.sampled_from(ops), value) for ops, value in tests)
    )


def _field(key: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": key, "op": op} | ({} if value is None else {"value": value})


properties = st.one_of(
    st.builds(lambda op, value: {op: value}, st.sampled_from(["contains", "is", "starts_with",
        "ends_with", "not_contains"]), st.sampled_from(URLS[:3])),
    st.just({"is_set": True}),
)  # fmt: skip
amounts = st.builds(
    lambda op, value: {op: value}, st.sampled_from(["gte", "lt", "gt", "lte"]), numbers
)
counts = st.one_of(
    st.builds(lambda op, n: {op: n}, st.sampled_from(["at_least", "at_most", "exactly"]),
              st.integers(0, 4)),
    st.builds(lambda low, more: {"at_least": low, "at_most": low + more}, st.integers(0, 2),
              st.integers(0, 2)),
)  # fmt: skip
windows = st.one_of(
    st.just({}),
    st.builds(lambda d: {"within_days": d}, st.integers(1, 40)),
    st.builds(lambda d: {"older_than_days": d}, days),
    st.builds(lambda a, b: {"within_days": a + b, "older_than_days": a}, st.integers(0, 20),
              st.integers(1, 20)),
    st.builds(lambda pair: {"since": pair[0], "until": pair[1]},
              st.lists(dates, min_size=2, max_size=2).map(sorted)),
)  # fmt: skip
moments = st.one_of(
    st.builds(lambda op, d: {op: d}, st.sampled_from(["within_days", "older_than_days"]), days),
    st.builds(lambda op, d: {op: d}, st.sampled_from(["gt", "gte", "lt", "lte"]), dates),
    st.sampled_from([{"is_set": None}, {"is_not_set": None}]),
)
measures = st.one_of(
    st.builds(lambda n: {"times": n}, counts),
    st.builds(lambda n, of: {"distinct": of, "times": n}, counts, st.sampled_from(["url", "day"])),
    st.builds(lambda n: {"sum": "amount", "total": n}, counts),
    st.builds(lambda when: {"first": when}, moments),
    st.builds(lambda when: {"last": when}, moments),
)
wheres = st.one_of(
    st.just({}),
    st.builds(lambda url: {"where": {"url": url}}, properties),
    st.builds(lambda amount: {"where": {"amount": amount}}, amounts),
)
activities = st.builds(
    lambda kind, where, measure, window: {"activity": kind, **where, **measure, **window},
    st.sampled_from(["page_view", "purchase"]), wheres, measures, windows,
)  # fmt: skip
touches = st.builds(
    lambda where, count, window: {"touch": where, "times": count, **window},
    st.sampled_from([{}, {"utm_source": "GOOGLE"}, {"utm_source": {"is_not_set": True}}]),
    counts, windows,
)  # fmt: skip
leaves = st.one_of(
    *(_test(key) for key in TYPES),
    activities,
    activities,
    touches,
    st.sampled_from([{"tag": "vip"}, {"tag": "none"}]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)
thorough = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def matching(tree: Any, ids: Mapping[int, Subject], at: datetime) -> set[int]:
    predicate = conditions.compile(tree, at=at)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT lead.id FROM {conditions.LEADS} WHERE lead.id = ANY(%s) AND {predicate.sql}",
            [list(ids), *predicate.params],
        )
        return {row[0] for row in cursor.fetchall()}


def next_changes(tree: Any, ids: Mapping[int, Subject], at: datetime) -> list[datetime]:
    """The soonest moment for each lead at which the compiler says that time may change it."""
    changes = conditions.compile(tree, at=at).changes
    if not changes:
        return []
    moment = conditions.moment_sql(at)
    future = [f"(SELECT x.at FROM (SELECT {c.sql} AS at) AS x WHERE x.at > {moment})"
              for c in changes]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT LEAST({', '.join(future)}) FROM {conditions.LEADS} WHERE lead.id = ANY(%s)",
            [*(value for change in changes for value in change.params), list(ids)],
        )
        return [row[0] for row in cursor.fetchall() if row[0] is not None]


class TestRandomConditions:
    @given(trees)
    @thorough
    def test_mean_the_same_in_sql_and_in_plain_python(
        self, people: dict[int, Subject], tree: Any
    ) -> None:
        conditions.validate(tree)

        expected = {pk for pk, subject in people.items() if holds(tree, subject, NOW)}

        assert matching(tree, people, NOW) == expected

    @given(trees)
    @settings(thorough, max_examples=80)
    def test_change_by_time_only_at_moments_that_are_foretold(
        self, people: dict[int, Subject], tree: Any
    ) -> None:
        now = matching(tree, people, NOW)
        soonest = min([*next_changes(tree, people, NOW), NOW + 60 * DAY])

        assert matching(tree, people, soonest - timedelta(microseconds=1)) == now

    @given(trees)
    @settings(thorough, max_examples=40)
    def test_are_explained_as_they_are_decided(self, people: dict[int, Subject], tree: Any) -> None:
        found = conditions.matches(tree, people)
        explained = {pk for pk in list(people)[:8] if conditions.explain(tree, pk).holds}

        assert explained == found & set(list(people)[:8])

"""“Given this lead with these activities, expect that”: tried on leads that are never kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leadcrm.configuration import reading
from leadcrm.lib.errors import Invalid
from leads import actions as lead_actions
from leads import conditions
from leads.actions import NewActivity, record_activities
from leads.models import Activity, Consent, Lead, LeadScore, Segment, Temperature
from scoring import actions, engine, queries
from scoring.models import ModelVersion

KNOWN = ("name", "lead", "tags", "consent", "answers", "activities", "expect")
ACTIVITY = ("type", "days_ago", "times", "properties", "category", "machine")
NUMBERS = ("score", "fit", "engagement", "bant")
EXPECTED = (
    *NUMBERS,
    *("temperature", "grade", "qualified", "not_qualified", "segments", "not_segments"),
)
BOUNDS = ("at_least", "at_most", "exactly")
KINDS = ("mql", "sql", "pql")
MOST = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """`mistakes`: what was expected and what was found instead; none when all is as expected."""

    name: str
    mistakes: tuple[str, ...]
    score: int | None = None
    temperature: str = ""

    @property
    def holds(self) -> bool:
        return not self.mistakes


def try_all(raw: Any, version: ModelVersion | None, *, at: datetime) -> list[Verdict]:
    """Within a transaction that is taken back.

    :raises Invalid: an expectation cannot be read; with its place.
    """
    found = reading.rows(raw, "expect")
    if len(found) > MOST:
        raise Invalid.field("expect", f"Write at most {MOST} expectations.")
    return [_try(row, path, version, at=at) for path, row in found]


def _try(raw: Any, path: str, version: ModelVersion | None, *, at: datetime) -> Verdict:
    given = reading.mapping(raw, path, KNOWN)
    name = reading.text(given.get("name"), f"{path}.name")
    wanted = reading.mapping(given.get("expect"), f"{path}.expect", EXPECTED)
    lead = _lead(given, path, at=at)
    if version is not None:
        engine.score(version, queries.rules_of(version), scope=engine.Ids([lead.pk]), at=at)
    row = LeadScore.objects.get(lead=lead)
    mistakes = [
        *_numbers(wanted, row, path),
        *_words(wanted, row, path),
        *_qualified(wanted, version, lead, path),
        *_segments(wanted, lead, path),
    ]
    return Verdict(name, tuple(mistakes), row.score, row.temperature)


# Given -------------------------------------------------------------------------------------------


def _lead(given: Mapping[str, Any], path: str, *, at: datetime) -> Lead:
    fields = given.get("lead") or {}
    if not isinstance(fields, dict):
        raise Invalid.field(f"{path}.lead", "Write fields here, such as job_title: Director.")
    unknown = [name for name in fields if name not in lead_actions.ContactFields.__annotations__]
    if unknown:
        known = ", ".join(lead_actions.ContactFields.__annotations__)
        raise Invalid.field(f"{path}.lead.{unknown[0]}"[:200], f"A lead has: {known}.", "unknown")
    lead = reading.placed(
        f"{path}.lead",
        lambda: lead_actions.create_lead(fields, at=at, is_test=True, announce=False),  # type: ignore[arg-type]
    )
    tags = given.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid.field(f"{path}.tags", "Write a list of tags.")
    lead_actions.set_tags(lead.pk, tags, at=at)
    for purpose, granted in _consent(given, path).items():
        lead_actions.record_consent(lead.pk, purpose, granted=granted, at=at)
    _answer(given.get("answers"), lead, f"{path}.answers", at=at)
    _act(given.get("activities"), lead, f"{path}.activities", at=at)
    return lead


def _consent(given: Mapping[str, Any], path: str) -> Mapping[str, bool]:
    consent = reading.mapping(given.get("consent") or {}, f"{path}.consent", Consent.Purpose.values)
    for purpose, granted in consent.items():
        if not isinstance(granted, bool):
            raise Invalid.field(f"{path}.consent.{purpose}", "Write true or false.")
    return consent


def _answer(raw: Any, lead: Lead, path: str, *, at: datetime) -> None:
    if raw is None:
        return
    if not isinstance(raw, dict):
        raise Invalid.field(path, "Write answers here, such as budget: yes.")
    answers = {
        str(key): value if isinstance(value, dict) else {"level": value}
        for key, value in raw.items()
    }
    reading.placed(path, lambda: actions.answer_bant(lead.pk, answers, source="api", at=at))  # type: ignore[arg-type]


def _act(raw: Any, lead: Lead, path: str, *, at: datetime) -> None:
    deeds: list[NewActivity] = []
    for place, row in reading.rows(raw, path):
        deed = reading.mapping(row, place, ACTIVITY)
        conditions.validate({"activity": deed.get("type")}, path=place)
        days = deed.get("days_ago", 0)
        if isinstance(days, bool) or not isinstance(days, (int, float)) or not 0 <= days <= 3650:
            raise Invalid.field(f"{place}.days_ago", "Write days from 0 to 3650.")
        properties = deed.get("properties") or {}
        if not isinstance(properties, dict):
            raise Invalid.field(f"{place}.properties", "Write properties such as url: /pricing.")
        times = reading.whole(deed.get("times", 1), f"{place}.times", 1, 100)
        deeds += [
            NewActivity(
                lead_id=lead.pk,
                type=deed["type"],
                # Apart from each other, so that counting by value and moment has an order.
                occurred_at=at - timedelta(days=days, seconds=number),
                properties=properties,
                category=reading.text(
                    deed.get("category"), f"{place}.category", limit=40, required=False
                ),
                klass=Activity.Class.MACHINE if deed.get("machine") else Activity.Class.HUMAN,
            )
            for number in range(times)
        ]
    record_activities(deeds)


# Expected ----------------------------------------------------------------------------------------


def _numbers(wanted: Mapping[str, Any], row: LeadScore, path: str) -> list[str]:
    mistakes = []
    for name in NUMBERS:
        if name not in wanted:
            continue
        place, found = f"{path}.expect.{name}", getattr(row, name)
        raw = wanted[name]
        bounds = raw if isinstance(raw, dict) else {"exactly": raw}
        reading.mapping(bounds, place, BOUNDS)
        for how, number in bounds.items():
            reading.whole(number, f"{place}.{how}", -1000, 1000)
            holds = {"at_least": found >= number, "at_most": found <= number,
                     "exactly": found == number}[how]  # fmt: skip
            if not holds:
                mistakes.append(f"{name} should be {how.replace('_', ' ')} {number}, is {found}")
    return mistakes


def _words(wanted: Mapping[str, Any], row: LeadScore, path: str) -> list[str]:
    temperature = wanted.get("temperature")
    if temperature is not None and temperature not in Temperature.values:
        known = ", ".join(Temperature.values)
        raise Invalid.field(f"{path}.expect.temperature", f"Write one of: {known}.")
    return [
        f"{name} should be {wanted[name]}, is {getattr(row, name) or 'none'}"
        for name in ("temperature", "grade")
        if wanted.get(name) is not None and wanted[name] != getattr(row, name)
    ]


def _listed(wanted: Mapping[str, Any], name: str, path: str) -> list[str]:
    raw = wanted.get(name) or []
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise Invalid.field(f"{path}.expect.{name}", "Write a list of names.")
    return listed


def _qualified(
    wanted: Mapping[str, Any], version: ModelVersion | None, lead: Lead, path: str
) -> list[str]:
    asked = {name: _listed(wanted, name, path) for name in ("qualified", "not_qualified")}
    unknown = [kind for kinds in asked.values() for kind in kinds if kind not in KINDS]
    if unknown:
        raise Invalid.field(f"{path}.expect.qualified", f"Write some of: {', '.join(KINDS)}.")
    rules = version.qualifications if version else {}
    reached = {kind for kind, tree in rules.items() if conditions.matches(tree, [lead.pk])}
    missed = [kind for kind in asked["qualified"] if kind not in reached]
    unwanted = [kind for kind in asked["not_qualified"] if kind in reached]
    return [f"should be {kind}, is not: {_why(rules.get(kind), lead)}" for kind in missed] + [
        f"should not be {kind}, is" for kind in unwanted
    ]


def _why(tree: Any, lead: Lead) -> str:
    if tree is None:
        return "nothing qualifies as that"
    failing = conditions.explain(tree, lead.pk).failing
    if failing is None:
        return "it holds"
    has = f", has {failing.actual}" if failing.actual else ""
    return f"{failing.text}{has}"


def _segments(wanted: Mapping[str, Any], lead: Lead, path: str) -> list[str]:
    mistakes = []
    for name, inside in (("segments", True), ("not_segments", False)):
        for title in _listed(wanted, name, path):
            segment = _segment(title, f"{path}.expect.{name}")
            holds = bool(conditions.matches(segment.conditions, [lead.pk]))
            if holds is not inside:
                word = "should be" if inside else "should not be"
                because = f": {_why(segment.conditions, lead)}" if inside else ""
                mistakes.append(f"{word} in “{segment}”{because}")
    return mistakes


def _segment(title: str, path: str) -> Segment:
    found = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE)
    segment = found.filter(public_id=title).first() or found.filter(name__iexact=title).first()
    if segment is None:
        raise Invalid.field(path, f"There is no live segment “{title[:60]}”. Write another one.")
    return segment


def failures(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if not verdict.holds]

"""The timeline in words: one activity as a short sentence, grouped by the reader's days."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from leads.activity_types import Group, type_of
from leads.fields import definition_of
from leads.models import Activity, Consent

GROUPS = [("", "All"), (Group.TALK, "Talks"), (Group.WEB, "Web"), (Group.EMAIL, "E-mail"),
          (Group.SYSTEM, "System")]  # fmt: skip
NAMES = ("title", "subject", "asset", "webinar", "name", "form", "product", "video", "term")
PAUSE = timedelta(minutes=30)  # after which another visit begins
MOST_PAGES = 6
WORDS = ("message", "text", "note", "body", "evidence")


@dataclass(frozen=True, slots=True)
class Entry:
    """`strong` leads the sentence, `rest` ends it; `quote` is what somebody said."""

    icon: str
    tone: str
    at: datetime
    strong: str
    rest: str = ""
    quote: str = ""
    detail: str = ""
    is_spoken: bool = False
    is_machine: bool = False
    activity_id: int = 0
    by_person: bool = False  # somebody wrote it by hand, so that it may need a correction


@dataclass(frozen=True, slots=True)
class Day:
    """The entries of one day of the reader; `title` is empty when an earlier page showed it."""

    title: str
    entries: list[Entry]


def days(
    activities: Iterable[Activity], *, now: datetime, shown: str = ""
) -> tuple[list[Day], str]:
    """Entries by day, and the last day for the next page to leave out of its headings."""
    found: list[Day] = []
    last = shown
    for run in runs(activities):
        day = _day(run[0])
        if day.isoformat() != last or not found:
            title = "" if day.isoformat() == last else day_title(day, timezone.localdate(now))
            found.append(Day(title, []))
            last = day.isoformat()
        found[-1].entries.append(entry(run[0]) if len(run) == 1 else viewing(run))
    return found, last


def _day(activity: Activity) -> date:
    return timezone.localtime(activity.occurred_at).date()


def runs(activities: Iterable[Activity]) -> list[list[Activity]]:
    """Pages viewed one after the other are one thing; everything else stands alone."""
    found: list[list[Activity]] = []
    for activity in activities:
        if found and _goes_on(found[-1][-1], activity):
            found[-1].append(activity)
        else:
            found.append([activity])
    return found


def _goes_on(later: Activity, earlier: Activity) -> bool:
    return (
        later.type == earlier.type == "page_view"
        and later.klass == earlier.klass
        and later.occurred_at - earlier.occurred_at <= PAUSE
        and _day(later) == _day(earlier)
    )


def viewing(run: Sequence[Activity]) -> Entry:
    """“Viewed 5 pages” with their names in the order in which they were read."""
    pages = [_page(_properties_of(activity)) for activity in reversed(run)]
    names = list(dict.fromkeys(page for page in pages if page))
    seconds = [_properties_of(activity).get("seconds") for activity in run]
    minutes = sum(value for value in seconds if isinstance(value, int)) // 60
    more = f" and {len(names) - MOST_PAGES} more" if len(names) > MOST_PAGES else ""
    return replace(
        entry(run[0]),
        strong=f"Viewed {len(run)} pages",
        rest=f"for {minutes} min" if minutes else "",
        detail=", ".join(names[:MOST_PAGES]) + more,
    )


def _properties_of(activity: Activity) -> dict[str, Any]:
    return activity.properties if isinstance(activity.properties, dict) else {}


def day_title(day: date, today: date) -> str:
    """“Today, Thursday 19 November”; the year only when it is another one."""
    words = f"{day:%A %-d %B}" if day.year == today.year else f"{day:%A %-d %B %Y}"
    nearness = {0: "Today, ", 1: "Yesterday, "}.get((today - day).days, "")
    return nearness + words


def entry(activity: Activity) -> Entry:
    kind = type_of(activity.type)
    properties = _properties_of(activity)
    plain = Entry(
        icon=kind.icon,
        tone="accent" if kind.inbound else "",
        at=activity.occurred_at,
        strong=kind.label,
        rest=_about(properties),
        quote=_first(properties, WORDS),
        detail=_page(properties),
        is_spoken=kind.inbound,
        is_machine=activity.klass == Activity.Class.MACHINE and kind.group == Group.EMAIL,
        activity_id=activity.pk,
        by_person=activity.user_id is not None and activity.type in WRITTEN,
    )
    words = SENTENCES.get(activity.type)
    who = str(activity.user or "")
    if words:
        return replace(plain, **words(properties, who))
    if who and activity.type in VERBS:
        return replace(plain, strong=f"{who} {VERBS[activity.type]}")
    return replace(plain, rest=", ".join(part for part in (plain.rest, who) if part))


def _first(properties: dict[str, Any], names: Iterable[str]) -> str:
    found = (properties.get(name) for name in names)
    return next((value.strip() for value in found if isinstance(value, str) and value.strip()), "")


def _about(properties: dict[str, Any]) -> str:
    name = _first(properties, NAMES)
    parts = [f"“{name}”"] if name else []
    if minutes := _minutes(properties):
        parts.append(minutes)
    if (outcome := _first(properties, ("outcome", "words"))) and outcome != "connected":
        parts.append(outcome.replace("_", " "))
    return ", ".join(parts)


def _minutes(properties: dict[str, Any]) -> str:
    minutes, seconds = properties.get("minutes"), properties.get("seconds")
    if isinstance(seconds, int) and minutes is None:
        minutes = max(1, seconds // 60)
    return f"{minutes} min" if isinstance(minutes, int) and 0 < minutes < 10_000 else ""


def _page(properties: dict[str, Any]) -> str:
    """The page without the site: `/pricing`."""
    text = _first(properties, ("path", "url", "page_url", "page"))
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return (parts.path or text) if parts.netloc else text


# ---- sentences of their own ----

VERBS = {
    "call_attempt": "called, no answer",
    "call_connected": "called and spoke",
    "email_outbound": "wrote an e-mail",
    "meeting_booked": "booked a meeting",
    "meeting_held": "met the lead",
    "quote_sent": "sent a quote",
    "task_done": "did",
}

Words = dict[str, Any]


def _noted(properties: Words, who: str) -> Words:
    return {"strong": f"{who or 'Somebody'} noted", "rest": ""}


def _updated(properties: Words, who: str) -> Words:
    fields = properties.get("fields")
    names = [_field_word(str(name)) for name in fields] if isinstance(fields, list) else []
    return {"strong": f"{who} changed" if who else "Changed", "rest": ", ".join(names) or "details"}


def _field_word(name: str) -> str:
    definition = definition_of(name.removeprefix("custom.")) if name.startswith("custom.") else None
    return definition.label if definition else name.removeprefix("custom.").replace("_", " ")


def _moved(properties: Words, who: str) -> Words:
    start, end = properties.get("from") or "", properties.get("to") or ""
    by = f" by {who}" if who else ""
    return {"strong": f"Moved to {end}", "rest": (f"from {start}" if start else "") + by}


def _assigned(properties: Words, who: str) -> Words:
    owner, queue = properties.get("to"), properties.get("queue")
    strong = f"Given to {owner}" if owner else f"Put in the queue of {queue or 'the team'}"
    cause = str(properties.get("cause") or "")
    return {"strong": strong, "rest": f"by {who}" if who else cause, "detail": ""}


def _crossed(properties: Words, who: str) -> Words:
    start, end = properties.get("from") or "", str(properties.get("to") or "")
    return {
        "strong": f"Now {end}",
        "rest": f"was {start}, score {properties.get('score', '')}".rstrip(", "),
        "tone": end if end in {"hot", "warm", "cold"} else "",
    }


def _qualified(properties: Words, who: str) -> Words:
    kind = str(properties.get("kind") or "").upper()
    return {"strong": f"Qualified as {kind}", "rest": f"with {properties.get('score', '')} points"}


def _answered(properties: Words, who: str) -> Words:
    levels = properties.get("levels")
    known = levels.items() if isinstance(levels, dict) else []
    words = ", ".join(f"{name} {level}" for name, level in known)
    return {"strong": "BANT", "rest": words + (f", {who}" if who else "")}


def _surveyed(properties: Words, who: str) -> Words:
    """“Is it for you?”: Good fit, 32 of 54 points."""
    name, result = properties.get("title") or "a survey", str(properties.get("result") or "")
    most, nps = properties.get("of"), properties.get("nps")
    points = f"{properties.get('score', 0)} of {most} points" if most else ""
    parts = [result, points, f"would recommend us {nps} of 10" if nps is not None else ""]
    words = ", ".join(filter(None, parts))
    return {"strong": f"Completed “{name}”", "rest": words}


def _merged(properties: Words, who: str) -> Words:
    by = f"by {who}" if who else ""
    return {"strong": f"Merged with {properties.get('name') or 'another lead'}", "rest": by}


def _unmerged(properties: Words, who: str) -> Words:
    by = f"by {who}" if who else ""
    return {"strong": f"Taken apart from {properties.get('name') or 'another lead'}", "rest": by}


def _consented(properties: Words, who: str) -> Words:
    purposes = dict(Consent.Purpose.choices)
    return {"rest": str(purposes.get(str(properties.get("purpose")), "")).lower()}


def _bought(properties: Words, who: str) -> Words:
    amount, currency = properties.get("amount"), properties.get("currency")
    is_sum = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    said = f"for {amount:,.2f} {currency or ''}".replace(".00 ", " ").strip() if is_sum else ""
    order = properties.get("order")
    parts = [_about(properties), said, f"order {order}" if isinstance(order, (str, int)) else ""]
    return {"rest": ", ".join(part for part in parts if part)}


def _followed(properties: Words, who: str) -> Words:
    return {"rest": f"to {_first(properties, ('to',))}".removesuffix("to ")}


def _escalated(properties: Words, who: str) -> Words:
    return {"rest": str(properties.get("words") or "")}


def _corrected(properties: Words, who: str) -> Words:
    about = str(properties.get("about") or "an entry")
    return {"strong": f"{who or 'Somebody'} corrected", "rest": f"“{about}”"}


# What colleagues write by hand.
WRITTEN = frozenset(
    {"note_added", "call_attempt", "call_connected", "call_inbound", "email_outbound",
     "meeting_held", "meeting_no_show", "quote_sent", "task_done", "correction"}
)  # fmt: skip
SENTENCES: dict[str, Callable[[Words, str], Words]] = {
    "purchase": _bought,
    "repeat_purchase": _bought,
    "offline_purchase": _bought,
    "link_click": _followed,
    "note_added": _noted,
    "correction": _corrected,
    "lead_updated": _updated,
    "stage_changed": _moved,
    "owner_changed": _assigned,
    "response_escalated": _escalated,
    "score_crossed": _crossed,
    "qualified": _qualified,
    "bant_answered": _answered,
    "survey_completed": _surveyed,
    "merged": _merged,
    "unmerged": _unmerged,
    "consent_granted": _consented,
    "consent_withdrawn": _consented,
}

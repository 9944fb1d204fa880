"""What each door's bodies look like, read into one shape.

A new provider adds a reader here: a function from the stored item to a `Submission`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from leadcrm.lib import tokens
from leadcrm.lib.errors import FieldError
from leads.capture import parsing
from leads.capture.mapping import CONTACT_FIELDS, target_of
from leads.capture.parsing import Unreadable
from leads.models import Consent, InboxItem

if TYPE_CHECKING:
    from leads.capture.processing import Outcome

CONTROL = "lc_"  # hidden fields of our own forms
TRAP = "lc_confirm"  # people never see it; programs fill in whatever they find
CONSENT_FIELD = "lc_consent"
RENDERED = "form-rendered"


@dataclass(frozen=True, slots=True)
class Consented:
    granted: bool
    wording: str = ""


@dataclass(slots=True)
class Submission:
    """One capture, whichever way it came."""

    values: dict[str, Any]
    form: str = ""
    source: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Consented] = field(default_factory=dict)
    submitted_at: datetime | None = None
    rendered: str = ""  # the signed mark of the form that was shown
    rendered_at: float | None = None  # seconds since the epoch; 0.0: the mark was forged
    version_id: int | None = None  # what the visitor saw
    trap: str = ""
    nonce: str = ""
    proof: str = ""  # the solution of the page's proof of work
    again: str = ""  # the receipt of an earlier try that was sent back
    known: str = ""  # a link that named the visitor; see `leads.profiling`
    asked: str = ""  # which questions the page had, signed
    redirect: str = ""  # where a plain HTML form wants its visitor to go
    is_test: bool = False
    notes: list[str] = field(default_factory=list)
    # What the source's mapping says of an answer: {key: {"maps_to": target}}.
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The answers as they came and what they mean by themselves: for editing the mapping.
    sample: Any = None
    # Settles the item in another way than as a lead: held, split, a reply of somebody known …
    instead: "Callable[[InboxItem], Outcome | None] | None" = None


Reader = Callable[[bytes, str], Submission]
ItemReader = Callable[[InboxItem], Submission]
BY_ITEM: dict[str, ItemReader] = {}  # doors that need to know more than the body; see providers


def read(item: InboxItem) -> Submission:
    """:raises Unreadable: the body does not say what it must."""
    door = item.door.partition(":")[0]
    if door in BY_ITEM:
        return BY_ITEM[door](item)
    return READERS[door](bytes(item.body), item.content_type)


# ---- hosted forms ----


def read_form(body: bytes, content_type: str) -> Submission:
    answers = parsing.answers_of(body, content_type)
    ours = {
        name.removeprefix(CONTROL): last_text(value)
        for name, value in answers.values.items()
        if name.startswith(CONTROL)
    }
    values = {k: v for k, v in answers.values.items() if not k.startswith(CONTROL)}
    version_id, rendered_at = shown(ours["at"]) if "at" in ours else (None, None)
    return Submission(
        values,
        context={
            "page_url": ours.get("page", ""),
            "referrer": ours.get("ref", ""),
            "visitor": ours.get("visitor", "")[:45],
        },
        consent={Consent.Purpose.MARKETING_EMAIL: Consented(granted=True)}
        if ours.get("consent")
        else {},
        rendered=ours.get("at", ""),
        rendered_at=rendered_at,
        version_id=version_id,
        trap=ours.get("confirm", ""),
        nonce=ours.get("nonce", "")[:64],
        proof=ours.get("proof", "")[:4000],
        again=tokens.unsign("form-again", ours.get("again", "")) or "",
        known=ours.get("known", "")[:200],
        asked=ours.get("asked", "")[:1000],
        redirect=ours.get("redirect", "")[:500],
        notes=answers.notes,
    )


def last_text(value: Any) -> str:
    """The last of several values: scripts append what they send twice."""
    return str(value[-1] if isinstance(value, list) and value else value)


def shown(mark: str) -> tuple[int | None, float]:
    """Which version a visitor saw and when; (None, 0.0) for a mark that is not ours."""
    version, _, moment = (tokens.unsign(RENDERED, mark) or "").partition(":")
    try:
        return int(version), float(moment)
    except ValueError:
        return None, 0.0


# ---- the JSON API ----


def read_api(body: bytes, content_type: str) -> Submission:
    """`{"form"|"source", "fields", "context", "consent", "submitted_at", "is_test"}`."""
    document = parsing.json_of(body, parsing.read_content_type(content_type)[1])
    if not isinstance(document, dict):
        raise Unreadable(
            FieldError("body", "Send one JSON object, such as {“fields”: {…}}.", "type")
        )
    problems: list[FieldError] = []
    notes: list[str] = []
    fields = _fields(document, problems)
    submission = Submission(
        parsing.collect(iter(fields.items()), notes),
        form=_typed(document, "form", str, "", problems),
        source=_typed(document, "source", str, "", problems),
        context=parsing.collect(
            iter(_typed(document, "context", dict, {}, problems).items()), notes
        ),
        consent=_consent(_typed(document, "consent", dict, {}, problems), problems),
        submitted_at=_moment(_typed(document, "submitted_at", str, "", problems), problems),
        is_test=bool(_typed(document, "is_test", bool, None, problems)),
        notes=notes,
    )
    if problems:
        raise Unreadable(*problems)
    return submission


KINDS = {str: "a text", dict: "an object", bool: "true or false"}


def _typed(
    document: Mapping[str, Any], name: str, kind: type, missing: Any, problems: list[FieldError]
) -> Any:
    value = document.get(name)
    if value is None:
        return missing
    if not isinstance(value, kind):
        problems.append(FieldError(name, f"“{name}” must be {KINDS[kind]}.", "type"))
        return missing
    return value


def _fields(document: Mapping[str, Any], problems: list[FieldError]) -> dict[str, Any]:
    fields = document.get("fields")
    if not isinstance(fields, dict):
        example = "{“fields”: {“email”: “name@company.com”}}"
        code = "required" if fields is None else "type"
        problems.append(
            FieldError("fields", f"Put the answers in an object, as in {example}.", code)
        )
        return {}
    if not fields:
        problems.append(FieldError("fields", "Send at least one answer in “fields”.", "required"))
    problems.extend(
        FieldError(f"fields.{name[:100]}", f"“{name[:100]}” must be a text.", "type")
        for name, value in fields.items()
        if isinstance(value, (dict, list, bool)) and _is_plain(name)
    )
    return fields


def _is_plain(name: str) -> bool:
    """Names that only make sense with one text: an address is neither a list nor a yes."""
    return target_of(name) in CONTACT_FIELDS - {"website", "industry"}


def _consent(raw: Mapping[str, Any], problems: list[FieldError]) -> dict[str, Consented]:
    given: dict[str, Consented] = {}
    for purpose, value in raw.items():
        path = f"consent.{purpose[:100]}"
        if purpose not in Consent.Purpose.values:
            choices = ", ".join(Consent.Purpose.values)
            problems.append(FieldError(path, f"Name a known purpose: {choices}.", "unknown"))
        elif isinstance(value, bool):
            given[purpose] = Consented(value)
        elif isinstance(value, dict) and isinstance(value.get("granted"), bool):
            wording = value.get("wording")
            given[purpose] = Consented(
                value["granted"], wording if isinstance(wording, str) else ""
            )
        else:
            problems.append(
                FieldError(path, "Send true, false or {“granted”: true, “wording”: “…”}.", "type")
            )
    return given


def _moment(text: str, problems: list[FieldError]) -> datetime | None:
    found = moment(text)
    if text and found is None:
        message = "Write the moment as in 2026-11-19T12:00:00Z."
        problems.append(FieldError("submitted_at", message, "datetime"))
    return found


def moment(text: str) -> datetime | None:
    """A moment as programs write it, in UTC where they say no zone; None for anything else."""
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        return None
    return make_aware(found) if found and is_naive(found) else found


READERS: dict[str, Reader] = {"form": read_form, "api": read_api}

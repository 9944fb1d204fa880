"""From answers to what comes next, to points and to what they say of a lead. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from leadcrm.lib import normalise
from leads.capture.mapping import CONTACT_FIELDS, MESSAGE, NAME, TAG, first_number
from leads.countries import country_code
from leads.matching import split_name
from scoring.surveys.content import (
    FINISH,
    KINDS,
    MAX_POINTS,
    Content,
    Ending,
    Question,
    bounds_of,
    kind_of,
    parts_of,
)

Answers = Mapping[str, Any]
SHORT, LONG = 500, 5000
WEIGHTS = {"unknown": 0, "no": 1, "partial": 2, "yes": 3}


class NotAnAnswer(Exception):
    """A sentence for whoever gave it."""


# ---- reading ----


def read_answer(question: Question, given: Sequence[str], more: Mapping[str, str]) -> Any:
    """One answer from a posted page; None where it was left empty and may be.

    :param more: of a contact question also `name`, `company` and `consent`.
    :raises NotAnAnswer:
    """
    kind = kind_of(question).key
    if kind == "words":
        return True
    if kind == "contact":
        return _contact(question, more)
    texts = [text for each in given if (text := normalise.clean_text(each, limit=LONG + 1))]
    if not texts:
        if question.get("required"):
            raise NotAnAnswer(_missing(kind))
        return None
    return _READ[kind](question, texts)


def _missing(kind: str) -> str:
    if kind == "several":
        return "Choose at least one."
    return "Choose one." if kind in {"single", "scale", "nps"} else "Please fill this in."


def _single(question: Question, texts: Sequence[str]) -> str:
    if texts[-1] not in _values(question):
        raise NotAnAnswer("Choose one of these.")
    return texts[-1]


def _several(question: Question, texts: Sequence[str]) -> list[str]:
    values = _values(question)
    if any(text not in values for text in texts):
        raise NotAnAnswer("Choose among these.")
    return [value for value in values if value in texts]


def _values(question: Question) -> list[str]:
    return [str(option["value"]) for option in question.get("options") or []]


def _number(question: Question, texts: Sequence[str]) -> int | float:
    text = texts[-1].replace(" ", "").replace("\u202f", "").replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        raise NotAnAnswer("Write a number, such as 20.") from None
    if not abs(number) < 1e12:  # also what is no number at all
        raise NotAnAnswer("Write a number below a billion.")
    low, high = bounds_of(question)
    if (low is not None and number < low) or (high is not None and number > high):
        raise NotAnAnswer(_between(low, high))
    whole = int(number)
    if kind_of(question).key != "number" and whole != number:
        raise NotAnAnswer("Choose one of these.")
    return whole if whole == number else number


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return f"Write a number up to {high:g}."
    return f"Write a number from {low:g}." if high is None else f"Choose from {low:g} to {high:g}."


def _text(question: Question, texts: Sequence[str]) -> str:
    limit = LONG if kind_of(question).key == "long" else SHORT
    text = texts[-1]
    if len(text) > limit:
        raise NotAnAnswer(f"Write at most {limit:,} characters.")
    return text


def _date(question: Question, texts: Sequence[str]) -> str:
    try:
        day = date.fromisoformat(texts[-1])
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2200:
        raise NotAnAnswer("Write a date such as 2026-12-31.")
    return day.isoformat()


_READ = {
    "single": _single,
    "several": _several,
    "scale": _number,
    "nps": _number,
    "number": _number,
    "text": _text,
    "long": _text,
    "date": _date,
}


def _contact(question: Question, more: Mapping[str, str]) -> dict[str, Any] | None:
    raw = normalise.clean_text(more.get("email", ""), limit=254)
    if not raw and not question.get("required"):
        return None
    email = normalise.email(raw)
    if email is None:
        raise NotAnAnswer("Write your e-mail address, such as name@company.com.")
    given: dict[str, Any] = {"email": email.address}
    for name in ("name", "company"):
        if text := normalise.clean_text(more.get(name, ""), limit=150):
            given[name] = text
    if question.get("consent") and more.get("consent"):
        given["consent"] = True
    return given


# ---- the way through ----


@dataclass(frozen=True, slots=True)
class Walk:
    """`path`: what was answered, in order; `ahead`: what is asked next, None at the end."""

    path: list[str]
    ahead: str | None
    forced: str = ""  # the ending that an answer led to

    @property
    def is_done(self) -> bool:
        return self.ahead is None


def walk(content: Content, answers: Answers, *, is_known: bool) -> Walk:
    """Follow the answers until one is missing. Jumps lead only forward, so that every way ends.

    :param is_known: who answers came by a personal link, and is not asked who they are.
    """
    path: list[str] = []
    at = 0
    while at < len(content.questions):
        question = content.questions[at]
        key = question["key"]
        if is_known and question["type"] == "contact":
            at += 1
            continue
        if key not in answers:
            return Walk(path, key)
        path.append(key)
        go = target_of(question, answers[key])
        if go.partition(":")[0] == FINISH:
            return Walk(path, None, go.partition(":")[2])
        to = content.place(go) if go else -1
        at = to if to > at else at + 1
    return Walk(path, None)


def target_of(question: Question, answer: Any) -> str:
    """Where an answer leads; empty: to the next question."""
    chosen = next((part["go"] for part in chosen_parts(question, answer) if part.get("go")), "")
    return str(chosen or question.get("go") or "")


def chosen_parts(question: Question, answer: Any) -> list[dict[str, Any]]:
    """The options or ranges that an answer falls into."""
    kind = kind_of(question)
    if answer is None:
        return []
    if kind.optioned:
        values = answer if isinstance(answer, list) else [answer]
        return [part for part in parts_of(question) if part.get("value") in values]
    if kind.ranged and isinstance(answer, (int, float)):
        return [part for part in parts_of(question) if _holds(part, answer)][:1]
    return []


def _holds(part: Mapping[str, Any], number: float) -> bool:
    low, high = part.get("from"), part.get("to")
    return (low is None or number >= low) and (high is None or number <= high)


def progress(content: Content, way: Walk, *, is_known: bool) -> int:
    """A percentage: what is answered of that and everything that may still come."""
    if way.ahead is None:
        return 100
    rest = [
        each
        for each in content.questions[content.place(way.ahead) :]
        if not (is_known and each["type"] == "contact")
    ]
    return round(100 * len(way.path) / max(len(way.path) + len(rest), 1))


# ---- the result ----


@dataclass(frozen=True, slots=True)
class Result:
    points: int
    most: int
    ending: Ending | None

    @property
    def name(self) -> str:
        return str(self.ending.get("name") or "")[:120] if self.ending else ""


def result_of(content: Content, answers: Answers, way: Walk) -> Result:
    on_path = [question for key in way.path if (question := content.question(key))]
    points = sum(points_of(each, answers.get(each["key"])) for each in on_path)
    most = sum(most_of(each) for each in on_path)
    forced = content.ending(way.forced) if way.forced else None
    return Result(points, most, forced or _ending_by_points(content, points))


def points_of(question: Question, answer: Any) -> int:
    return sum(_points(part) for part in chosen_parts(question, answer))


def most_of(question: Question) -> int:
    each = [_points(part) for part in parts_of(question)]
    if question.get("type") == "several":
        return sum(points for points in each if points > 0)
    return max([*each, 0])


def _points(part: Mapping[str, Any]) -> int:
    points = part.get("points") or 0
    return max(-MAX_POINTS, min(MAX_POINTS, int(points)))


def _ending_by_points(content: Content, points: int) -> Ending | None:
    """The one with the highest threshold that is reached; without a threshold it is the last."""
    reached = [
        each
        for each in content.endings
        if each.get("from_points") is None or points >= each["from_points"]
    ]
    ranked = sorted(
        reached,
        key=lambda each: -(10**9) if each.get("from_points") is None else each["from_points"],
    )
    return ranked[-1] if ranked else (content.endings[-1] if content.endings else None)


# ---- what it says of a lead ----


@dataclass(slots=True)
class Said:
    """What the answers fill: contact fields, own fields, tags, criteria, a message."""

    contact: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    criteria: dict[str, dict[str, str]] = field(default_factory=dict)
    message: str = ""
    rough: set[str] = field(default_factory=set)  # what options say only about


def said_of(content: Content, answers: Answers, path: Sequence[str]) -> Said:
    said = Said()
    for key in path:
        question, answer = content.question(key), answers.get(key)
        if question is not None and answer is not None and question["type"] in KINDS:
            _take(said, question, answer)
    return said


def _take(said: Said, question: Question, answer: Any) -> None:
    target, words = str(question.get("maps_to") or ""), words_of(question, answer)
    said.tags += [str(part["tag"]) for part in chosen_parts(question, answer) if part.get("tag")]
    if target.startswith("bant."):
        said.criteria[target[5:]] = _criterion(question, answer, words)
    elif target == TAG:
        said.tags += labels_of(question, answer)
    elif target == MESSAGE:
        said.message = words
    elif target.startswith("custom."):
        said.custom[target[7:]] = answer if kind_of(question).ranged else words
    elif target == NAME:
        said.contact["first_name"], said.contact["last_name"] = split_name(words)
    elif target in CONTACT_FIELDS and (value := _value(target, words)) not in ("", None):
        said.contact[target] = value
        if kind_of(question).optioned:
            said.rough.add(target)


def _value(target: str, words: str) -> Any:
    if target == "country":
        return country_code(words)
    return first_number(words) if target == "company_size" else words


def _criterion(question: Question, answer: Any, words: str) -> dict[str, str]:
    """The surest level of what was chosen; an answer nobody gave a level is part of one."""
    levels = [str(part.get("level")) for part in chosen_parts(question, answer)]
    known = [level for level in levels if level in WEIGHTS]
    level = max(known, key=lambda each: WEIGHTS[each]) if known else "partial"
    return {"level": level, "value": words[:300], "evidence": str(question.get("label"))[:500]}


def labels_of(question: Question, answer: Any) -> list[str]:
    if kind_of(question).optioned:
        return [str(part.get("label")) for part in chosen_parts(question, answer)]
    return [words_of(question, answer)]


def words_of(question: Question, answer: Any) -> str:
    """An answer as people read it."""
    if answer is None:
        return ""
    if isinstance(answer, dict):
        return ", ".join(str(value) for key, value in answer.items() if key != "consent")
    if kind_of(question).optioned:
        return ", ".join(labels_of(question, answer))
    return f"{answer:g}" if isinstance(answer, float) else str(answer)

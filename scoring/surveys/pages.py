"""One page of a survey: what is asked on it, how it looks, and what was sent from it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from scoring.models import SurveyResponse
from scoring.surveys import flow
from scoring.surveys.content import Content, Ending, Question, bounds_of, kind_of

MERGE = re.compile(r"\{(points|most|percent)\}")
CONTACT = ("email", "name", "company", "consent")
INPUTS = {"number": "text", "text": "text", "date": "date"}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was answered so far, and what is wrong with it."""

    question: Question
    kind: str
    answer: Any = None
    text: str = ""
    problem: str = ""
    contact: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"a-{self.question['key']}"

    @property
    def choices(self) -> list[Choice]:
        chosen = self.answer if isinstance(self.answer, list) else [self.answer]
        if kind_of(self.question).optioned:
            return [
                Choice(str(each["value"]), str(each["label"]), each["value"] in chosen)
                for each in self.question.get("options") or []
            ]
        low, high = bounds_of(self.question)
        if self.kind not in {"scale", "nps"} or low is None or high is None:
            return []
        numbers = range(int(low), int(min(high, low + 10)) + 1)
        return [Choice(str(n), str(n), n == self.answer) for n in numbers]

    @property
    def input_type(self) -> str:
        return INPUTS.get(self.kind, "text")


@dataclass(frozen=True, slots=True)
class Page:
    content: Content
    asked: list[Asked]
    back: str = ""  # the question before, as `?at=`
    percent: int = 0
    number: int = 1
    is_first: bool = False

    @property
    def is_last(self) -> bool:
        """As far as one can say before it is answered."""
        if self.content.layout == "all":
            return True
        last = self.content.questions[-1]["key"] if self.content.questions else ""
        return bool(self.asked) and self.asked[-1].question["key"] == last

    @property
    def has_problems(self) -> bool:
        return any(each.problem for each in self.asked)


def page_of(content: Content, answers: flow.Answers, *, is_known: bool, wanted: str = "") -> Page:
    """Where somebody is: the question they asked to see again, else the first that is open."""
    way = flow.walk(content, answers, is_known=is_known)
    if content.layout == "all":
        shown = [each for each in content.questions if not (is_known and each["type"] == "contact")]
        asked = [_asked(each, answers) for each in shown]
        return Page(content, asked, percent=0, is_first=True)
    key = wanted if wanted in way.path else way.ahead
    if key is None:  # all is answered; show the last once more
        key = way.path[-1] if way.path else ""
    question = content.question(key)
    before = way.path[: way.path.index(key)] if key in way.path else way.path
    return Page(
        content,
        [_asked(question, answers)] if question else [],
        back=before[-1] if before else "",
        percent=flow.progress(content, flow.Walk(list(before), key), is_known=is_known),
        number=len(before) + 1,
        is_first=not before,
    )


def _asked(question: Question, answers: flow.Answers, problem: str = "") -> Asked:
    answer, kind = answers.get(question["key"]), kind_of(question).key
    contact = answer if isinstance(answer, dict) else {}
    text = "" if isinstance(answer, (dict, list)) else flow.words_of({"type": "text"}, answer)
    return Asked(question, kind, answer, text, problem, contact)


# ---- what was sent ----


@dataclass(slots=True)
class Reading:
    """`answers` are good; `problems` say of the others what to do; `typed` is shown again."""

    answers: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    contact: tuple[Question | None, dict[str, Any]] = (None, {})


def read_page(content: Content, post: QueryDict) -> Reading:
    """Every question that the page says it asked; what it does not know is left alone."""
    reading = Reading()
    for key in dict.fromkeys(post.getlist("q")[:100]):
        question = content.question(key)
        if question is None:
            continue
        reading.keys.append(key)
        _read(reading, question, post)
    return reading


def _read(reading: Reading, question: Question, post: QueryDict) -> None:
    key, given = question["key"], post.getlist(f"a-{question['key']}")
    more = {name: post.get(f"a-{key}-{name}", "") for name in CONTACT}
    try:
        answer = flow.read_answer(question, given, more)
    except flow.NotAnAnswer as problem:
        reading.problems[key] = str(problem)
        reading.typed[key] = more if question["type"] == "contact" else _typed(question, given)
        return
    reading.answers[key] = answer
    if question["type"] == "contact" and answer:
        reading.contact = (question, answer)


def _typed(question: Question, given: Sequence[str]) -> Any:
    if kind_of(question).key == "several":
        return list(given)[:50]
    return given[-1][:6000] if given else ""


def page_again(
    content: Content, answers: flow.Answers, reading: Reading, *, is_known: bool
) -> Page:
    """The same page with what was typed, and what stands beside each answer."""
    shown = {**answers, **reading.typed}
    asked = [
        _asked(question, shown, reading.problems.get(key, ""))
        for key in reading.keys
        if (question := content.question(key))
    ]
    first = reading.keys[0] if reading.keys else ""
    page = page_of(content, answers, is_known=is_known, wanted=first)
    return Page(content, asked, page.back, page.percent, page.number, page.is_first)


# ---- the end ----


def ending_of(content: Content, response: SurveyResponse) -> Ending:
    found = content.ending(response.ending) or {"title": "Thank you", "text": ""}
    most = response.most_points
    known = {
        "points": str(response.points),
        "most": str(most),
        "percent": str(100 * response.points // most if most > 0 else 0),
    }
    merged = {
        name: MERGE.sub(lambda match: known[match[1]], str(found.get(name) or ""))
        for name in ("title", "text")
    }
    return {**found, **merged}

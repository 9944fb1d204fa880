"""What a survey asks: its kinds of questions, the endings, and what is wrong with a draft.

Pure: `Content` is read from and written to the JSON of a version.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.text import slugify

from leadcrm.lib.errors import FieldError

Question = dict[str, Any]
Ending = dict[str, Any]

MAX_QUESTIONS, MAX_OPTIONS, MAX_ENDINGS = 60, 30, 12
MAX_POINTS = 1000
LEVELS = ("no", "partial", "yes")
FINISH = "end"  # where an answer may lead, besides a later question
LAYOUTS = (("one", "One question a page"), ("all", "All on one page"))
LINK = re.compile(r"^https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    """`asks` is False for what only stands on the page. `ranged`: answers are numbers."""

    key: str
    label: str
    icon: str
    asks: bool = True
    optioned: bool = False
    ranged: bool = False


KINDS = {
    kind.key: kind
    for kind in [
        Kind("single", "Choose one", "circle-dot", optioned=True),
        Kind("several", "Choose several", "list-checks", optioned=True),
        Kind("scale", "Scale", "sliders-horizontal", ranged=True),
        Kind("nps", "Recommend, 0 to 10", "gauge", ranged=True),
        Kind("number", "Number", "hash", ranged=True),
        Kind("text", "One line", "type"),
        Kind("long", "Several lines", "text-align-start"),
        Kind("date", "Date", "calendar"),
        Kind("contact", "Who they are", "at-sign"),
        Kind("words", "Words only", "heading", asks=False),
    ]
}


@dataclass(slots=True, kw_only=True)
class Content:
    title: str
    intro: str = ""
    layout: str = "one"
    progress: bool = True
    button: str = "Send"
    questions: list[Question] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    def question(self, key: str) -> Question | None:
        return next((each for each in self.questions if each["key"] == key), None)

    def ending(self, key: str) -> Ending | None:
        return next((each for each in self.endings if each["key"] == key), None)

    def place(self, key: str) -> int:
        return next((n for n, each in enumerate(self.questions) if each["key"] == key), -1)

    @property
    def has_points(self) -> bool:
        return any(part.get("points") for each in self.questions for part in parts_of(each))


NAMES = tuple(Content.__dataclass_fields__)


def read(raw: Mapping[str, Any]) -> Content:
    return Content(**copy.deepcopy({name: raw[name] for name in NAMES if name in raw}))


def written(content: Content) -> dict[str, Any]:
    return asdict(content)


def kind_of(question: Mapping[str, Any]) -> Kind:
    return KINDS.get(str(question.get("type")), KINDS["text"])


def parts_of(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What points, levels and jumps hang on: options, or ranges of numbers."""
    kind = kind_of(question)
    if kind.optioned:
        return list(question.get("options") or [])
    return list(question.get("ranges") or []) if kind.ranged else []


def bounds_of(question: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if question.get("type") == "nps":
        return 0, 10
    if question.get("type") == "scale":
        return question.get("min", 1), question.get("max", 5)
    return question.get("min"), question.get("max")


# ---- starting points ----

THANKS: Ending = {"key": "thanks", "name": "Thank you", "title": "Thank you",
                  "text": "Your answers have arrived.", "from_points": None}  # fmt: skip


def starter(kind: str, name: str) -> Content:
    """What a new one begins with: enough to be published after a look."""
    if kind == "nps":
        return _nps(name)
    contact = {"key": "you", "type": "contact", "label": "Where can we send the result?",
               "required": True, "with_name": True, "with_company": True}  # fmt: skip
    if kind == "quiz":
        question = {
            "key": "how_many", "type": "single", "label": "How many people do you plan for?",
            "required": True,
            "options": [
                {"value": "few", "label": "Fewer than 20", "points": 2},
                {"value": "some", "label": "20 to 100", "points": 6},
                {"value": "many", "label": "More than 100", "points": 10},
            ],
        }  # fmt: skip
        good = {"key": "good_fit", "name": "Good fit", "title": "This looks like a good fit",
                "text": "You have {points} of {most} points. Let us show you how it would work.",
                "from_points": 6, "button_label": "Book a demo", "button_url": ""}  # fmt: skip
        return Content(title=name, questions=[question, contact], endings=[good, dict(THANKS)])
    question = {"key": "goal", "type": "long", "label": "What would you like to achieve?"}
    return Content(title=name, questions=[question, contact], endings=[dict(THANKS)])


def _nps(name: str) -> Content:
    score = {"key": "recommend", "type": "nps", "required": True,
             "label": "How likely are you to recommend us to a friend or colleague?",
             "low": "Not at all likely", "high": "Extremely likely"}  # fmt: skip
    reason = {"key": "reason", "type": "long", "label": "What is the main reason?"}
    return Content(title=name, questions=[score, reason], endings=[dict(THANKS)])


def new_question(kind: str, questions: Sequence[Question]) -> Question:
    label = {
        "nps": "How likely are you to recommend us?",
        "contact": "How can we reach you?",
        "words": "Good to know",
    }.get(kind, "New question")
    question: Question = {"key": free_key(label, questions), "type": kind, "label": label}
    if KINDS[kind].optioned:
        question["options"] = [
            {"value": "first", "label": "First", "points": 0},
            {"value": "second", "label": "Second", "points": 0},
        ]
    if kind == "scale":
        question |= {"min": 1, "max": 5}
    if kind == "contact":
        question |= {"required": True, "with_name": True}
    return question


def free_key(label: str, taken: Sequence[Mapping[str, Any]], fallback: str = "question") -> str:
    """A key of its own; it stays when the words change, so that answers keep their meaning."""
    plain = slugify(label)[:34].replace("-", "_").strip("_") or fallback
    keys = {each.get("key") or each.get("value") for each in taken} | {FINISH}
    numbered = (f"{plain}_{n}" for n in range(2, len(keys) + 3))
    return plain if plain not in keys else next(key for key in numbered if key not in keys)


def moved(questions: list[Question], key: str, to: int) -> list[Question]:
    found = [each for each in questions if each["key"] == key]
    rest = [each for each in questions if each["key"] != key]
    at = max(0, min(to, len(rest)))
    return [*rest[:at], *found, *rest[at:]]


# ---- what is wrong ----


def problems_of(content: Content) -> list[FieldError]:
    """Why this cannot be published, each beside the key of its question or ending."""
    found = list(_whole(content))
    for n, question in enumerate(content.questions):
        later = {each["key"] for each in content.questions[n + 1 :]}
        found += [
            FieldError(question["key"], words, "question")
            for words in _of_question(question, later, content)
        ]
    for ending in content.endings:
        found += [FieldError(ending["key"], words, "ending") for words in _of_ending(ending)]
    return found


def _whole(content: Content) -> Iterator[FieldError]:
    asked = [each for each in content.questions if kind_of(each).asks]
    if not content.title.strip():
        yield FieldError("title", "Give it a title.", "required")
    if not any(each["type"] != "contact" for each in asked):
        yield FieldError("questions", "Ask at least one question.", "required")
    if len(content.questions) > MAX_QUESTIONS:
        yield FieldError("questions", f"Ask at most {MAX_QUESTIONS} questions.", "too_many")
    if sum(each["type"] == "contact" for each in asked) > 1:
        yield FieldError("questions", "Ask only once who they are.", "too_many")
    if not content.endings:
        yield FieldError(
            "endings", "Add an ending: what stands there when all is said.", "required"
        )
    if content.layout == "all" and any(_jumps(each) for each in content.questions):
        words = "Answers can lead elsewhere only with one question a page. Change the layout."
        yield FieldError("layout", words, "jumps")


def _jumps(question: Question) -> bool:
    return bool(question.get("go") or any(part.get("go") for part in parts_of(question)))


def _of_question(question: Question, later: set[str], content: Content) -> Iterator[str]:
    label = str(question.get("label") or "").strip()
    if not label:
        yield "Every question needs its words."
    if kind_of(question).optioned and len(question.get("options") or []) < 2:
        yield f"Give “{label}” at least two options."
    low, high = bounds_of(question)
    if low is not None and high is not None and low >= high:
        yield f"The scale of “{label}” ends before it begins."
    if question.get("type") == "scale" and not ((low or 0) >= 0 and (high or 0) <= 10):
        yield f"A scale runs between 0 and 10. Use a number for “{label}” instead."
    endings = {each["key"] for each in content.endings}
    for part in [question, *parts_of(question)]:
        if (go := part.get("go")) and not _leads_on(str(go), later, endings):
            yield f"An answer to “{label}” leads to a question that does not come after it."


def _leads_on(go: str, later: set[str], endings: set[str]) -> bool:
    head, _, ending = go.partition(":")
    return go == FINISH or (head == FINISH and ending in endings) or go in later


def _of_ending(ending: Ending) -> Iterator[str]:
    name = str(ending.get("name") or "").strip()
    if not name:
        yield "Every ending needs a name."
    for key, what in (("button_url", "button"), ("redirect", "redirect")):
        url = str(ending.get(key) or "")
        if url and not is_link(url):
            yield f"The {what} of “{name}” needs an address that begins with https://."
    if ending.get("button_url") and not ending.get("button_label"):
        yield f"Say what the button of “{name}” is called."


def is_link(url: str) -> bool:
    try:
        return bool(LINK.match(url) and urlsplit(url).hostname)
    except ValueError:
        return False

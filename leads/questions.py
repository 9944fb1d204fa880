"""What a form asks: its kinds of questions, when each is shown, and what is wrong with it.

Pure: questions are the dictionaries of `FormVersion.fields`, answers are texts or lists of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import slugify

from leadcrm.lib.errors import FieldError

Question = Mapping[str, Any]
Questions = Sequence[Question]

MAX_QUESTIONS = 60
LEVELS = ("unknown", "no", "partial", "yes")  # of a BANT answer


@dataclass(frozen=True, slots=True)
class Kind:
    """`asks` is False for what only stands on the page."""

    key: str
    label: str
    icon: str
    asks: bool = True


KINDS = {
    kind.key: kind
    for kind in [
        Kind("text", "One line", "type"),
        Kind("textarea", "Several lines", "text-align-start"),
        Kind("email", "E-mail", "at-sign"),
        Kind("tel", "Phone", "phone"),
        Kind("number", "Number", "hash"),
        Kind("date", "Date", "calendar"),
        Kind("url", "Web address", "link"),
        Kind("select", "Choose from a list", "chevrons-up-down"),
        Kind("radio", "Choose one", "circle-dot"),
        Kind("checkboxes", "Choose several", "list-checks"),
        Kind("yes_no", "Yes or no", "toggle-right"),
        Kind("checkbox", "Tick box", "square-check"),
        Kind("consent", "Consent box", "shield-check"),
        Kind("hidden", "Hidden", "eye-off"),
        Kind("heading", "Heading", "heading", asks=False),
        Kind("page", "New step", "separator-horizontal", asks=False),
    ]
}
WITH_OPTIONS = frozenset({"select", "radio", "checkboxes"})
ONE_LINE = frozenset({"text", "email", "tel", "url", "number", "date"})
OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "filled": "is filled in",
    "empty": "is empty",
}
BARE = frozenset({"filled", "empty"})  # operators that compare with nothing
TICKED = ("on", "yes", "true", "1")


def kind_of(question: Question) -> Kind:
    return KINDS.get(str(question.get("type") or "text"), KINDS["text"])


def key_of(question: Question) -> str:
    return str(question.get("key") or "")


def asked(questions: Questions) -> Iterator[Question]:
    """Without headings and steps."""
    return (question for question in questions if kind_of(question).asks)


def find(questions: Questions, key: str) -> Question | None:
    return next((question for question in questions if key_of(question) == key), None)


# ---- options ----


def choice_of(option: Any) -> tuple[str, str]:
    if isinstance(option, Mapping):
        value = str(option.get("value") or option.get("label") or "")
        return value, str(option.get("label") or value)
    return str(option), str(option)


def choices_of(question: Question) -> list[tuple[str, str]]:
    if question.get("type") == "yes_no":
        return [("yes", "Yes"), ("no", "No")]
    return [choice_of(option) for option in question.get("options") or []]


def options_of(text: str) -> list[Any]:
    """From lines as people type them; `This month | yes` has a BANT level."""
    options: list[Any] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        label, bar, level = (part.strip() for part in line.rpartition("|"))
        if bar and level.lower() in LEVELS:
            options.append({"value": label, "label": label, "level": level.lower()})
        else:
            options.append(line)
    return options


def lines_of(options: Sequence[Any]) -> str:
    return "\n".join(
        f"{choice_of(option)[1]} | {option['level']}"
        if isinstance(option, Mapping) and option.get("level")
        else choice_of(option)[1]
        for option in options
    )


# ---- conditions ----


def shown(questions: Questions, answers: Mapping[str, Any]) -> set[str]:
    """The keys of what a visitor sees who gave these answers. A hidden answer counts for nothing.

    `static/js/form.js` decides the same way.
    """
    seen: set[str] = set()
    for question in questions:
        if _holds(question.get("when"), answers, seen):
            seen.add(key_of(question))
    return seen


def _holds(when: Any, answers: Mapping[str, Any], seen: set[str]) -> bool:
    if not isinstance(when, Mapping) or not when.get("field"):
        return True
    name = str(when["field"])
    given = texts_of(answers.get(name)) if name in seen else []
    return _compare(given, str(when.get("op") or "is"), str(when.get("value") or "").casefold())


def texts_of(answer: Any) -> list[str]:
    values = answer if isinstance(answer, (list, tuple)) else [answer]
    texts = (_text(value) for value in values)
    return [text for text in texts if text]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).strip().casefold()


def _compare(given: Sequence[str], op: str, wanted: str) -> bool:
    if op in BARE:
        return bool(given) is (op == "filled")
    if op == "contains":
        return any(wanted in text for text in given)
    same = any(text == wanted or (text in TICKED and wanted in TICKED) for text in given)
    return same is (op != "is_not")


# ---- steps ----


@dataclass(frozen=True, slots=True)
class Step:
    title: str = ""
    questions: list[Question] = field(default_factory=list)


def steps_of(questions: Questions) -> list[Step]:
    """What stands between the marks of new steps; an empty one is left out."""
    steps = [Step()]
    for question in questions:
        if question.get("type") == "page":
            steps.append(Step(str(question.get("label") or "")))
        else:
            steps[-1].questions.append(question)
    return [step for step in steps if step.questions]


# ---- changing a draft ----

List = list[dict[str, Any]]


def new_question(kind: str, questions: Questions) -> dict[str, Any]:
    label = {"page": "Next step", "consent": "Yes, you may write to me."}.get(kind, "")
    question: dict[str, Any] = {
        "key": free_key(label or KINDS[kind].label, questions),
        "label": label or KINDS[kind].label,
        "type": kind,
        "required": False,
        "maps_to": {"email": "email", "tel": "phone"}.get(kind, ""),
    }
    if kind in WITH_OPTIONS:
        question["options"] = ["First", "Second"]
    if kind == "consent":
        question["purpose"] = "marketing_email"
    return question


def free_key(label: str, questions: Questions) -> str:
    """A key of its own; it stays when the words change, so that answers keep their meaning."""
    plain = slugify(label)[:36].replace("-", "_").removeprefix("lc_").strip("_") or "field"
    taken = {key_of(question) for question in questions}
    key, number = plain, 2
    while key in taken:
        key, number = f"{plain}_{number}", number + 1
    return key


def moved(questions: List, key: str, to: int) -> List:
    question = find(questions, key)
    if question is None:
        return questions
    rest = [each for each in questions if key_of(each) != key]
    at = max(0, min(to, len(rest)))
    return [*rest[:at], dict(question), *rest[at:]]


def place_of(questions: Questions, key: str) -> int:
    return next((n for n, question in enumerate(questions) if key_of(question) == key), -1)


# ---- what is wrong ----


def problems_of(questions: Questions) -> list[FieldError]:
    """Why these cannot be published, each beside the key of its question."""
    if not any(kind_of(question).key not in {"hidden"} for question in asked(questions)):
        return [FieldError("fields", "A form asks at least one question. Add a field.", "required")]
    if len(questions) > MAX_QUESTIONS:
        return [FieldError("fields", f"A form may ask {MAX_QUESTIONS} questions.", "too_many")]
    before: list[str] = []
    found: list[FieldError] = []
    for question in questions:
        words = next((w for check in CHECKS if (w := check(question, before))), "")
        if words:
            found.append(FieldError(key_of(question), words, "question"))
        before.append(key_of(question))
    return found


def _needs_words(question: Question, before: Sequence[str]) -> str:
    nameless = not str(question.get("label") or "").strip()
    return "Every question needs its words." if nameless else ""


def _needs_options(question: Question, before: Sequence[str]) -> str:
    bare = question.get("type") in WITH_OPTIONS and not question.get("options")
    return f"Write the options of “{question.get('label')}”, one a line." if bare else ""


def _looks_back(question: Question, before: Sequence[str]) -> str:
    when = question.get("when")
    if not isinstance(when, Mapping) or not when.get("field") or when["field"] in before:
        return ""
    return f"“{question.get('label')}” waits for a question that does not stand before it."


Check = Callable[[Question, Sequence[str]], str]
CHECKS: tuple[Check, ...] = (_needs_words, _needs_options, _looks_back)

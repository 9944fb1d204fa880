"""Surveys written by programs: JSON becomes a `Content`, or each mistake is named."""

from collections.abc import Mapping
from typing import Any

from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from scoring.frameworks import NAME
from scoring.surveys.content import (
    KINDS,
    LAYOUTS,
    LEVELS,
    MAX_ENDINGS,
    MAX_OPTIONS,
    MAX_POINTS,
    MAX_QUESTIONS,
    Content,
    Ending,
    Question,
)

TEXTS = {"title": 120, "intro": 1000, "button": 40}
OF_QUESTION = {
    "label": 300,
    "help": 500,
    "maps_to": 60,
    "low": 60,
    "high": 60,
    "consent": 500,
    "go": 80,
}
OF_ENDING = {
    "name": 60,
    "title": 120,
    "text": 2000,
    "button_label": 40,
    "button_url": 500,
    "redirect": 500,
    "tag": 40,
    "category": 60,
}
FLAGS = ("required", "with_name", "with_company")


class _Reader:
    """Reads with a path, so that every mistake says where it is."""

    def __init__(self) -> None:
        self.mistakes: list[FieldError] = []

    def wrong(self, path: str, words: str) -> None:
        self.mistakes.append(FieldError(path, words, "invalid"))

    def texts(self, raw: Mapping[str, Any], limits: Mapping[str, int], path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, limit in limits.items():
            value = raw.get(name)
            if value in (None, ""):
                continue
            if not isinstance(value, str) or len(value) > limit:
                self.wrong(f"{path}{name}", f"Write text of at most {limit} characters.")
            else:
                found[name] = clean_text(value)
        return found

    def number(self, raw: Mapping[str, Any], name: str, path: str) -> Any:
        value = raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12:
            self.wrong(f"{path}{name}", "Write a number.")
            return None
        return value

    def rows(self, raw: Any, most: int, path: str) -> list[tuple[str, Mapping[str, Any]]]:
        if raw is None:
            return []
        if not isinstance(raw, list) or len(raw) > most:
            self.wrong(path, f"Send a list of at most {most}.")
            return []
        rows = [(f"{path}.{n}.", each) for n, each in enumerate(raw)]
        for where, each in rows:
            if not isinstance(each, Mapping):
                self.wrong(where.rstrip("."), "Send an object.")
        return [(where, each) for where, each in rows if isinstance(each, Mapping)]

    def key(self, raw: Mapping[str, Any], path: str, seen: set[str], name: str = "key") -> str:
        value = raw.get(name)
        if not isinstance(value, str) or not NAME.fullmatch(value) or value == "end":
            self.wrong(f"{path}{name}", "Small letters, digits and underscores, at most 30.")
            return ""
        if value in seen:
            self.wrong(f"{path}{name}", f"“{value}” stands there twice.")
        seen.add(value)
        return value


def read_content(raw: Any) -> Content:
    """:raises Invalid: with the path of each mistake."""
    reader = _Reader()
    if not isinstance(raw, Mapping):
        raise Invalid.field("content", "Send an object with title, questions and endings.")
    content = Content(title="")
    for name, text in reader.texts(raw, TEXTS, "content.").items():
        setattr(content, name, text)
    content.layout = raw.get("layout", "one")
    if content.layout not in [layout for layout, _ in LAYOUTS]:
        reader.wrong("content.layout", "Choose one or all.")
    content.progress = raw.get("progress", True) is not False
    seen: set[str] = set()
    rows = reader.rows(raw.get("questions"), MAX_QUESTIONS, "content.questions")
    content.questions = [_question(reader, each, where, seen) for where, each in rows]
    seen = set()
    rows = reader.rows(raw.get("endings"), MAX_ENDINGS, "content.endings")
    content.endings = [_ending(reader, each, where, seen) for where, each in rows]
    if reader.mistakes:
        raise Invalid(reader.mistakes[0].message, errors=reader.mistakes)
    return content


def _question(reader: _Reader, raw: Mapping[str, Any], path: str, seen: set[str]) -> Question:
    question: Question = {"key": reader.key(raw, path, seen)}
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        reader.wrong(f"{path}type", f"Choose one of: {', '.join(KINDS)}.")
        kind = "text"
    question |= {"type": kind, "label": "", **reader.texts(raw, OF_QUESTION, path)}
    question |= {name: True for name in FLAGS if raw.get(name) is True}
    for name in ("min", "max"):
        if (number := reader.number(raw, name, path)) is not None:
            question[name] = number
    if KINDS[kind].optioned:
        question["options"] = _options(reader, raw.get("options"), f"{path}options")
    if KINDS[kind].ranged and raw.get("ranges"):
        rows = reader.rows(raw["ranges"], MAX_OPTIONS, f"{path}ranges")
        question["ranges"] = [
            {name: reader.number(each, name, where) for name in ("from", "to")}
            | _worth(reader, each, where)
            for where, each in rows
        ]
    return question


def _options(reader: _Reader, raw: Any, path: str) -> list[dict[str, Any]]:
    seen: set[str] = set()
    found = []
    for where, each in reader.rows(raw, MAX_OPTIONS, path):
        value = reader.key(each, where, seen, "value")
        label = reader.texts(each, {"label": 200}, where).get("label", value)
        found.append({"value": value, "label": label} | _worth(reader, each, where))
    return found


def _worth(reader: _Reader, raw: Mapping[str, Any], path: str) -> dict[str, Any]:
    points = reader.number(raw, "points", path) or 0
    if abs(points) > MAX_POINTS or points != int(points):
        reader.wrong(f"{path}points", f"Points are whole numbers up to {MAX_POINTS}.")
        points = 0
    found: dict[str, Any] = {
        "points": int(points),
        **reader.texts(raw, {"go": 80, "tag": 40}, path),
    }
    level = raw.get("level")
    if level not in (None, "") and level not in LEVELS:
        reader.wrong(f"{path}level", f"A level is one of {', '.join(LEVELS)}.")
    elif level:
        found["level"] = level
    return found


def _ending(reader: _Reader, raw: Mapping[str, Any], path: str, seen: set[str]) -> Ending:
    ending: Ending = {"key": reader.key(raw, path, seen), "name": ""}
    ending |= reader.texts(raw, OF_ENDING, path)
    number = reader.number(raw, "from_points", path)
    ending["from_points"] = None if number is None else int(number)
    return ending

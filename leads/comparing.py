"""What is different between two versions of a form, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from leads import questions
from leads.drafting import Content

TEXTS = {
    "title": "Title",
    "intro": "Intro",
    "submit_label": "Button",
    "consent_text": "Consent",
    "thank_you": "Thanks",
    "redirect_url": "Then go to",
}
PARTS = {
    "label": "words",
    "type": "kind",
    "maps_to": "where it is saved",
    "options": "options",
    "help": "hint",
    "placeholder": "example",
    "default": "value to begin with",
    "when": "condition",
    "skip_known": "skipping",
    "purpose": "what it allows",
    "param": "name in the address",
}
SETTINGS = {
    "theme": "Colours",
    "confirm": "Confirming by e-mail",
    "confirm_days": "Days to confirm",
    "asset": "What is given in return",
    "max_asked": "Questions at once",
    "thank_you_title": "Heading of the thanks",
    "keep": "What is typed and not sent",
    "keep_days": "Days to keep it",
    "keep_words": "Words that tell of it",
}


def differences(old: Content, new: Content) -> list[str]:
    """In reading order; nothing when they are alike."""
    return [*_texts(old, new), *_questions(old.fields, new.fields), *_settings(old, new)]


def _texts(old: Content, new: Content) -> Iterator[str]:
    for name, label in TEXTS.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{label}: {_quoted(before)} became {_quoted(after)}"


def _quoted(text: str) -> str:
    short = text if len(text) <= 60 else f"{text[:59]}…"
    return f"“{short}”" if short else "nothing"


def _questions(old: questions.Questions, new: questions.Questions) -> Iterator[str]:
    before = {questions.key_of(question): question for question in old}
    after = {questions.key_of(question): question for question in new}
    for key, question in after.items():
        if key not in before:
            yield f"Added {_quoted(str(question.get('label')))}"
        else:
            yield from _changes(before[key], question)
    for key in before.keys() - after.keys():
        yield f"Removed {_quoted(str(before[key].get('label')))}"
    stayed = [key for key in after if key in before]
    if stayed != [key for key in before if key in after]:
        yield "The order changed"


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    name = _quoted(str(old.get("label")))
    if bool(old.get("required")) != bool(new.get("required")):
        yield f"{name} is {'required' if new.get('required') else 'optional'} now"
    if old.get("label") != new.get("label"):
        yield f"{name} became {_quoted(str(new.get('label')))}"
    parts = [
        words
        for part, words in PARTS.items()
        if part != "label" and (old.get(part) or None) != (new.get(part) or None)
    ]
    if parts:
        yield f"{name}: {', '.join(parts)} changed"


def _settings(old: Content, new: Content) -> Iterator[str]:
    for name, label in SETTINGS.items():
        if (old.settings.get(name) or None) != (new.settings.get(name) or None):
            yield f"{label} changed"

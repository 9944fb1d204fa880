"""A hosted form as Django fields: for rendering, and for asking again when an answer is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date

from leadcrm.lib import normalise
from leads import questions
from leads.capture.envelopes import CONSENT_FIELD
from leads.capture.mapping import text_of
from leads.models import FormVersion

AUTOCOMPLETE = {
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "phone": "tel",
    "company_name": "organization",
    "job_title": "organization-title",
    "website": "url",
    "country": "country-name",
    "city": "address-level2",
}
INPUTS: dict[str, type[forms.Widget]] = {
    "email": forms.EmailInput,
    "textarea": forms.Textarea,
    "select": forms.Select,
    "radio": forms.RadioSelect,
    "yes_no": forms.RadioSelect,
    "checkboxes": forms.CheckboxSelectMultiple,
    "checkbox": forms.CheckboxInput,
    "consent": forms.CheckboxInput,
    "hidden": forms.HiddenInput,
}
MODES = {"tel": "tel", "number": "decimal", "url": "url"}
TICKED = ("checkbox", "consent")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the page: a heading, or a field that may wait for another answer."""

    question: Mapping[str, Any]
    bound: forms.BoundField | None = None

    @property
    def key(self) -> str:
        return questions.key_of(self.question)

    @property
    def when(self) -> Mapping[str, Any]:
        when = self.question.get("when")
        return when if isinstance(when, Mapping) and when.get("field") else {}

    @property
    def is_short(self) -> bool:
        return isinstance(self.bound and self.bound.field, ShortField) and not self.when


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a form."""

    title: str
    rows: list[list[Item]] = field(default_factory=list)


class PublicForm(forms.Form):
    """Only what is missing, or cannot be what was asked for, is sent back to the visitor.

    :param only: the keys that this visitor is asked; None: all.
    """

    def __init__(
        self,
        version: FormVersion,
        answers: Mapping[str, Any] | None = None,
        *,
        prefilled: Mapping[str, str] | None = None,
        only: set[str] | None = None,
    ) -> None:
        data = None if answers is None else {k: _as_posted(v) for k, v in answers.items()}
        first = {**defaults_of(version), **(prefilled or {})}
        super().__init__(data, initial=first, use_required_attribute=False)
        self.version = version
        self.questions = [
            question
            for question in version.fields
            if only is None or not questions.kind_of(question).asks or question.get("key") in only
        ]
        shown = None if answers is None else questions.shown(version.fields, answers)
        for question in questions.asked(self.questions):
            key = questions.key_of(question)
            self.fields[key] = _field(question, is_shown=shown is None or key in shown)
        if version.consent_text:
            self.fields[CONSENT_FIELD] = forms.BooleanField(
                label=version.consent_text, required=False
            )

    @property
    def pages(self) -> list[Page]:
        return [
            Page(step.title, list(_paired(self._items(step))))
            for step in questions.steps_of(self.questions)
        ]

    def _items(self, step: questions.Step) -> Iterator[Item]:
        for question in step.questions:
            if not questions.kind_of(question).asks:
                yield Item(question)
            elif question.get("type") != "hidden":
                yield Item(question, self[questions.key_of(question)])

    @property
    def consent(self) -> forms.BoundField | None:
        return self[CONSENT_FIELD] if CONSENT_FIELD in self.fields else None

    @property
    def wrong(self) -> list[forms.BoundField]:
        """In reading order, for the summary."""
        return [bound for bound in self if bound.errors]


def _paired(items: Iterator[Item]) -> Iterator[list[Item]]:
    """In reading order; two short fields side by side."""
    waiting: Item | None = None
    for item in items:
        if waiting and item.is_short:
            yield [waiting, item]
            waiting = None
            continue
        if waiting:
            yield [waiting]
        waiting = item if item.is_short else None
        if not waiting:
            yield [item]
    if waiting:
        yield [waiting]


def _as_posted(value: Any) -> Any:
    return [text_of(each) for each in value] if isinstance(value, list) else text_of(value)


def defaults_of(version: FormVersion) -> dict[str, Any]:
    """What a field holds before anybody typed; nobody's consent is ticked beforehand."""
    return {
        questions.key_of(question): question["default"]
        for question in questions.asked(version.fields)
        if question.get("default") and question.get("type") not in TICKED
    }


class AnswerField(forms.CharField):
    """Any text; what it means is judged after it is stored."""

    def to_python(self, value: Any) -> str:
        # A name that was posted twice: what stands last is what the visitor saw last.
        last = value[-1] if isinstance(value, list) and value else value
        return str(super().to_python(last) or "")


class ShortField(AnswerField):
    pass


class AddressField(ShortField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and normalise.email(text) is None:
            raise ValidationError(cure_of_address(text), "invalid_email")
        return text


class NumberField(ShortField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not any(character.isdigit() for character in text):
            raise ValidationError("Write a number, such as 40.", "invalid_number")
        return text


class DateField(ShortField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and _day(text) is None:
            raise ValidationError("Write the day as in 2026-11-30.", "invalid_date")
        return text


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None


class WebField(ShortField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and ("." not in text or " " in text):
            raise ValidationError("Write an address such as www.company.com.", "invalid_url")
        return text


class SeveralField(forms.Field):
    """Any number of choices; one that is not offered any more still says something."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        chosen = [text for text in values if text]
        if self.required and not chosen:
            raise ValidationError(self.error_messages["required"], "required")
        return chosen


class TickField(forms.BooleanField):
    pass


def cure_of_address(text: str) -> str:
    """What to type instead: “Add the part after “scheldt”, such as .com.”"""
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return "Write the whole address, such as name@company.com."
    if local and domain and "." not in domain:
        return f"Add the part after “{domain}”, such as .com."
    return f"“{text[:60]}” is not an e-mail address. It looks like name@company.com."


CLASSES: dict[str, type[forms.Field]] = {
    "email": AddressField,
    "number": NumberField,
    "date": DateField,
    "url": WebField,
    "checkboxes": SeveralField,
    "checkbox": TickField,
    "consent": TickField,
}


def _field(question: Mapping[str, Any], *, is_shown: bool) -> forms.Field:
    type_ = questions.kind_of(question).key
    kind = CLASSES.get(type_, ShortField if type_ in questions.ONE_LINE else AnswerField)
    field = kind(
        label=str(question.get("label") or question.get("key")),
        required=bool(question.get("required")) and is_shown and type_ != "hidden",
        widget=_widget(question, type_),
        help_text=str(question.get("help") or ""),
    )
    field.error_messages["required"] = _missing(type_)
    if not is_shown:
        field.clean = lambda value: value  # type: ignore[method-assign]
    return field


def _missing(type_: str) -> str:
    if type_ in TICKED:
        return "Tick the box to go on."
    chosen = type_ in questions.WITH_OPTIONS or type_ == "yes_no"
    return "Choose one." if chosen else "Please fill this in."


def _widget(question: Mapping[str, Any], type_: str) -> forms.Widget:
    widget = INPUTS.get(type_, forms.TextInput)()
    if isinstance(widget, (forms.Select, forms.RadioSelect)):
        blank = [("", "Choose one")] if type_ == "select" else []
        widget.choices = [*blank, *questions.choices_of(question)]
    if isinstance(widget, forms.Textarea):
        widget.attrs["rows"] = 3
    if type_ == "date":
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    widget.attrs |= _attributes(question, type_)
    return widget


def _attributes(question: Mapping[str, Any], type_: str) -> dict[str, str]:
    found = {
        "autocomplete": AUTOCOMPLETE.get(str(question.get("maps_to")), ""),
        "inputmode": MODES.get(type_, ""),
        "placeholder": str(question.get("placeholder") or ""),
        "aria-required": "true" if question.get("required") and type_ != "hidden" else "",
    }
    return {name: value for name, value in found.items() if value}

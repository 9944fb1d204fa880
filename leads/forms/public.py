"""A hosted form as Django fields: for rendering, and for asking again when an answer is missing."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib import normalise
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
ONE_LINE = frozenset({"text", "email", "tel", "url", "number"})
INPUTS: dict[str, type[forms.Widget]] = {
    "email": forms.EmailInput,
    "textarea": forms.Textarea,
    "select": forms.Select,
    "radio": forms.RadioSelect,
    "checkbox": forms.CheckboxInput,
    "hidden": forms.HiddenInput,
}
MODES = {"tel": "tel", "number": "numeric", "url": "url"}


class PublicForm(forms.Form):
    """Only what is missing, or an address that cannot be one, is sent back to the visitor."""

    def __init__(
        self,
        version: FormVersion,
        answers: Mapping[str, Any] | None = None,
        *,
        prefilled: Mapping[str, str] | None = None,
    ) -> None:
        data = None if answers is None else {k: text_of(v) for k, v in answers.items()}
        super().__init__(data, initial=dict(prefilled or {}), use_required_attribute=False)
        self.version = version
        for question in version.fields:
            self.fields[str(question.get("key"))] = _field(question)
        if version.consent_text:
            self.fields[CONSENT_FIELD] = forms.BooleanField(
                label=version.consent_text, required=False
            )

    @property
    def rows(self) -> Iterator[list[forms.BoundField]]:
        """Fields in reading order; two short ones side by side."""
        waiting: forms.BoundField | None = None
        for bound in self.visible_fields():
            if not isinstance(bound.field, ShortField):
                yield from ([waiting],) if waiting else ()
                waiting = None
                yield [bound]
            elif waiting:
                yield [waiting, bound]
                waiting = None
            else:
                waiting = bound
        if waiting:
            yield [waiting]


class AnswerField(forms.CharField):
    """Any text; what it means is judged after it is stored."""


class ShortField(AnswerField):
    pass


class AddressField(ShortField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and normalise.email(text) is None:
            raise ValidationError(cure_of_address(text), "invalid_email")
        return text


def cure_of_address(text: str) -> str:
    """What to type instead: “Add the part after “scheldt”, such as .com.”"""
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return "Write the whole address, such as name@company.com."
    if local and domain and "." not in domain:
        return f"Add the part after “{domain}”, such as .com."
    return f"“{text[:60]}” is not an e-mail address. It looks like name@company.com."


def _field(question: Mapping[str, Any]) -> forms.Field:
    type_ = str(question.get("type") or "text")
    label = str(question.get("label") or question.get("key"))
    required = bool(question.get("required")) and type_ != "hidden"
    widget = _widget(question, type_)
    help_text = str(question.get("help") or "")
    if type_ == "checkbox":
        field: forms.Field = forms.BooleanField(
            label=label, required=required, widget=widget, help_text=help_text
        )
    else:
        kind = AddressField if type_ == "email" else AnswerField
        kind = ShortField if type_ in ONE_LINE and type_ != "email" else kind
        field = kind(label=label, required=required, widget=widget, help_text=help_text)
    chosen = type_ in {"select", "radio"}
    field.error_messages["required"] = "Choose one." if chosen else "Please fill this in."
    return field


def _widget(question: Mapping[str, Any], type_: str) -> forms.Widget:
    widget = INPUTS.get(type_, forms.TextInput)()
    if isinstance(widget, (forms.Select, forms.RadioSelect)):
        choices = [choice_of(option) for option in question.get("options") or []]
        blank = [("", "Choose one")] if type_ == "select" else []
        widget.choices = [*blank, *choices]
    if isinstance(widget, forms.Textarea):
        widget.attrs["rows"] = 3
    if complete := AUTOCOMPLETE.get(str(question.get("maps_to"))):
        widget.attrs["autocomplete"] = complete
    if mode := MODES.get(type_):
        widget.attrs["inputmode"] = mode
    if question.get("required"):
        widget.attrs["aria-required"] = "true"
    return widget


def choice_of(option: Any) -> tuple[str, str]:
    if isinstance(option, Mapping):
        value = str(option.get("value") or option.get("label") or "")
        return value, str(option.get("label") or value)
    return str(option), str(option)

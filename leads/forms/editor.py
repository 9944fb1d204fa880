"""The form editor: what a form says, and one small form for each question."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from leads.actions.forms import Content
from leads.capture.mapping import DIMENSIONS, LEVELS
from leads.models import Form, FormVersion

TYPES = [
    ("text", "One line"),
    ("email", "E-mail"),
    ("tel", "Phone"),
    ("textarea", "Several lines"),
    ("select", "Choose from a list"),
    ("radio", "Choose one"),
    ("checkbox", "Tick box"),
    ("number", "Number"),
    ("url", "Web address"),
    ("hidden", "Hidden"),
]
ICONS = {
    "text": "type",
    "email": "at-sign",
    "tel": "phone",
    "textarea": "text",
    "select": "chevrons-up-down",
    "radio": "circle-dot",
    "checkbox": "square-check",
    "number": "hash",
    "url": "link",
    "hidden": "eye-off",
}
TARGETS = [
    ("", "The inquiry only"),
    ("name", "Full name"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("company_name", "Company"),
    ("company_size", "Company, staff"),
    ("job_title", "Job title"),
    ("industry", "Industry"),
    ("website", "Website"),
    ("country", "Country"),
    ("region", "Region"),
    ("city", "City"),
    ("language", "Language"),
    ("message", "Message"),
    *((f"bant.{dimension}", f"BANT: {dimension}") for dimension in DIMENSIONS),
    ("custom", "A field of its own"),
]
ROWS = "field"
HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


class NewFormForm(forms.Form):
    name = forms.CharField(max_length=80)
    slug = forms.SlugField(
        max_length=60, required=False, label="Address", help_text="Of /f/…/. Empty: from the name."
    )
    kind = forms.ChoiceField(choices=Form.Kind, label="It is a")


class ContentForm(forms.Form):
    name = forms.CharField(max_length=80, label="Name for you")
    kind = forms.ChoiceField(choices=Form.Kind, label="It is a")
    title = forms.CharField(max_length=120)
    intro = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    consent_text = forms.CharField(
        required=False,
        label="Words beside the consent box",
        help_text="Empty: no box. Kept with every consent exactly as shown.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    submit_label = forms.CharField(max_length=40, label="Button")
    thank_you = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))
    redirect_url = forms.CharField(
        max_length=300,
        required=False,
        label="Then go to",
        help_text="A page of yours, such as https://example.com/thanks. Empty: the words above.",
    )
    allowed_origins = forms.CharField(
        required=False,
        label="Sites that may show it in a frame",
        help_text="One a line, such as https://example.com.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def clean_redirect_url(self) -> str:
        url = str(self.cleaned_data["redirect_url"])
        if url and not is_web_address(url):
            raise ValidationError("Write the whole address, beginning with https://.")
        return url

    def clean_allowed_origins(self) -> list[str]:
        lines = str(self.cleaned_data["allowed_origins"]).split()
        origins = [line.rstrip("/").lower() for line in lines]
        wrong = next((each for each in origins if not is_origin(each)), None)
        if wrong:
            raise ValidationError(f"“{wrong}” is not a site. It looks like https://example.com.")
        return origins


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # Its host ends in a header, so it must not carry what separates things there.
    return parts.scheme in {"http", "https"} and bool(HOST.fullmatch(parts.netloc))


def is_origin(url: str) -> bool:
    parts = urlsplit(url) if is_web_address(url) else None
    return parts is not None and not (parts.path or parts.query or parts.fragment)


class QuestionForm(forms.Form):
    key = forms.SlugField(max_length=40, required=False, widget=forms.HiddenInput)
    label = forms.CharField(max_length=120, label="Question")
    type = forms.ChoiceField(choices=TYPES, label="Kind")
    maps_to = forms.ChoiceField(choices=TARGETS, required=False, label="Saves to")
    required = forms.BooleanField(required=False)
    options = forms.CharField(
        required=False,
        label="Options",
        help_text=f"One a line; for BANT with a level: “This month | yes” ({', '.join(LEVELS)}).",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    help = forms.CharField(max_length=200, required=False, label="Hint")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("type") in {"select", "radio"} and not cleaned.get("options", "").strip():
            self.add_error("options", "Write the options, one a line.")
        return cleaned

    @property
    def question(self) -> dict[str, Any]:
        cleaned = {name: value for name, value in self.cleaned_data.items() if value}
        cleaned["options"] = options_of(self.cleaned_data["options"])
        return {"maps_to": "", **cleaned, "required": self.cleaned_data["required"]}


QuestionSet = forms.formset_factory(QuestionForm, extra=0, max_num=60, absolute_max=200)


def options_of(text: str) -> list[Any]:
    options: list[Any] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        label, bar, level = (part.strip() for part in line.rpartition("|"))
        if bar and level.lower() in LEVELS:
            options.append({"value": label, "label": label, "level": level.lower()})
        else:
            options.append(line)
    return options


def lines_of(options: list[Any]) -> str:
    return "\n".join(
        f"{option.get('label') or option.get('value')} | {option['level']}"
        if isinstance(option, dict) and option.get("level")
        else str(option.get("label") if isinstance(option, dict) else option)
        for option in options
    )


def rows_of(version: FormVersion) -> list[dict[str, Any]]:
    """What the editor starts from."""
    return [
        {
            **question,
            "maps_to": "custom"
            if str(question.get("maps_to", "")).startswith("custom.")
            else question.get("maps_to", ""),
            "options": lines_of(question.get("options") or []),
        }
        for question in version.fields
    ]


def posted_rows(data: QueryDict) -> list[dict[str, Any]]:
    """What the editor holds now, right or wrong."""
    count = data.get(f"{ROWS}-TOTAL_FORMS", "0")
    names = QuestionForm.base_fields
    return [
        {name: data.get(f"{ROWS}-{index}-{name}", "") for name in names}
        for index in range(min(int(count), 200) if count.isdecimal() else 0)
    ]


def rearranged(rows: list[dict[str, Any]], do: str) -> list[dict[str, Any]]:
    """The rows after a button: `add`, `remove:2`, `up:2`, `down:2`."""
    what, _, which = do.partition(":")
    at = int(which) if which.isdecimal() else -1
    rows = list(rows)
    if what == "add":
        return [*rows, {"type": "text"}]
    if not 0 <= at < len(rows):
        return rows
    row = rows.pop(at)
    if what == "remove":
        return rows
    rows.insert(max(at - 1, 0) if what == "up" else at + 1, row)
    return rows


def content_of(form: ContentForm, questions: list[dict[str, Any]]) -> Content:
    kept = {
        name: form.cleaned_data[name] for name in Content.__dataclass_fields__ if name != "fields"
    }
    return Content(fields=questions, **kept)

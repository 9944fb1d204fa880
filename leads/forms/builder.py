"""The panes of the form builder: one question, the words, the look, and what follows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from leads import criteria, questions, themes
from leads.capture.mapping import LEVELS
from leads.drafting import Content
from leads.fields import definitions
from leads.models import Asset, Consent, Form

HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)
CONTACT = [
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
]
KIND_CHOICES = [(kind.key, kind.label) for kind in questions.KINDS.values()]
ASKS = [choice for choice in KIND_CHOICES if questions.KINDS[choice[0]].asks]


def targets(chosen: str = "") -> list[Any]:
    """Where an answer may go, in groups; what a question has chosen stays, whatever it is."""
    own = [(each.name, each.label) for each in definitions()]
    name = criteria.framework_name()
    groups: list[Any] = [
        ("", "The inquiry only"),
        ("The person", CONTACT),
        ("The inquiry", [("message", "Message"), ("tag", "A tag for each answer")]),
        (name, [(f"bant.{key}", f"{name}: {label.lower()}") for key, label in criteria.offered()]),
    ]
    known = {key for _, rows in groups[1:] for key, _ in rows} | {key for key, _ in own} | {""}
    if chosen not in known:
        own.append((chosen, chosen.removeprefix("custom.").replace("_", " ").capitalize()))
    return [*groups, ("Custom fields", own)] if own else groups


class NewFormForm(forms.Form):
    name = forms.CharField(max_length=80)
    slug = forms.SlugField(
        max_length=60, required=False, label="Address", help_text="Of /f/…/. Empty: from the name."
    )
    kind = forms.ChoiceField(choices=Form.Kind, label="It is a")


class QuestionForm(forms.Form):
    """One question; which of the fields there are depends on its kind."""

    label = forms.CharField(max_length=300, required=False, label="Question")
    type = forms.ChoiceField(choices=ASKS, label="Kind")
    maps_to = forms.ChoiceField(required=False, label="Saves to")
    purpose = forms.ChoiceField(choices=Consent.Purpose, label="Allows")
    options = forms.CharField(
        required=False,
        label="Options",
        help_text=f"One a line; for BANT with a level: “This month | yes” ({', '.join(LEVELS)}).",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    required = forms.BooleanField(required=False)
    skip_known = forms.BooleanField(required=False, label="Skip if we already know it")
    help = forms.CharField(max_length=200, required=False, label="Hint below the field")
    placeholder = forms.CharField(max_length=80, required=False, label="Example inside the field")
    default = forms.CharField(max_length=200, required=False, label="Value to begin with")
    param = forms.CharField(
        max_length=40,
        required=False,
        label="Take from the address",
        help_text="The name in the page’s address, such as “ref” of ?ref=partner.",
    )
    when_field = forms.ChoiceField(required=False, label="Show only when")
    when_op = forms.ChoiceField(
        choices=list(questions.OPERATORS.items()), required=False, label="Its answer"
    )
    when_value = forms.CharField(max_length=100, required=False, label="Value")

    def __init__(
        self, data: Any = None, *, question: questions.Question, before: questions.Questions
    ) -> None:
        super().__init__(data, initial=initial_of(question), prefix="q")
        self.question = question
        kind = questions.kind_of(question)
        _choices(self.fields["maps_to"], targets(str(question.get("maps_to") or "")))
        earlier = [
            (questions.key_of(each), str(each.get("label")))
            for each in questions.asked(before)
            if each.get("type") != "hidden"
        ]
        _choices(self.fields["when_field"], [("", "Always"), *earlier])
        self._leave(kind.key, earlier)
        if kind.key == "consent":
            self.fields["label"].label = "Words beside the box"
            self.fields["label"].widget = forms.Textarea(attrs={"rows": 3})
        elif not kind.asks:
            self.fields["label"].label = "Heading" if kind.key == "heading" else "Name of the step"

    def _leave(self, kind: str, earlier: Sequence[Any]) -> None:
        wanted = {"label", *FIELDS.get(kind, USUAL)}
        if earlier and kind not in {"hidden", "page"}:
            wanted |= {"when_field", "when_op", "when_value"}
        for name in list(self.fields):
            if name not in wanted:
                del self.fields[name]

    @property
    def plain(self) -> list[forms.BoundField]:
        return [bound for bound in self if not bound.name.startswith("when_")]

    @property
    def condition(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name.startswith("when_")]

    def changed_question(self) -> dict[str, Any]:
        """The question as it is now; what this kind has no field for is dropped."""
        cleaned = dict(self.cleaned_data)
        when = {name: cleaned.pop(f"when_{name}", "") for name in ("field", "op", "value")}
        found = {
            "key": questions.key_of(self.question),
            "type": cleaned.pop("type", self.question.get("type")),
            "label": cleaned.pop("label", ""),
            "maps_to": cleaned.pop("maps_to", ""),
            "required": bool(cleaned.pop("required", False)),
        }
        if "options" in cleaned:
            found["options"] = kept_values(
                questions.options_of(cleaned.pop("options")), self.question
            )
        if when["field"]:
            found["when"] = {**when, "op": when["op"] or "is"}
        return {**found, **{name: value for name, value in cleaned.items() if value}}


USUAL = ("type", "maps_to", "required", "skip_known", "help", "placeholder", "default")
CHOSEN = ("type", "maps_to", "options", "required", "skip_known", "help", "default")
FIELDS: dict[str, Sequence[str]] = {
    "select": CHOSEN,
    "radio": CHOSEN,
    "checkboxes": ("type", "maps_to", "options", "required", "skip_known", "help"),
    "yes_no": ("type", "maps_to", "required", "skip_known", "help", "default"),
    "checkbox": ("type", "maps_to", "required", "help"),
    "date": ("type", "maps_to", "required", "skip_known", "help"),
    "consent": ("type", "purpose", "required", "help"),
    "hidden": ("type", "maps_to", "default", "param"),
    "heading": ("help",),
    "page": (),
}


def _choices(field: forms.Field, choices: Sequence[Any]) -> None:
    field.choices = choices  # type: ignore[attr-defined]


def kept_values(options: Sequence[Any], question: Mapping[str, Any]) -> list[Any]:
    """Options of a custom field are stored by their keys: the words are what people edit."""
    before = {
        str(option["label"]): option
        for option in question.get("options") or []
        if isinstance(option, Mapping) and option.get("value") != option.get("label")
    }
    return [before.get(option, option) if isinstance(option, str) else option for option in options]


def initial_of(question: questions.Question) -> dict[str, Any]:
    when = question.get("when") if isinstance(question.get("when"), Mapping) else {}
    return {
        **question,
        "options": questions.lines_of(question.get("options") or []),
        **{f"when_{name}": value for name, value in (when or {}).items()},
    }


class WordsForm(forms.Form):
    title = forms.CharField(max_length=120, required=False)
    intro = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    submit_label = forms.CharField(max_length=40, required=False, label="Button")
    consent_text = forms.CharField(
        required=False,
        label="Words beside the consent box",
        help_text="Empty: no box. Kept with every consent exactly as shown.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    thank_you_title = forms.CharField(max_length=120, required=False, label="Thanks, heading")
    thank_you = forms.CharField(
        required=False,
        label="Thanks, text",
        help_text="{first_name|there} becomes what was typed, or “there”.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    redirect_url = forms.CharField(
        max_length=300,
        required=False,
        label="Then go to",
        help_text="A page of one of the form’s sites. Empty: the thanks above.",
    )

    def __init__(self, data: Any = None, *, content: Content) -> None:
        names = ("title", "intro", "submit_label", "consent_text", "thank_you", "redirect_url")
        first = {name: getattr(content, name) for name in names}
        first["thank_you_title"] = content.settings.get("thank_you_title", "")
        super().__init__(data, initial=first, prefix="w")

    def clean_redirect_url(self) -> str:
        url = str(self.cleaned_data["redirect_url"])
        if url and not is_web_address(url):
            raise ValidationError("Write the whole address, beginning with https://.")
        return url


class LookForm(forms.Form):
    on = forms.BooleanField(required=False, label="Colours of our own")
    accent = forms.CharField(label="Buttons and links")
    page = forms.CharField(label="Page")
    card = forms.CharField(label="Card")
    text = forms.CharField(label="Text")
    corners = forms.ChoiceField(
        choices=[("square", "Square"), ("soft", "Soft"), ("round", "Round")]
    )

    def __init__(self, data: Any = None, *, content: Content) -> None:
        first = {**themes.DEFAULTS, **(content.settings.get("theme") or {})}
        super().__init__(data, initial=first, prefix="l")
        for name in ("accent", "page", "card", "text"):
            self.fields[name].widget = forms.TextInput(attrs={"type": "color"})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        theme = themes.theme_of(cleaned) if cleaned.get("on") else None
        for name, words in themes.problems_of(theme).items() if theme else ():
            self.add_error(name, words)
        return cleaned


class AfterForm(forms.Form):
    confirm = forms.ChoiceField(
        required=False,
        label="Confirm the address by e-mail",
        choices=[
            ("", "No"),
            ("consent", "Before consent counts; the lead comes at once"),
            ("lead", "Before there is a lead at all"),
        ],
    )
    confirm_days = forms.IntegerField(
        min_value=1, max_value=30, required=False, label="The link works for … days"
    )
    asset = forms.ChoiceField(required=False, label="Give in return")
    max_asked = forms.IntegerField(
        min_value=0,
        max_value=30,
        required=False,
        label="Ask at most … questions at once",
        help_text="Required ones always. 0 or empty: all. Links in mails skip what we know.",
    )
    keep = forms.ChoiceField(
        required=False,
        label="What is typed and not sent",
        choices=[
            ("", "Is not kept"),
            ("show", "Is kept to be looked at, and never makes a lead"),
            ("lead", "Makes a lead after an hour, with an address or a phone number"),
        ],
        help_text="Only after visitors named themselves, on a page that says so. Not at kiosks.",
    )
    keep_days = forms.IntegerField(
        min_value=1, max_value=90, required=False, label="Delete it after … days"
    )
    keep_words = forms.CharField(
        max_length=400,
        required=False,
        label="Words that tell of it",
        help_text="Empty: ours. They stand above the first question.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None, *, content: Content) -> None:
        first = {"confirm_days": 3, "keep_days": 14, **content.settings}
        super().__init__(data, initial=first, prefix="a")
        assets = Asset.objects.filter(archived_at=None).order_by("name", "pk")
        rows = [(str(each.pk), f"{each.name} ({each.get_kind_display()})") for each in assets]
        _choices(self.fields["asset"], [("", "Nothing"), *rows])

    @property
    def changed(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "confirm": cleaned["confirm"],
            "confirm_days": cleaned["confirm_days"] or 3,
            "asset": int(cleaned["asset"]) if cleaned["asset"] else None,
            "max_asked": cleaned["max_asked"] or 0,
            "keep": cleaned["keep"],
            "keep_days": cleaned["keep_days"] or 14,
            "keep_words": cleaned["keep_words"].strip(),
        }


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

"""What the panes of the builder, and the pages around it, take in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib.normalise import clean_text
from leads import criteria
from leads.fields import definitions
from scoring.models import Survey
from scoring.surveys import content as contents
from scoring.surveys.content import (
    FINISH,
    KINDS,
    LAYOUTS,
    LEVELS,
    MAX_OPTIONS,
    MAX_POINTS,
    Content,
    Ending,
    Question,
    kind_of,
    parts_of,
)

PERSON = [
    ("name", "Full name"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("phone", "Phone"),
    ("job_title", "Job title"),
    ("company_name", "Company"),
    ("website", "Website"),
    ("industry", "Industry"),
    ("company_size", "Staff"),
    ("country", "Country"),
    ("region", "Region"),
    ("city", "City"),
    ("language", "Language"),
]
LEVEL_CHOICES = [("", "Part of it"), *((level, level.capitalize()) for level in LEVELS)]
BLANK_ROWS = 2
ASKS = {"type", "help", "required", "maps_to", "go"}
FIELDS: dict[str, set[str]] = {
    "scale": ASKS | {"min", "max", "low", "high"},
    "nps": ASKS | {"low", "high"},
    "number": ASKS | {"min", "max"},
    "contact": {"help", "required", "with_name", "with_company", "consent", "go"},
    "words": {"help", "go"},
}


def _choices(field: forms.Field, choices: Sequence[Any]) -> None:
    field.choices = choices  # type: ignore[attr-defined]


def targets(chosen: str = "") -> list[Any]:
    """What an answer may fill, in groups; what was chosen stays, whatever it is."""
    own = [(each.name, each.label) for each in definitions()]
    asked = [(f"bant.{key}", label) for key, label in criteria.offered()]
    groups: list[Any] = [
        ("", "This survey only"),
        (criteria.framework_name(), asked),
        ("The lead", [*PERSON, ("tag", "A tag for each answer"), ("message", "Message")]),
        *([("Custom fields", own)] if own else []),
    ]
    known = {key for _, rows in groups[1:] for key, _ in rows} | {""}
    return groups if chosen in known else [*groups, (chosen, chosen)]


def goals(content: Content, question: Question) -> list[tuple[str, str]]:
    """Where an answer may lead: later questions, and endings."""
    later = content.questions[content.place(question["key"]) + 1 :]
    return [
        ("", "Next question"),
        *((each["key"], f"→ {_short(each['label'])}") for each in later),
        (FINISH, "→ The ending by points"),
        *((f"{FINISH}:{each['key']}", f"→ Ending “{each['name']}”") for each in content.endings),
    ]


def _short(label: Any) -> str:
    text = str(label or "…")
    return text if len(text) <= 40 else f"{text[:39]}…"


class QuestionForm(forms.Form):
    """One question; which of the fields there are depends on its kind. Options are rows beside."""

    label = forms.CharField(max_length=300, required=False, label="Question")
    type = forms.ChoiceField(
        choices=[(kind.key, kind.label) for kind in KINDS.values()], label="Kind"
    )
    help = forms.CharField(max_length=500, required=False, label="Hint")
    required = forms.BooleanField(required=False)
    maps_to = forms.ChoiceField(required=False, label="Saves to")
    min = forms.FloatField(required=False, label="From")
    max = forms.FloatField(required=False, label="To")
    low = forms.CharField(max_length=60, required=False, label="Words at the low end")
    high = forms.CharField(max_length=60, required=False, label="Words at the high end")
    with_name = forms.BooleanField(required=False, label="Ask the name")
    with_company = forms.BooleanField(required=False, label="Ask the company")
    consent = forms.CharField(
        max_length=500,
        required=False,
        label="Words beside a consent box",
        help_text="Empty: no box. Ticked, marketing e-mail is allowed, with these words as proof.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    go = forms.ChoiceField(required=False, label="Then")

    def __init__(self, data: Any = None, *, content: Content, question: Question) -> None:
        super().__init__(data, initial=question, prefix="q")
        self.question = question
        kind = kind_of(question).key
        _choices(self.fields["maps_to"], targets(str(question.get("maps_to") or "")))
        _choices(self.fields["go"], goals(content, question))
        kept = {"label", *FIELDS.get(kind, ASKS)}
        for name in list(self.fields):
            if name not in kept:
                del self.fields[name]
        self.goals = goals(content, question)
        self.rows = rows_of(question)
        if kind == "words":
            self.fields["label"].label, self.fields["help"].label = "Heading", "Text"
            self.fields["help"].widget = forms.Textarea(attrs={"rows": 4})

    @property
    def has_levels(self) -> bool:
        return str(self.question.get("maps_to") or "").startswith("bant.")

    @property
    def is_ranged(self) -> bool:
        return kind_of(self.question).ranged

    @property
    def levels(self) -> list[tuple[str, str]]:
        return LEVEL_CHOICES

    def changed(self) -> Question:
        """The question as it is now; what its kind has no field for is dropped."""
        cleaned = {
            name: value
            for name, value in self.cleaned_data.items()
            if value not in ("", None, False) or name == "label"
        }
        found: Question = {"key": self.question["key"], "type": self.question["type"], **cleaned}
        if kind_of(found).key == "scale":
            found = {"min": 1.0, "max": 5.0, **found}
        for name in ("min", "max"):
            if name in found:
                found[name] = int(found[name]) if found[name] == int(found[name]) else found[name]
        parts = parts_from(self.data, found, self.question)
        if kind_of(found).optioned:
            found["options"] = parts
        elif kind_of(found).ranged and parts:
            found["ranges"] = parts
        return found


def rows_of(question: Question) -> list[dict[str, Any]]:
    if not (kind_of(question).optioned or kind_of(question).ranged):
        return []
    rows = parts_of(question)
    blank = min(BLANK_ROWS, MAX_OPTIONS - len(rows))
    return [*rows, *({} for _ in range(max(blank, 0)))]


def parts_from(
    data: Mapping[str, Any], question: Question, before: Question
) -> list[dict[str, Any]]:
    """The rows of options or ranges; a row without words, or without a number, is none."""
    if not any(f"o-{n}-points" in data for n in range(MAX_OPTIONS)):
        return _kept(question, before)
    rows = [{name: str(data.get(f"o-{n}-{name}", "")) for name in ROW} for n in range(MAX_OPTIONS)]
    found: list[dict[str, Any]] = []
    for row in rows:
        part = _option(row, found) if kind_of(question).optioned else _range(row)
        if part is not None:
            found.append(part | _worth(row))
    return found


def _kept(question: Question, before: Question) -> list[dict[str, Any]]:
    """When only the kind was changed: the options stay if they still mean something."""
    if kind_of(before).optioned == kind_of(question).optioned and parts_of(before):
        return parts_of(before)
    fresh = contents.new_question(question["type"], [])
    return parts_of(fresh) if kind_of(question).optioned else []


ROW = ("value", "label", "from", "to", "points", "level", "go", "tag")


def _option(row: Mapping[str, str], others: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    label = clean_text(row["label"], limit=200)
    if not label:
        return None
    value = clean_text(row["value"], limit=40)
    taken = {each["value"] for each in others}
    if not value or value in taken:
        value = contents.free_key(label, others, "option")
    return {"value": value, "label": label}


def _range(row: Mapping[str, str]) -> dict[str, Any] | None:
    low, high = _number(row["from"]), _number(row["to"])
    return None if low is None and high is None else {"from": low, "to": high}


def _worth(row: Mapping[str, str]) -> dict[str, Any]:
    points = int(_number(row["points"]) or 0)
    found: dict[str, Any] = {"points": max(-MAX_POINTS, min(MAX_POINTS, points))}
    if row["level"] in LEVELS:
        found["level"] = row["level"]
    for name, limit in (("go", 80), ("tag", 40)):
        if text := clean_text(row[name], limit=limit):
            found[name] = text
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", ".").strip())
    except ValueError:
        return None
    if not abs(number) < 1e12:
        return None
    return int(number) if number == int(number) else number


class WordsForm(forms.Form):
    title = forms.CharField(max_length=120, required=False)
    intro = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    layout = forms.ChoiceField(choices=LAYOUTS)
    progress = forms.BooleanField(required=False, label="Show how far one is")
    button = forms.CharField(max_length=40, required=False, label="Last button")

    def __init__(self, data: Any = None, *, content: Content) -> None:
        first = {name: getattr(content, name) for name in self.base_fields}
        super().__init__(data, initial=first, prefix="w")


class EndingForm(forms.Form):
    name = forms.CharField(max_length=60, label="Result", help_text="As you call it: “Good fit”.")
    from_points = forms.IntegerField(
        required=False,
        label="From … points",
        help_text="Empty: when no other ending is reached.",
        min_value=-100_000,
        max_value=100_000,
    )
    title = forms.CharField(max_length=120, required=False, label="Heading")
    text = forms.CharField(
        max_length=2000,
        required=False,
        help_text="{points}, {most} and {percent} become numbers.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    button_label = forms.CharField(max_length=40, required=False, label="Button")
    button_url = forms.CharField(max_length=500, required=False, label="Button leads to")
    redirect = forms.CharField(
        max_length=500, required=False, label="Or go there at once", help_text="Instead of a page."
    )
    tag = forms.CharField(max_length=40, required=False, label="Tag the lead")
    category = forms.CharField(max_length=60, required=False, label="Product category")

    def __init__(self, data: Any = None, *, ending: Ending) -> None:
        super().__init__(data, initial=ending, prefix="e")
        self.ending = ending

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("button_url", "redirect"):
            url = str(cleaned.get(name) or "")
            if url and not contents.is_link(url):
                self.add_error(name, "Write the whole address, beginning with https://.")
        return cleaned

    def changed(self) -> Ending:
        cleaned = self.cleaned_data
        found = {name: value for name, value in cleaned.items() if value not in ("", None)}
        return {"key": self.ending["key"], "from_points": cleaned["from_points"], **found}


class NewSurveyForm(forms.Form):
    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=Survey.Kind, label="It is a")
    slug = forms.SlugField(
        max_length=60, required=False, label="Address", help_text="Of /q/…/. Empty: from the name."
    )


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Survey
        fields = ["name", "closes_at", "link_days", "keep_days"]
        labels = {
            "closes_at": "Closes",
            "link_days": "Personal links work for … days",
            "keep_days": "Delete answers after … days",
        }
        help_texts = {
            "closes_at": "In UTC. Who has begun may finish.",
            "keep_days": "Empty: never. What became part of a lead stays with the lead.",
        }
        widgets = {
            "closes_at": forms.DateTimeInput(
                attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
            )
        }

    def clean_link_days(self) -> int:
        days = int(self.cleaned_data["link_days"])
        if not 1 <= days <= 730:
            raise ValidationError("Choose from 1 to 730 days.")
        return days

    def clean_keep_days(self) -> int | None:
        days = self.cleaned_data["keep_days"]
        if days is not None and days < 1:
            raise ValidationError("Keep them for at least a day, or leave this empty.")
        return days if days is None else int(days)

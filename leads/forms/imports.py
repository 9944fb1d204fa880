"""What somebody says about a file of leads."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

from leadcrm.accounts.models import User
from leads.countries import countries
from leads.importing import targets
from leads.importing.detecting import DELIMITERS, ENCODINGS
from leads.importing.options import Dates, Existing, Options, Owner
from leads.models import Consent, ImportJob, Source

MOST_DEFAULTS = 3


def sources() -> list[tuple[str, str]]:
    rows = Source.objects.filter(is_active=True).order_by("name")
    return [(str(key), name) for key, name in rows.values_list("pk", "name")]


def colleagues() -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True).order_by("name")
    return [
        ("", "Choose somebody"),
        *((str(pk), name) for pk, name in people.values_list("pk", "name")),
    ]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_IMPORT_BYTES:
            most = filesizeformat(settings.MAX_IMPORT_BYTES)
            raise forms.ValidationError(
                f"This file has {filesizeformat(file.size)}, at most {most} can be imported. "
                "Split it, or save it as CSV.",
                code="too_large",
            )
        return file


class ReadingForm(forms.Form):
    """How the file is read, where the guess was wrong."""

    encoding = forms.ChoiceField(choices=list(ENCODINGS.items()), required=False, label="Letters")
    delimiter = forms.ChoiceField(
        choices=[(sign, words.capitalize()) for sign, words in DELIMITERS.items()],
        required=False,
        label="Between cells",
    )
    sheet = forms.ChoiceField(required=False)
    has_header = forms.BooleanField(required=False, label="The first row holds the headings")

    def __init__(self, job: ImportJob, data: Any = None) -> None:
        super().__init__(data, initial=job.reading)
        unused = ("sheet",) if job.kind == "csv" else ("encoding", "delimiter")
        for name in unused:
            del self.fields[name]
        if "sheet" in self.fields:
            names = [(name, name) for name in job.reading.get("sheets", [])]
            self.fields["sheet"].choices = names  # type: ignore[attr-defined]
        elif (encoding := job.reading.get("encoding")) not in ENCODINGS:
            shown = (encoding, str(encoding).removesuffix("-sig").upper())
            self.fields["encoding"].choices = [shown, *ENCODINGS.items()]  # type: ignore[attr-defined]


class OptionsForm(forms.Form):
    """The choices beside the columns."""

    existing = forms.ChoiceField(
        choices=[
            (Existing.FILL, "Fill blanks only"),
            (Existing.REPLACE, "Replace with the file"),
            (Existing.SKIP, "Skip the row"),
        ],
        widget=forms.RadioSelect,
        label="When somebody is here already",
    )
    create = forms.BooleanField(required=False, label="Add people who are not here yet")
    match_external = forms.BooleanField(required=False, label="Also find people by external id")
    match_phone = forms.BooleanField(required=False, label="Also find people by phone number")
    source = forms.ChoiceField(choices=sources, required=False)
    new_source = forms.CharField(
        max_length=80, required=False, label="Or a new source", help_text="Such as a trade show."
    )
    tags = forms.CharField(
        max_length=400, required=False, help_text="Several with commas. Everybody gets them."
    )
    country = forms.ChoiceField(
        choices=lambda: [("", "As in the settings"), *countries()],
        required=False,
        label="Country of phone numbers without a prefix",
    )
    dates = forms.ChoiceField(
        choices=[
            (Dates.AUTO, "Only where it is clear"),
            (Dates.DAY_FIRST, "Day first"),
            (Dates.MONTH_FIRST, "Month first"),
        ],
        label="Dates such as 3/4/2026",
    )
    funnel = forms.BooleanField(required=False, label="Put new leads into the pipeline")
    owner = forms.ChoiceField(
        choices=[
            (Owner.QUEUE, "The team’s queue"),
            (Owner.ROUTE, "Whom the routing rules choose"),
            (Owner.PERSON, "One person"),
        ],
        label="New leads go to",
    )
    owner_id = forms.ChoiceField(choices=colleagues, required=False, label="Person")
    route_qualified = forms.BooleanField(required=False, label="Route those who qualify by score")
    clocks = forms.BooleanField(required=False, label="Start response clocks")
    drips = forms.BooleanField(required=False, label="Let them enter drip campaigns")
    consent = forms.CharField(
        max_length=2000,
        required=False,
        label="Words everybody agreed to",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Leave it empty unless all rows have agreed to marketing mail. "
        "A “no” in a consent column counts all the same.",
    )
    basis = forms.ChoiceField(choices=Consent.Basis.choices, required=False, label="Legal basis")

    def __init__(self, job: ImportJob, data: Any = None) -> None:
        options = Options.load(job.options)
        initial = {
            **options.dump(),
            "match_external": "external_id" in options.match_by,
            "match_phone": "phone" in options.match_by,
            "tags": ", ".join(options.tags),
            "source": str(job.source_id or ""),
        }
        super().__init__(data, initial=initial)
        filled = list(options.defaults.items())
        for number in range(MOST_DEFAULTS):
            target, text = filled[number] if number < len(filled) else ("", "")
            self.fields[f"default_{number}"] = forms.ChoiceField(
                choices=default_choices(), required=False, label="Field", initial=target
            )
            self.fields[f"value_{number}"] = forms.CharField(
                max_length=1000, required=False, label="Value", initial=text
            )

    @property
    def defaults(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"default_{n}"], self[f"value_{n}"]) for n in range(MOST_DEFAULTS)]

    @property
    def chosen(self) -> dict[str, Any]:
        """As `options.checked` takes them."""
        data = self.cleaned_data
        matches = ["email"]
        matches += ["external_id"] if data["match_external"] else []
        matches += ["phone"] if data["match_phone"] else []
        plain = ("existing", "create", "country", "dates", "funnel", "owner", "route_qualified",
                 "clocks", "drips", "consent")  # fmt: skip
        return {
            **{name: data[name] for name in plain},
            "basis": data["basis"] or "consent",
            "match_by": matches,
            "tags": [data["tags"]],
            "owner_id": int(data["owner_id"]) if data["owner_id"] else None,
            "defaults": {
                data[f"default_{n}"]: data[f"value_{n}"]
                for n in range(MOST_DEFAULTS)
                if data[f"default_{n}"] and data[f"value_{n}"]
            },
        }


def default_choices() -> list[tuple[str, Any]]:
    """Fields that one value can fill for every row."""
    unfit = {targets.EXTERNAL, targets.ID, "email"}
    groups = [
        (group, [pair for pair in pairs if pair[0] not in unfit])
        for group, pairs in targets.choices()
    ]
    return [("", "No field"), *groups]

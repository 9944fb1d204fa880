"""A form's settings, which take effect at once; and what it may give in return."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from leads.actions.assets import NewAsset
from leads.forms.builder import is_origin, is_web_address
from leads.models import Asset, Form, Source


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form's name, source and dates; what happens to its leads is a `WishForm` beside it."""

    origins = forms.CharField(
        required=False,
        label="Sites it may stand on",
        help_text="One a line, such as https://example.com. They may show, post and redirect.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Form
        fields = ["name", "kind", "source", "opens_at", "closes_at", "proof", "is_kiosk"]
        labels = {
            "kind": "It is a",
            "opens_at": "Opens",
            "closes_at": "Closes",
            "proof": "Proof of work against spam",
            "is_kiosk": "Kiosk: many people use one browser",
        }
        help_texts = {
            "is_kiosk": "Starts afresh after the thanks and remembers no visitor.",
            "opens_at": "Empty: when it is published.",
        }
        widgets = {
            name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("opens_at", "closes_at")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form = self.instance
        self.initial = dict(self.initial) | {"origins": "\n".join(form.allowed_origins)}
        usable = Q(archived_at=None) | Q(pk=form.source_id)
        self.fields["source"].queryset = Source.objects.filter(usable).order_by("name")  # type: ignore[attr-defined]

    def clean_origins(self) -> list[str]:
        lines = str(self.cleaned_data["origins"]).split()
        origins = [line.rstrip("/").lower() for line in lines]
        wrong = next((each for each in origins if not is_origin(each)), None)
        if wrong:
            raise ValidationError(f"“{wrong}” is not a site. It looks like https://example.com.")
        return list(dict.fromkeys(origins))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        opens, closes = cleaned.get("opens_at"), cleaned.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", "It closes before it opens. Choose a later moment.")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            **{name: cleaned[name] for name in self.Meta.fields},
            "allowed_origins": cleaned["origins"],
        }


class AssetForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="As the person reads it.")
    kind = forms.ChoiceField(choices=Asset.Kind, label="It is a")
    upload = forms.FileField(
        required=False, label="File", help_text="PDF, Office, ZIP, picture … up to 25 MB."
    )
    url = forms.CharField(max_length=500, required=False, label="Link")
    code = forms.CharField(
        max_length=60, required=False, label="One code for everybody", help_text="Or a list below."
    )
    codes = forms.CharField(
        required=False,
        label="Codes, each for one person",
        help_text="One a line; added to those there are.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    valid_days = forms.IntegerField(min_value=1, max_value=365, label="Its link works for … days")

    def __init__(self, data: Any = None, files: Any = None, *, asset: Asset | None = None) -> None:
        names = ("name", "kind", "url", "code", "valid_days")
        first = {name: getattr(asset, name) for name in names} if asset else {"valid_days": 7}
        super().__init__(data, files, initial=first)
        self.asset = asset

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"]).strip()
        if url and not is_web_address(url):
            raise ValidationError("Write the whole address, beginning with https://.")
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        if kind == Asset.Kind.FILE and not cleaned.get("upload") and not self._has_file():
            self.add_error("upload", "Choose the file.")
        if kind == Asset.Kind.LINK and "url" not in self.errors and not cleaned.get("url"):
            self.add_error("url", "Write the address of the link.")
        given = cleaned.get("code") or cleaned.get("codes") or self._has_codes()
        if kind == Asset.Kind.COUPON and not given:
            self.add_error("code", "Write one code, or a list of them.")
        return cleaned

    def _has_file(self) -> bool:
        return bool(self.asset and self.asset.file)

    def _has_codes(self) -> bool:
        return bool(self.asset and self.asset.codes.exists())

    @property
    def new(self) -> NewAsset:
        cleaned = self.cleaned_data
        return NewAsset(
            name=cleaned["name"],
            kind=cleaned["kind"],
            valid_days=cleaned["valid_days"],
            url=cleaned["url"],
            code=cleaned["code"],
            codes=cleaned["codes"].split(),
            upload=cleaned["upload"],
        )

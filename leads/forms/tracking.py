"""Settings of tracked websites, and of what is kept of their visitors."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from leads.models import TrackedSite, TrackingPolicy


def clean_lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]


def clean_origin(text: str) -> str:
    """`https://www.example.com`, also from an address that was copied with its path.

    :raises ValidationError:
    """
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port = "", None
    if parts_are_odd(text) or not name:
        raise ValidationError(f"Write {text[:100]} as https://www.example.com.")
    scheme = "http" if text.startswith("http://") else "https"
    return f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"


def parts_are_odd(text: str) -> bool:
    known = "://" not in text or text.startswith(("http://", "https://"))
    return not known or not text.isascii() or not text.isprintable() or " " in text


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    addresses = forms.CharField(
        label="Addresses",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://www.example.com"}),
        help_text="One a line. Pages elsewhere cannot use this site’s key.",
    )

    class Meta:
        model = TrackedSite
        fields = [
            "name",
            "storage",
            "waits_for_consent",
            "honours_gpc",
            "honours_dnt",
            "follows_links",
        ]
        labels = {
            "storage": "Recognise browsers by an id kept",
            "waits_for_consent": "Wait for consent",
            "honours_gpc": "Honour Global Privacy Control",
            "honours_dnt": "Honour Do Not Track",
            "follows_links": "Record downloads and links to other sites",
        }
        help_texts = {
            "waits_for_consent": "Nothing is kept or sent until the page says so.",
            "honours_gpc": "Browsers that send this signal are not tracked at all.",
        }
        widgets = {"storage": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["storage"] = forms.ChoiceField(
            choices=TrackedSite.Storage.choices,
            widget=forms.RadioSelect,
            label="Recognise browsers by an id kept",
            initial=TrackedSite.Storage.LOCAL,
        )
        if self.instance.pk:
            self.initial["addresses"] = "\n".join(self.instance.api_key.origins)

    def clean_addresses(self) -> list[str]:
        lines = clean_lines(str(self.cleaned_data["addresses"]))
        if len(lines) > 20:
            raise ValidationError("Name at most 20 addresses.")
        return list(dict.fromkeys(clean_origin(line)[:200] for line in lines))


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TrackingPolicy
        fields = [
            "truncates_addresses",
            "keep_days",
            "keep_machine_days",
            "excluded_addresses",
            "excluded_paths",
        ]
        labels = {
            "truncates_addresses": "Keep only the network of an IP address",
            "keep_days": "Days to keep visits of people nobody knows",
            "keep_machine_days": "Days to keep visits of machines",
            "excluded_addresses": "IP addresses left out",
            "excluded_paths": "Pages left out",
        }
        help_texts = {
            "truncates_addresses": "203.0.113.77 becomes 203.0.113.0.",
            "excluded_addresses": "Your offices, one a line: 198.51.100.7 or 198.51.100.0/24.",
            "excluded_paths": "One a line. A star stands for anything: /admin/*",
        }
        widgets = {
            "excluded_addresses": forms.Textarea(attrs={"rows": 2}),
            "excluded_paths": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("keep_days", "keep_machine_days"):
            self.fields[name] = forms.IntegerField(
                min_value=1, max_value=1000, label=self.fields[name].label
            )

    def clean_excluded_addresses(self) -> str:
        lines = clean_lines(str(self.cleaned_data["excluded_addresses"]))
        for line in lines:
            try:
                ipaddress.ip_network(line, strict=False)
            except ValueError:
                raise ValidationError(
                    f"“{line[:60]}” is no IP address. Write 198.51.100.7 or 198.51.100.0/24."
                ) from None
        return "\n".join(lines[:200])

    def clean_excluded_paths(self) -> str:
        lines = clean_lines(str(self.cleaned_data["excluded_paths"]))
        for line in lines:
            if not line.startswith(("/", "*")) or " " in line:
                raise ValidationError(f"“{line[:60]}” must begin with a slash, as in /admin/*.")
        return "\n".join(lines[:200])

"""The page of the configuration: a file to take, and one to look at and take over."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from leadcrm.accounts.doors import admin_required, user_of
from leadcrm.configuration import actions
from leadcrm.configuration.text import LARGEST
from leadcrm.lib.errors import DomainError


class ConfigurationForm(forms.Form):
    """A file, or the same as text: what was looked at is what is taken over."""

    file = forms.FileField(required=False, label="YAML file")
    source = forms.CharField(
        required=False,
        strip=False,
        label="or its text",
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if file is not None:
            data["source"] = self._text(file)
        if not (data.get("source") or "").strip() and not self.errors:
            self.add_error("file", "Choose a file, or paste its text.")
        return data

    def _text(self, file: Any) -> str:
        try:
            text: str = file.read(LARGEST * 4).decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", "The file is not UTF-8 text. Choose the YAML file.")
            return ""
        return text


@admin_required
@require_http_methods(["GET", "POST"])
def configuration(request: HttpRequest) -> HttpResponse:
    """Look first; then, with the same text, take it over."""
    form = ConfigurationForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        source, do = form.cleaned_data["source"], request.POST.get("do", "look")
        try:
            if do in ("apply", "publish"):
                return _take_over(request, source, publish=do == "publish")
            context |= {"plan": actions.plan(source, at=timezone.now()), "source": source}
        except DomainError as error:
            context |= {"refusal": error.detail, "mistakes": error.errors, "source": source}
    refused = form.is_bound and "plan" not in context
    return render(request, "configuration/page.html", context, status=422 if refused else 200)


def _take_over(request: HttpRequest, source: str, *, publish: bool) -> HttpResponse:
    found = actions.take_over(source, publish=publish, at=timezone.now(), user=user_of(request))
    what = "published" if publish else "kept as drafts to be published"
    words = f"Taken over: {len(found.changes)} changes."
    messages.success(request, f"{words} Scoring is {what}." if found.versions else words)
    return redirect("configuration")


@admin_required
@require_GET
def download(request: HttpRequest) -> HttpResponse:
    text = actions.export_text(drafts="drafts" in request.GET)
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="leadcrm.yaml"'
    return response

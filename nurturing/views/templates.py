"""E-mail templates: their list and their editor, with a preview on real leads."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.forms import show_refusal
from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leads.models import Lead
from nurturing import actions, queries
from nurturing.forms import NewTemplateForm, TemplateForm
from nurturing.models import EmailTemplate, TemplateVersion
from nurturing.rendering import (
    TemplateBroken,
    check_template,
    compose,
    context_of,
    finish_html,
    known_fields,
)
from nurturing.rendering.context import PREVIEW_LINKS
from nurturing.views.campaigns import editor, may_edit, reader, status_of

PARTS = ("subject", "preheader", "html", "text")


@reader
@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    context = {"rows": queries.template_rows(), "may_edit": may_edit(request)}
    return render(request, "nurturing/templates.html", context)


@editor
@require_http_methods(["GET", "POST"])
def template_new(request: HttpRequest) -> HttpResponse:
    form = NewTemplateForm(request.POST or None)
    if form.is_valid():
        try:
            template = actions.create_template(**form.cleaned_data, at=timezone.now())
        except DomainError as error:
            show_refusal(form, error)
        else:
            return redirect("mail-template", template.key)
    context = {"form": form}
    return render(request, "nurturing/template_new.html", context, status=status_of(form))


@reader
@require_http_methods(["GET", "POST"])
def template_editor(request: HttpRequest, key: str) -> HttpResponse:
    template = queries.find_template(key)
    if request.method == "POST":
        if not may_edit(request):
            raise NotFound
        return _save(request, template)
    form = TemplateForm(initial=_said(template.current))
    return _editor(request, template, form, template.current)


def _save(request: HttpRequest, template: EmailTemplate) -> HttpResponse:
    form = TemplateForm(request.POST)
    if form.is_valid():
        try:
            version = actions.save_version(
                template.pk, **form.cleaned_data, at=timezone.now(), user=user_of(request)
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"Saved as version {version.number}.")
            return redirect("mail-template", template.key)
    return _editor(request, template, form, _typed(request, template))


def _editor(
    request: HttpRequest,
    template: EmailTemplate,
    form: TemplateForm,
    version: TemplateVersion | None,
) -> HttpResponse:
    context = {
        "template": template,
        "form": form,
        "checks": check_template(version) if version else [],
        "leads": queries.preview_leads(request.user),
        "chosen": request.GET.get("lead", ""),
        "fields": known_fields(),
        "may_edit": may_edit(request),
    }
    return render(request, "nurturing/template.html", context, status=status_of(form))


@reader
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]  # typed for views without further arguments
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:", "https:"],
        "frame-ancestors": [SELF],
        "form-action": [NONE],
        "sandbox": True,
    }
)
@require_http_methods(["GET", "POST"])
def template_preview(request: HttpRequest, key: str) -> HttpResponse:
    """The mail as one lead would get it: what is typed (POST) or what is saved (GET)."""
    template = queries.find_template(key)
    typed = request.method == "POST"
    version = _typed(request, template) if typed else template.current
    lead = queries.preview_lead(request.user, (request.POST or request.GET).get("lead", ""))
    as_text = (request.POST or request.GET).get("part") == "text"
    return HttpResponse(_preview(version, lead, as_text=as_text))


def _preview(version: TemplateVersion | None, lead: Lead | None, *, as_text: bool) -> str:
    if version is None or not version.html.strip():
        return _note("Write the mail, then it is shown here.")
    if lead is None:
        return _note("There is no lead with an e-mail address to preview with.")
    try:
        mail = compose(version, context_of(lead, Workspace.load(), dict(PREVIEW_LINKS)))
    except TemplateBroken as error:
        return _note(str(error))
    if as_text:
        return format_html(PLAIN, mail.subject, mail.text)
    line = format_html(INBOX_LINE, mail.subject, mail.preheader)
    return finish_html(mail, rewrite=lambda url: url, above=line)


# How the mail stands in an inbox, above the mail itself.
INBOX_LINE = (
    '<div style="max-width:600px;margin:0 auto 20px;padding:0 0 12px;font-size:13px;'
    'border-bottom:1px solid #88888855"><b>{}</b> <span style="opacity:.7">{}</span></div>'
)
PLAIN = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<title>{}</title><pre style="white-space:pre-wrap;font:14px/1.6 monospace;padding:8px">{}'
    "</pre>"
)
NOTE = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<title>Preview</title><p style="font:15px/1.5 sans-serif;padding:24px">{}</p>'
)


def _note(text: str) -> str:
    return format_html(NOTE, text)


@editor
@require_POST
def template_test(request: HttpRequest, key: str) -> HttpResponse:
    """What is typed, sent to whoever is signed in, as a chosen lead would get it."""
    template, user = queries.find_template(key), user_of(request)
    version = _typed(request, template) if "html" in request.POST else template.current
    lead = queries.preview_lead(request.user, request.POST.get("lead", ""))
    if version is None or lead is None:
        raise Invalid("Save the mail and add a lead with an e-mail address first.")
    actions.send_test(version, lead, to=user)
    messages.success(request, f"A test mail is on its way to {user.email}.")
    return redirect("mail-template", key)


def _typed(request: HttpRequest, template: EmailTemplate) -> TemplateVersion:
    """What stands in the editor, as a version that is not stored."""
    said = {part: request.POST.get(part, "")[:64_000].replace("\r\n", "\n") for part in PARTS}
    return TemplateVersion(template=template, number=0, **said)


def _said(version: TemplateVersion | None) -> dict[str, Any]:
    return {part: getattr(version, part) for part in PARTS} if version else {}

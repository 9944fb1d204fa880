"""A hosted form, its thank-you page and its notices as responses."""

import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from csp.constants import SELF
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from leadcrm.lib import tokens
from leadcrm.lib.middleware import client_network
from leads import capture, profiling, questions, themes
from leads.actions import assets
from leads.capture import proof, unfinished
from leads.capture.envelopes import CONTROL, RENDERED
from leads.capture.mapping import Person, person_of
from leads.forms.public import PublicForm
from leads.models import AssetGrant, Confirmation, Form, FormVersion, InboxItem

SENT = "form-sent"
RESEND = "form-confirm-again"
KIOSK_SECONDS = 12
MERGE = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Hidden:
    """What travels with the form, so that no cookie is needed."""

    page: str
    ref: str
    nonce: str = field(default_factory=tokens.new_public_id)
    at: str = ""
    again: str = ""
    known: str = ""
    asked: str = ""
    visitor: str = ""


def find_form(slug: str) -> Form:
    form = Form.objects.select_related("published", "source").defer("draft").filter(slug=slug)
    found = form.first()
    if found is None:
        raise Http404("There is no form at this address.")
    return found


def version_of(form: Form) -> FormVersion | None:
    return form.published or form.versions.order_by("-number").first()


def with_policy(
    response: HttpResponse, form: Form, version: FormVersion | None, *, embedded: bool
) -> HttpResponse:
    """Who may frame the form, and where a post may lead: browsers check redirects as well."""
    policy: dict[str, list[str]] = {}
    redirect_url = version.redirect_url if version else ""
    if redirect_url.startswith("http"):
        parts = urlsplit(redirect_url)
        policy["form-action"] = [SELF, f"{parts.scheme}://{parts.netloc}"]
    if embedded:
        policy["frame-ancestors"] = [SELF, *form.allowed_origins]
        response.xframe_options_exempt = True
    if policy:
        response._csp_replace = policy  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    return response


# ---- the form ----


def blank(
    request: HttpRequest, form: Form, version: FormVersion, *, embedded: bool
) -> HttpResponse:
    """As it is opened: a link may fill in what its sender knows, and leave out what we know."""
    page = request.GET.get("lc_page", own_address(request))[:2000]
    lead, known = None, request.GET.get("lc_known", "")[:200]
    if known:
        lead = profiling.lead_of(known, at=timezone.now())
    only = profiling.asked_of(version, lead) if profiling.is_profiled(version) else None
    hidden = Hidden(
        page=page,
        ref=request.GET.get("lc_ref", request.headers.get("Referer", ""))[:1000],
        at=tokens.sign(RENDERED, f"{version.pk}:{time.time():.1f}"),
        known=known if lead else "",
        asked=profiling.sign_asked(version, only) if only is not None else "",
        visitor="" if form.is_kiosk else request.GET.get("lc_visitor", "")[:45],
    )
    public = PublicForm(version, prefilled=prefilled(request, version, page), only=only)
    return show(request, form, version, public, embedded=embedded, hidden=hidden)


def own_address(request: HttpRequest) -> str:
    """Without what only we put there: a link that names somebody is nothing to keep."""
    kept = request.GET.copy()
    for name in [name for name in kept if name.startswith(CONTROL)]:
        del kept[name]
    address = request.build_absolute_uri(request.path)
    return f"{address}?{kept.urlencode()}" if kept else address


def prefilled(request: HttpRequest, version: FormVersion, page: str) -> dict[str, str]:
    """From the address: /f/demo/?email=…; hidden fields also under the name they ask for."""
    given = {k: str(v) for k, v in request.GET.items() if not k.startswith(CONTROL)}
    outer = dict(parse_qsl(urlsplit(page).query, max_num_fields=200)) if "?" in page else {}
    for question in version.fields:
        name = str(question.get("param") or "")
        if name and (value := given.get(name) or outer.get(name)):
            given[questions.key_of(question)] = value[:500]
    return given


def show(
    request: HttpRequest,
    form: Form,
    version: FormVersion,
    public: PublicForm,
    *,
    embedded: bool,
    hidden: Hidden,
) -> HttpResponse:
    wanted = proof.is_wanted(form.proof, client_network(request))
    context = {
        "crm_form": form,
        "version": version,
        "form": public,
        "pages": public.pages,
        "embedded": embedded,
        "hidden": hidden,
        "themed": is_themed(version),
        "challenge": proof.challenge_text(form.slug) if wanted else "",
        "keeping": unfinished.notice_of(version),
    }
    return render(request, "leads/public/form.html", context, status=422 if public.errors else 200)


def is_themed(version: FormVersion) -> bool:
    return themes.theme_of(version.settings.get("theme")) is not None


# ---- afterwards ----


def sent_mark(item: InboxItem) -> str:
    return tokens.sign(SENT, str(item.receipt_id))


def thanks(
    request: HttpRequest, form: Form, version: FormVersion, *, embedded: bool
) -> HttpResponse:
    """Says thank you; to whoever just sent it also by name, with what was promised."""
    receipt = tokens.unsign(SENT, request.GET.get("sent", ""))
    item = sent_item(form, receipt) if receipt else None
    seen = (item.form_version if item else None) or version
    person = person_behind(item, seen) if item else Person()
    context = {
        "crm_form": form,
        "version": seen,
        "title": merged(seen.settings.get("thank_you_title") or seen.title, person),
        "words": merged(seen.thank_you, person),
        "embedded": embedded,
        "themed": is_themed(seen),
        "kiosk_seconds": KIOSK_SECONDS if form.is_kiosk else 0,
        **(following(item, seen) if item else {}),
    }
    return render(request, "leads/public/thanks.html", context)


def sent_item(form: Form, receipt: str) -> InboxItem | None:
    rows = InboxItem.objects.select_related("form_version")
    return rows.filter(receipt_id=receipt, door=f"form:{form.pk}").first()


def person_behind(item: InboxItem, version: FormVersion) -> Person:
    """As the answers say; nothing that only we know."""
    try:
        values = capture.read(item).values
    except capture.Unreadable:
        return Person()
    return person_of(values, {questions.key_of(q): q for q in version.fields})


def merged(text: str, person: Person) -> str:
    """`{first_name|there}`: what was just typed, or the words after the bar."""
    known = {
        "first_name": person.contact.get("first_name", ""),
        "last_name": person.contact.get("last_name", ""),
        "company": person.contact.get("company_name", ""),
        "email": person.email.address if person.email else "",
    }
    return MERGE.sub(
        lambda found: known.get(found[1]) or found[2] or "" if found[1] in known else found[0], text
    )


def following(item: InboxItem, version: FormVersion) -> dict[str, Any]:
    """What is waiting for the person: a mail to confirm, something to fetch."""
    confirmation = Confirmation.objects.filter(inbox_item=item, confirmed_at=None).first()
    grant = AssetGrant.objects.select_related("asset").filter(inbox_item=item).first()
    return {
        "confirmation": confirmation,
        "again": tokens.sign(RESEND, str(confirmation.pk)) if confirmation else "",
        "grant": grant if grant and assets.is_ready(grant) else None,
        "grant_path": assets.path_of(grant) if grant else "",
        "comes_by_mail": bool(version.settings.get("asset")) and grant is None,
    }


def say(request: HttpRequest, form: Form, title: str, text: str, status: int) -> HttpResponse:
    context = {"title": title, "text": text, "form": form, "is_open": form.is_open(timezone.now())}
    return render(request, "leads/public/notice.html", context, status=status)


def closed(request: HttpRequest, form: Form) -> HttpResponse:
    opens = form.opens_at
    if form.is_published and opens is not None and timezone.now() < opens:
        words = f"It opens on {opens:%-d %B %Y at %H:%M} UTC."
        return say(request, form, "This form is not open yet", words, 410)
    return say(request, form, "This form is closed", "It takes no more answers.", 410)

"""One capture: what it says, what became of it, and setting it right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import DomainError, NotFound
from leads import capture, criteria, fields
from leads.capture import corrections, reviewing
from leads.capture.mapping import target_of
from leads.capture.parsing import decode
from leads.models import InboxItem, Inquiry, Lead
from leads.views.inbox.rows import OFFICE, Row, answers_of

SHOWN_CHARACTERS = 20_000
SHOWN_BYTES = 2_048
MOST_ANSWERS = 200
BLANK_ANSWERS = 3
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
LABELS = {
    "name": "Full name",
    "company_name": "Company",
    "job_title": "Job title",
    "message": "Message",
    "email": "E-mail",
    corrections.NOWHERE: "Nothing, only keep it",
}


@role_required(*OFFICE)
@require_GET
def inbox_item(request: HttpRequest, receipt_id: str) -> HttpResponse:
    return show(request, find(request, receipt_id))


def find(request: HttpRequest, receipt_id: str) -> InboxItem:
    items = InboxItem.objects.visible_to(user_of(request))
    item = items.select_related("source", "lead", "form_version__form").filter(
        receipt_id=receipt_id
    )
    found: InboxItem | None = item.first()
    if found is None:
        raise NotFound
    return found


def show(
    request: HttpRequest, item: InboxItem, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "row": Row(item),
        "item": item,
        "answers": answers_of(item),
        "inquiry": Inquiry.objects.filter(inbox_item=item).first(),
        "lead": lead_of(request, item),
        "body": shown_body(bytes(item.body)),
        "domain": item.email.rpartition("@")[2],
        "error": error,
    }
    return render(request, "leads/inbox/item.html", context, status=status)


def lead_of(request: HttpRequest, item: InboxItem) -> Lead | None:
    lead: Lead | None = (
        Lead.objects.visible_to(user_of(request)).filter(pk=item.lead_id).first()
        if item.lead_id
        else None
    )
    return lead


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes as they may be shown: text, or numbers where it is no text."""

    text: str
    size: int
    is_cut: bool
    is_binary: bool


def shown_body(raw: bytes) -> Body:
    text = decode(raw, "")
    odd = len(_UNPRINTABLE.findall(text[:SHOWN_CHARACTERS]))
    if odd > len(text[:SHOWN_CHARACTERS]) // 20:
        return Body(dumped(raw[:SHOWN_BYTES]), len(raw), len(raw) > SHOWN_BYTES, is_binary=True)
    shown = _UNPRINTABLE.sub("␀", text[:SHOWN_CHARACTERS])
    return Body(shown, len(raw), len(text) > SHOWN_CHARACTERS, is_binary=False)


def dumped(raw: bytes) -> str:
    """Sixteen bytes a line, as numbers and as the letters among them."""
    lines = [raw[start : start + 16] for start in range(0, len(raw), 16)]
    return "\n".join(
        f"{16 * number:06x}  {line.hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        for number, line in enumerate(lines)
    )


@role_required(*OFFICE)
@require_GET
def inbox_body(request: HttpRequest, receipt_id: str) -> HttpResponse:
    """The bytes themselves, to be saved and never to be shown by a browser."""
    item = find(request, receipt_id)
    return HttpResponse(
        bytes(item.body),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{item.receipt_id}.bin"',
            "X-Content-Type-Options": "nosniff",
        },
    )


# ---- letting through, processing again ----


@role_required(*OFFICE)
@require_POST
def inbox_release(request: HttpRequest, receipt_id: str) -> HttpResponse:
    trust = request.POST.get("trust", reviewing.ADDRESS)
    trust = trust if trust in {reviewing.ADDRESS, reviewing.DOMAIN} else ""
    return tell(
        request,
        find(request, receipt_id),
        lambda pk: reviewing.release(pk, by=user_of(request), trust=trust),
    )


@role_required(*OFFICE)
@require_POST
def inbox_process(request: HttpRequest, receipt_id: str) -> HttpResponse:
    return tell(request, find(request, receipt_id), reviewing.process_again)


def tell(
    request: HttpRequest, item: InboxItem, act: Callable[[int], capture.Outcome | None]
) -> HttpResponse:
    """Do it, and say in words what came of it."""
    if item.state == InboxItem.State.APPLIED:
        messages.info(request, "It was applied before. Nothing changed.")
        return redirect("inbox-item", receipt_id=item.receipt_id)
    try:
        say(request, act(item.pk))
    except DomainError as error:
        messages.error(request, reviewing.refusal_of(error))
    return redirect("inbox-item", receipt_id=item.receipt_id)


def say(request: HttpRequest, outcome: capture.Outcome | None) -> None:
    if outcome is None:
        messages.error(request, "It failed and will be tried again by itself.")
    elif outcome.state == InboxItem.State.APPLIED:
        messages.success(request, "Processed. It is part of a lead now.")
    else:
        messages.warning(request, outcome.reason)


# ---- rejecting ----


@role_required(*OFFICE)
@require_POST
def inbox_reject(request: HttpRequest, receipt_id: str) -> HttpResponse:
    item = find(request, receipt_id)
    try:
        reviewing.reject(item.pk, reason=request.POST.get("reason", ""), by=user_of(request))
    except DomainError as error:
        return show(request, item, error=error.detail, status=error.status)
    path = reverse("inbox-restore", args=[item.receipt_id])
    words = "Rejected. It stays here to be looked up."
    messages.success(request, words, extra_tags=f"undo:{path}")
    return redirect("inbox-item", receipt_id=item.receipt_id)


@role_required(*OFFICE)
@require_POST
def inbox_restore(request: HttpRequest, receipt_id: str) -> HttpResponse:
    """Take back that it was rejected."""
    item = find(request, receipt_id)
    if reviewing.restore(Q(pk=item.pk)):
        messages.success(request, "It waits again as before.")
    else:
        messages.info(request, "It was not rejected by hand. Nothing changed.")
    return redirect("inbox-item", receipt_id=item.receipt_id)


# ---- correcting ----


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the form in which answers are set right."""

    number: int
    key: str
    value: str
    target: str  # chosen by a person; empty: by its name
    usual: str  # what it fills by its name or by the form
    was: str = ""  # before it was corrected
    error: str = ""

    @property
    def is_long(self) -> bool:
        return len(self.value) > 60 or "\n" in self.value


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def inbox_correct(request: HttpRequest, receipt_id: str) -> HttpResponse:
    item = find(request, receipt_id)
    if item.state == InboxItem.State.APPLIED:
        messages.info(request, "It is part of a lead. Correct the lead instead.")
        return redirect("inbox-item", receipt_id=item.receipt_id)
    if request.method != "POST":
        return show_answers(request, item, answers_to_correct(item))
    targets, values = corrections_in(request, item)
    try:
        outcome = reviewing.correct(
            item.pk, targets=targets, values=values, by=user_of(request), at=timezone.now()
        )
    except DomainError as error:
        return show_answers(request, item, typed(request, item, error), error=error)
    say(request, outcome)
    return redirect("inbox-item", receipt_id=item.receipt_id)


def show_answers(
    request: HttpRequest,
    item: InboxItem,
    answers: list[Answer],
    *,
    error: DomainError | None = None,
) -> HttpResponse:
    context = {
        "item": item,
        "answers": answers,
        "choices": target_choices(),
        "body": shown_body(bytes(item.body)),
        "error": reviewing.refusal_of(error) if error else "",
    }
    status = error.status if error else 200
    return render(request, "leads/inbox/correct.html", context, status=status)


def raw_answers(item: InboxItem) -> dict[str, str]:
    """As they came, before anything was corrected."""
    bare = InboxItem(
        door=item.door,
        body=item.body,
        content_type=item.content_type,
        source=item.source,
        form_version=item.form_version,
    )
    return dict(answers_of(bare)[:MOST_ANSWERS])


def answers_to_correct(item: InboxItem) -> list[Answer]:
    raw, values = raw_answers(item), corrections.values_of(item)
    targets, asked = corrections.targets_of(item), questions_of(item)
    keys = [*raw, *(key for key in values if key not in raw)]
    found = [
        Answer(
            number=number,
            key=key,
            value=str(values.get(key, raw.get(key, ""))),
            target=targets.get(key, ""),
            usual=label_of(asked.get(key) or target_of(key)),
            was=raw.get(key, "") if key in values else "",
        )
        for number, key in enumerate(keys)
    ]
    blank = range(len(found), len(found) + BLANK_ANSWERS)
    return [*found, *(Answer(number, "", "", "", "") for number in blank)]


def questions_of(item: InboxItem) -> dict[str, str]:
    """Which field each question of the form fills."""
    asked = item.form_version.fields if item.form_version else []
    return {str(field.get("key")): str(field.get("maps_to") or "") for field in asked}


def corrections_in(request: HttpRequest, item: InboxItem) -> tuple[dict[str, str], dict[str, str]]:
    """Only what differs from how it came."""
    raw, targets, values = raw_answers(item), {}, {}
    for number in range(MOST_ANSWERS + BLANK_ANSWERS):
        key = request.POST.get(f"key-{number}", "").replace("\x00", "").strip()[:100]
        value = request.POST.get(f"value-{number}", "").replace("\r\n", "\n")
        target = request.POST.get(f"target-{number}", "")
        key = key or (target if value.strip() else "")  # a line typed in needs no name
        if not key:
            continue
        if target:
            targets[key] = target
        if value != raw.get(key, "").replace("\r\n", "\n"):
            values[key] = value
    return targets, values


def typed(request: HttpRequest, item: InboxItem, error: DomainError) -> list[Answer]:
    """The lines as they were sent, with what is wrong beside each."""
    wrong = {each.field.partition(".")[2]: each.message for each in error.errors}
    asked = questions_of(item)
    lines = [
        (number, request.POST.get(f"key-{number}", "")[:100])
        for number in range(MOST_ANSWERS + BLANK_ANSWERS)
        if f"value-{number}" in request.POST
    ]
    return [
        Answer(
            number=number,
            key=key,
            value=request.POST.get(f"value-{number}", ""),
            target=request.POST.get(f"target-{number}", ""),
            usual=label_of(asked.get(key) or target_of(key)),
            error=wrong.get(key or request.POST.get(f"target-{number}", ""), ""),
        )
        for number, key in lines
    ]


def target_choices() -> list[tuple[str, str]]:
    """Every field an answer can fill, by its label."""
    plain = sorted(corrections.TARGETS - {corrections.NOWHERE}, key=label_of)
    asked = [(f"bant.{key}", label) for key, label in criteria.offered()]
    own = [(f"custom.{each.key}", each.label) for each in fields.definitions()]
    nothing = (corrections.NOWHERE, LABELS[corrections.NOWHERE])
    return [*((name, label_of(name)) for name in plain), *asked, *own, nothing]


def label_of(target: str) -> str:
    plain: Any = target.removeprefix("bant.").removeprefix("custom.").replace("_", " ")
    return LABELS.get(target) or plain.capitalize()

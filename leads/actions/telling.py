"""Telling colleagues of a capture: in the app, by e-mail, or both, as the form or source says."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import NotificationChoice, User
from leads import mailing, questions
from leads.models import Inquiry, Lead
from leads.wishes import Wishes, wishes_of

MOST_ANSWERS = 40
MOST_CHARACTERS = 2000
KIND = "capture"


@transaction.atomic
def tell_of_capture(inquiry_id: int) -> None:
    """Those whom the form or the source names; each only of leads they may see."""
    wishes = wishes_of(inquiry_id)
    inquiry = _find(inquiry_id) if wishes.notify or wishes.mail else None
    if inquiry is None:
        return
    people = User.objects.filter(pk__in={*wishes.notify, *wishes.mail}, is_active=True)
    for user in people.order_by("pk"):
        if Lead.objects.visible_to(user).filter(pk=inquiry.lead_id).exists():
            _tell(user, inquiry, wishes)


def _find(inquiry_id: int) -> Inquiry | None:
    rows = Inquiry.objects.select_related("lead", "source", "form_version__form")
    return rows.filter(pk=inquiry_id).first()


def _tell(user: User, inquiry: Inquiry, wishes: Wishes) -> None:
    if user.pk in wishes.notify:
        notify(
            user,
            kind=KIND,
            title=title_of(inquiry),
            body=inquiry.message,
            dedupe_key=f"capture:{inquiry.pk}",
            url=f"/leads/{inquiry.lead.public_id}/",
            lead_id=inquiry.lead_id,
        )
    if user.pk in wishes.mail and not (user.pk in wishes.notify and _hears_by_mail(user)):
        _mail(user, inquiry)


def _hears_by_mail(user: User) -> bool:
    """Their own settings send them every notification of this kind at once."""
    choices = NotificationChoice.objects.filter(user=user, kind=KIND)
    return choices.filter(email=NotificationChoice.Email.NOW).exists()


def title_of(inquiry: Inquiry) -> str:
    place = place_of(inquiry)
    if inquiry.context.get("unfinished"):
        return f"{inquiry.lead.name} began “{place}” and did not send it"
    return f"{inquiry.lead.name} sent “{place}”"


def place_of(inquiry: Inquiry) -> str:
    version = inquiry.form_version
    return str(version.form if version else inquiry.source or "a form")


def _mail(user: User, inquiry: Inquiry) -> None:
    mailing.write(
        user.email,
        kind=mailing.CAPTURE,
        context={
            "lead": inquiry.lead,
            "place": place_of(inquiry),
            "unfinished": inquiry.context.get("unfinished"),
            "answers": answers_of(inquiry),
            "link": f"{settings.SITE_URL}/leads/{inquiry.lead.public_id}/",
            "settings_link": settings_link(user, inquiry),
        },
        dedupe_key=f"capture:{inquiry.pk}:{user.pk}",
        lead_id=inquiry.lead_id,
    )


def answers_of(inquiry: Inquiry) -> list[tuple[str, str]]:
    """In the form's words and order; of other captures as they were named."""
    labels = labels_of(inquiry)
    given = {key: _plain(value) for key, value in inquiry.fields.items()}
    ordered = [*(key for key in labels if key in given), *(k for k in given if k not in labels)]
    rows = [(labels.get(key, key), given[key][:MOST_CHARACTERS]) for key in ordered]
    return [(label, value) for label, value in rows if value][:MOST_ANSWERS]


def labels_of(inquiry: Inquiry) -> dict[str, str]:
    asked = questions.asked(inquiry.form_version.fields) if inquiry.form_version else ()
    return {questions.key_of(each): str(each.get("label") or "") for each in asked}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return "" if value is None else str(value)


def settings_link(user: User, inquiry: Inquiry) -> str:
    """Where they can change that they are told, if they may open it."""
    version = inquiry.form_version
    if version is None or not user.has_role("marketer", "manager"):
        return ""
    return f"{settings.SITE_URL}/forms/{version.form.slug}/settings/"

"""Writing mails: each save is a version, checked before it is stored."""

from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils.text import slugify

from leadcrm.accounts.models import User, Workspace
from leadcrm.lib.errors import Conflict, Invalid
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.tokens import new_public_id
from leads.models import Lead
from nurturing.models import EmailTemplate, TemplateVersion, Topic
from nurturing.rendering import (
    TemplateBroken,
    compose,
    context_of,
    finish_html,
    refuse_broken,
)
from nurturing.rendering.context import PREVIEW_LINKS


class TestNotSent(Conflict):
    """The mail server did not take the test mail."""

    code = "test_not_sent"
    __test__ = False  # the name is no test's


@transaction.atomic
def create_template(
    name: str, *, at: datetime, key: str = "", topic: Topic | None = None
) -> EmailTemplate:
    """:raises Invalid: the name is empty."""
    title = clean_text(name, limit=80)
    if not title:
        raise Invalid.field("name", "Give the template a name.", "required")
    base = slugify(key or title)[:50] or "template"
    taken = EmailTemplate.objects.filter(key=base).exists()
    return EmailTemplate.objects.create(
        key=f"{base}-{new_public_id()[:4]}" if taken else base, name=title, topic=topic
    )


@transaction.atomic
def save_version(
    template_id: int,
    *,
    subject: str,
    html: str,
    at: datetime,
    preheader: str = "",
    text: str = "",
    user: User | None = None,
) -> TemplateVersion:
    """Store what the mail says from now on; mails planned already keep what they said.

    :raises Invalid: naming the line and the cure of each mistake.
    """
    template = EmailTemplate.objects.select_for_update(of=("self",), no_key=True).get(
        pk=template_id
    )
    newest = template.versions.order_by("-number").first()
    version = TemplateVersion(
        template=template,
        number=newest.number + 1 if newest else 1,
        subject=clean_text(subject, limit=300),
        preheader=clean_text(preheader, limit=300),
        html=clean_text(html),
        text=clean_text(text),
        created_at=at,
        created_by=user,
    )
    refuse_broken(version)
    if newest is not None and _says_the_same(newest, version):
        return newest
    version.save(force_insert=True)
    template.current = version
    template.save(update_fields=["current"])
    return version


def _says_the_same(one: TemplateVersion, other: TemplateVersion) -> bool:
    parts = ("subject", "preheader", "html", "text")
    return all(getattr(one, part) == getattr(other, part) for part in parts)


def send_test(version: TemplateVersion, lead: Lead, *, to: User) -> None:
    """The mail as this lead would get it, to a colleague; links lead nowhere and count nothing.

    :raises Invalid: the template cannot be filled in for this lead.
    :raises TestNotSent: the mail server did not take it.
    """
    context = context_of(lead, Workspace.load(), dict(PREVIEW_LINKS))
    try:
        mail = compose(version, context)
    except TemplateBroken as error:
        raise Invalid(str(error)) from None
    message = EmailMultiAlternatives(f"[Test] {mail.subject}", mail.text, to=[to.email])
    message.attach_alternative(finish_html(mail, rewrite=lambda url: url), "text/html")
    try:
        message.send()
    except OSError as error:
        raise TestNotSent(f"The mail server did not take the test mail: {error}") from None

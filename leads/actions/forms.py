"""Making forms and publishing what they ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.tokens import new_public_id
from leads.models import Form, FormVersion, Source

MAX_QUESTIONS = 60
STARTER: list[dict[str, Any]] = [
    {"key": "name", "label": "Your name", "type": "text", "required": True, "maps_to": "name"},
    {"key": "email", "label": "Work e-mail", "type": "email", "required": True, "maps_to": "email"},
    {"key": "company", "label": "Company", "type": "text", "maps_to": "company_name"},
    {"key": "message", "label": "How can we help?", "type": "textarea", "maps_to": "message"},
]


class SlugTaken(Conflict):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        message = f"Another form is at /f/{slug}/. Choose another address."
        super().__init__(message, errors=[FieldError("slug", message, self.code)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one version of a form asks and says."""

    title: str
    fields: Sequence[dict[str, Any]]
    intro: str = ""
    consent_text: str = ""
    submit_label: str = "Send"
    thank_you: str = "Thank you. We will be in touch."
    redirect_url: str = ""


@transaction.atomic
def create_form(*, name: str, slug: str = "", kind: str = Form.Kind.CONTACT) -> Form:
    """A form with a source of its own and four usual questions, not yet published.

    :raises SlugTaken:
    """
    slug = slug or slugify(name)[:60] or new_public_id()
    if Form.objects.filter(slug=slug).exists():
        raise SlugTaken(slug)
    source, _ = Source.objects.get_or_create(
        key=f"form-{slug}"[:50], defaults={"name": name, "kind": Source.Kind.FORM}
    )
    form = Form.objects.create(slug=slug, name=name, kind=kind, source=source)
    FormVersion.objects.create(form=form, number=1, title=name, fields=STARTER)
    return form


@transaction.atomic
def publish_form(
    form_id: int,
    content: Content,
    *,
    name: str,
    kind: str,
    allowed_origins: Sequence[str] = (),
) -> FormVersion:
    """Make this the version that strangers see. Earlier ones keep what was answered to them.

    :raises Invalid: it asks nothing, or a question has no words.
    """
    questions = with_keys(content.fields)
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    newest = form.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = FormVersion.objects.create(
        form=form,
        number=newest + 1,
        title=content.title,
        intro=content.intro,
        fields=questions,
        consent_text=content.consent_text,
        submit_label=content.submit_label or "Send",
        thank_you=content.thank_you,
        redirect_url=content.redirect_url,
    )
    form.name, form.kind, form.published = name, kind, version
    form.allowed_origins = list(allowed_origins)
    form.save(update_fields=["name", "kind", "published", "allowed_origins"])
    return version


def unpublish_form(form_id: int) -> None:
    """Close a form. What still arrives waits in the inbox."""
    Form.objects.filter(pk=form_id).update(published=None)


def with_keys(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions, each with a key of its own; one that has a key keeps it."""
    if not questions:
        raise Invalid.field("fields", "A form asks at least one question. Add a field.", "required")
    if len(questions) > MAX_QUESTIONS:
        raise Invalid.field("fields", f"A form may ask {MAX_QUESTIONS} questions.", "too_many")
    taken: set[str] = set()
    return [_with_key(question, taken) for question in questions]


def _with_key(question: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    if not question.get("label"):
        raise Invalid.field("label", "Every question needs its words.", "required")
    wanted = question.get("key") or slugify(question["label"])[:40].replace("-", "_") or "field"
    key, number = wanted, 2
    while key in taken or key.startswith("lc_"):
        key, number = f"{wanted.removeprefix('lc_')}_{number}", number + 1
    taken.add(key)
    maps_to = question.get("maps_to", "")
    return {**question, "key": key, "maps_to": f"custom.{key}" if maps_to == "custom" else maps_to}

"""Making forms, closing them, and everything of them that is not a version."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from leadcrm.lib.errors import Conflict, FieldError
from leadcrm.lib.tokens import new_public_id
from leads.drafting import STARTER, draft_of
from leads.models import Form, FormVersion, InboxItem, Inquiry, Source

RESERVED = frozenset({"new", "assets", "consent", "confirm", "asset"})  # addresses of other pages
SETTINGS = (
    "name",
    "kind",
    "source",
    "allowed_origins",
    "opens_at",
    "closes_at",
    "is_kiosk",
    "proof",
    "wishes",
)


class SlugTaken(Conflict):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        message = f"Another form is at /f/{slug}/. Choose another address."
        if slug in RESERVED:
            message = f"/f/{slug}/ is an address of the product. Choose another."
        super().__init__(message, errors=[FieldError("slug", message, self.code)])


class HasAnswers(Conflict):
    code = "form_has_answers"

    def __init__(self) -> None:
        super().__init__("People have answered this form. Archive it: its answers stay readable.")


@transaction.atomic
def create_form(*, name: str, slug: str = "", kind: str = Form.Kind.CONTACT) -> Form:
    """A form with a source of its own and four usual questions, not yet published.

    :raises SlugTaken:
    """
    slug = slug or _free_slug(name)
    if slug in RESERVED or Form.objects.filter(slug=slug).exists():
        raise SlugTaken(slug)
    form = Form.objects.create(slug=slug, name=name, kind=kind, source=_source(slug, name))
    form.draft = asdict(draft_of(form)) | {"fields": [dict(each) for each in STARTER]}
    form.save(update_fields=["draft"])
    return form


def _free_slug(name: str) -> str:
    wanted = slugify(name)[:50]
    if not wanted or wanted in RESERVED:
        return new_public_id()
    return wanted


def _source(slug: str, name: str) -> Source:
    source, _ = Source.objects.get_or_create(
        key=f"form-{slug}"[:50], defaults={"name": name, "kind": Source.Kind.FORM}
    )
    return source


@transaction.atomic
def duplicate_form(form_id: int) -> Form:
    """The same questions and settings under a new address, not yet published."""
    form = Form.objects.get(pk=form_id)
    name = f"{form.name[:70]} (copy)"
    slug = slug_for_copy(form.slug)
    return Form.objects.create(
        slug=slug,
        name=name,
        draft=asdict(draft_of(form)),
        **{n: getattr(form, n) for n in SETTINGS if n not in {"name", "source"}},
        source=_source(slug, name),
    )


def slug_for_copy(slug: str) -> str:
    taken = set(Form.objects.filter(slug__startswith=slug[:50]).values_list("slug", flat=True))
    numbers = (f"{slug[:50]}-{n}" for n in range(2, len(taken) + 3))
    return next(each for each in numbers if each not in taken)


def change_form(form_id: int, values: Mapping[str, Any]) -> None:
    """Settings take effect at once, also for forms that people have open."""
    Form.objects.filter(pk=form_id).update(**{n: values[n] for n in SETTINGS if n in values})


def unpublish_form(form_id: int) -> None:
    """Close a form. What still arrives waits in the inbox."""
    Form.objects.filter(pk=form_id).update(published=None)


@transaction.atomic
def republish_form(form_id: int) -> FormVersion | None:
    """Open it again with its newest version; None when there is none yet."""
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    form.published = form.versions.order_by("-number").first()
    form.archived_at = None
    form.save(update_fields=["published", "archived_at"])
    return form.published


def archive_form(form_id: int, *, at: datetime) -> None:
    """Close it and take it off the list; nothing of it is lost."""
    Form.objects.filter(pk=form_id).update(archived_at=at)


def unarchive_form(form_id: int) -> None:
    Form.objects.filter(pk=form_id).update(archived_at=None)


@transaction.atomic
def delete_form(form_id: int) -> None:
    """Remove a form that nobody has answered.

    :raises HasAnswers:
    """
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    versions = form.versions.values("pk")
    answered = (
        Inquiry.objects.filter(form_version__in=versions).exists()
        or InboxItem.objects.filter(form_version__in=versions).exists()
    )
    if answered:
        raise HasAnswers
    form.published = None
    form.save(update_fields=["published"])
    try:
        with transaction.atomic():
            form.delete()
    except IntegrityError:  # an answer arrived at this moment
        raise HasAnswers from None

"""Writing the next version of a form: what strangers see changes only when it is published."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leads import questions, themes
from leads.drafting import Content, content_of, draft_of
from leads.fields import definition_of
from leads.models import Asset, Consent, ConsentText, Form, FormVersion


class NothingChanged(Conflict):
    code = "nothing_changed"

    def __init__(self) -> None:
        super().__init__("The draft asks what the published version asks. Nothing was published.")


class NothingToUndo(Conflict):
    code = "nothing_to_undo"

    def __init__(self) -> None:
        super().__init__("There is no removed field to bring back.")


BEFORE = "fields_before"  # a draft keeps what it asked before a field was removed

Change = Callable[[Content], None]


@transaction.atomic
def change_draft(form_id: int, change: Change) -> Form:
    """Let `change` work on the draft as it is now: two people at it keep each other's work."""
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    content = draft_of(form)
    before = [dict(question) for question in content.fields]
    change(content)
    keep = (form.draft or {}).get(BEFORE)
    if len(content.fields) < len(before):
        keep = before
    form.draft = asdict(content) | ({BEFORE: keep} if keep else {})
    return _save_draft(form)


def _save_draft(form: Form) -> Form:
    Form.objects.filter(pk=form.pk).update(draft=form.draft, draft_revision=F("draft_revision") + 1)
    form.draft_revision += 1
    return form


def add_question(form_id: int, kind: str, *, after: str = "") -> str:
    """Returns the key of the new question."""
    made: list[str] = []

    def add(content: Content) -> None:
        question = questions.new_question(kind, content.fields)
        at = questions.place_of(content.fields, after) + 1 if after else len(content.fields)
        content.fields.insert(at or len(content.fields), question)
        made.append(question["key"])

    change_draft(form_id, add)
    return made[0]


def remove_question(form_id: int, key: str) -> None:
    def remove(content: Content) -> None:
        content.fields = [each for each in content.fields if each.get("key") != key]

    change_draft(form_id, remove)


def move_question(form_id: int, key: str, to: int) -> None:
    def move(content: Content) -> None:
        content.fields = questions.moved(content.fields, key, to)

    change_draft(form_id, move)


def change_question(form_id: int, key: str, values: Mapping[str, Any]) -> None:
    """Its key stays, so that what conditions and answers name is still there."""

    def change(content: Content) -> None:
        content.fields = [
            {**dict(values), "key": key} if each.get("key") == key else each
            for each in content.fields
        ]

    change_draft(form_id, change)


def change_words(form_id: int, values: Mapping[str, Any]) -> None:
    def change(content: Content) -> None:
        for name, value in values.items():
            setattr(content, name, value)

    change_draft(form_id, change)


def change_settings(form_id: int, values: Mapping[str, Any]) -> None:
    def change(content: Content) -> None:
        content.settings = {**content.settings, **values}

    change_draft(form_id, change)


@transaction.atomic
def undo_removal(form_id: int) -> None:
    """Bring back the questions as they were before the last one was removed.

    :raises NothingToUndo:
    """
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    before = (form.draft or {}).get(BEFORE)
    if not before:
        raise NothingToUndo
    form.draft = {k: v for k, v in (form.draft or {}).items() if k != BEFORE} | {"fields": before}
    _save_draft(form)


def discard_draft(form_id: int) -> None:
    Form.objects.filter(pk=form_id).update(draft=None, draft_revision=F("draft_revision") + 1)


@transaction.atomic
def restore_version(form_id: int, number: int) -> None:
    """Make an earlier version the draft; it is published like any other change."""
    version = FormVersion.objects.get(form_id=form_id, number=number)
    form = Form.objects.select_for_update(of=("self",)).get(pk=form_id)
    form.draft = asdict(content_of(version))
    _save_draft(form)


# ---- publishing ----


@transaction.atomic
def publish_draft(form_id: int, *, by: User | None = None) -> FormVersion:
    """Make the draft the version that strangers see. Earlier ones keep what was answered to them.

    :raises Invalid: naming each question or setting that is wrong.
    :raises NothingChanged:
    """
    form = Form.objects.select_for_update(of=("self",)).select_related("published").get(pk=form_id)
    content = completed(draft_of(form))
    if problems := problems_of(form, content):
        raise Invalid(problems[0].message, errors=problems)
    if form.published is not None and content == content_of(form.published):
        raise NothingChanged
    newest = form.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = content.as_version(form, newest + 1)
    version.published_by = by
    version.save()
    number_consent_texts(version, by=by)
    form.published, form.draft, form.archived_at = version, None, None
    form.save(update_fields=["published", "draft", "archived_at"])
    return version


def completed(content: Content) -> Content:
    """With the options of custom fields where none were written."""
    fields = [_with_options(question) for question in content.fields]
    return Content(**{**asdict(content), "fields": fields})


def _with_options(question: dict[str, Any]) -> dict[str, Any]:
    target = str(question.get("maps_to") or "")
    if question.get("options") or question.get("type") not in questions.WITH_OPTIONS:
        return question
    definition = definition_of(target[7:]) if target.startswith("custom.") else None
    if definition is None or not definition.has_options:
        return question
    options = [{"value": key, "label": label} for key, label in definition.offered]
    return {**question, "options": options}


def problems_of(form: Form, content: Content) -> list[FieldError]:
    """Why this cannot be published."""
    found = questions.problems_of(content.fields)
    if not content.title.strip():
        found.append(FieldError("title", "Give the form a title.", "required"))
    found += _redirect_problems(form, content.redirect_url)
    if theme := themes.theme_of(content.settings.get("theme")):
        found += [
            FieldError(n, words, "contrast") for n, words in themes.problems_of(theme).items()
        ]
    if content.settings.get("confirm") and not _asks_address(content):
        message = "Confirming by e-mail needs a question that saves to E-mail."
        found.append(FieldError("confirm", message, "no_email"))
    if content.settings.get("keep") and not _asks_who(content):
        message = "To keep what is not sent, ask for an e-mail address or a phone number."
        found.append(FieldError("keep", message, "nobody"))
    asset = content.settings.get("asset")
    if asset and not Asset.objects.filter(pk=asset, archived_at=None).exists():
        found.append(FieldError("asset", "The file, link or code is gone. Choose another.", "gone"))
    return found


def _asks_address(content: Content) -> bool:
    return any(question.get("maps_to") == "email" for question in content.fields)


def _asks_who(content: Content) -> bool:
    return any(question.get("maps_to") in {"email", "phone"} for question in content.fields)


def _redirect_problems(form: Form, url: str) -> list[FieldError]:
    if not url or host_is_allowed(form, url):
        return []
    host = urlsplit(url).netloc
    message = f"Add https://{host} to the form’s sites in its settings first: visitors go there."
    return [FieldError("redirect_url", message, "host")]


def host_is_allowed(form: Form, url: str) -> bool:
    """Ours, or one of the sites that may show the form."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    origins = {urlsplit(origin).netloc for origin in [settings.SITE_URL, *form.allowed_origins]}
    return parts.scheme in {"http", "https"} and parts.netloc.lower() in origins


# ---- words of consent ----


def number_consent_texts(version: FormVersion, *, by: User | None = None) -> None:
    for purpose, wording in consent_texts(version):
        consent_text(purpose, wording, by=by)


def consent_texts(version: FormVersion) -> list[tuple[str, str]]:
    """Purpose and words of each box of a version."""
    boxes = [
        (str(question.get("purpose") or Consent.Purpose.MARKETING_EMAIL), str(question["label"]))
        for question in version.fields
        if question.get("type") == "consent" and question.get("label")
    ]
    default = (Consent.Purpose.MARKETING_EMAIL.value, version.consent_text)
    return [*boxes, default] if version.consent_text else boxes


def consent_text(purpose: str, wording: str, *, by: User | None = None) -> ConsentText:
    """The numbered text for these words, which are written down the first time."""
    hashed = hashlib.sha256(wording.encode()).hexdigest()
    known = ConsentText.objects.filter(purpose=purpose, wording_hash=hashed).first()
    if known is not None:
        return known
    newest = ConsentText.objects.filter(purpose=purpose).aggregate(n=Max("number"))["n"] or 0
    try:
        with transaction.atomic():
            return ConsentText.objects.create(
                purpose=purpose,
                number=newest + 1,
                wording=wording,
                wording_hash=hashed,
                created_by=by,
            )
    except IntegrityError:  # another form was published at the same moment
        return consent_text(purpose, wording, by=by)

"""What one version of a form asks and says, and the one that is being written."""

from dataclasses import asdict, dataclass, field
from typing import Any

from leads.models import Form, FormVersion

STARTER: list[dict[str, Any]] = [
    {"key": "name", "label": "Your name", "type": "text", "required": True, "maps_to": "name"},
    {"key": "email", "label": "Work e-mail", "type": "email", "required": True, "maps_to": "email"},
    {"key": "company", "label": "Company", "type": "text", "maps_to": "company_name"},
    {"key": "message", "label": "How can we help?", "type": "textarea", "maps_to": "message"},
]


@dataclass(slots=True, kw_only=True)
class Content:
    """What one version of a form asks and says."""

    title: str
    fields: list[dict[str, Any]] = field(default_factory=list)
    intro: str = ""
    consent_text: str = ""
    submit_label: str = "Send"
    thank_you: str = "Thank you. We will be in touch."
    redirect_url: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def as_version(self, form: Form, number: int = 0) -> FormVersion:
        return FormVersion(form=form, number=number, **asdict(self))


NAMES = tuple(Content.__dataclass_fields__)


def content_of(version: FormVersion) -> Content:
    return Content(**{name: getattr(version, name) for name in NAMES})


def draft_of(form: Form) -> Content:
    """What is being written; else the newest version."""
    if form.draft is not None:
        return Content(**{name: form.draft[name] for name in NAMES if name in form.draft})
    newest = form.versions.order_by("-number").first()
    return content_of(newest) if newest else Content(title=form.name, fields=list(STARTER))


def has_changes(form: Form) -> bool:
    """Whether publishing would change what strangers see."""
    published = form.published
    return published is None or draft_of(form) != content_of(published)

"""What a template may say: plain dictionaries about the lead, its company, its owner and us."""

from typing import Any

from django.utils import timezone

from leadcrm.accounts.models import Workspace
from leads import mailparts
from leads.fields.records import told
from leads.models import Lead

# Every name a template may use, with words for the editor. Empty values are nil, so that
# `{% if lead.company %}` and `| default:` do what the writer means.
FIELDS: dict[str, dict[str, str]] = {
    "lead": {
        "first_name": "First name",
        "last_name": "Last name",
        "name": "Full name",
        "email": "E-mail address",
        "job_title": "Job title",
        "company": "Company",
        "website": "Website",
        "city": "City",
        "region": "Region",
        "country": "Country code",
        "industry": "Industry",
        "company_size": "Employees",
        "custom": "Custom fields, as lead.custom.your_field",
    },
    "company": {
        "name": "Company",
        "industry": "Industry",
        "size": "Employees",
        "city": "City",
        "country": "Country code",
        "domain": "Web domain",
    },
    "owner": {
        "name": "Owner’s name",
        "first_name": "Owner’s first name",
        "email": "Owner’s e-mail address",
        "signature": "Owner’s signature",
    },
    "workspace": {"name": "Our name", "address": "Our postal address"},
    "links": {"unsubscribe": "Unsubscribe link", "preferences": "Preferences link"},
}
OPEN_ENDED = frozenset({("lead", "custom")})  # what follows is up to the workspace

VALUE_LIMIT = 2000


def known_fields() -> dict[str, dict[str, str]]:
    """The fixed ones and what the apps above offer at the moment."""
    return {**FIELDS, **mailparts.names()}


def context_of(lead: Lead, workspace: Workspace, links: dict[str, str]) -> dict[str, Any]:
    """Expects `company` and `owner` to be loaded with the lead."""
    company, owner = lead.company, lead.owner
    return {
        "lead": {
            **_plain(
                lead, "first_name", "last_name", "email", "job_title", "website", "city",
                "region", "country", "industry", "company_size",
            ),
            "name": f"{lead.first_name} {lead.last_name}".strip() or None,
            "company": lead.company_name[:VALUE_LIMIT] or (company.name if company else None),
            "custom": {key: _tame(value) for key, value in told(lead.custom).items()},
        },
        "company": _plain(company, "name", "industry", "size", "city", "country", "domain"),
        "owner": _plain(owner, "name", "first_name", "email", "signature"),
        "workspace": {
            "name": workspace.name,
            "address": workspace.postal_address or None,
        },
        "links": links,
        **mailparts.values_for(lead, at=timezone.now()),
    }  # fmt: skip


def _plain(source: Any, *names: str) -> dict[str, Any]:
    return {name: _tame(getattr(source, name, None)) for name in names}


def _tame(value: Any) -> Any:
    """Text and numbers; anything richer would print its Python form."""
    if isinstance(value, bool) or value in (None, "", [], {}):
        return value or None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, list):
        return [_tame(item) for item in value[:50]]
    return str(value)[:VALUE_LIMIT]


PREVIEW_LINKS = {"unsubscribe": "#unsubscribe", "preferences": "#preferences"}

_HOSTILE = "x\r\nBcc: a@b.example\r\n\r\n.\r\n<script>alert(1)</script>\"'>{{ 7 | times: 7 }}"


def sample_contexts() -> list[dict[str, Any]]:
    """Three people a template must be able to write to: nobody known, a hostile one, a long one."""
    return [_everywhere(None), _everywhere(_HOSTILE), _everywhere("Ünïcødé 長い名前 " * 100)]


def _everywhere(value: str | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        group: dict.fromkeys(names, value) for group, names in known_fields().items()
    }
    context["lead"]["custom"] = {}
    context["workspace"]["name"] = value or "Workspace"
    context["links"] = dict(PREVIEW_LINKS)
    return context

"""Reading activities that programs send, fast enough for a thousand at once."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.lib import normalise
from leadcrm.lib.errors import FieldError
from leads.activity_types import ACTIVITY_TYPES, CUSTOM_TYPE, Group, type_of
from leads.models import Activity
from leads.tracking.reading import PURCHASES, amount_of, currency_of, with_money
from leads.tracking.visits import as_uuid

FUTURE = timedelta(days=1)  # clocks of senders may be wrong, but not by more
KNOWN = frozenset(
    {"id", "lead", "email", "visitor", "type", "occurred_at", "properties", "category"}
)
PROPERTIES_BYTES = 10_000


@dataclass(slots=True)
class Sent:
    """One activity as it was sent, and what is wrong with it."""

    key: str = ""
    lead: str = ""
    email: str = ""
    visitor: uuid.UUID | None = None
    type: str = ""
    occurred_at: datetime | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    category: str = ""
    errors: list[FieldError] = field(default_factory=list)

    def refuse(self, name: str, message: str, code: str = "invalid") -> None:
        self.errors.append(FieldError(name, message, code))


def read_activity(row: Any, *, at: datetime, needs_lead: bool = True) -> Sent:
    """Every mistake of one row, by field; nothing is raised."""
    sent = Sent()
    if not isinstance(row, Mapping):
        sent.refuse("body", "Each activity is an object with a type.")
        return sent
    for name in row.keys() - KNOWN:
        sent.refuse(str(name)[:60], "There is no such field.", "unknown")
    sent.key = _text(sent, row, "id", limit=80)
    sent.category = _text(sent, row, "category", limit=40)
    sent.type = _type(sent, row)
    sent.occurred_at = _moment(sent, row, at)
    sent.properties = _properties(sent, row)
    if sent.type in PURCHASES:
        _read_sum(sent)
    if needs_lead:
        _read_lead(sent, row)
    return sent


def _text(sent: Sent, row: Mapping[str, Any], name: str, *, limit: int) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, (bool, list, dict)):
        sent.refuse(name, "Write text here.")
        return ""
    text = normalise.clean_text(str(value))
    if len(text) > limit:
        sent.refuse(name, f"At most {limit} characters.", "max_length")
    return text


def _type(sent: Sent, row: Mapping[str, Any]) -> str:
    value = row.get("type")
    if not isinstance(value, str) or not CUSTOM_TYPE.match(value):
        sent.refuse(
            "type", "Write a type in small letters with underscores, such as page_view.", "invalid"
        )
        return ""
    if value in ACTIVITY_TYPES and type_of(value).group == Group.SYSTEM:
        sent.refuse("type", f"“{value}” is written by LeadCRM itself.", "reserved")
    return value


def _moment(sent: Sent, row: Mapping[str, Any], at: datetime) -> datetime:
    value = row.get("occurred_at")
    if value is None:
        return at
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except (ValueError, ValidationError, OverflowError):
        moment = None
    if moment is None or moment.year < 1970:
        sent.refuse("occurred_at", "Write a moment such as 2026-11-19T10:38:00Z.")
        return at
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=at.tzinfo)
    if moment > at + FUTURE:
        sent.refuse("occurred_at", "This lies in the future. Check the clock of the sender.")
    return moment


def _properties(sent: Sent, row: Mapping[str, Any]) -> dict[str, Any]:
    value = row.get("properties")
    if value is None:
        return {}
    if not isinstance(value, dict):
        sent.refuse("properties", "Send an object of names and values.")
        return {}
    if len(str(value)) > PROPERTIES_BYTES:
        sent.refuse("properties", "Properties may hold 10 kB.", "max_length")
    return value


def _read_sum(sent: Sent) -> None:
    """A purchase may name its amount; then it is one that can be added up."""
    amount, currency = sent.properties.get("amount"), sent.properties.get("currency")
    if amount is not None and amount_of(amount) is None:
        sent.refuse("properties.amount", "Write the amount as a number, such as 99.5.")
    if currency is not None and not currency_of(currency):
        sent.refuse("properties.currency", "Write the currency as three letters, such as EUR.")
    sent.properties = with_money(sent.properties)


def _read_lead(sent: Sent, row: Mapping[str, Any]) -> None:
    if raw := _text(sent, row, "visitor", limit=45):
        sent.visitor = as_uuid(raw)
        if sent.visitor is None:
            sent.refuse("visitor", "A visitor’s id is a UUID, as the script made it.")
    sent.lead = _text(sent, row, "lead", limit=12)
    if raw := _text(sent, row, "email", limit=254):
        email = normalise.email(raw)
        if email is None:
            sent.refuse("email", "This is no e-mail address.", "invalid_email")
        else:
            sent.email = email.canonical
    elif not sent.lead and not sent.visitor and not sent.errors:
        words = "Name the lead by its id or its e-mail address, or the visitor by its id."
        sent.refuse("lead", words, "required")


def activity_shape(activity: Activity) -> dict[str, Any]:
    kind, user = type_of(activity.type), activity.user
    return {
        "id": activity.pk,
        "type": activity.type,
        "label": kind.label,
        "group": kind.group.value,
        "occurred_at": activity.occurred_at,
        "properties": activity.properties,
        "category": activity.category,
        "origin": activity.klass,
        "user": {"id": user.public_id, "name": str(user)} if user else None,
    }

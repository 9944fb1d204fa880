"""Small questions about visits. The capture path and the pages ask them: this imports little."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from leads.models import Consent, Visit


def as_uuid(raw: Any) -> uuid.UUID | None:
    if not isinstance(raw, str) or len(raw) > 45:
        return None
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None


def newest_visit(token: uuid.UUID, *, before: datetime | None = None) -> Visit | None:
    begun = Q(started_at__lte=before) if before else Q()
    visits = Visit.objects.filter(begun, visitor__token=token)
    return visits.order_by("-started_at", "-pk").first()


def with_visit(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """A form's context; where its visitor came from, the visit knows better than the form."""
    token = as_uuid(context.get("visitor"))
    visit = newest_visit(token) if token else None
    return {**context, **visit.origin} if visit else context


def objects(lead_id: int) -> bool:
    """Whether this person does not want to be tracked: the newest word on it counts."""
    receipts = Consent.objects.filter(lead_id=lead_id, purpose=Consent.Purpose.TRACKING)
    return receipts.order_by("-at", "-pk").values_list("granted", flat=True).first() is False

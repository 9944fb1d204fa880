"""Finding the visit that something happened in. The capture path uses it: it imports little."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from leads.models import Visit


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

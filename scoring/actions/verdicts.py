"""What sales said of a qualified lead, noted beside the proof that qualified it."""

from datetime import datetime

from django.db.models import Q

from leadcrm.lib.normalise import clean_text
from scoring.models import Qualification


def note_verdict(lead_id: int, verdict: str, *, at: datetime, reason: str = "") -> int:
    """Beside the newest sales- or product-qualification; a later answer replaces an earlier one.

    Return how many were noted: 0 when rules never qualified the lead, or a later answer stands.
    """
    newest = (
        Qualification.objects.filter(
            lead=lead_id, kind__in=[Qualification.Kind.SQL, Qualification.Kind.PQL]
        )
        .order_by("-entered_at", "-pk")
        .values("pk")[:1]
    )
    return Qualification.objects.filter(
        Q(verdict_at=None) | Q(verdict_at__lte=at), pk__in=list(newest.values_list("pk", flat=True))
    ).update(verdict=verdict, verdict_reason=clean_text(reason, limit=300), verdict_at=at)

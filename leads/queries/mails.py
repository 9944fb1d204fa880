"""Mails that were asked for by what somebody did: what was sent, what not, and what is in doubt."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from leads.models import TransactionalMail
from leads.models.lead import visible_lead

State = TransactionalMail.State
MOST = 1000


def mails(principal: Any) -> QuerySet[TransactionalMail]:
    """For paging by `-pk`; those about leads only for who may see them. Without their texts."""
    shown = Q(lead=None) | visible_lead(principal, path="lead")
    rows = TransactionalMail.objects.filter(shown).select_related("lead", "decided_by")
    return rows.defer("text", "html", "calendar", "last_error")


@dataclass(frozen=True, slots=True)
class Trouble:
    """How many wait for a person, each counted up to `MOST`."""

    failed: int
    unknown: int

    def __bool__(self) -> bool:
        return bool(self.failed or self.unknown)


def trouble(principal: Any) -> Trouble:
    rows = mails(principal).filter(state__in=TransactionalMail.TROUBLE).order_by()
    counted = dict(
        TransactionalMail.objects.filter(pk__in=rows.values("pk")[:MOST])
        .values_list("state")
        .annotate(n=Count("pk"))
    )
    return Trouble(failed=counted.get(State.FAILED, 0), unknown=counted.get(State.UNKNOWN, 0))

"""What reports read: derived, and always possible to count anew."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from leadcrm.accounts.models import Team, User
from leadcrm.lib.indexes import where_set
from leads.models import Lead, Pipeline, Source, Stage
from pipeline.models.funnel import SalesCycle


def _pointer(to: type[models.Model]) -> "models.ForeignKey[Any, Any]":
    """A reference that was checked where it is copied from."""
    return models.ForeignKey(
        to, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )


class CycleFact(models.Model):
    """One narrow row for each sales cycle of a lead that counts, with all that reports ask of it.

    A fact table in Kimball's sense: the moments of the cycle, and the dimensions of its lead as
    they are today. Cycles of deleted, merged and test leads have none. `pipeline.facts` writes it;
    triggers of the tables it is copied from note which leads must be looked at again.
    """

    # No constraint: a cycle may be deleted while it is copied; its note takes the copy away after.
    cycle = models.OneToOneField(
        SalesCycle, models.CASCADE, primary_key=True, db_constraint=False, related_name="fact"
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    pipeline = _pointer(Pipeline)
    source = _pointer(Source)
    owner = _pointer(User)
    team = _pointer(Team)
    country = models.CharField(max_length=2, blank=True)
    stage = _pointer(Stage)
    stage_entered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    first_response_at = models.DateTimeField(null=True)
    furthest = _pointer(Stage)
    mql_at = models.DateTimeField(null=True)
    sql_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=4, blank=True)
    lost_reason = models.CharField(max_length=20, blank=True)
    # Of the response clock; null: it has none.
    target_minutes = models.PositiveIntegerField(null=True)
    target_at = models.DateTimeField(null=True)  # by when the first inquiry wanted an answer
    working_seconds = models.PositiveBigIntegerField(null=True)
    respond_by = models.DateTimeField(null=True)  # while somebody waits, else null

    OPEN: ClassVar[Q] = Q(closed_at=None)

    class Meta:
        indexes = [
            models.Index(fields=["opened_at"], name="fact_by_opening"),
            models.Index(fields=["received_at"], name="fact_by_receipt"),
            where_set("mql_at", name="fact_by_mql"),
            where_set("sql_at", name="fact_by_sql"),
            where_set("closed_at", name="fact_by_close"),
            where_set("respond_by", name="fact_waiting"),
            models.Index(fields=["lead"], name="fact_by_lead"),
            models.Index(
                fields=["opened_at"], condition=Q(closed_at=None, owner=None), name="fact_orphan"
            ),
        ]

    def __str__(self) -> str:
        return f"Facts of cycle {self.pk}"


class ChangedLead(models.Model):
    """A lead whose facts are to be looked at again. Written by triggers, often more than once."""

    lead_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Lead {self.lead_id} changed"

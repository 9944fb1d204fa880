"""What the upper floors and the pages ask about imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from leads.models import ImportJob, ImportRow, Inquiry


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A lead that an import made, with what its row wished for."""

    lead_id: int
    owner_id: int | None = None
    stage_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody wants done with the new leads of an import."""

    funnel: bool
    owner: str  # queue, route or person
    owner_id: int | None
    clocks: bool
    by_id: int | None

    @classmethod
    def of(cls, job: ImportJob) -> "Wishes":
        chosen: Mapping[str, Any] = job.options
        return cls(
            funnel=bool(chosen.get("funnel", True)),
            owner=str(chosen.get("owner", "queue")),
            owner_id=chosen.get("owner_id"),
            clocks=bool(chosen.get("clocks")),
            by_id=job.user_id,
        )


def wishes_of(import_id: int) -> Wishes | None:
    job: ImportJob | None = ImportJob.objects.filter(pk=import_id).first()
    return Wishes.of(job) if job else None


def newcomers(import_id: int, *, first_line: int, last_line: int) -> list[Newcomer]:
    """The leads made by these lines that are still there, in the order of their keys."""
    rows = ImportRow.objects.filter(
        job=import_id,
        line__range=(first_line, last_line),
        outcome=ImportRow.Outcome.CREATED,
        undone=ImportRow.Undone.NO,
        lead__merged_into=None,
        lead__deleted_at=None,
    )
    return [
        Newcomer(lead_id, log.get("owner"), log.get("stage"))
        for lead_id, log in rows.order_by("lead_id").values_list("lead_id", "log")
    ]


def taken_back(import_id: int, *, first_line: int, last_line: int) -> list[int]:
    """The leads that an undo of these lines removed."""
    rows = ImportRow.objects.filter(
        job=import_id,
        line__range=(first_line, last_line),
        outcome=ImportRow.Outcome.CREATED,
        undone=ImportRow.Undone.UNDONE,
        lead__isnull=False,
    )
    return list(rows.order_by("lead_id").values_list("lead_id", flat=True))


def keeps_quiet(lead_id: int, about: str) -> bool:
    """Whether a lead came by an import for which nobody asked for this, and was not heard of since.

    :param about: `drips` or `route_qualified`, as the import's options call it.
    """
    heard = Inquiry.objects.filter(
        lead=OuterRef("lead"), received_at__gt=OuterRef("job__started_at")
    )
    row = (
        ImportRow.objects.filter(lead=lead_id, outcome=ImportRow.Outcome.CREATED)
        .exclude(Exists(heard))
        .order_by("-pk")
        .values_list("job__options", flat=True)
        .first()
    )
    return row is not None and not row.get(about, about == "route_qualified")

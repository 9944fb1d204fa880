"""Files as people send them, and an import of one from beginning to end."""

import io
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from openpyxl import Workbook

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.importing import steering
from leads.importing.options import Options
from leads.models import ImportJob, ImportRow

PEOPLE = """First name;Last name;E-mail;Phone;Company;Job title;Country
Alice;Archer;alice@kestrel.example;+31 10 555 0142;Kestrel;Planner;NL
Bob;Baker;bob@marlow.example;;Marlow;Director;Germany
Charlie;Cole;charlie@heron.example;;Heron;;BE
"""


def workbook(rows: Sequence[Sequence[Any]], *, title: str = "People") -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def drain() -> None:
    """Work on imports alone, which is all that reading and checking need."""
    while steering.drain_jobs() + steering.drain_chunks():
        pass


def taken(data: str | bytes, *, user: User, name: str = "people.csv", **chosen: Any) -> ImportJob:
    """A file that was uploaded and read."""
    raw = data.encode() if isinstance(data, str) else data
    job = steering.accept(io.BytesIO(raw), name=name, principal=user, chosen=chosen)
    drain()
    job.refresh_from_db()
    return job


def checked(
    data: str | bytes, *, user: User, mapping: Sequence[str] | None = None, **options: Any
) -> ImportJob:
    job = taken(data, user=user)
    steering.start_check(
        job.pk, mapping=mapping or job.mapping, options=Options(**options), at=timezone.now()
    )
    drain()
    job.refresh_from_db()
    return job


def imported(
    data: str | bytes, *, user: User, mapping: Sequence[str] | None = None, **options: Any
) -> ImportJob:
    job = checked(data, user=user, mapping=mapping, **options)
    steering.start(job.pk, at=timezone.now())
    pump.run_all()
    job.refresh_from_db()
    return job


def undone(job: ImportJob) -> ImportJob:
    steering.start_undo(job.pk, at=timezone.now())
    pump.run_all()
    job.refresh_from_db()
    return job


def outcomes(job: ImportJob) -> dict[int, str]:
    return dict(ImportRow.objects.filter(job=job).values_list("line", "outcome"))


def reasons(job: ImportJob) -> dict[int, str]:
    return dict(ImportRow.objects.filter(job=job).values_list("line", "reason"))

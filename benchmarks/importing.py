"""A file of new people, beside a bare COPY of the same rows, made before, into the same tables.

Once into the table of leads alone, once also into those of scores, identifiers, touches and the
timeline, with all indexes. LeadCRM reads the file,
normalises and matches each row, tells what it would do, and then writes the lead with its score
row, identifiers, company, touch, consent, timeline entry, and a log by which all can be undone.
"""

import io
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from django.db import transaction
from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, rate_of
from leadcrm.accounts.models import User
from leadcrm.lib.copying import as_text, copy_text
from leads.importing import steering
from leads.importing.options import Options as Chosen
from leads.importing.people import next_ids
from leads.models import ImportJob, Lead

ROUND = count(int(time.time()))
HEADINGS = "First name;Last name;E-mail;Phone;Company;Job title;Country;Staff"


def run(options: Options) -> list[Line]:
    rows = options.rows
    return [
        compared(
            f"import {rows:,} rows, read, checked, written",
            lambda: rate_of(lambda: imported(rows)),
            lambda: copied(rows),
            pairs=options.pairs,
            unit="rows/s",
        ),
        compared(
            "the writing alone, beside the table of leads",
            lambda: written(rows),
            lambda: copied(rows),
            pairs=options.pairs,
            unit="rows/s",
        ),
        compared(
            "the writing alone, beside all its tables",
            lambda: written(rows),
            lambda: copied(rows, everything=True),
            pairs=options.pairs,
            unit="rows/s",
        ),
    ]


def people(rows: int) -> Iterator[list[str]]:
    mark = next(ROUND)
    for number in range(rows):
        name = f"firm{mark % 100_000}x{number // 8}"
        yield [
            f"Anna{number % 997}", f"de Vries{number % 4999}", f"a{number}@{name}.example",
            f"+3161{number % 10_000_000:07}", name.capitalize(), "Planner", "NL",
            str(number % 900),
        ]  # fmt: skip


def checked(rows: int) -> ImportJob:
    text = "\n".join([HEADINGS, *(";".join(person) for person in people(rows))])
    user = User.objects.filter(role="marketer", is_active=True).order_by("pk")[0]
    job = steering.accept(io.BytesIO(text.encode()), name="benchmark.csv", principal=user)
    drain()
    job.refresh_from_db()
    steering.start_check(job.pk, mapping=job.mapping, options=Chosen(), at=timezone.now())
    drain()
    return job


def drain() -> None:
    while steering.drain_jobs() + steering.drain_chunks():
        pass


def imported(rows: int) -> int:
    steering.start(checked(rows).pk, at=timezone.now())
    drain()
    return rows


def written(rows: int) -> float:
    job = checked(rows)
    started = time.perf_counter()
    steering.start(job.pk, at=timezone.now())
    drain()
    return rows / (time.perf_counter() - started)


def copied(rows: int, *, everything: bool = False) -> float:
    """COPY alone: what it reads was made before."""
    people = list(leads(rows))
    for lead, key in zip(people, next_ids(rows), strict=True):
        lead.pk = key
    tables = [(Lead._meta.db_table, *lead_rows(people))]
    if everything:
        tables += beside(people)
    texts = [(table, columns, as_text(lines)) for table, columns, lines in tables]
    started = time.perf_counter()
    with transaction.atomic():
        for table, columns, text in texts:
            copy_text(table, columns, text)
    return rows / (time.perf_counter() - started)


Lines = tuple[list[str], list[list[Any]]]


def lead_rows(people: list[Lead]) -> Lines:
    fields = [field for field in Lead._meta.concrete_fields if not field.generated]
    columns = [str(field.column) for field in fields]
    return columns, [[getattr(lead, field.attname) for field in fields] for lead in people]


def beside(people: list[Lead]) -> list[tuple[str, list[str], list[list[Any]]]]:
    """What belongs to each lead: one row in each table, two identifiers."""
    now = timezone.now()
    identifiers = [["email", lead.pk, lead.email] for lead in people]
    identifiers += [["phone", lead.pk, lead.phone] for lead in people]
    touch = ["channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
             "click_ids", "referrer", "landing_page", "occurred_at"]  # fmt: skip
    return [
        ("leads_leadscore", ["lead_id"], [[lead.pk] for lead in people]),
        ("leads_leadidentifier", ["kind", "lead_id", "value"], identifiers),
        (
            "leads_touch",
            ["lead_id", *touch],
            [[lead.pk, "import", "", "", "", "", "", {}, "", "", now] for lead in people],
        ),
        (
            "leads_activity",
            ["lead_id", "type", "occurred_at", "properties", "category", "klass"],
            [[lead.pk, "lead_imported", now, {}, "", "human"] for lead in people],
        ),
    ]


def leads(rows: int) -> Iterator[Lead]:
    now = timezone.now()
    for first, last, email, phone, company, title, country, staff in people(rows):
        yield Lead(
            first_name=first, last_name=last, email=email, phone=phone, company_name=company,
            job_title=title, country=country, company_size=int(staff), created_at=now,
            updated_at=now, version=1,
        )  # fmt: skip

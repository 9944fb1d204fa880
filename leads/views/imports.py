"""Importing a file of leads: columns, dry run, progress, and what became of each row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.pagination import keyset_page
from leads.forms.imports import OptionsForm, ReadingForm, UploadForm
from leads.importing import options, problems, steering, targets
from leads.importing.detecting import NotATable
from leads.importing.reading import described
from leads.models import ImportJob, ImportRow, Lead, Source
from leads.models.attribution import Channel

OFFICE = (Role.MARKETER, Role.MANAGER)
PAGE = 50
FEW = 20
State, Outcome, Undone = ImportJob.State, ImportRow.Outcome, ImportRow.Undone
WORKING = frozenset({State.READING, State.CHECKING, State.RUNNING, State.UNDOING})
TONES = {
    "done": "good", "failed": "bad", "checked": "accent", "ready": "accent", "paused": "warm",
    "cancelled": "", "undone": "",
}  # fmt: skip
ASIDE = (Outcome.INVALID, Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows came to one outcome, with the page of them."""

    key: str
    label: str
    rows: int
    href: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An import as the pages show it."""

    job: ImportJob

    @property
    def tone(self) -> str:
        return TONES.get(self.job.state, "accent")

    @property
    def is_working(self) -> bool:
        return self.job.state in WORKING

    @property
    def description(self) -> str:
        return described(self.job)

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The wizard: what is done, and where one is."""
        order = ("File", "Match", "Check", "Import")
        at = {State.READING: 0, State.FAILED: 0, State.READY: 1, State.CHECKING: 2,
              State.CHECKED: 2}.get(State(self.job.state), 3)  # fmt: skip
        return [
            (label, "done" if number < at else "now" if number == at else "")
            for number, label in enumerate(order)
        ]

    @property
    def done(self) -> int:
        """Rows of the step under way that are behind it."""
        if self.job.state == State.UNDOING:
            return sum(self.job.counts.get(key, 0) for key in ("undone", "partly", "kept"))
        return sum(self.job.counts.get(key, 0) for key in Outcome.values)

    @property
    def total(self) -> int:
        if self.job.state == State.UNDOING:
            return sum(self.job.counts.get(key, 0) for key in ("created", "updated"))
        return self.job.rows

    @property
    def seconds_left(self) -> int | None:
        job, done = self.job, self.done
        if job.state != State.RUNNING or not done or job.started_at is None:
            return None
        passed = (timezone.now() - job.started_at).total_seconds()
        return round(passed / done * (job.rows - done))

    @property
    def time_left(self) -> str:
        seconds = self.seconds_left
        if seconds is None:
            return ""
        if seconds < 90:
            return f"About {max(seconds, 1)} seconds left."
        return f"About {round(seconds / 60)} minutes left."

    @property
    def counts(self) -> list[Count]:
        return [self._count(outcome, outcome.label) for outcome in Outcome if self._rows(outcome)]

    @property
    def undo_counts(self) -> list[Count]:
        return [
            Count(undone, str(undone.label), rows, f"{self.href}rows/?undone={undone}")
            for undone in (Undone.UNDONE, Undone.PARTLY, Undone.KEPT)
            if (rows := self.job.counts.get(undone, 0))
        ]

    def _rows(self, key: str) -> int:
        return int(self.job.counts.get(key, 0))

    def _count(self, key: str, label: str) -> Count:
        return Count(key, label, self._rows(key), f"{self.href}rows/?outcome={key}")

    @property
    def created(self) -> Count:
        return self._count("created", "new leads")

    @property
    def updated(self) -> Count:
        return self._count("updated", "leads get newer details")

    @property
    def aside(self) -> int:
        return sum(self._rows(outcome) for outcome in ASIDE)

    @property
    def writes(self) -> int:
        return self._rows("created") + self._rows("updated")

    @property
    def href(self) -> str:
        return f"/import/{self.job.public_id}/"

    @property
    def may_undo(self) -> bool:
        over = self.job.state in {State.DONE, State.CANCELLED, State.PAUSED}
        return over and self.job.started_at is not None and self.job.purged_at is None

    @property
    def may_purge(self) -> bool:
        return self.job.state in steering.OVER and self.job.purged_at is None


# ---- the list, and a new file ----


@role_required(*OFFICE)
@require_GET
def import_list(request: HttpRequest) -> HttpResponse:
    jobs = ImportJob.objects.visible_to(user_of(request)).select_related("user", "source")
    page = keyset_page(
        jobs, ordering=["-created_at", "-pk"], size=PAGE, cursor=request.GET.get("cursor")
    )
    context = {"page": page, "rows": [Shown(job) for job in page]}
    return render(request, "leads/imports/list.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if posted else UploadForm()
    if posted and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = steering.accept(file, name=file.name, principal=user_of(request))
        except NotATable as problem:
            form.add_error("file", problem.detail)
        else:
            return redirect("import", job_id=job.public_id)
    status = 422 if posted else 200
    return render(request, "leads/imports/new.html", {"form": form}, status=status)


# ---- one import ----


def find(request: HttpRequest, public_id: str) -> ImportJob:
    jobs = ImportJob.objects.visible_to(user_of(request)).select_related("user", "source")
    job: ImportJob | None = jobs.filter(public_id=public_id).first()
    if job is None:
        raise NotFound
    return job


@role_required(*OFFICE)
@require_GET
def import_page(request: HttpRequest, job_id: str) -> HttpResponse:
    """Whatever comes next for this file: its columns, its rows, its progress or its result."""
    job = find(request, job_id)
    if request.headers.get("HX-Request"):
        return _progress(request, job)
    if job.state == State.READY:
        return _match(request, job)
    shown = Shown(job)
    context = {"shown": shown, "job": job, "few": _few(request, job)}
    return render(request, "leads/imports/run.html", context)


def _progress(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The bar once more while it moves; the whole page when a step is over."""
    if job.state not in WORKING:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"shown": Shown(job), "job": job}
    return render(request, "leads/imports/run.html#progress", context)


def _few(request: HttpRequest, job: ImportJob) -> list[Any]:
    """The first rows that need eyes."""
    if job.state in WORKING:
        return []
    rows = ImportRow.objects.filter(job=job, outcome__in=ASIDE).order_by("line")[:FEW]
    return list(rows)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def import_columns(request: HttpRequest, job_id: str) -> HttpResponse:
    """Where each column goes; sending it starts the dry run."""
    job = find(request, job_id)
    if request.method == "GET":
        if job.state not in {State.READY, State.CHECKED}:
            return redirect("import", job_id=job.public_id)
        return _match(request, job)
    form = OptionsForm(job, request.POST)
    mapping = [request.POST.get(f"column_{n}", "") for n in range(len(job.columns))]
    if form.is_valid():
        try:
            steering.start_check(
                job.pk,
                mapping=mapping,
                options=options.checked(form.chosen),
                at=timezone.now(),
                source=_source(form.cleaned_data),
            )
        except DomainError as problem:
            job.mapping = mapping
            return _match(request, job, form, error=problem.detail, status=problem.status)
        return redirect("import", job_id=job.public_id)
    job.mapping = mapping
    return _match(request, job, form, error="Some choices need correcting.", status=422)


def _source(data: dict[str, Any]) -> Source | None:
    if name := data["new_source"].strip():
        key = slugify(name)[:50] or "import"
        source, _ = Source.objects.get_or_create(
            key=key,
            defaults={"name": name, "kind": Source.Kind.IMPORT, "channel": Channel.OFFLINE},
        )
        return source
    return Source.objects.filter(pk=data["source"]).first() if data["source"] else None


def _match(
    request: HttpRequest,
    job: ImportJob,
    form: OptionsForm | None = None,
    *,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "shown": Shown(job),
        "job": job,
        "columns": [
            _column(number, column, target)
            for number, (column, target) in enumerate(zip(job.columns, job.mapping, strict=True))
        ],
        "groups": targets.choices(),
        "form": form or OptionsForm(job),
        "reading": ReadingForm(job),
        "error": error or job.reason,
    }
    return render(request, "leads/imports/match.html", context, status=status)


def _column(number: int, column: dict[str, Any], target: str) -> dict[str, Any]:
    samples = [text for text in column["samples"] if text]
    fit = targets.fitting(target, samples)
    total = len(column["samples"])
    words = f"{fit} of {len(samples)} look right" if fit < len(samples) else ""
    return {
        "number": number,
        "name": column["name"],
        "shown": ", ".join(samples[:3]),
        "target": target,
        "odd": bool(words),
        "words": words or (f"{len(samples)} of {total} filled" if samples else "Empty so far"),
    }


@role_required(*OFFICE)
@require_POST
def import_reading(request: HttpRequest, job_id: str) -> HttpResponse:
    job = find(request, job_id)
    form = ReadingForm(job, request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the ways of reading that are offered.")
    else:
        try:
            steering.read_again(job.pk, form.cleaned_data)
        except DomainError as problem:
            messages.error(request, problem.detail)
    return redirect("import", job_id=job.public_id)


Deed = Callable[[ImportJob], None]
DEEDS: dict[str, tuple[Deed, str]] = {
    "start": (lambda job: steering.start(job.pk, at=timezone.now()), ""),
    "pause": (lambda job: steering.pause(job.pk), "Paused. Rows under work are finished."),
    "resume": (lambda job: steering.resume(job.pk), "Going on."),
    "cancel": (lambda job: steering.cancel(job.pk, at=timezone.now()), "Stopped."),
    "undo": (lambda job: steering.start_undo(job.pk, at=timezone.now()), ""),
    "purge": (
        lambda job: steering.purge(job.pk, at=timezone.now()),
        "The file and its rows are deleted. The leads stay.",
    ),
}


@role_required(*OFFICE)
@require_POST
def import_do(request: HttpRequest, job_id: str, deed: str) -> HttpResponse:
    job = find(request, job_id)
    if deed not in DEEDS:
        raise NotFound
    act, words = DEEDS[deed]
    try:
        act(job)
    except DomainError as problem:
        messages.error(request, problem.detail)
    else:
        if words:
            messages.success(request, words)
    return redirect("import", job_id=job.public_id)


# ---- the rows ----


@role_required(*OFFICE)
@require_GET
def import_rows(request: HttpRequest, job_id: str) -> HttpResponse:
    job = find(request, job_id)
    rows = ImportRow.objects.filter(job=job).select_related("lead")
    outcome, undone = request.GET.get("outcome", ""), request.GET.get("undone", "")
    if outcome in Outcome.values:
        rows = rows.filter(outcome=outcome)
    if undone in Undone.values and undone:
        rows = rows.filter(undone=undone)
    page = keyset_page(rows, ordering=["line", "pk"], size=PAGE, cursor=request.GET.get("cursor"))
    ids = [row.lead_id for row in page if row.lead_id]
    seen = Lead.objects.visible_to(user_of(request)).filter(pk__in=ids)
    context = {
        "shown": Shown(job),
        "job": job,
        "page": page,
        "outcome": outcome,
        "undone": undone,
        "links": set(seen.values_list("pk", flat=True)),
    }
    return render(request, "leads/imports/rows.html", context)


@role_required(*OFFICE)
@require_GET
def import_problems(request: HttpRequest, job_id: str) -> StreamingHttpResponse:
    """The rows that were set aside, as they came, with the reasons: to correct and import again."""
    job = find(request, job_id)
    response = StreamingHttpResponse(problems.lines(job), content_type="text/csv; charset=utf-8")
    name = slugify(job.name.rpartition(".")[0]) or "import"
    response["Content-Disposition"] = f'attachment; filename="{name}-set-aside.csv"'
    return response

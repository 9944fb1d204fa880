from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.access import person_behind, reach_of
from leadcrm.accounts.models import ApiKey, User
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models.capture import Source
from leads.models.lead import Lead


class OwnJobs(models.QuerySet[Any]):
    """Jobs of which not everybody may see everything, since their rows are people."""

    def visible_to(self, principal: Any) -> Self:
        """Whoever sees all leads sees all jobs; others see their own."""
        if reach_of(principal).everything:
            return self
        person = person_behind(principal)
        return self.filter(user=person) if person else self.none()


class ImportJob(WorkItem):
    """A file of leads on its way in. Its own steps are work items, and so is each of its chunks.

    `due_at` is set while a step of the job itself is to be done: reading the file, comparing its
    rows, finishing. When all is over it is the moment at which the rows are purged.
    """

    class State(models.TextChoices):
        READING = "reading", "Reading the file"
        READY = "ready", "Waits for its columns"
        CHECKING = "checking", "Checking the rows"
        CHECKED = "checked", "Waits for your go"
        RUNNING = "running", "Importing"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Stopped"
        DONE = "done", "Done"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Could not be read"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    name = models.CharField(max_length=200)  # of the file
    kind = models.CharField(max_length=4)  # csv or xlsx
    size = models.BigIntegerField(default=0)
    # How to read it: {"encoding", "delimiter", "sheet", "sheets", "has_header"}.
    reading = models.JSONField(default=dict)
    columns = models.JSONField(default=list)  # [{"name", "samples"}]
    mapping = models.JSONField(default=list)  # a target for each column, "" to ignore it
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.READING)
    goes_on = models.CharField(
        max_length=6, blank=True, default="", db_default=""
    )  # by itself, because a program asked for it: to “check”, or to “import”
    reason = models.TextField(blank=True)
    rows = models.PositiveIntegerField(default=0)
    chunks_left = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)  # {outcome: rows}, of the step under way
    source = models.ForeignKey(Source, models.SET_NULL, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OwnJobs.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="import_due"),
            models.Index(fields=["-created_at", "-id"], name="import_newest"),
        ]

    def __str__(self) -> str:
        return self.name


class ImportPart(models.Model):
    """A megabyte of the file as it came, compressed: any worker can read it."""

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_part_number")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"


class ImportChunk(WorkItem):
    """A thousand rows, worked on in one transaction.

    `raw` are the cells as read, `prepared` what the check made of them; both compressed JSON.
    """

    class Step(models.TextChoices):
        """The last step that is behind it."""

        READ = "read", "Read"
        CHECKED = "checked", "Checked"
        APPLIED = "applied", "Imported"
        UNDONE = "undone", "Undone"

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    step = models.CharField(max_length=7, choices=Step, default=Step.READ)
    raw = models.BinaryField()
    prepared = models.BinaryField(null=True)
    reason = models.TextField(blank=True, default="", db_default="")
    # Those it made: an undo takes them away again where nobody else uses them.
    companies: Any = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=models.Value([], output_field=ArrayField(models.BigIntegerField())),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="import_chunk_number")
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="import_chunk_due")
        ]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"


class ImportRow(models.Model):
    """What became, or would become, of one row of the file.

    `log` is what an undo needs: `{"before": {field: old}, "after": {field: new}, "tags": [ids],
    "note": id, "consent": id, "restored": moment}`; for new leads `{"owner", "stage"}` as wished.
    """

    class Outcome(models.TextChoices):
        CREATED = "created", "New"
        UPDATED = "updated", "Updated"
        UNCHANGED = "unchanged", "Nothing new"
        SKIPPED = "skipped", "Skipped"
        DUPLICATE = "duplicate", "Twice in the file"
        INVALID = "invalid", "Set aside"

    class Undone(models.TextChoices):
        NO = "", "Stands"
        UNDONE = "undone", "Undone"
        PARTLY = "partly", "Partly kept"
        KEPT = "kept", "Kept"

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="results", db_index=False)
    line = models.PositiveIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome)
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    name = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    keys = ArrayField(models.TextField(), default=list)  # what tells two rows are of one person
    log = models.JSONField(default=dict)
    undone = models.CharField(max_length=6, choices=Undone, blank=True, default=Undone.NO)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "line"], name="import_row_once")]
        indexes = [
            models.Index(fields=["job", "outcome", "line"], name="import_row_by_outcome"),
            models.Index(
                fields=["lead"], condition=Q(lead__isnull=False), name="import_row_by_lead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}, line {self.line}: {self.outcome}"


class ImportMemory(models.Model):
    """How files with these headings were read before: the next one starts with it."""

    headings_hash = models.CharField(max_length=64, unique=True)
    mapping = models.JSONField(default=dict)  # {heading: target}
    options = models.JSONField(default=dict)
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.headings_hash[:12]


class ExportJob(WorkItem):
    """Who took how many leads out, and, for large ones, the file until it expires."""

    class State(models.TextChoices):
        STREAMED = "streamed", "Downloaded at once"
        WAITING = "waiting", "In preparation"
        READY = "ready", "Ready"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    format = models.CharField(max_length=4, default="csv")
    query = models.TextField(blank=True)  # the filters of the list
    columns: Any = ArrayField(  # all, where none are named
        models.CharField(max_length=60),
        default=list,
        db_default=models.Value([], output_field=ArrayField(models.CharField(max_length=60))),
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True)
    rows = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OwnJobs.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="export_due"),
            models.Index(fields=["-created_at", "-id"], name="export_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} leads as {self.format}"


class ExportPart(models.Model):
    job = models.ForeignKey(ExportJob, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="export_part_number")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"

"""Imports and exports as programs send and read them."""

from typing import Any

from rest_framework import serializers

from leads.models import ExportJob, ImportJob, ImportRow
from leads.serializers.leads import KnownFieldsMixin

MOST_LETTERS = 4_500_000


class ImportInput(KnownFieldsMixin, serializers.Serializer[Any]):
    """A file of leads. Without `dry_run` it is imported as soon as it is checked."""

    file = serializers.FileField(
        required=False, allow_empty_file=True, help_text="CSV or .xlsx, in a multipart body."
    )
    content = serializers.CharField(
        required=False,
        max_length=MOST_LETTERS,
        trim_whitespace=False,
        help_text="The text of a CSV file, where the body is JSON.",
    )
    name = serializers.CharField(required=False, max_length=200, help_text="Of the file.")
    mapping = serializers.JSONField(
        required=False,
        help_text="`{heading: field}`; what is left out is guessed, an empty field ignores it.",
    )
    options = serializers.JSONField(
        required=False,
        help_text="`existing` (fill, replace, skip), `create`, `match_by`, `tags`, `defaults`, "
        "`country`, `dates`, `consent`, `basis`, `funnel`, `owner`, `owner_id`, "
        "`route_qualified`, `clocks`, `drips`.",
    )
    source = serializers.SlugField(required=False, help_text="The key of a source.")
    dry_run = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("content" in attrs):
            raise serializers.ValidationError(
                {"file": "Send a file in a multipart body, or its text as `content`."}
            )
        for name in ("mapping", "options"):
            if not isinstance(attrs.get(name, {}), dict):
                raise serializers.ValidationError({name: "Send an object."})
        return attrs


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    id = serializers.CharField(source="public_id", read_only=True)
    mapping = serializers.SerializerMethodField(help_text="`{heading: field}`")
    source = serializers.CharField(source="source.key", default=None, read_only=True)
    status_url = serializers.SerializerMethodField()

    class Meta:
        model = ImportJob
        fields = (
            "id", "name", "state", "reason", "rows", "counts", "mapping", "options", "source",
            "created_at", "started_at", "finished_at", "status_url",
        )  # fmt: skip

    def get_mapping(self, job: ImportJob) -> dict[str, str]:
        names = [column["name"] for column in job.columns]
        return dict(zip(names, job.mapping, strict=False))

    def get_status_url(self, job: ImportJob) -> str:
        return f"/api/v1/imports/{job.public_id}/"


class ImportRowSerializer(serializers.ModelSerializer[ImportRow]):
    lead = serializers.SerializerMethodField(help_text="Its id, where you may see it.")

    class Meta:
        model = ImportRow
        fields = ("line", "outcome", "name", "reason", "undone", "lead")

    def get_lead(self, row: ImportRow) -> str | None:
        seen: dict[int, str] = self.context.get("leads", {})
        return seen.get(row.lead_id or 0)


class ExportInput(KnownFieldsMixin, serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=["csv", "xlsx"], default="csv")
    filters = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        required=False,
        help_text='The filters of `GET /leads/`, such as `{"stage": "sql"}`.',
    )

    columns = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        max_length=300,
        help_text="Keys such as `email`, `stage` or `custom.<key>`; all, where none is named.",
    )


class ExportSerializer(serializers.ModelSerializer[ExportJob]):
    id = serializers.CharField(source="public_id", read_only=True)
    download_url = serializers.SerializerMethodField()

    class Meta:
        model = ExportJob
        fields = (
            "id", "format", "state", "reason", "rows", "size", "created_at", "expires_at",
            "download_url",
        )  # fmt: skip

    def get_download_url(self, job: ExportJob) -> str | None:
        ready = job.state == ExportJob.State.READY
        return f"/api/v1/exports/{job.public_id}/file/" if ready else None

"""The shapes of leads and what hangs on them, for programs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast
from zoneinfo import available_timezones

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from leadcrm.lib import normalise
from leads.actions.leads import ContactFields
from leads.fields import records
from leads.models import Activity, Company, Lead, Lifecycle, Note, Source, Status, Temperature

CUSTOM_BYTES = 20_000
CUSTOM_KEYS = 100
API_NAMES = {"company": "company_name"}
CONTACT = (
    "email", "first_name", "last_name", "phone", "job_title", "company", "website", "country",
    "region", "city", "language", "time_zone", "industry", "company_size",
)  # fmt: skip
ELSEWHERE = {
    "stage": "A lead moves by POST leads/<id>/stage/.",
    "owner": "An owner is given by POST leads/<id>/owner/.",
    "status": "It follows the sales process: POST leads/<id>/stage/.",
    "lifecycle": "It follows the sales process: POST leads/<id>/stage/.",
    "score": "It is worked out from rules: send activities/ and leads/<id>/bant/.",
    "temperature": "It is worked out from rules: send activities/ and leads/<id>/bant/.",
    "grade": "It is worked out from rules: send activities/ and leads/<id>/bant/.",
    "next_step_at": "It follows the open tasks: POST leads/<id>/tasks/.",
    "id": "Ids are given by LeadCRM.",
    "created_at": "It is written by LeadCRM.",
    "updated_at": "It is written by LeadCRM.",
    "last_activity_at": "It is written by LeadCRM.",
}


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


@extend_schema_serializer(component_name="Lead")
class LeadSerializer(serializers.Serializer[Any]):
    """A person who could become a customer. Made by `lead_shape`; here so that it is described."""

    id = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    job_title = serializers.CharField(allow_blank=True)
    company = serializers.CharField(allow_blank=True)
    company_id = serializers.CharField(allow_null=True)
    website = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    time_zone = serializers.CharField(allow_blank=True)
    industry = serializers.CharField(allow_blank=True)
    company_size = serializers.IntegerField(allow_null=True)
    source = serializers.CharField(allow_null=True, help_text="The key of a source.")
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    stage = serializers.CharField(allow_null=True, help_text="The key of a stage.")
    owner = PersonSerializer(allow_null=True)
    score = serializers.IntegerField()
    temperature = serializers.ChoiceField(choices=Temperature.choices)
    grade = serializers.CharField(allow_blank=True)
    next_step_at = serializers.DateTimeField(allow_null=True)
    response_due_at = serializers.DateTimeField(allow_null=True)
    responded_at = serializers.DateTimeField(allow_null=True)
    last_activity_at = serializers.DateTimeField(allow_null=True)
    custom = serializers.DictField(child=serializers.JSONField())
    tags = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()


def lead_shape(lead: Lead, tags: list[str]) -> dict[str, Any]:
    score, owner = lead.score_row, lead.owner
    return {
        "id": lead.public_id,
        "email": lead.email,
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "phone": lead.phone,
        "job_title": lead.job_title,
        "company": lead.company_name,
        "company_id": lead.company.public_id if lead.company else None,
        "website": lead.website,
        "country": lead.country,
        "region": lead.region,
        "city": lead.city,
        "language": lead.language,
        "time_zone": lead.time_zone,
        "industry": lead.industry,
        "company_size": lead.company_size,
        "source": lead.source.key if lead.source else None,
        "lifecycle": lead.lifecycle,
        "status": lead.status,
        "stage": lead.stage.key if lead.stage else None,
        "owner": {"id": owner.public_id, "name": str(owner)} if owner else None,
        "score": score.score,
        "temperature": score.temperature,
        "grade": score.grade,
        "next_step_at": lead.next_step_at,
        "response_due_at": lead.response_due_at,
        "responded_at": lead.responded_at,
        "last_activity_at": score.last_activity_at,
        "custom": lead.custom,
        "tags": tags,
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
        "version": lead.version,
    }


class KnownFieldsMixin:
    """Refuses names that mean nothing, so that a typing mistake is told instead of lost."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            self._refuse_unknown(data)
        return super().to_internal_value(data)  # type: ignore[misc]

    def _refuse_unknown(self, data: Mapping[str, Any]) -> None:
        known: Iterable[str] = self.fields  # type: ignore[attr-defined]
        errors = {
            str(name)[:60]: [serializers.ErrorDetail(*_refusal(str(name)))]
            for name in data
            if name not in known
        }
        if errors:
            raise serializers.ValidationError(errors)


def _refusal(name: str) -> tuple[str, str]:
    if name in ELSEWHERE:
        return f"This cannot be written here. {ELSEWHERE[name]}", "read_only"
    return "There is no such field. See the API's documentation for those there are.", "unknown"


class LeadInput(KnownFieldsMixin, serializers.Serializer[Any]):
    """Contact fields; what is left out stays as it is."""

    email = serializers.CharField(max_length=254, required=False, allow_blank=True, allow_null=True)
    first_name = serializers.CharField(
        max_length=100, required=False, allow_blank=True, allow_null=True
    )
    last_name = serializers.CharField(
        max_length=100, required=False, allow_blank=True, allow_null=True
    )
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    job_title = serializers.CharField(
        max_length=120, required=False, allow_blank=True, allow_null=True
    )
    company = serializers.CharField(
        max_length=200, required=False, allow_blank=True, allow_null=True
    )
    website = serializers.CharField(
        max_length=300, required=False, allow_blank=True, allow_null=True
    )
    country = serializers.RegexField(
        r"^[A-Za-z]{2}$",
        required=False,
        allow_blank=True,
        allow_null=True,
        error_messages={"invalid": "Write an ISO 3166 code of two letters, such as NL."},
    )
    region = serializers.CharField(max_length=80, required=False, allow_blank=True, allow_null=True)
    city = serializers.CharField(max_length=80, required=False, allow_blank=True, allow_null=True)
    language = serializers.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,6})?$",
        required=False,
        allow_blank=True,
        allow_null=True,
        error_messages={"invalid": "Write a language code, such as en or pt-BR."},
    )
    time_zone = serializers.CharField(
        max_length=50, required=False, allow_blank=True, allow_null=True
    )
    industry = serializers.CharField(
        max_length=80, required=False, allow_blank=True, allow_null=True
    )
    company_size = serializers.IntegerField(
        min_value=0, max_value=99_999_999, required=False, allow_null=True
    )
    custom = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="Your own fields by key, as GET fields/ lists them. What is left out stays, "
        "null takes a value out. Names that nobody defined are refused.",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=50
    )

    def validate_email(self, text: str | None) -> str:
        if text and normalise.email(text) is None:
            raise serializers.ValidationError(
                "This is no e-mail address. It looks like name@company.com.", "invalid_email"
            )
        return text or ""

    def validate_time_zone(self, zone: str | None) -> str:
        if zone and zone not in available_timezones():
            raise serializers.ValidationError("Write an IANA zone, such as Europe/Amsterdam.")
        return zone or ""

    def validate_custom(self, custom: dict[str, Any]) -> dict[str, Any]:
        if len(custom) > CUSTOM_KEYS or any(len(key) > 60 for key in custom):
            raise serializers.ValidationError(
                f"At most {CUSTOM_KEYS} fields, with names of at most 60 characters."
            )
        if len(json.dumps(custom)) > CUSTOM_BYTES:
            raise serializers.ValidationError("Custom fields may hold 20 kB together.")
        unknown = records.unknown_keys(custom)
        found = records.sort_out(custom)
        mistakes = [*unknown, *(error for problem in found.bad for error in problem.errors)]
        if mistakes:
            raise serializers.ValidationError(
                {
                    error.field.removeprefix(records.PREFIX): [
                        serializers.ErrorDetail(error.message, error.code)
                    ]
                    for error in mistakes
                }
            )
        return found.values

    @property
    def contact(self) -> ContactFields:
        return contact_of(self.validated_data)


def contact_of(data: Mapping[str, Any]) -> ContactFields:
    """Validated input by the names of the model."""
    values = {API_NAMES.get(name, name): data[name] for name in CONTACT if name in data}
    for name, value in values.items():
        if value is None and name != "company_size":
            values[name] = ""
    if "custom" in data:
        values["custom"] = data["custom"]
    return cast(ContactFields, values)


class LeadCreate(LeadInput):
    external_id = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="What your system calls this person. The same id under the same `source` is the "
        "same lead.",
    )
    source = serializers.SlugRelatedField(
        slug_field="key",
        queryset=Source.objects.all(),
        required=False,
        allow_null=True,
        error_messages={"does_not_exist": "There is no source “{value}”. GET sources/ lists them."},
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        ways = ("email", "phone", "first_name", "last_name", "external_id")
        if not any(data.get(name) for name in ways):
            raise serializers.ValidationError(
                {"email": ["Send an e-mail address, a phone number or a name."]}, "required"
            )
        return data


class LeadPatch(LeadInput):
    version = serializers.IntegerField(
        min_value=1, required=False, help_text="What you read; instead of If-Match."
    )


class BulkInput(serializers.Serializer[Any]):
    """Up to 1,000 leads, each as for creating one; `id` names a known lead."""

    leads = LeadCreate(many=True)


class ProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class BulkResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["created", "updated", "unchanged", "error"])
    id = serializers.CharField(allow_null=True)
    errors = ProblemSerializer(many=True)


class BulkAnswerSerializer(serializers.Serializer[Any]):
    results = BulkResultSerializer(many=True)


# ---- timeline, activities, notes ----


class ActivitySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    type = serializers.CharField()
    label = serializers.CharField()
    group = serializers.ChoiceField(choices=["talk", "web", "email", "system"])
    occurred_at = serializers.DateTimeField()
    properties = serializers.DictField(child=serializers.JSONField())
    category = serializers.CharField(allow_blank=True)
    origin = serializers.ChoiceField(choices=Activity.Class.choices)
    user = PersonSerializer(allow_null=True)


class ActivityInput(serializers.Serializer[Any]):
    """One thing a lead did. `id` is yours: the same one is written once."""

    id = serializers.CharField(required=False, max_length=80)
    lead = serializers.CharField(required=False, help_text="The lead's id.")
    email = serializers.CharField(required=False, help_text="Or its e-mail address.")
    visitor = serializers.CharField(
        required=False,
        help_text="Or the id that the tracking script gave its browser. With a lead, the browser "
        "is the lead’s from then on; without one, what it did waits until its person is known.",
    )
    type = serializers.CharField(max_length=30)
    occurred_at = serializers.DateTimeField(required=False)
    properties = serializers.DictField(child=serializers.JSONField(), required=False)
    category = serializers.CharField(required=False, max_length=40)


class LeadActivityInput(serializers.Serializer[Any]):
    id = serializers.CharField(required=False, max_length=80)
    type = serializers.CharField(max_length=30)
    occurred_at = serializers.DateTimeField(required=False)
    properties = serializers.DictField(child=serializers.JSONField(), required=False)
    category = serializers.CharField(required=False, max_length=40)


class ActivityResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["recorded", "duplicate", "error"])
    activity = serializers.IntegerField(allow_null=True)
    errors = ProblemSerializer(many=True)


class ActivityAnswerSerializer(serializers.Serializer[Any]):
    results = ActivityResultSerializer(many=True)


class NoteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    body = serializers.CharField()
    author = PersonSerializer(allow_null=True)
    created_at = serializers.DateTimeField()


class NoteInput(KnownFieldsMixin, serializers.Serializer[Any]):
    body = serializers.CharField(max_length=20_000)


def note_shape(note: Note) -> dict[str, Any]:
    author = note.author
    return {
        "id": note.pk,
        "body": note.body,
        "author": {"id": author.public_id, "name": str(author)} if author else None,
        "created_at": note.created_at,
    }


# ---- look-ups ----


class CompanySerializer(serializers.ModelSerializer[Company]):
    id = serializers.CharField(source="public_id")

    class Meta:
        model = Company
        fields = ("id", "name", "domain", "industry", "size", "country", "city", "created_at")

"""Leads for programs: the list, one, and many at once."""

import re
from typing import Any, cast

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import ApiKey, User
from leadcrm.eventlog.actions import Actor
from leadcrm.lib import api_pages, normalise, pump
from leadcrm.lib.errors import DomainError, FieldError, StaleVersion
from leadcrm.lib.problems import flatten
from leads import actions
from leads.actions.knowing import external_id
from leads.actions.leads import EmailTaken
from leads.filters import BadFilter, LeadFilter, filter_names, narrowed
from leads.models import Lead, Source
from leads.queries import record, worklist
from leads.serializers.leads import (
    BulkAnswerSerializer,
    BulkInput,
    LeadCreate,
    LeadPatch,
    LeadSerializer,
    contact_of,
    lead_shape,
)

MOST_ROWS = 1000
DEFAULT_ORDERING = "-created_at"
BESIDE_FILTERS = frozenset({"ordering", "cursor", "page_size", "format"})
NOT_FOUND = OpenApiResponse(description="There is none, or this key may not see it.")
STALE = OpenApiResponse(description="Somebody saved since `version` was read.")


class LeadPageSerializer(serializers.Serializer[Any]):
    results = LeadSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def filter_parameters() -> list[OpenApiParameter]:
    """The filters of the list, described."""
    return [
        OpenApiParameter(name, str, description=str(f.extra.get("help_text") or f.label))
        for name, f in LeadFilter.base_filters.items()
    ]


def person_of(request: Request) -> User | None:
    """The person behind a request: signed in, or whose key it is."""
    if isinstance(request.auth, ApiKey):
        return request.auth.user
    return request.user if isinstance(request.user, User) else None


def actor_of(request: Request) -> Actor:
    """Whoever asks; permission was checked, so it is a person or a key."""
    return cast(Actor, request.user)


class LeadsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_list",
        summary="List leads",
        description="Custom fields filter too, by their type: `custom.plan=pro,starter`, "
        "`custom.plan__not`, `custom.seats__min`, `__max`, `custom.ends__after`, `__before`, "
        "`__within` and `__next` (days), `custom.note__contains`, and for all `__known=1` or `0`. "
        "`ordering=custom.<key>` sorts by one.",
        parameters=[
            *filter_parameters(),
            OpenApiParameter(
                "ordering",
                str,
                description=f"{', '.join(worklist.SORTS)} or `custom.<key>`, with `-` for "
                f"descending; `{DEFAULT_ORDERING}` when left out.",
            ),
            *api_pages.PARAMETERS,
        ],
        responses=LeadPageSerializer,
    )
    def get(self, request: Request) -> Response:
        leads = found_leads(request)
        page = worklist.whole_page(
            leads,
            sort=request.query_params.get("ordering") or DEFAULT_ORDERING,
            cursor=request.query_params.get("cursor"),
            size=api_pages.size_of(request),
        )
        tags = record.tags_of_many([lead.pk for lead in page])
        return api_pages.answer(request, page, lambda lead: lead_shape(lead, tags[lead.pk]))

    @extend_schema(
        operation_id="leads_create",
        summary="Create a lead, or complete a known one",
        description="A lead with the same e-mail address, or the same `external_id` of the same "
        "`source`, is answered with 200; only its empty fields are filled, and values that differ "
        "wait for a person to decide.",
        request=LeadCreate,
        responses={201: LeadSerializer, 200: LeadSerializer},
    )
    def post(self, request: Request) -> Response:
        form = LeadCreate(data=request.data)
        form.is_valid(raise_exception=True)
        lead, is_new = _enter(request, form.validated_data)
        return answer_lead(request, lead.public_id, status=201 if is_new else 200)


class LeadView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_retrieve",
        summary="Read a lead",
        description="The id of a merged lead answers with the lead it became part of, whose own "
        "`id` is in the answer.",
        responses={200: LeadSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        return answer_lead(request, lead_id)

    @extend_schema(
        operation_id="leads_update",
        summary="Change contact fields",
        description='With `If-Match: "<version>"` or `version` nobody\'s change is overwritten.',
        parameters=[OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)],
        request=LeadPatch,
        responses={200: LeadSerializer, 404: NOT_FOUND, 412: STALE},
    )
    def patch(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        form = LeadPatch(data=request.data)
        form.is_valid(raise_exception=True)
        _change(request, lead, form.validated_data, version=_version_read(request, form, lead))
        return answer_lead(request, lead.public_id)

    @extend_schema(
        operation_id="leads_delete",
        summary="Delete a lead",
        responses={204: None, 404: NOT_FOUND},
    )
    def delete(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        actions.delete_leads([lead.pk], at=timezone.now(), actor=actor_of(request))
        return Response(status=204)


class LeadBulkView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_bulk",
        summary="Create or change up to 1,000 leads",
        description="Each row stands for itself: one that is refused leaves the others alone. "
        'A known e-mail address changes that lead. The body is `{"leads": […]}` or the list.',
        request=BulkInput,
        responses=BulkAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        forms = [LeadCreate(data=row) for row in rows_of(request.data, "leads", MOST_ROWS)]
        good = [form.validated_data for form in forms if form.is_valid()]
        known = known_leads(request, [row["email"] for row in good if row.get("email")])
        results = [_upsert(request, form, known) for form in pump.waking_once(forms)]
        return Response({"results": [{"index": i, **row} for i, row in enumerate(results)]})


def found_leads(request: Request) -> Any:
    """The leads this request may see and asks for.

    :raises BadFilter: a filter that does not exist would silently match everything.
    """
    unknown = set(request.query_params) - filter_names() - BESIDE_FILTERS
    if unknown:
        name = min(unknown)[:60]
        message = f"There is no filter “{name}”. See the API's documentation."
        raise BadFilter(message, errors=[FieldError(name, message, "unknown")])
    leads = Lead.objects.visible_to(request.user)
    found, _ = narrowed(leads, request.query_params, request._request)
    return found


def answer_lead(request: Request, public_id: str, *, status: int = 200) -> Response:
    lead = record.find(request.user, public_id)
    shape = lead_shape(lead, record.tags_of(lead.pk))
    return Response(shape, status=status, headers={"ETag": f'"{lead.version}"'})


def rows_of(data: Any, name: str, most: int) -> list[Any]:
    """The list in a body, given as it is or under `name`.

    :raises ValidationError: it is no list, or longer than `most`.
    """
    rows = data.get(name) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows:
        raise ValidationError({name: [f"Send a list of 1 to {most:,} objects."]}, "required")
    if len(rows) > most:
        raise ValidationError(
            {name: [f"Send at most {most:,} at once; these are {len(rows):,}."]}, "max_length"
        )
    return rows


def _enter(request: Request, data: dict[str, Any]) -> tuple[Lead, bool]:
    source: Source | None = data.get("source")
    lead, is_new = actions.enter_lead(
        contact_of(data),
        reader=request.user,
        at=timezone.now(),
        source=source,
        actor=actor_of(request),
        user=person_of(request),
        channel="api",
        external=external_id(source.key if source else "api", data.get("external_id") or ""),
    )
    if data.get("tags"):
        actions.add_tags([lead.pk], data["tags"])
    return lead, is_new


def _change(
    request: Request, lead: Lead, data: dict[str, Any], *, version: int | None = None
) -> Lead:
    at = timezone.now()
    try:
        lead = actions.update_lead(
            lead.pk,
            contact_of(data),
            at=at,
            version=version,
            actor=actor_of(request),
            user=person_of(request),
        )
    except EmailTaken as taken:
        if Lead.objects.visible_to(request.user).filter(pk=taken.lead.pk).exists():
            raise
        raise actions.EmailOfHidden from None
    if "tags" in data:
        actions.set_tags(lead.pk, data["tags"], at=at)
    return lead


def _version_read(request: Request, form: LeadPatch, lead: Lead) -> int | None:
    """What the client read: If-Match goes before the field; None asks to write over."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        version: int | None = form.validated_data.get("version")
        return version
    tags = re.findall(r'"([^"]*)"', header) or [header.strip()]
    if str(lead.version) in tags:
        return lead.version
    raise StaleVersion(
        f"This lead is at version {lead.version}; If-Match names {header[:40]}. Read it again."
    )


def known_leads(request: Request, emails: list[str]) -> dict[str, Lead]:
    """Visible leads by canonical e-mail address."""
    wanted = [email.canonical for text in emails if (email := normalise.email(text))]
    ids = record.ids_by_name(request.user, public_ids=[], emails=wanted)
    leads = Lead.objects.only("public_id", "version").in_bulk(set(ids.values()))
    return {address: leads[pk] for address, pk in ids.items() if pk in leads}


def _upsert(request: Request, form: LeadCreate, known: dict[str, Lead]) -> dict[str, Any]:
    if form.errors:
        details = ValidationError(form.errors).get_full_details()
        return _bulk_result("error", errors=flatten(details))
    data = {name: value for name, value in form.validated_data.items() if value not in ("", None)}
    email = normalise.email(data.get("email", ""))
    try:
        lead = known.get(email.canonical) if email else None
        if lead is None:
            lead, is_new = _enter(request, data)
            if is_new:
                return _bulk_result("created", lead)
        before = lead.version
        lead = _change(request, lead, {k: v for k, v in data.items() if k != "tags"})
        if email:
            known[email.canonical] = lead  # a later row may name it again
        if "tags" in data:
            actions.add_tags([lead.pk], data["tags"])
    except DomainError as error:
        errors = error.errors or (FieldError("body", error.detail, error.code),)
        return _bulk_result("error", errors=list(errors))
    return _bulk_result("unchanged" if lead.version == before else "updated", lead)


def _bulk_result(
    status: str, lead: Lead | None = None, errors: list[FieldError] | None = None
) -> dict[str, Any]:
    return {
        "status": status,
        "id": lead.public_id if lead else None,
        "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in errors or []],
    }


urlpatterns = [
    path("leads/", LeadsView.as_view(), name="api-leads"),
    path("leads/bulk/", LeadBulkView.as_view(), name="api-leads-bulk"),
    path("leads/<public_id:lead_id>/", LeadView.as_view(), name="api-lead"),
]

"""Duplicates for programs: which leads may be one, merging them, and taking them apart."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leads.actions.duplicates import ask_again, dismiss
from leads.actions.merging import Parted, counts_of, merge_leads, preview_unmerge, unmerge
from leads.api.leads import NOT_FOUND, actor_of, person_of
from leads.merging.registry import RULES
from leads.merging.values import OWNER, SURVIVOR, compare
from leads.models import Lead, Merge
from leads.queries import duplicates, record
from leads.serializers.leads import lead_shape
from leads.serializers.merging import (
    DuplicateInput,
    DuplicatePageSerializer,
    DuplicateSerializer,
    MergeAnswerSerializer,
    MergedListSerializer,
    MergeInput,
    UnmergeAnswerSerializer,
    UnmergeInput,
    duplicate_shape,
    merged_shape,
    moved_shape,
)

CONFLICT = OpenApiResponse(description="They are one lead already, or changed in the meantime.")


class MergeView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="lead_merges_list",
        summary="Leads that became part of this one, newest first",
        responses={200: MergedListSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        return Response({"results": [merged_shape(m) for m in duplicates.merges_of(lead.pk)]})

    @extend_schema(
        operation_id="lead_merge",
        summary="Merge another lead into this one",
        description="Everything of the other lead moves here. Its id keeps working for ever: it "
        "answers with this lead. `leads/<id>/unmerge/` undoes it at any age.",
        request=MergeInput,
        responses={200: MergeAnswerSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        form = MergeInput(data=request.data)
        form.is_valid(raise_exception=True)
        other = _other(request, lead, form.validated_data["lead"])
        keep = form.validated_data.get("keep", {})
        answer = _plan(lead, other, keep)
        if form.validated_data.get("dry_run"):
            return Response({"merge": None, "dry_run": True, **answer, "lead": _shape(lead)})
        merge = merge_leads(
            lead.pk,
            other.pk,
            at=timezone.now(),
            user=person_of(request),
            actor=actor_of(request),
            way=Merge.Way.API,
            choices=keep,
        )
        left = record.find(request.user, lead.public_id)
        answer |= {"merge": merge.pk, "moved": moved_shape(merge.counts, _names())}
        return Response({"dry_run": False, **answer, "lead": _shape(left)})


def _other(request: Request, lead: Lead, public_id: str) -> Lead:
    """The lead to be merged, visible like the first.

    :raises Invalid: there is none, or it is the same.
    """
    try:
        other = record.find(request.user, public_id.replace("\x00", ""))
    except NotFound:
        message = "There is no such lead, or you may not see it."
        raise Invalid.field("lead", message, "not_found") from None
    if other.pk == lead.pk:
        raise Invalid.field("lead", "That is the same lead. Name another one.", "same")
    return other


def _plan(lead: Lead, other: Lead, keep: dict[str, str]) -> dict[str, Any]:
    pairs = [pair for pair in compare(lead, other, keep) if pair.name != OWNER]
    return {
        "merged": other.public_id,
        "moved": moved_shape(counts_of(other), _names()),
        "values": [
            {
                "field": pair.name,
                "this": pair.survivor,
                "other": pair.loser,
                "kept": "this" if pair.keeps == SURVIVOR else "other",
            }
            for pair in pairs
        ],
    }


def _names() -> dict[str, str]:
    return {key: rule.many for key, rule in RULES.items() if rule.many}


def _shape(lead: Lead) -> dict[str, Any]:
    return lead_shape(lead, record.tags_of(lead.pk))


class UnmergeView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="lead_unmerge",
        summary="Take a merged lead out again",
        description="The address names the merged lead, or the one it became part of and the body "
        "the merged one. What came since goes to the merged lead where it carries its address or "
        "number.",
        request=UnmergeInput,
        responses={200: UnmergeAnswerSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        form = UnmergeInput(data=request.data)
        form.is_valid(raise_exception=True)
        merge = _merge_named(lead, form.validated_data.get("lead") or lead_id)
        at, is_dry = timezone.now(), bool(form.validated_data.get("dry_run"))
        if is_dry:
            return Response(_parted_shape(preview_unmerge(merge.pk, at=at), is_dry=True))
        parted = unmerge(merge.pk, at=at, user=person_of(request), actor=actor_of(request))
        return Response(_parted_shape(parted, is_dry=False))


def _merge_named(lead: Lead, public_id: str) -> Merge:
    merge = duplicates.merge_of(public_id.replace("\x00", ""))
    if merge is None:
        message = "Name a lead that was merged: GET leads/<id>/merge/ lists them."
        raise Invalid.field("lead", message, "not_merged")
    return duplicates.find_merge(lead, merge.pk)


def _parted_shape(parted: Parted, *, is_dry: bool) -> dict[str, Any]:
    return {
        "dry_run": is_dry,
        "lead": parted.survivor.public_id,
        "unmerged": parted.loser.public_id,
        "back": parted.back,
        "later": parted.later,
        "stays": parted.stays,
        "changed_since": parted.changed,
    }


class DuplicatesView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="duplicates_list",
        summary="Pairs of leads that may be one person, most alike first",
        parameters=[
            OpenApiParameter("same", bool, description="Only those sure enough for bulk."),
            *api_pages.PARAMETERS,
        ],
        responses=DuplicatePageSerializer,
    )
    def get(self, request: Request) -> Response:
        same = request.query_params.get("same", "").lower() in {"1", "true"}
        page = duplicates.page_of(
            duplicates.pairs(request.user, kind="same" if same else ""),
            cursor=request.query_params.get("cursor"),
            size=api_pages.size_of(request),
        )
        return api_pages.answer(request, page, duplicate_shape)


class DuplicateView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="duplicates_retrieve",
        summary="Read one pair",
        responses={200: DuplicateSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, pair_id: int) -> Response:
        return Response(duplicate_shape(duplicates.find_pair(request.user, pair_id)))

    @extend_schema(
        operation_id="duplicates_update",
        summary="Say that they are two people, or take that back",
        description="`dismissed` is remembered for ever: the pair is not proposed again.",
        request=DuplicateInput,
        responses={200: DuplicateSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def patch(self, request: Request, pair_id: int) -> Response:
        pair = duplicates.find_pair(request.user, pair_id)
        form = DuplicateInput(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data["state"] == "dismissed":
            dismiss(pair.pk, at=timezone.now(), user=person_of(request))
        else:
            ask_again(pair.pk)
        return Response(duplicate_shape(duplicates.find_pair(request.user, pair_id)))


urlpatterns = [
    path("leads/<public_id:lead_id>/merge/", MergeView.as_view(), name="api-lead-merge"),
    path("leads/<public_id:lead_id>/unmerge/", UnmergeView.as_view(), name="api-lead-unmerge"),
    path("duplicates/", DuplicatesView.as_view(), name="api-duplicates"),
    path("duplicates/<int:pair_id>/", DuplicateView.as_view(), name="api-duplicate"),
]

"""Routing rules and pools for programs. Changing them is for managers."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.pagination import Page, keyset_page
from leads.models import Lead
from pipeline import actions, queries
from pipeline.api.base import CONFLICT, INVALID, NOT_FOUND, actor_of, read, team_of
from pipeline.models import RoutingRule, RuleSet
from pipeline.serializers.owners import (
    DryRunInput,
    DryRunShape,
    PoolPageSerializer,
    PublishInput,
    RollBackInput,
    RuleSetShape,
    RulesInput,
    RulesShape,
    RulesVersionPageSerializer,
    pool_shape,
    rule_set_shape,
    version_shape,
)

MANAGERS = (Role.MANAGER,)
LATEST = 100
MOST_DIFFERENCES = 1_000


class RulesView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="routing_rules_retrieve",
        summary="The published rules and the draft",
        responses=RulesShape,
    )
    def get(self, request: Request) -> Response:
        return Response(
            {
                "published": rule_set_shape(queries.published_rule_set()),
                "draft": rule_set_shape(queries.draft_rule_set()),
            }
        )

    @extend_schema(
        operation_id="routing_rules_replace",
        summary="Write the rules of the draft, in the order they are tried",
        request=RulesInput,
        responses={200: RuleSetShape, 422: INVALID},
    )
    def put(self, request: Request) -> Response:
        sent = read(RulesInput, request)
        draft = actions.save_draft(
            [_rule(rule) for rule in sent["rules"]],
            at=timezone.now(),
            fallback_queue=team_of(sent.get("fallback_queue"), field="fallback_queue"),
        )
        return Response(rule_set_shape(draft))

    @extend_schema(
        operation_id="routing_rules_discard", summary="Discard the draft", responses={204: None}
    )
    def delete(self, request: Request) -> Response:
        actions.discard_draft()
        return Response(status=204)


class PublishRulesView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="routing_rules_publish",
        summary="Let the draft decide from now on",
        request=PublishInput,
        responses={200: RuleSetShape, 409: CONFLICT},
    )
    def post(self, request: Request) -> Response:
        note = read(PublishInput, request).get("note", "")
        published = actions.publish_draft(at=timezone.now(), actor=actor_of(request), note=note)
        return Response(rule_set_shape(published))


class DryRunView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="routing_rules_dry_run",
        summary="Who would get these leads; nothing is written",
        request=DryRunInput,
        responses=DryRunShape,
    )
    def post(self, request: Request) -> Response:
        sent = read(DryRunInput, request)
        draft = queries.draft_rule_set() if sent["draft"] else None
        rule_set = draft or actions.ensure_default_routing()
        rules = list(queries.rules_of(rule_set))
        answer: dict[str, Any] = {"version": rule_set.number, "shares": [], "differences": []}
        if "days" in sent:
            return Response(answer | _compared(request, rules, sent["days"]))
        leads = _leads(request, sent.get("leads"))
        forecast = queries.dry_run(rules, list(leads), at=timezone.now())
        results = [
            {"lead": leads[row.lead_id], "rule": row.rule, "user": row.user, "queue": row.queue}
            for row in forecast
        ]
        return Response(answer | {"results": results, "played": len(results)})


def _compared(request: Request, rules: list[RoutingRule], days: int) -> dict[str, Any]:
    routed = queries.routed_leads(request.user, at=timezone.now(), days=days)
    found = queries.compare(rules, routed)
    differences = found.differences[-MOST_DIFFERENCES:]
    names = dict(
        Lead.objects.filter(pk__in=[row.lead_id for row in differences]).values_list(
            "pk", "public_id"
        )
    )
    return {
        "results": [],
        "played": len(found.rows),
        "shares": [
            {"name": share.name, "did": share.did, "would": share.would} for share in found.shares
        ],
        "differences": [
            {
                "lead": names[row.lead_id],
                "at": row.at,
                "did": row.did,
                "would": row.would,
                "rule": row.rule,
            }
            for row in differences
        ],
    }


class RulesVersionsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="routing_rules_versions",
        summary="Every version of the rules, newest first",
        parameters=api_pages.PARAMETERS,
        responses=RulesVersionPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page: Page[RuleSet] = keyset_page(
            RuleSet.objects.select_related("published_by"),
            ordering=["-number"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, version_shape)


class RollBackView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="routing_rules_roll_back",
        summary="Let the rules of an earlier version decide again, as a new version",
        request=RollBackInput,
        responses={200: RuleSetShape, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request) -> Response:
        number = read(RollBackInput, request)["version"]
        made = actions.roll_back(number, at=timezone.now(), actor=actor_of(request))
        return Response(rule_set_shape(made))


class PoolsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="pools_list",
        summary="The pools and who shares in them",
        responses=PoolPageSerializer,
    )
    def get(self, request: Request) -> Response:
        pools = [pool_shape(pool) for pool in queries.pools()]
        return Response({"results": pools, "next": None, "previous": None})


def _rule(sent: dict[str, Any]) -> actions.NewRule:
    target = sent["target"]
    return actions.NewRule(
        name=sent["name"],
        condition=sent.get("condition", {}),
        target_kind=target["kind"],
        target_id=_target(target["kind"], target.get("id") or ""),
        skills=sent.get("skills", []),
        enabled=sent["enabled"],
        key=sent.get("key", ""),
    )


def _target(kind: str, name: str) -> int | None:
    """The key of what a program names: people by their public id, pools and teams by number."""
    if kind == RoutingRule.Target.USER:
        user = queries.assignable_users().filter(public_id=name[:12]).first()
        return user.pk if user else None
    return int(name) if name.isascii() and name.isdigit() and len(name) < 18 else None


def _leads(request: Request, names: list[str] | None) -> dict[int, str]:
    """Public ids by key: those named, else the latest ones."""
    leads = Lead.objects.visible_to(request.user)
    if names is not None:
        return dict(leads.filter(public_id__in=names).order_by("pk").values_list("pk", "public_id"))
    latest = leads.order_by("-created_at", "-pk").values_list("pk", "public_id")[:LATEST]
    return dict(reversed(list(latest)))


urlpatterns = [
    path("routing-rules/", RulesView.as_view(), name="api-routing-rules"),
    path("routing-rules/publish/", PublishRulesView.as_view(), name="api-routing-publish"),
    path("routing-rules/dry-run/", DryRunView.as_view(), name="api-routing-dry-run"),
    path("routing-rules/versions/", RulesVersionsView.as_view(), name="api-routing-versions"),
    path("routing-rules/roll-back/", RollBackView.as_view(), name="api-routing-roll-back"),
    path("pools/", PoolsView.as_view(), name="api-pools"),
]

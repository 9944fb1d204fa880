"""The score of one lead for programs: why, how it came about, and what may become of it."""

from datetime import datetime
from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib.errors import Invalid
from scoring import queries, studies
from scoring.api.bant import MISSING, WRONG, visible_lead
from scoring.engine import Contribution
from scoring.explain import telling
from scoring.explain.history import course
from scoring.explain.prospects import Prospects, prospects
from scoring.models import Rule

AS_OF = OpenApiParameter(
    "as_of", datetime, description="The score at that moment; now when left out."
)


def moment_of(raw: str | None) -> datetime | None:
    """:raises Invalid: it cannot be read as a moment."""
    if not raw:
        return None
    try:
        # A plus sign in a query string arrives as a space.
        at = parse_datetime(raw.strip().replace(" ", "+")) if len(raw) <= 40 else None
    except ValueError:
        at = None
    if at is None or not 2000 <= at.year <= 2200:
        raise Invalid.field("as_of", "Write a moment such as 2026-03-31T12:00:00Z.", "not_a_date")
    return at if at.tzinfo else timezone.make_aware(at, timezone.get_default_timezone())


class ScoreGroupSerializer(serializers.Serializer[Any]):
    key = serializers.ChoiceField(choices=Rule.Group.choices)
    value = serializers.IntegerField()
    cap = serializers.IntegerField()


class ContributionSerializer(serializers.Serializer[Any]):
    rule = serializers.UUIDField(allow_null=True, help_text="null for caps, rounding and by hand")
    label = serializers.CharField()
    group = serializers.CharField()
    points = serializers.FloatField()
    count = serializers.IntegerField(help_text="How many matched.")
    counted = serializers.IntegerField(help_text="How many of them give points.")
    faded = serializers.FloatField(help_text="What age took from the full worth.")
    capped = serializers.FloatField(help_text="What the rule's own limit took.")
    detail = serializers.CharField(allow_blank=True)


class ScoreSerializer(serializers.Serializer[Any]):
    """The points of all contributions sum to `value`."""

    value = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    as_of = serializers.DateTimeField()
    basis = serializers.CharField(help_text="What counts as of then, and what as it is now.")
    temperature = serializers.CharField()
    grade = serializers.CharField()
    groups = ScoreGroupSerializer(many=True)
    contributions = ContributionSerializer(many=True)


def score_shape(told: telling.Told) -> dict[str, Any]:
    version, explanation = told.version, told.explanation
    return {
        "value": explanation.value,
        "model": version.model.key,
        "version": version.number,
        "as_of": explanation.as_of,
        "basis": told.basis,
        "temperature": explanation.temperature,
        "grade": explanation.grade,
        "groups": [
            {"key": key, "value": value, "cap": version.caps[key]}
            for key, value in explanation.groups.items()
        ],
        "contributions": [_contribution(row) for row in explanation.contributions],
    }


def _contribution(row: Contribution) -> dict[str, Any]:
    return {
        "rule": str(row.rule.uid) if row.rule else None,
        "label": row.label,
        "group": row.group,
        "points": float(row.points),
        "count": row.count,
        "counted": row.counted,
        "faded": float(row.faded),
        "capped": float(row.capped),
        "detail": queries.detail_of(row),
    }


class LeadScoreView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_score",
        summary="Why a lead has its score",
        parameters=[AS_OF],
        responses={200: ScoreSerializer, 404: MISSING, 422: WRONG},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        then, now = moment_of(request.query_params.get("as_of")), timezone.now()
        told = telling.told(lead, at=then or now, past=then is not None)
        return Response(score_shape(told))


# History ------------------------------------------------------------------------------------------


class ScoreChangeSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    from_score = serializers.IntegerField()
    to_score = serializers.IntegerField()
    from_temperature = serializers.CharField()
    to_temperature = serializers.CharField()
    fit = serializers.IntegerField()
    engagement = serializers.IntegerField()
    bant = serializers.IntegerField()
    cause = serializers.CharField(help_text="`publish`: other rules came into force.")


class ScoreHistorySerializer(serializers.Serializer[Any]):
    results = ScoreChangeSerializer(many=True)


class LeadScoreHistoryView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_score_history",
        summary="Every change of a lead's score, the newest first, at most 2,000",
        responses={200: ScoreHistorySerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        found = course(lead, since=BEGINNING, until=timezone.now())
        return Response(ScoreHistorySerializer({"results": found.changes}).data)


BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


# Prospects ----------------------------------------------------------------------------------------


class FallSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="`below hot` or `below warm`")
    at = serializers.DateTimeField(help_text="Known to the hour.")
    score = serializers.IntegerField()


class ForecastSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    score = serializers.IntegerField()


class StepSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["answer", "fact", "deed"])
    text = serializers.CharField()
    rule = serializers.CharField(allow_blank=True, help_text="The rule that would hold, if one.")
    gain = serializers.IntegerField(help_text="What the step alone adds to the score.")


class WaySerializer(serializers.Serializer[Any]):
    steps = StepSerializer(many=True)
    score = serializers.IntegerField(help_text="The score after all of them.")


class ProspectsSerializer(serializers.Serializer[Any]):
    """`ways`: the smallest sets of steps that would make the lead sales-qualified."""

    value = serializers.IntegerField()
    qualified = serializers.BooleanField(
        allow_null=True, help_text="null: no condition says who is sales-qualified."
    )
    ways = WaySerializer(many=True)
    steps = StepSerializer(many=True)
    missing = serializers.CharField(allow_blank=True)
    falls = FallSerializer(many=True)
    forecast = ForecastSerializer(many=True)


def prospects_shape(found: Prospects) -> dict[str, Any]:
    lift = found.lift
    return {
        "value": found.value,
        "qualified": lift.holds if lift else None,
        "ways": [
            {"steps": [_step(step) for step in way.steps], "score": way.score}
            for way in (lift.ways if lift else ())
        ],
        "steps": [_step(step) for step in (lift.steps if lift else ())],
        "missing": lift.missing if lift else "",
        "falls": [{"what": f.what, "at": f.at, "score": f.score} for f in found.outlook.falls],
        "forecast": [{"at": at, "score": score} for at, score in found.outlook.steps],
    }


def _step(step: Any) -> dict[str, Any]:
    return {"kind": step.kind, "text": step.text, "rule": step.uid, "gain": step.gain}


class LeadProspectsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_score_prospects",
        summary="What would lift a lead to sales-qualified, and when its score falls by itself",
        responses={200: ProspectsSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        return Response(prospects_shape(prospects(lead, at=timezone.now())))


# Prediction ---------------------------------------------------------------------------------------


class PartSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()
    points = serializers.FloatField(help_text="Percentage points beside an average lead.")


class LeadPredictionSerializer(serializers.Serializer[Any]):
    chance = serializers.FloatField(
        allow_null=True, help_text="0 to 1: to win, if it qualified now. null: no training in use."
    )
    parts = PartSerializer(many=True)


class LeadPredictionView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_prediction",
        summary="The chance that a lead is won, learnt from closed sales; nothing acts on it",
        responses={200: LeadPredictionSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        found = studies.foretold(lead, at=timezone.now())
        if found is None:
            return Response({"chance": None, "parts": []})
        chance, parts = found
        rows = [{"label": part.label, "points": round(part.points, 2)} for part in parts]
        return Response({"chance": round(chance, 4), "parts": rows})


urlpatterns = [
    path("leads/<str:public_id>/score/", LeadScoreView.as_view(), name="api-lead-score"),
    path(
        "leads/<str:public_id>/score/history/",
        LeadScoreHistoryView.as_view(),
        name="api-lead-score-history",
    ),
    path(
        "leads/<str:public_id>/score/prospects/",
        LeadProspectsView.as_view(),
        name="api-lead-prospects",
    ),
    path(
        "leads/<str:public_id>/prediction/",
        LeadPredictionView.as_view(),
        name="api-lead-prediction",
    ),
]

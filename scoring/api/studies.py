"""Simulations, backtests and predictions for programs. Asking again gives the newest result."""

from datetime import datetime, timedelta
from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib.errors import Invalid, NotFound
from scoring import queries, studies
from scoring.actions.backtesting import start_backtest
from scoring.actions.predicting import start_training, stop_predicting
from scoring.actions.simulating import start_simulation
from scoring.actions.sketching import sketch_with
from scoring.api.bant import MISSING, WRONG, body_of, person_of
from scoring.models import Backtest, ModelVersion, ScoringModel, Simulation, Training
from scoring.simulate import showing

EDITORS = (Role.MARKETER, Role.ADMIN)


def model_of(key: str) -> ScoringModel:
    model = ScoringModel.objects.filter(key=key).first()
    if model is None:
        raise NotFound
    return model


def subject_of(model: ScoringModel) -> ModelVersion:
    version = studies.subject_of(model)
    if version is None:
        raise NotFound("This model has no version yet.")
    return version


class StudyView(APIView):
    scope = "scoring"
    write_roles = EDITORS


class StudySerializer(serializers.Serializer[Any]):
    """`running` until `done_at`; `refusal` says in words why there is no result."""

    running = serializers.BooleanField()
    percent = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    refusal = serializers.CharField(allow_blank=True)


def study_shape(row: Simulation | Backtest | Training) -> dict[str, Any]:
    return {
        "running": row.is_running,
        "percent": 100 if row.done_at else row.percent,
        "started_at": row.started_at,
        "done_at": row.done_at,
        "refusal": row.refusal,
    }


NOTHING = {"running": False, "percent": 0, "started_at": None, "done_at": None}
NOBODY: dict[str, Any] = {
    "leads": 0,
    "whole": 0,
    "changed": {"count": 0, "reach": 0},
    **{name: [] for name in ("movements", "counts", "consequences", "loads", "examples")},
}


# Simulation ---------------------------------------------------------------------------------------


class DraftChangesSerializer(serializers.Serializer[Any]):
    """Nothing: the draft as it is. Else a draft as data, which is not saved."""

    thresholds = serializers.DictField(required=False)
    rules = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="With `id` changed, else added."
    )
    remove = serializers.ListField(child=serializers.CharField(), required=False)


class EstimateSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    reach = serializers.IntegerField(help_text="± 19 times of 20; 0 when all were looked at.")


class NamedSerializer(serializers.Serializer[Any]):
    lead = serializers.CharField()
    name = serializers.CharField()
    now = serializers.IntegerField()
    then = serializers.IntegerField()


class MovementSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="`warm>hot`, `+sql`, `-sql`")
    words = serializers.CharField()
    count = EstimateSerializer()
    leads = NamedSerializer(many=True, help_text="Those that move furthest and you may see.")


class StandingCountSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    now = EstimateSerializer()
    then = EstimateSerializer()


class FollowedSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    name = serializers.CharField()
    starts = EstimateSerializer()
    stops = EstimateSerializer()


class LoadSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    now = serializers.IntegerField()
    more = EstimateSerializer()
    ready = EstimateSerializer()
    room = serializers.IntegerField(allow_null=True)
    over = serializers.IntegerField()


class DifferenceSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()
    points = serializers.FloatField()


class SimulationExampleSerializer(serializers.Serializer[Any]):
    lead = serializers.CharField()
    now = serializers.IntegerField()
    then = serializers.IntegerField()
    reasons = DifferenceSerializer(many=True)


class SimulationSerializer(StudySerializer):
    leads = serializers.IntegerField(help_text="How many were looked at for these numbers.")
    whole = serializers.IntegerField()
    changed = EstimateSerializer()
    movements = MovementSerializer(many=True)
    counts = StandingCountSerializer(many=True)
    consequences = FollowedSerializer(many=True)
    loads = LoadSerializer(many=True)
    examples = SimulationExampleSerializer(many=True)


def simulation_shape(row: Simulation, user: Any) -> dict[str, Any]:
    visible = studies.visible(user, showing.ids_in(row))
    shown = showing.shown(row, visible)
    return {
        **study_shape(row),
        "leads": shown.leads,
        "whole": shown.whole,
        "changed": _estimate(shown.changed),
        "movements": [_movement(move) for move in shown.movements],
        "counts": [
            {"key": each.key, "now": _estimate(each.now), "then": _estimate(each.then)}
            for each in shown.standings
        ],
        "consequences": [
            {
                "kind": each.kind,
                "name": each.name,
                "starts": _estimate(each.starts),
                "stops": _estimate(each.stops),
            }
            for each in shown.follows
        ],
        "loads": [_load(each) for each in shown.loads],
        "examples": [_example(each) for each in showing.examples(row, visible, at=timezone.now())],
    }


def _estimate(found: Any) -> dict[str, int]:
    return {"count": found.count, "reach": found.reach}


def _movement(move: showing.Movement) -> dict[str, Any]:
    leads = [
        {"lead": m.lead.public_id, "name": m.lead.name, "now": m.now, "then": m.then}
        for m in move.movers
    ]
    return {
        "key": move.key,
        "words": move.words,
        "count": _estimate(move.count),
        "leads": leads,
    }


def _load(each: showing.Worked) -> dict[str, Any]:
    return {
        "name": each.name,
        "now": each.now,
        "more": _estimate(each.more),
        "ready": _estimate(each.ready),
        "room": each.room,
        "over": each.over,
    }


def _example(each: showing.Example) -> dict[str, Any]:
    return {
        "lead": each.lead.public_id,
        "now": each.before.value,
        "then": each.after.value,
        "reasons": [{"label": label, "points": points} for label, points in each.reasons],
    }


class SimulateView(StudyView):
    @extend_schema(
        operation_id="scoring_models_simulate",
        summary="The draft over all leads as they are now; nothing is written",
        request=DraftChangesSerializer,
        responses={200: SimulationSerializer, 202: SimulationSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, key: str) -> Response:
        model = model_of(key)
        version = subject_of(model)
        changes = body_of(request)
        sketch = sketch_with(version, studies.rules_of(version), changes)
        row = start_simulation(model, sketch, at=timezone.now(), user=person_of(request))
        status = 202 if row.is_running else 200
        return Response(simulation_shape(row, request.user), status=status)

    @extend_schema(
        operation_id="scoring_models_simulation_read",
        summary="The newest simulation of a model",
        responses={200: SimulationSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        row = studies.newest_simulation(model_of(key))
        if row is None or not row.result:
            return Response({**NOTHING, **NOBODY, "refusal": "Nothing was simulated yet."})
        return Response(simulation_shape(row, request.user))


# Backtest -----------------------------------------------------------------------------------------


class PeriodSerializer(serializers.Serializer[Any]):
    """Sales that closed in this time; the last two years when left out."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    moment = serializers.ChoiceField(choices=Backtest.Moment.choices, required=False)


class BacktestSerializer(StudySerializer):
    """`result`: `draft` and `live` with thresholds, tenths and calibration, and `rules`."""

    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    moment = serializers.ChoiceField(choices=Backtest.Moment.choices)
    result = serializers.DictField(allow_null=True)


def backtest_shape(row: Backtest) -> dict[str, Any]:
    return {
        **study_shape(row),
        "since": row.since,
        "until": row.until,
        "moment": row.moment,
        "result": row.result,
    }


class BacktestView(StudyView):
    @extend_schema(
        operation_id="scoring_models_backtest",
        summary="Judge the draft by closed sales as of the day they qualified",
        request=PeriodSerializer,
        responses={202: BacktestSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, key: str) -> Response:
        model, now = model_of(key), timezone.now()
        body = body_of(request)
        _known(body, ("since", "until", "moment"))
        row = start_backtest(
            model,
            studies.sketch_of(subject_of(model)),
            since=_moment(body, "since", now - timedelta(days=730)),
            until=_moment(body, "until", now),
            moment=str(body.get("moment", "mql")),
            at=now,
            user=person_of(request),
        )
        return Response(backtest_shape(row), status=202)

    @extend_schema(
        operation_id="scoring_models_backtest_read",
        summary="The newest backtest of a model",
        responses={200: BacktestSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        row = studies.newest_backtest(model_of(key))
        if row is None:
            empty = {"since": None, "until": None, "moment": "mql", "result": None}
            return Response({**NOTHING, **empty, "refusal": "Nothing was judged yet."})
        return Response(backtest_shape(row))


def _known(body: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in body:
        if name not in names:
            message = f"There is no such setting. Send {', '.join(names)}."
            raise Invalid.field(str(name)[:60], message, "unknown_field")


def _moment(body: dict[str, Any], name: str, default: datetime) -> datetime:
    raw = body.get(name)
    if raw is None:
        return default
    try:
        at = parse_datetime(raw) if isinstance(raw, str) and len(raw) <= 40 else None
    except ValueError:
        at = None
    if at is None or not 2000 <= at.year <= 2200:
        raise Invalid.field(name, "Write a moment such as 2026-03-31T12:00:00Z.", "not_a_date")
    return at if at.tzinfo else timezone.make_aware(at, timezone.get_default_timezone())


# Prediction ---------------------------------------------------------------------------------------


class TrainingSerializer(StudySerializer):
    """`figures` are of sales that the model had not seen; `facts` by weight."""

    active = serializers.BooleanField()
    figures = serializers.DictField(allow_null=True)
    facts = serializers.ListField(child=serializers.DictField())


def training_shape(row: Training) -> dict[str, Any]:
    result = row.result or {}
    facts = [
        {"label": fact["label"], "weight": round(fact["weight"], 4)}
        for fact in result.get("facts", [])
    ]
    return {
        **study_shape(row),
        "active": row.is_active,
        "figures": result.get("figures"),
        "facts": sorted(facts, key=lambda fact: -abs(fact["weight"])),
    }


class PredictionView(StudyView):
    @extend_schema(
        operation_id="scoring_prediction_read",
        summary="The newest training of the prediction beside the rules",
        responses={200: TrainingSerializer, 404: MISSING},
    )
    def get(self, request: Request) -> Response:
        row = studies.training_in_use() or studies.newest_training()
        if row is None:
            empty: dict[str, Any] = {"active": False, "figures": None, "facts": []}
            return Response({**NOTHING, **empty, "refusal": "Nothing was learnt yet."})
        return Response(training_shape(row))

    @extend_schema(
        operation_id="scoring_prediction_train",
        summary="Learn from closed sales; what is better than the average comes into use",
        request=None,
        responses={202: TrainingSerializer},
    )
    def post(self, request: Request) -> Response:
        model = queries.default_model()
        if model is None:
            raise NotFound("There is no scoring model.")
        row = start_training(model, at=timezone.now(), user=person_of(request))
        return Response(training_shape(row), status=202)

    @extend_schema(
        operation_id="scoring_prediction_stop",
        summary="Foretell nothing any more",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        stop_predicting(at=timezone.now())
        return Response(status=204)


urlpatterns = [
    path("scoring-models/<slug:key>/simulate/", SimulateView.as_view(), name="api-simulate"),
    path("scoring-models/<slug:key>/backtest/", BacktestView.as_view(), name="api-backtest"),
    path("prediction/", PredictionView.as_view(), name="api-prediction"),
]

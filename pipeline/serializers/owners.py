from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from pipeline.models import Assignment, Pool, ResponseClock, RoutingDecision, RoutingRule, RuleSet
from pipeline.serializers.base import Input, PersonShape, QueueShape, person_shape, queue_shape


class CandidateShape(serializers.Serializer[Any]):
    user = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    eligible = serializers.BooleanField()
    code = serializers.CharField(allow_null=True, help_text="Why not, for programs.")
    detail = serializers.CharField(allow_blank=True, help_text="Why not, for people.")
    weight = serializers.IntegerField()
    credit = serializers.IntegerField()
    open_leads = serializers.IntegerField()
    open_cap = serializers.IntegerField(allow_null=True)
    leads_today = serializers.IntegerField()
    day_cap = serializers.IntegerField(allow_null=True)


class FailingShape(serializers.Serializer[Any]):
    text = serializers.CharField()
    actual = serializers.CharField(allow_blank=True)


class TriedShape(serializers.Serializer[Any]):
    rule = serializers.CharField()
    key = serializers.CharField()
    matched = serializers.BooleanField()
    failing = FailingShape(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class DecisionShape(serializers.Serializer[Any]):
    """Who got a lead and why, complete enough to be replayed."""

    id = serializers.IntegerField()
    decided_at = serializers.DateTimeField()
    cause = serializers.CharField()
    rule_set = serializers.IntegerField(allow_null=True, help_text="The version of the rules.")
    rule = serializers.CharField(allow_blank=True)
    chosen = PersonShape(allow_null=True)
    queue = QueueShape(allow_null=True)
    reason = serializers.CharField()
    inputs = serializers.DictField(child=serializers.JSONField())
    trace = TriedShape(many=True)
    candidates = CandidateShape(many=True)
    rotation_before = serializers.DictField(child=serializers.IntegerField())
    rotation_after = serializers.DictField(child=serializers.IntegerField())
    latency_ms = serializers.IntegerField()


class DecisionPageSerializer(serializers.Serializer[Any]):
    results = DecisionShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def decision_shape(row: RoutingDecision, public_ids: Mapping[int, str]) -> dict[str, Any]:
    """:param public_ids: of the candidates, whom a decision names by their keys."""
    names = CandidateShape().get_fields()
    return {
        "id": row.pk,
        "decided_at": row.decided_at,
        "cause": row.cause,
        "rule_set": row.rule_set.number if row.rule_set else None,
        "rule": row.rule_name,
        "chosen": person_shape(row.chosen),
        "queue": queue_shape(row.queue),
        "reason": row.reason,
        "inputs": row.inputs,
        "trace": row.trace,
        "candidates": [
            {name: candidate.get(name) for name in names}
            | {"user": public_ids.get(candidate["user"])}
            for candidate in row.candidates
        ],
        "rotation_before": _rotation(row.rotation_before, public_ids),
        "rotation_after": _rotation(row.rotation_after, public_ids),
        "latency_ms": row.latency_ms,
    }


def _rotation(credits: dict[str, int], public_ids: Mapping[int, str]) -> dict[str, int]:
    return {public_ids.get(int(key), key): credit for key, credit in credits.items()}


class OwnerShape(serializers.Serializer[Any]):
    """Who is responsible: an owner, or the queue of a team."""

    owner = PersonShape(allow_null=True)
    queue = QueueShape(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    cause = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    decision = DecisionShape(allow_null=True)


def owner_shape(assignment: Assignment | None, decision: dict[str, Any] | None) -> dict[str, Any]:
    a = assignment
    return {
        "owner": person_shape(a.owner) if a else None,
        "queue": queue_shape(a.team) if a and a.owner is None else None,
        "since": a.from_at if a else None,
        "cause": a.cause if a else None,
        "note": a.note if a else "",
        "accepted_at": a.accepted_at if a else None,
        "decision": decision,
    }


class OwnerInput(Input):
    owner = serializers.CharField(
        max_length=254,
        allow_null=True,
        help_text="The id or e-mail address of a colleague; null puts the lead into a queue.",
    )
    queue = serializers.IntegerField(required=False, help_text="The id of a team, without owner.")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)


class AnswerInput(Input):
    accepted = serializers.BooleanField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class RejectInput(Input):
    reason = serializers.CharField(max_length=200)


class RouteInput(Input):
    again = serializers.BooleanField(
        required=False, default=False, help_text="Route it although it has an owner."
    )


class ClockShape(serializers.Serializer[Any]):
    """How long the lead waits, or waited, for a person."""

    started_at = serializers.DateTimeField(allow_null=True)
    respond_by = serializers.DateTimeField(allow_null=True)
    target_minutes = serializers.IntegerField(allow_null=True)
    uses_working_hours = serializers.BooleanField(allow_null=True)
    running = serializers.BooleanField()
    first_response_at = serializers.DateTimeField(allow_null=True)
    stopped_by = PersonShape(allow_null=True)
    wall_seconds = serializers.IntegerField(allow_null=True)
    working_seconds = serializers.IntegerField(allow_null=True)
    warned_at = serializers.DateTimeField(allow_null=True)
    late_at = serializers.DateTimeField(allow_null=True)


def clock_shape(clock: ResponseClock | None) -> dict[str, Any]:
    names = set(ClockShape().get_fields()) - {"running", "stopped_by"}
    return {name: getattr(clock, name, None) for name in sorted(names)} | {
        "running": clock is not None and clock.is_running,
        "stopped_by": person_shape(clock.stopped_by) if clock else None,
    }


# Rules --------------------------------------------------------------------------------------------


class TargetInput(Input):
    kind = serializers.ChoiceField(RoutingRule.Target.choices)
    id = serializers.CharField(
        max_length=40,
        required=False,
        allow_null=True,
        help_text="Of a person, pool or team; none for the owner of the company or the one before.",
    )


class RuleInput(Input):
    name = serializers.CharField(max_length=80)
    condition = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="In the condition language; empty: every lead.",
    )
    target = TargetInput()
    skills = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        max_length=10,
        help_text="Only people of the pool who have all of them.",
    )
    enabled = serializers.BooleanField(required=False, default=True)
    key = serializers.CharField(
        max_length=12, required=False, allow_blank=True, help_text="Of a rule that was there."
    )


class RulesInput(Input):
    rules = RuleInput(many=True)
    fallback_queue = serializers.IntegerField(required=False, help_text="The id of a team.")


class TargetShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(RoutingRule.Target.choices)
    id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_blank=True)


class RuleShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    condition = serializers.DictField(child=serializers.JSONField(allow_null=True))
    target = TargetShape()
    skills = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()


class RuleSetShape(serializers.Serializer[Any]):
    """A version of the rules; the first that holds wins."""

    version = serializers.IntegerField()
    state = serializers.ChoiceField(RuleSet.State.choices)
    published_at = serializers.DateTimeField(allow_null=True)
    fallback_queue = QueueShape(allow_null=True)
    rules = RuleShape(many=True)


class RulesShape(serializers.Serializer[Any]):
    published = RuleSetShape(allow_null=True)
    draft = RuleSetShape(allow_null=True)


def rule_set_shape(rule_set: RuleSet | None) -> dict[str, Any] | None:
    if rule_set is None:
        return None
    rules = rule_set.rules.select_related("target_user", "target_pool", "target_queue")
    return {
        "version": rule_set.number,
        "state": rule_set.state,
        "published_at": rule_set.published_at,
        "fallback_queue": queue_shape(rule_set.fallback_queue),
        "rules": [_rule_shape(rule) for rule in rules.order_by("order")],
    }


def _rule_shape(rule: RoutingRule) -> dict[str, Any]:
    target = rule.target
    id_ = getattr(target, "public_id", None) or (str(target.pk) if target else None)
    return {
        "key": rule.key,
        "name": rule.name,
        "condition": rule.condition,
        "target": {"kind": rule.target_kind, "id": id_, "name": str(target or "")},
        "skills": list(rule.skills),
        "enabled": rule.enabled,
    }


class DryRunInput(Input):
    leads = serializers.ListField(
        child=serializers.CharField(max_length=12),
        required=False,
        max_length=1000,
        help_text="The latest leads when left out.",
    )
    draft = serializers.BooleanField(
        required=False, default=True, help_text="False tries the published rules."
    )
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=92,
        help_text="Instead of the present: play the rules over the leads routed in these days, "
        "each at its moment, and compare with who got them.",
    )


class ForecastShape(serializers.Serializer[Any]):
    lead = serializers.CharField()
    rule = serializers.CharField(allow_blank=True)
    user = serializers.CharField(allow_blank=True)
    queue = serializers.CharField(allow_blank=True)


class ShareShape(serializers.Serializer[Any]):
    """What somebody got in those days, and would have got."""

    name = serializers.CharField()
    did = serializers.IntegerField()
    would = serializers.IntegerField()


class DifferenceShape(serializers.Serializer[Any]):
    lead = serializers.CharField()
    at = serializers.DateTimeField()
    did = serializers.CharField()
    would = serializers.CharField()
    rule = serializers.CharField(allow_blank=True)


class DryRunShape(serializers.Serializer[Any]):
    """`shares` and `differences` only where `days` was sent; `results` where it was not."""

    version = serializers.IntegerField()
    results = ForecastShape(many=True)
    played = serializers.IntegerField()
    shares = ShareShape(many=True)
    differences = DifferenceShape(many=True)


class PublishInput(Input):
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class RollBackInput(Input):
    version = serializers.IntegerField(min_value=1, max_value=2_000_000_000)


class RulesVersionShape(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    state = serializers.ChoiceField(RuleSet.State.choices)
    published_at = serializers.DateTimeField(allow_null=True)
    published_by = PersonShape(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class RulesVersionPageSerializer(serializers.Serializer[Any]):
    results = RulesVersionShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def version_shape(rule_set: RuleSet) -> dict[str, Any]:
    return {
        "version": rule_set.number,
        "state": rule_set.state,
        "published_at": rule_set.published_at,
        "published_by": person_shape(rule_set.published_by),
        "note": rule_set.note,
    }


class MemberShape(serializers.Serializer[Any]):
    user = PersonShape()
    weight = serializers.IntegerField()
    open_cap = serializers.IntegerField(allow_null=True)
    day_cap = serializers.IntegerField(allow_null=True)
    paused = serializers.BooleanField()


class PoolShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    method = serializers.ChoiceField(Pool.Method.choices)
    includes_everyone = serializers.BooleanField()
    at_work_only = serializers.BooleanField()
    language = serializers.CharField(help_text="Of the lead: ignore, prefer or require.")
    territory = serializers.CharField(help_text="The lead’s country: ignore, prefer or require.")
    accept_minutes = serializers.IntegerField(allow_null=True)
    queue = QueueShape(allow_null=True)
    members = MemberShape(many=True)


class PoolPageSerializer(serializers.Serializer[Any]):
    results = PoolShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def pool_shape(pool: Pool) -> dict[str, Any]:
    return {
        "id": pool.pk,
        "name": pool.name,
        "method": pool.method,
        "includes_everyone": pool.includes_everyone,
        "at_work_only": pool.at_work_only,
        "language": pool.language,
        "territory": pool.territory,
        "accept_minutes": pool.accept_minutes,
        "queue": queue_shape(pool.queue),
        "members": [
            {
                "user": person_shape(member.user),
                "weight": member.weight,
                "open_cap": member.open_cap,
                "day_cap": member.day_cap,
                "paused": member.paused,
            }
            for member in pool.members.all()
        ],
    }

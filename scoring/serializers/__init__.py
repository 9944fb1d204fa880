"""The shapes of scoring in the API. Input is described here and judged by the actions."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from scoring.models import BantAnswer, Level
from scoring.standing import BantState, Question


class BantAnswerSerializer(serializers.Serializer[Any]):
    level = serializers.ChoiceField(choices=Level.choices)
    value = serializers.CharField(required=False, allow_blank=True, max_length=300)
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class BantSerializer(serializers.Serializer[Any]):
    budget = BantAnswerSerializer(required=False)
    authority = BantAnswerSerializer(required=False)
    need = BantAnswerSerializer(required=False)
    timeline = BantAnswerSerializer(required=False)
    completeness = serializers.IntegerField(
        read_only=True, help_text="The percentage of criteria that are known."
    )


class PresentAnswerSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()
    question = serializers.CharField(allow_blank=True, help_text="How a person would ask for it.")
    kind = serializers.CharField(help_text="text, money, choice or date")
    level = serializers.ChoiceField(choices=Level.choices)
    value = serializers.CharField(allow_blank=True)
    details = serializers.DictField(
        help_text="The value for programs: amount, amount_to, currency; date, quarter; or choice."
    )
    evidence = serializers.CharField(allow_blank=True)
    source = serializers.CharField(allow_null=True, help_text="form, survey, rep, api or import")
    at = serializers.DateTimeField(allow_null=True)


class NextQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    question = serializers.CharField()
    gain = serializers.IntegerField(help_text="Points that a clear yes would add to the score.")


class PastAnswerSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)
    value = serializers.CharField(allow_blank=True)
    evidence = serializers.CharField(allow_blank=True)
    source = serializers.CharField(help_text="form, survey, rep, api or import")
    at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="null: it holds now")


class StandingSerializer(serializers.Serializer[Any]):
    framework = serializers.CharField()
    completeness = serializers.IntegerField()
    criteria = PresentAnswerSerializer(many=True)
    next_question = NextQuestionSerializer(allow_null=True)
    history = PastAnswerSerializer(many=True)


def bant_shape(state: BantState) -> dict[str, Any]:
    """The contract's shape; with another framework than BANT its criteria stand here as well."""
    answers = {
        key: {"level": a.level, "value": a.value, "evidence": a.evidence}
        for key, a in state.answers.items()
    }
    return {**answers, "completeness": state.completeness}


def standing_shape(
    state: BantState, question: Question | None, history: Sequence[BantAnswer]
) -> dict[str, Any]:
    return {
        "framework": state.framework.key,
        "completeness": state.completeness,
        "criteria": [_present(state, key) for key in state.framework.keys],
        "next_question": question
        and {"key": question.criterion.key, "question": question.words, "gain": question.gain},
        "history": [_past(answer) for answer in history],
    }


def _present(state: BantState, key: str) -> dict[str, Any]:
    answer, criterion = state.answers[key], state.framework.criterion(key)
    is_given = answer.pk is not None
    return {
        "key": key,
        "label": criterion.label if criterion else key,
        "question": criterion.question if criterion else "",
        "kind": criterion.kind if criterion else "text",
        "level": answer.level,
        "value": answer.value,
        "details": answer.details,
        "evidence": answer.evidence,
        "source": answer.source if is_given else None,
        "at": answer.at if is_given else None,
    }


def _past(answer: BantAnswer) -> dict[str, Any]:
    return {
        "key": answer.dimension,
        "level": answer.level,
        "value": answer.value,
        "evidence": answer.evidence,
        "source": answer.source,
        "at": answer.at,
        "until": answer.superseded_at,
    }

from typing import Any

from rest_framework import serializers

from pipeline.actions import CallOutcome
from pipeline.models import Task
from pipeline.serializers.base import Input, PersonShape, person_shape


class TaskShape(serializers.Serializer[Any]):
    """Something a colleague means to do for a lead."""

    id = serializers.IntegerField()
    lead = serializers.CharField()
    assignee = PersonShape(allow_null=True)
    kind = serializers.ChoiceField(Task.Kind.choices)
    title = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class TaskPageSerializer(serializers.Serializer[Any]):
    results = TaskShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def task_shape(task: Task) -> dict[str, Any]:
    return {
        "id": task.pk,
        "lead": task.lead.public_id,
        "assignee": person_shape(task.assignee),
        "kind": task.kind,
        "title": task.title,
        "due_at": task.due_at,
        "snoozed_until": task.snoozed_until,
        "done_at": task.done_at,
        "outcome": task.outcome,
        "created_at": task.created_at,
    }


class TaskInput(Input):
    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(Task.Kind.choices, required=False)
    due_at = serializers.DateTimeField(required=False, allow_null=True)
    assignee = serializers.CharField(
        max_length=254, required=False, help_text="The id or e-mail address of a colleague."
    )


class TaskPatch(TaskInput):
    title = serializers.CharField(max_length=200, required=False)


class TaskDoneInput(Input):
    outcome = serializers.CharField(max_length=200, required=False, allow_blank=True)


class SnoozeInput(Input):
    until = serializers.DateTimeField()


class CallInput(Input):
    outcome = serializers.ChoiceField(CallOutcome.choices)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    minutes = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=1440)
    inbound = serializers.BooleanField(required=False, default=False)
    occurred_at = serializers.DateTimeField(required=False, help_text="Now when left out.")


class CallShape(serializers.Serializer[Any]):
    activity = serializers.IntegerField(help_text="The id of the entry on the timeline.")

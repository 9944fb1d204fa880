from typing import Any

from rest_framework import serializers

from pipeline.actions import CallOutcome
from pipeline.models import Letter, Meeting, Task
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


class FollowUpInput(Input):
    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(Task.Kind.choices, required=False)
    due_at = serializers.DateTimeField(required=False, allow_null=True)


class SuggestionShape(serializers.Serializer[Any]):
    title = serializers.CharField()
    kind = serializers.ChoiceField(Task.Kind.choices)
    due_at = serializers.DateTimeField()


class CallInput(Input):
    outcome = serializers.ChoiceField(CallOutcome.choices)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    minutes = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=1440)
    inbound = serializers.BooleanField(required=False, default=False)
    occurred_at = serializers.DateTimeField(required=False, help_text="Now when left out.")
    follow_up = FollowUpInput(required=False, help_text="The next step, planned with it.")


class CallShape(serializers.Serializer[Any]):
    activity = serializers.IntegerField(help_text="The id of the entry on the timeline.")
    suggestion = SuggestionShape(
        allow_null=True, help_text="What usually comes next; nothing when a next step was sent."
    )


class EmailInput(Input):
    subject = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=20_000)
    answers = serializers.CharField(
        max_length=250, required=False, help_text="The Message-ID of what it replies to."
    )
    tracked = serializers.BooleanField(required=False, default=True)
    follow_up = FollowUpInput(required=False)


class EmailShape(serializers.Serializer[Any]):
    """An e-mail that a colleague wrote to a lead."""

    id = serializers.CharField()
    to = serializers.CharField()
    author = PersonShape()
    subject = serializers.CharField()
    body = serializers.CharField()
    message_id = serializers.CharField()
    delivery = serializers.CharField(help_text="queued, handed_off, sent, unknown or failed")
    written_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField(allow_null=True)
    clicked_at = serializers.DateTimeField(allow_null=True)
    replied_at = serializers.DateTimeField(allow_null=True)


class EmailPageSerializer(serializers.Serializer[Any]):
    results = EmailShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def email_shape(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.public_id,
        "to": letter.to_address,
        "author": person_shape(letter.user),
        "subject": letter.subject,
        "body": letter.body,
        "message_id": letter.message_id,
        "delivery": letter.mail.state if letter.mail else "sent",
        "written_at": letter.written_at,
        "opened_at": letter.opened_at,
        "clicked_at": letter.clicked_at,
        "replied_at": letter.replied_at,
    }


class MeetingInput(Input):
    starts_at = serializers.DateTimeField()
    minutes = serializers.IntegerField(required=False, min_value=5, max_value=1440)
    title = serializers.CharField(max_length=120, required=False, allow_blank=True)
    place = serializers.CharField(max_length=300, required=False, allow_blank=True)
    agenda = serializers.CharField(max_length=5_000, required=False, allow_blank=True)
    invites = serializers.BooleanField(
        required=False, default=True, help_text="Send the lead an invitation for the calendar."
    )


class MeetingShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    lead = serializers.CharField()
    host = PersonShape()
    title = serializers.CharField()
    place = serializers.CharField(allow_blank=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    status = serializers.CharField(help_text="booked, held, no_show or cancelled")
    invited = serializers.BooleanField()


class MeetingPageSerializer(serializers.Serializer[Any]):
    results = MeetingShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def meeting_shape(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.public_id,
        "lead": meeting.lead.public_id,
        "host": person_shape(meeting.host),
        "title": meeting.title,
        "place": meeting.place,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "status": meeting.state,
        "invited": meeting.is_invited,
    }

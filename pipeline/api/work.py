"""Tasks and calls for programs."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import Page, keyset_page
from pipeline import actions, queries
from pipeline.actions.work import suggestion_for
from pipeline.api.base import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    actor_of,
    colleague,
    lead_of,
    person_acting,
    read,
)
from pipeline.models import Task
from pipeline.serializers.work import (
    CallInput,
    CallShape,
    SnoozeInput,
    TaskDoneInput,
    TaskInput,
    TaskPageSerializer,
    TaskPatch,
    TaskShape,
    task_shape,
)

DONE = OpenApiParameter("done", bool, description="Only those done, or only those to do.")


class LeadTasksView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_tasks_list",
        summary="Tasks of a lead, the earliest first",
        parameters=[DONE, *api_pages.PARAMETERS],
        responses=TaskPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        return _page(request, queries.tasks_visible_to(request.user).filter(lead=lead))

    @extend_schema(
        operation_id="lead_tasks_create",
        summary="Plan a task; the lead’s owner gets it unless you name somebody",
        request=TaskInput,
        responses={201: TaskShape, 404: NOT_FOUND, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        task = actions.create_task(
            lead.pk, at=timezone.now(), actor=actor_of(request), **_sent(TaskInput, request)
        )
        return Response(task_shape(task), status=201)


class TasksView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="tasks_list",
        summary="Tasks of the leads you may see, the earliest first",
        parameters=[
            DONE,
            OpenApiParameter("assignee", str, description="The id of a colleague, or `me`."),
            *api_pages.PARAMETERS,
        ],
        responses=TaskPageSerializer,
    )
    def get(self, request: Request) -> Response:
        tasks = queries.tasks_visible_to(request.user)
        if name := request.query_params.get("assignee"):
            me = actor_of(request)
            tasks = tasks.filter(
                assignee__public_id=me.public_id if name == "me" and me else name[:12]
            )
        return _page(request, tasks)


class TaskView(APIView):
    scope = "pipeline"

    @extend_schema(operation_id="tasks_retrieve", summary="Read a task", responses=TaskShape)
    def get(self, request: Request, task_id: int) -> Response:
        return Response(task_shape(_task(request, task_id)))

    @extend_schema(
        operation_id="tasks_update",
        summary="Change an open task",
        request=TaskPatch,
        responses={200: TaskShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def patch(self, request: Request, task_id: int) -> Response:
        task = _task(request, task_id)
        actions.update_task(task.pk, **_sent(TaskPatch, request))
        return Response(task_shape(_task(request, task_id)))

    @extend_schema(operation_id="tasks_delete", summary="Delete a task", responses={204: None})
    def delete(self, request: Request, task_id: int) -> Response:
        actions.delete_task(_task(request, task_id).pk)
        return Response(status=204)


class TaskDoneView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="tasks_done",
        summary="Tick a task off",
        request=TaskDoneInput,
        responses={200: TaskShape, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, task_id: int) -> Response:
        task = _task(request, task_id)
        outcome = read(TaskDoneInput, request).get("outcome", "")
        actions.complete_task(task.pk, user=actor_of(request), at=timezone.now(), outcome=outcome)
        return Response(task_shape(_task(request, task_id)))

    @extend_schema(
        operation_id="tasks_reopen", summary="Take the tick back", responses={200: TaskShape}
    )
    def delete(self, request: Request, task_id: int) -> Response:
        actions.reopen_task(_task(request, task_id).pk)
        return Response(task_shape(_task(request, task_id)))


class TaskSnoozeView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="tasks_snooze",
        summary="Put a task out of sight for a while",
        request=SnoozeInput,
        responses={200: TaskShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, task_id: int) -> Response:
        task = _task(request, task_id)
        until = read(SnoozeInput, request)["until"]
        actions.snooze_task(task.pk, until=until, at=timezone.now())
        return Response(task_shape(_task(request, task_id)))


class LeadCallsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_calls_create",
        summary="Log a call; it stops the response clock",
        request=CallInput,
        responses={201: CallShape, 404: NOT_FOUND, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        sent = read(CallInput, request)
        now = timezone.now()
        at = min(sent.pop("occurred_at", now), now)
        follow_up = next_step(sent)
        usual = None if follow_up else suggestion_for(sent["outcome"], lead)
        activity = actions.log_call(
            lead.pk, user=person_acting(request), at=at, follow_up=follow_up, **sent
        )
        suggested = usual and {
            "title": usual.title,
            "kind": usual.kind,
            "due_at": usual.moment(timezone.localtime(now)),
        }
        return Response({"activity": activity, "suggestion": suggested}, status=201)


def next_step(sent: dict[str, Any]) -> actions.FollowUp | None:
    """Taken out of what was sent."""
    given = sent.pop("follow_up", None)
    return actions.FollowUp(**given) if given else None


def _sent(form: type[TaskInput], request: Request) -> dict[str, Any]:
    sent = read(form, request)
    if "assignee" in sent:
        sent["assignee"] = colleague(sent["assignee"], field="assignee")
    return sent


def _task(request: Request, task_id: int) -> Task:
    task = queries.tasks_visible_to(request.user).filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task


def _page(request: Request, tasks: Any) -> Response:
    done = request.query_params.get("done", "").lower()
    if done in {"true", "false"}:
        tasks = tasks.filter(done_at__isnull=done == "false")
    page: Page[Task] = keyset_page(
        tasks,
        ordering=["due_at", "pk"],
        size=api_pages.size_of(request),
        cursor=request.query_params.get("cursor"),
    )
    return api_pages.answer(request, page, task_shape)


urlpatterns = [
    path("tasks/", TasksView.as_view(), name="api-tasks"),
    path("tasks/<int:task_id>/", TaskView.as_view(), name="api-task"),
    path("tasks/<int:task_id>/done/", TaskDoneView.as_view(), name="api-task-done"),
    path("tasks/<int:task_id>/snooze/", TaskSnoozeView.as_view(), name="api-task-snooze"),
    path("leads/<public_id:lead_id>/tasks/", LeadTasksView.as_view(), name="api-lead-tasks"),
    path("leads/<public_id:lead_id>/calls/", LeadCallsView.as_view(), name="api-lead-calls"),
]

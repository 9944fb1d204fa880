"""The list of tasks, and what is done with one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from pipeline import actions, queries
from pipeline.forms import SnoozeForm
from pipeline.models import Task
from pipeline.views.doors import done, next_of
from pipeline.views.leads import check

PAGE = 50
VIEWS = {"mine": "To do", "overdue": "Overdue", "snoozed": "Snoozed", "done": "Done"}


@require_GET
def task_list(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("view", "mine")
    chosen = chosen if chosen in VIEWS else "mine"
    at = timezone.now()
    found = queries.tasks_visible_to(request.user).filter(assignee=user_of(request))
    ordering = ["due_at", "pk"]
    if chosen == "done":
        found, ordering = found.filter(done_at__isnull=False), ["-done_at", "-pk"]
    else:
        found = found.filter(done_at=None)
    if chosen == "overdue":
        found = found.filter(due_at__lt=at)
    if chosen == "snoozed":
        found = found.filter(snoozed_until__gt=at)
    page = keyset_page(found, ordering=ordering, size=PAGE, cursor=request.GET.get("cursor"))
    context = {"page": page, "views": VIEWS, "chosen": chosen, "at": at}
    return render(request, "pipeline/tasks.html", context)


def find_task(request: HttpRequest, task_id: int) -> Task:
    task = queries.tasks_visible_to(request.user).filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task


@require_POST
def complete(request: HttpRequest, task_id: int) -> HttpResponse:
    task = find_task(request, task_id)
    outcome = request.POST.get("outcome", "")
    actions.complete_task(task.pk, user=user_of(request), at=timezone.now(), outcome=outcome)
    undo = f"/tasks/{task.pk}/reopen/"
    return done(request, f"Done: {task.title}", to=next_of(request, "/tasks/"), undo=undo)


@require_POST
def reopen(request: HttpRequest, task_id: int) -> HttpResponse:
    task = find_task(request, task_id)
    actions.reopen_task(task.pk)
    return done(request, f"“{task.title}” is open again.", to=next_of(request, "/tasks/"))


@require_POST
def snooze(request: HttpRequest, task_id: int) -> HttpResponse:
    task, form = find_task(request, task_id), check(SnoozeForm(request.POST))
    until = form.moment
    actions.snooze_task(task.pk, until=until, at=timezone.now())
    words = f"“{task.title}” comes back {timezone.localtime(until):%A %H:%M}."
    return done(request, words, to=next_of(request, "/tasks/"))

"""What somebody should know in the morning: the lines of the daily digest."""

from datetime import datetime, timedelta

from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.accounts.notices import Line, Section
from pipeline.models import Meeting, Task
from pipeline.queries import my_day, talks
from pipeline.queries.work import to_do

MOST = 15


def sections(user: User, *, at: datetime) -> list[Section]:
    with timezone.override(user.zone):
        local = timezone.localtime(at)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow = midnight + timedelta(days=1)
        today = my_day.day_of(user, at=at)
        met = talks.meetings_of(user, since=midnight, until=tomorrow)[:MOST]
        tasks = to_do(user, at=at)
        return [
            Section("Reply now", [_lead(item) for item in today.reply[:MOST]]),
            Section("New for you", [_lead(item) for item in today.new[:MOST]]),
            Section(
                "Meetings today",
                [_meeting(meeting) for meeting in met],
            ),
            Section("Overdue", [_task(t) for t in tasks.filter(due_at__lt=midnight)[:MOST]]),
            Section(
                "Due today",
                [_task(t) for t in tasks.filter(due_at__gte=midnight, due_at__lt=tomorrow)[:MOST]],
            ),
        ]


def _lead(item: my_day.Item) -> Line:
    return Line(f"{item.lead.name}: {item.why}", f"/leads/{item.lead.public_id}/")


def _task(task: Task) -> Line:
    return Line(f"{task.title}, {task.lead.name}", f"/leads/{task.lead.public_id}/")


def _meeting(meeting: Meeting) -> Line:
    start = timezone.localtime(meeting.starts_at)
    return Line(f"{start:%H:%M} {meeting.title}", f"/meetings/{meeting.public_id}/")

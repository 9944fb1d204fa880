"""What a person should do next, and why: built from facts, the most urgent first."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leadcrm.lib.ui import duration
from leads.activity_types import RESPONDING
from leads.clocks import Clock, reply_clock
from leads.models import Activity, Inquiry, Lead, Temperature
from leads.models.lead import LeadQuerySet
from pipeline.models import Assignment, Meeting, Offer, Task
from pipeline.queries.owners import to_accept
from pipeline.queries.talks import meetings_of
from pipeline.queries.work import snoozed, to_do

MOST_REPLIES, MOST_NEW, MOST_HOT, MOST_TASKS, MOST_DONE = 30, 20, 8, 50, 20
MOST_ORDERED = 500
BADGE_CAP = 99
LONG_LATE = timedelta(days=1)
REPLY_DAYS = 14
LATER = datetime.max.replace(tzinfo=UTC)
MOVING_DAYS = 7
DONE_TYPES = (*sorted(RESPONDING), "task_done")
SIGNS = {
    "email_reply": "replied by e-mail",
    "pricing_view": "looked at pricing",
    "demo_requested": "asked for a demo",
    "trial_started": "started a trial",
    "webinar_attended": "attended a webinar",
    "asset_download": "downloaded something",
    "email_click": "clicked in an e-mail",
    "product_view": "looked at a product",
    "email_open": "opened an e-mail",
}


def late_replies(user: User) -> int:
    """How many of this person's leads wait longer than their target; up to `BADGE_CAP`."""
    late = (
        Lead.objects.live()
        .open()
        .filter(owner=user, responded_at=None, response_due_at__lt=timezone.now())
    )
    return len(late.values_list("pk", flat=True)[:BADGE_CAP])


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about why a lead matters now."""

    inquiry: Inquiry | None = None
    reply: Activity | None = None  # what the lead wrote that nobody has answered
    accept_by: datetime | None = None  # when the lead goes to somebody else
    signs: dict[str, int] = field(default_factory=dict)  # type of activity: times in a week


@dataclass(frozen=True, slots=True)
class Item:
    """A lead in the list."""

    lead: Lead
    facts: Facts
    at: datetime

    @property
    def reply(self) -> Clock:
        return reply_clock(self.lead, at=self.at)

    @property
    def why(self) -> str:
        """A few words for the list: what the lead said, else what it did."""
        if words := _said(self.facts.reply):
            return f"Replied: “{words[:64].rstrip()}{'…' if len(words) > 64 else ''}”"
        if self.facts.inquiry is not None and self.reply.kind in {"due", "late"}:
            words = " ".join(self.facts.inquiry.message.split())
            if words:
                return f"“{words[:70].rstrip()}{'…' if len(words) > 70 else ''}”"
        parts = _parts(self)
        return _sentence(parts[:2]) if parts else _since(self.lead)

    @property
    def why_now(self) -> str:
        """All reasons, as sentences."""
        return " ".join(f"{_sentence(part)}." for part in _paragraph(self))


def _said(reply: Activity | None) -> str:
    if reply is None:
        return ""
    said = reply.properties.get("message") or reply.properties.get("subject") or "an e-mail"
    return " ".join(str(said).split())


def _parts(item: Item) -> list[str]:
    facts, parts = item.facts, []
    if facts.reply is not None:
        parts.append(f"replied by e-mail {_ago(item.at - facts.reply.occurred_at)}")
    if facts.accept_by is not None:
        parts.append(f"waits for you to accept until {_moment(facts.accept_by, item.at)}")
    if facts.inquiry is not None and item.reply.kind in {"due", "late"}:
        parts.append(
            f"asked {_ago(item.at - facts.inquiry.received_at)} through {_door(facts.inquiry)}"
        )
    for type_, words in SIGNS.items():
        if type_ == "email_reply" and facts.reply is not None:
            continue
        if times := facts.signs.get(type_, 0):
            parts.append(words if times == 1 else f"{words} {times} times this week")
    return parts


def _door(inquiry: Inquiry) -> str:
    """The form's title, else where it came from."""
    if inquiry.form_version is not None:
        return f"“{inquiry.form_version.title}”"
    return str(inquiry.source or "the API")


def _paragraph(item: Item) -> list[list[str]]:
    score = item.lead.score_row
    warmth = f"score {score.score}"
    if score.temperature_since is not None:
        warmth = f"{score.temperature} since {_moment(score.temperature_since, item.at)}, {warmth}"
    lines = [_parts(item)[:3], [warmth]]
    if item.lead.next_step_at is not None and item.lead.next_step_at < item.at:
        lines.append([f"the next step is {_ago(item.at - item.lead.next_step_at, late=True)} late"])
    return [line for line in lines if line]


def _since(lead: Lead) -> str:
    score = lead.score_row
    return f"{score.get_temperature_display()}, score {score.score}"


def _sentence(parts: list[str]) -> str:
    text = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 2 else parts)
    return text[:1].upper() + text[1:]


def _ago(span: timedelta, *, late: bool = False) -> str:
    return duration(span) if late else f"{duration(span)} ago"


def _moment(moment: datetime, now: datetime) -> str:
    local, today = timezone.localtime(moment), timezone.localtime(now)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%-d %b}"


@dataclass(frozen=True, slots=True)
class Day:
    """Everything on a person's list, in the order to do it."""

    at: datetime
    reply: list[Item]
    new: list[Item]
    hot: list[Item]
    meetings: list[Meeting]
    tasks: list[Task]
    done: list[Activity]
    snoozed: int

    @property
    def items(self) -> list[Item]:
        return [*self.reply, *self.new, *self.hot]

    @property
    def lead_ids(self) -> list[str]:
        """Public ids in the order of the list, each once."""
        leads = [item.lead.public_id for item in self.items]
        met = [meeting.lead.public_id for meeting in self.meetings]
        return list(dict.fromkeys([*leads, *met, *(task.lead.public_id for task in self.tasks)]))

    @property
    def overdue(self) -> int:
        """Tasks of the list that are late."""
        return sum(task.due_at is not None and task.due_at < self.at for task in self.tasks)

    @property
    def late(self) -> int:
        return sum(item.reply.kind == "late" for item in self.reply)

    @property
    def reply_note(self) -> str:
        """“1 overdue, 2 due within the hour”."""
        soon = self.at + timedelta(hours=1)
        due = sum(self.at <= (item.lead.response_due_at or soon) < soon for item in self.reply)
        words = [f"{self.late} overdue"] if self.late else []
        return ", ".join(words + ([f"{due} due within the hour"] if due else []))

    @property
    def total(self) -> int:
        return len(self.items) + len(self.tasks) + len(self.done)

    @property
    def is_clear(self) -> bool:
        return not self.items and not self.tasks and not self.meetings

    @property
    def mark(self) -> str:
        """The same as long as the list stays the same."""
        shown = [
            [(item.lead.pk, item.lead.response_due_at, item.why) for item in self.items],
            [(meeting.pk, meeting.starts_at, meeting.title) for meeting in self.meetings],
            [(task.pk, task.due_at, task.title) for task in self.tasks],
            [activity.pk for activity in self.done],
        ]
        return hashlib.blake2s(repr(shown).encode(), digest_size=8).hexdigest()

    def neighbours(self, public_id: str) -> tuple[str, str]:
        """Whom to look at before and after this lead; empty at the ends."""
        ids = self.lead_ids
        if public_id not in ids:
            return "", ids[0] if ids else ""
        index = ids.index(public_id)
        after = ids[index + 1] if index + 1 < len(ids) else ""
        return (ids[index - 1] if index else ""), after


def day_of(user: User, *, at: datetime) -> Day:
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    waiting = _reply_now(user, at=at)
    waiting += _replied(user, at=at, without={lead.pk for lead in waiting})
    known = {lead.pk for lead in waiting}
    given = [a for a in to_accept(user)[: MOST_NEW + len(known)] if a.lead_id not in known]
    offers = _offers(given)
    given.sort(key=lambda a: (offers.get(a.lead_id) or LATER, a.from_at, a.pk))
    new = [assignment.lead for assignment in given[:MOST_NEW]]
    known |= {lead.pk for lead in new}
    hot = _hot_and_moving(user, at=at, midnight=midnight, without=known)
    facts = facts_of([lead.pk for lead in (*waiting, *new, *hot)], at=at)
    for lead_id, accept_by in offers.items():
        if lead_id in facts:
            facts[lead_id] = replace(facts[lead_id], accept_by=accept_by)
    tomorrow = midnight + timedelta(days=1)
    return Day(
        at=at,
        reply=_items(waiting, facts, at),
        new=_items(new, facts, at),
        hot=_items(hot, facts, at),
        meetings=list(
            meetings_of(user, since=midnight - timedelta(days=1), until=tomorrow)[:MOST_TASKS]
        ),
        tasks=list(to_do(user, at=at).filter(due_at__lt=tomorrow, meeting=None)[:MOST_TASKS]),
        done=list(_done(user, since=midnight)),
        snoozed=len(snoozed(user, at=at).values_list("pk", flat=True)[:BADGE_CAP]),
    )


def _items(leads: Iterable[Lead], facts: dict[int, Facts], at: datetime) -> list[Item]:
    return [Item(lead, facts.get(lead.pk, Facts()), at) for lead in leads]


def _mine(user: User) -> LeadQuerySet:
    """A person's own leads; managers answer for those nobody owns yet, too."""
    own = Q(owner=user)
    if user.role in {Role.MANAGER, Role.ADMIN}:
        own |= Q(owner=None)
    leads: LeadQuerySet = Lead.objects.visible_to(user).filter(own)
    return leads.select_related("stage", "score_row", "owner")


def _reply_now(user: User, *, at: datetime) -> list[Lead]:
    """Running clocks, the closest to its end first; those late for days follow, the hottest first.

    A snoozed one comes back when it is late.
    """
    fresh = Q(response_due_at__gte=at - LONG_LATE) | Q(score_row__temperature=Temperature.HOT)
    asleep = Task.objects.filter(
        lead=OuterRef("pk"), assignee=user, done_at=None, snoozed_until__gt=at
    )
    # Only the newest questions are put in order: a queue of years costs no more than a week’s.
    newest = (
        _mine(user)
        .open()
        .filter(responded_at=None, response_due_at__isnull=False)
        .filter(~Exists(asleep) | Q(response_due_at__lt=at))
        .order_by("-response_due_at")
        .values("pk")[:MOST_ORDERED]
    )
    return list(
        Lead.objects.filter(pk__in=newest)
        .select_related("stage", "score_row", "owner")
        .annotate(cold=Case(When(fresh, then=Value(0)), default=-F("score_row__score") + 1000))
        .order_by("cold", "response_due_at", "pk")[:MOST_REPLIES]
    )


def _replied(user: User, *, at: datetime, without: Collection[int]) -> list[Lead]:
    """Leads whose last word was a reply that nobody has answered, the hottest first."""
    asleep = Task.objects.filter(
        lead=OuterRef("pk"), assignee=user, done_at=None, snoozed_until__gt=at
    )
    return list(
        _mine(user)
        .filter(owner=user)
        .open()
        .filter(
            score_row__last_activity_type="email_reply",
            score_row__last_activity_at__gte=at - timedelta(days=REPLY_DAYS),
        )
        .exclude(pk__in=without)
        .filter(~Exists(asleep), ~Exists(_handled_since_reply(user)))
        .hottest_first()[:MOST_REPLIES]
    )


def _handled_since_reply(user: User) -> QuerySet[Activity]:
    """Ticked off since, without an answer: a “thank you” needs none."""
    return Activity.objects.filter(
        lead=OuterRef("pk"),
        user=user,
        type="task_done",
        occurred_at__gt=OuterRef("score_row__last_activity_at"),
    )


def _offers(given: list[Assignment]) -> dict[int, datetime]:
    """Until when each lead waits to be accepted, where there is a limit."""
    rows = Offer.objects.filter(assignment__in=[a.pk for a in given], due_at__isnull=False)
    return dict(rows.values_list("assignment__lead_id", "accept_by"))


def _hot_and_moving(
    user: User, *, at: datetime, midnight: datetime, without: Collection[int]
) -> list[Lead]:
    """Warm leads that did something lately and that nobody has looked after today or planned to."""
    handled = Activity.objects.filter(
        lead=OuterRef("pk"), user=user, occurred_at__gte=midnight, type__in=DONE_TYPES
    )
    return list(
        _mine(user)
        .filter(owner=user)
        .open()
        .filter(
            Q(next_step_at=None) | Q(next_step_at__lt=at),
            score_row__temperature__in=[Temperature.HOT, Temperature.WARM],
            score_row__last_activity_at__gte=at - timedelta(days=MOVING_DAYS),
        )
        .exclude(pk__in=without)
        .filter(~Exists(handled))
        .hottest_first()[:MOST_HOT]
    )


def _done(user: User, *, since: datetime) -> Iterable[Activity]:
    return (
        Activity.objects.filter(user=user, occurred_at__gte=since, type__in=DONE_TYPES)
        .filter(lead__in=Lead.objects.live())
        .select_related("lead")
        .order_by("-occurred_at", "-pk")[:MOST_DONE]
    )


def facts_of(lead_ids: Collection[int], *, at: datetime) -> dict[int, Facts]:
    """The last inquiry of each lead and what it did within a week, in three queries."""
    if not lead_ids:
        return {}
    inquiries = {
        inquiry.lead_id: inquiry
        for inquiry in Inquiry.objects.filter(lead__in=lead_ids)
        .select_related("form_version", "source")
        .order_by("lead_id", "-received_at", "-pk")
        .distinct("lead_id")
    }
    replies = {
        activity.lead_id: activity
        for activity in Activity.objects.filter(
            lead__in=lead_ids,
            type="email_reply",
            occurred_at=F("lead__score_row__last_activity_at"),
        ).order_by("pk")
    }
    signs: dict[int, dict[str, int]] = {pk: {} for pk in lead_ids}
    for lead_id, type_, times in _weekly(lead_ids, since=at - timedelta(days=MOVING_DAYS)):
        signs[lead_id][type_] = times
    return {pk: Facts(inquiries.get(pk), replies.get(pk), signs=signs[pk]) for pk in lead_ids}


def _weekly(lead_ids: Collection[int], *, since: datetime) -> Iterable[tuple[int, str, int]]:
    """What each lead did, and how often."""
    return (
        Activity.objects.filter(
            lead__in=lead_ids, occurred_at__gte=since, type__in=SIGNS, klass=Activity.Class.HUMAN
        )
        .order_by()
        .values("lead_id", "type")
        .annotate(n=Count("pk"))
        .values_list("lead_id", "type", "n")
    )


def earlier(lead: Lead, *, limit: int = 4) -> list[Activity]:
    """What happened with a lead last."""
    return list(
        Activity.objects.filter(lead=lead)
        .select_related("user")
        .order_by("-occurred_at", "-pk")[:limit]
    )

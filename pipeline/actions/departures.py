"""Handing over what somebody held who leaves: open leads, tasks, and places in pools."""

from collections.abc import Iterator, Sequence

from django.db.models import Q, QuerySet

from leadcrm.accounts.leaving import Handover, Holding, To
from leadcrm.accounts.models import Team, User
from leadcrm.lib import pump
from leads.models import Lead
from pipeline.actions.owners import assign_many
from pipeline.actions.routing import QUEUE
from pipeline.models import (
    Assignment,
    PoolMember,
    ResponseStep,
    RoutingRule,
    RuleSet,
    Task,
    WaitingLead,
)

CHUNK = 500


def holdings(user: User) -> Iterator[Holding]:
    leads = f"/leads/?owner={user.public_id}"
    yield Holding(_open_leads(user).count(), "open leads", leads)
    yield Holding(Task.objects.filter(assignee=user, done_at=None).count(), "open tasks")
    yield Holding(user.pool_memberships.count(), "pools they share in", "/routing/")
    live = RoutingRule.objects.filter(target_user=user).exclude(
        rule_set__state=RuleSet.State.ARCHIVED
    )
    for rule in live.select_related("rule_set"):
        where = f"{rule.rule_set.get_state_display().lower()} rule “{rule.name}”"
        yield Holding(1, f"{where} names them: change it", f"/routing/rules/{rule.key}/")
    for step in ResponseStep.objects.filter(person=user).select_related("target"):
        words = f"step of the response target “{step.target}” names them: change it"
        yield Holding(1, words, f"/routing/targets/{step.target_id}/")
    for team in Team.objects.filter(manager=user):
        yield Holding(1, f"team without a manager then: {team}", f"/settings/teams/{team.pk}/")


def _open_leads(user: User) -> QuerySet[Lead]:
    found: QuerySet[Lead] = Lead.objects.live().open().filter(owner=user)
    return found


def hand_over(handover: Handover) -> None:
    """Leads first, then what hangs on them. With rules, workers give them out afterwards."""
    leaving, successor = handover.leaving, handover.successor
    ids = list(_open_leads(leaving).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        _give(ids[start : start + CHUNK], handover)
    tasks = Task.objects.filter(assignee=leaving, done_at=None)
    if successor is not None:
        tasks.update(assignee=successor)
    else:
        _unassign(tasks)
    PoolMember.objects.filter(user=leaving).delete()
    pump.wake(QUEUE)


def _unassign(tasks: QuerySet[Task]) -> None:
    """Tasks of colleagues’ leads go to these; the others wait with their leads for an owner."""
    owned = tasks.filter(Q(lead__owner__is_active=True))
    for owner_id in owned.values_list("lead__owner", flat=True).distinct():
        tasks.filter(lead__owner=owner_id).update(assignee=owner_id)
    tasks.update(assignee=None)


def _give(lead_ids: Sequence[int], handover: Handover) -> None:
    note = handover.note or f"{handover.leaving.name} left."
    assign_many(
        lead_ids,
        owner=handover.successor,
        at=handover.at,
        cause=Assignment.Cause.LEFT,
        actor=handover.actor,
        note=note,
    )
    if handover.to == To.RULES:
        WaitingLead.objects.bulk_create(
            [WaitingLead(lead_id=pk, queued_at=handover.at) for pk in lead_ids],
            ignore_conflicts=True,
        )

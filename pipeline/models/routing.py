from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import Team, User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models import Lead
from pipeline.models.funnel import SalesCycle


class Pool(models.Model):
    """People who share leads. Choosing happens under a lock on this row."""

    class Method(models.TextChoices):
        WEIGHTED = "weighted", "In turn, by weight"
        LEAST_OPEN = "least_open", "Fewest open leads"
        PRIORITY = "priority", "First in the list who has room"

    class Match(models.TextChoices):
        """How much it matters that somebody fits the lead."""

        IGNORE = "ignore", "Does not matter"
        PREFER = "prefer", "Those who fit come first"
        REQUIRE = "require", "Only those who fit"

    name = models.CharField(max_length=80, unique=True)
    method = models.CharField(max_length=10, choices=Method, default=Method.WEIGHTED)
    includes_everyone = models.BooleanField(default=False)  # every active rep joins by itself
    queue = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="+"
    )  # where leads wait when nobody has room
    at_work_only = models.BooleanField(default=True, db_default=True)
    language = models.CharField(
        max_length=7, choices=Match, default=Match.IGNORE, db_default=Match.IGNORE
    )
    territory = models.CharField(
        max_length=7, choices=Match, default=Match.IGNORE, db_default=Match.IGNORE
    )
    # Working time to accept before the next one gets it; none: nobody has to accept.
    accept_minutes = models.PositiveIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    """A person in a pool. `credit` is the running balance of the smooth weighted round robin."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="pool_memberships")
    position = models.PositiveSmallIntegerField(default=0)
    weight = models.PositiveSmallIntegerField(default=1)
    credit = models.IntegerField(default=0)
    open_cap = models.PositiveIntegerField(null=True, blank=True)
    day_cap = models.PositiveIntegerField(null=True, blank=True)
    paused = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "user"], name="once_in_a_pool"),
            models.CheckConstraint(
                condition=Q(weight__gte=1, weight__lte=100), name="weight_between_1_and_100"
            ),
        ]
        indexes = [models.Index(fields=["pool", "position", "id"], name="pool_in_order")]

    def __str__(self) -> str:
        return f"{self.user} in {self.pool}"


class RuleSet(models.Model):
    """A version of the routing rules. One is published; it never changes afterwards."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    fallback_queue = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="+"
    )  # who gets what no rule takes; none: the oldest team
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    restored_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="published"), name="one_published_rule_set"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="draft"), name="one_draft_rule_set"
            ),
        ]

    def __str__(self) -> str:
        return f"Rules v{self.number}"


class RoutingRule(models.Model):
    """“When this holds, it goes there.” `key` stays the same from version to version."""

    class Target(models.TextChoices):
        POOL = "pool", "A pool"
        USER = "user", "A person"
        QUEUE = "queue", "A team’s queue"
        COMPANY_OWNER = "company_owner", "Whoever owns the company"
        PREVIOUS_OWNER = "previous_owner", "Whoever had the lead before"

    rule_set = models.ForeignKey(RuleSet, models.CASCADE, related_name="rules")
    key = models.CharField(max_length=12, default=new_public_id)
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    condition = models.JSONField(default=dict, blank=True)  # empty: every lead
    target_kind = models.CharField(max_length=14, choices=Target)
    target_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    target_pool = models.ForeignKey(
        Pool, models.PROTECT, null=True, blank=True, related_name="rules"
    )
    target_queue = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    # Only people of the pool who can all of this.
    skills: Any = ArrayField(
        models.CharField(max_length=40), default=list, db_default=[], blank=True
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule_set", "order"],
                name="rule_order_in_set",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(fields=["rule_set", "key"], name="rule_key_in_set"),
            models.CheckConstraint(
                condition=Q(target_kind="pool", target_pool__isnull=False)
                | Q(target_kind="user", target_user__isnull=False)
                | Q(target_kind="queue", target_queue__isnull=False)
                | Q(target_kind__in=["company_owner", "previous_owner"]),
                name="rule_names_its_target",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Any:
        """The person, pool or team; None for the company's owner."""
        return self.target_user or self.target_pool or self.target_queue


class RoutingDecision(models.Model):
    """Who got a lead and why, complete enough to be replayed. Never changed.

    `trace`: `[{"rule", "key", "matched", "failing"}]` in the order tried. `candidates`:
    `[{"user", "name", "eligible", "code", "detail"}]`. `rotation_*`: `{user id: credit}`.
    """

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="routing_decisions", db_index=False)
    cycle = models.ForeignKey(
        SalesCycle, models.CASCADE, null=True, blank=True, related_name="routing_decisions"
    )
    rule_set = models.ForeignKey(RuleSet, models.PROTECT, null=True, blank=True, related_name="+")
    rule_key = models.CharField(max_length=12, blank=True, default="")
    rule_name = models.CharField(max_length=80, blank=True, default="")
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, blank=True, related_name="+")
    cause = models.CharField(max_length=20, default="qualified")
    inputs = models.JSONField(default=dict)
    trace = models.JSONField(default=list)
    candidates = models.JSONField(default=list)
    chosen = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="routed_leads"
    )
    queue = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300)
    rotation_before = models.JSONField(default=dict)
    rotation_after = models.JSONField(default=dict)
    decided_at = models.DateTimeField()
    latency_ms = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["lead", "-decided_at", "-id"], name="decision_by_lead"),
            models.Index(fields=["-decided_at", "-id"], name="decision_newest"),
            models.Index(fields=["rule_key", "-decided_at"], name="decision_by_rule"),
        ]

    def __str__(self) -> str:
        return self.reason


class WaitingLead(models.Model):
    """A routed lead for whom nobody had room. Served oldest first as soon as somebody has.

    Without `pool` and `user` the rules are tried afresh: they changed since.
    """

    lead = models.OneToOneField(
        Lead, models.CASCADE, primary_key=True, related_name="waiting_for_owner"
    )
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, blank=True, related_name="waiting")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    queued_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["pool", "queued_at", "lead"], name="waiting_by_pool"),
            models.Index(fields=["user", "queued_at", "lead"], name="waiting_by_user"),
        ]

    def __str__(self) -> str:
        return str(self.lead_id)


class Assignment(models.Model):
    """Who was responsible for a lead, from when to when, and why. The ledger behind `Lead.owner`.

    Without an owner the lead is in the queue of `team`.
    """

    class Cause(models.TextChoices):
        OPENED = "opened", "New in the queue"
        ROUTED = "routed", "Routed by a rule"
        DRAINED = "drained", "Taken from the queue by routing"
        CREATED = "created", "Entered the lead"
        MANUAL = "manual", "Assigned by hand"
        BULK = "bulk", "Assigned in bulk"
        API = "api", "Assigned by the API"
        CLAIMED = "claimed", "Took it from the queue"
        DECLINED = "declined", "Declined by the owner"
        ESCALATED = "escalated", "Not answered in time"
        PASSED_ON = "passed_on", "Not accepted in time"
        LEFT = "left", "The owner left"
        COVER = "cover", "The owner is away"
        RETURNED = "returned", "The owner is back"
        MERGED = "merged", "Merged with another lead"

    class Answer(models.TextChoices):
        """What the owner said to it. Who refused a lead is not asked again in this cycle."""

        NONE = "", "None yet"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Did not accept in time"
        LATE = "late", "Did not answer the lead in time"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="assignments", db_index=False)
    cycle = models.ForeignKey(
        SalesCycle, models.CASCADE, null=True, blank=True, related_name="assignments"
    )
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="assignments", db_index=False
    )
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=10, choices=Cause)
    note = models.CharField(max_length=500, blank=True, default="")
    decision = models.ForeignKey(
        RoutingDecision,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="assignments",
        db_index=False,
    )
    actor = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(
        max_length=8, choices=Answer, blank=True, default=Answer.NONE, db_default=""
    )

    CURRENT: ClassVar[Q] = Q(to_at=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(to_at=None), name="one_current_assignment"
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False),
                name="assigned_to_a_person_or_queue",
            ),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gte=models.F("from_at")),
                name="assignment_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-from_at", "-id"], name="assignment_by_lead"),
            models.Index(
                fields=["owner", "from_at"],
                condition=Q(owner__isnull=False),
                name="assignment_by_owner",
            ),
            models.Index(
                fields=["owner", "from_at"],
                condition=Q(to_at=None, accepted_at=None, owner__isnull=False),
                name="assignment_to_accept",
            ),
            where_set("team", name="assignment_by_team"),
            where_set("decision", name="assignment_by_decision"),
            where_set("actor", name="assignment_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} → {self.owner_id or self.team_id}"


class Offer(WorkItem):
    """An assignment that somebody must accept before `accept_by`; `due_at` is when to look."""

    assignment = models.OneToOneField(
        Assignment, models.CASCADE, primary_key=True, related_name="offer"
    )
    accept_by = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "assignment"], condition=WorkItem.DUE, name="offer_due"),
        ]

    def __str__(self) -> str:
        return str(self.assignment_id)


class CoverShift(WorkItem):
    """Open leads that go to somebody else while their owner is away, and come back afterwards."""

    absence = models.OneToOneField(
        "accounts.Absence", models.CASCADE, primary_key=True, related_name="cover_shift"
    )
    handed_over_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "absence"], condition=WorkItem.DUE, name="cover_shift_due"
            ),
        ]

    def __str__(self) -> str:
        return str(self.absence_id)


class Watch(WorkItem):
    """One thing that must never be so for an open lead, and when the next look is due."""

    class Kind(models.TextChoices):
        NOBODY = "nobody", "Nobody is responsible"
        OWNER_GONE = "owner_gone", "The owner cannot work on it"
        WAITING = "waiting", "Waits in the queue"
        NO_NEXT_STEP = "no_next_step", "No next step"
        PAST_TARGET = "past_target", "Past its target"

    kind = models.CharField(max_length=12, choices=Kind, primary_key=True)
    enabled = models.BooleanField(default=True)
    grace_minutes = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=WorkItem.DUE, name="watch_due")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Alarm(models.Model):
    """What the watch found for one manager, from the first find until none is left."""

    watch = models.ForeignKey(Watch, models.CASCADE, related_name="alarms")
    user = models.ForeignKey(User, models.CASCADE, related_name="alarms")
    leads = models.PositiveIntegerField()
    oldest_at = models.DateTimeField()  # since when it is so for the oldest of them
    newest_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    told_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["watch", "user"], condition=Q(cleared_at=None), name="one_open_alarm"
            )
        ]

    def __str__(self) -> str:
        return f"{self.watch_id}: {self.leads}"

"""What was worked out about models: simulations, backtests, predictions. None changes a score."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models import Lead
from scoring.models.model import ScoringModel


class Study(WorkItem):
    """Something worked out in steps, in the background; a killed worker's successor goes on.

    `draft` is the model as it was when asked for, as data: editing meanwhile changes nothing here.
    """

    model = models.ForeignKey(ScoringModel, models.CASCADE, related_name="+")
    draft = models.JSONField(default=dict)
    next_id = models.BigIntegerField(default=0)  # where the next step starts
    total = models.PositiveIntegerField(default=0)  # how much there is
    done = models.PositiveIntegerField(default=0)  # how much of it is worked out
    result = models.JSONField(null=True, blank=True)
    refusal = models.CharField(max_length=500, blank=True, default="")  # why there is no result
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)

    RUNNING: ClassVar[Q] = Q(done_at=None)

    class Meta:
        abstract = True

    @property
    def is_running(self) -> bool:
        return self.done_at is None

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // max(self.total, 1))


class Simulation(Study):
    """A draft over all leads as they are now: who would move.

    `result` tells of a sample until all leads were looked at. `fingerprint` is of the draft:
    another one means that it has changed since.
    """

    fingerprint = models.CharField(max_length=64)
    last_id = models.BigIntegerField(default=0)
    tally = models.JSONField(null=True, blank=True)  # what the ranges so far add up to

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="simulation_due"),
            models.Index(fields=["model", "-id"], name="simulation_newest"),
        ]

    def __str__(self) -> str:
        return f"Simulation {self.pk}"


class Backtest(Study):
    """A draft over closed sales, each as of the moment it qualified."""

    class Moment(models.TextChoices):
        MQL = "mql", "First qualified"
        SQL = "sql", "Sales-qualified"

    moment = models.CharField(max_length=3, choices=Moment, default=Moment.MQL)
    since = models.DateTimeField()
    until = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="backtest_due"),
            models.Index(fields=["model", "-id"], name="backtest_newest"),
        ]

    def __str__(self) -> str:
        return f"Backtest {self.pk}"


class BacktestCase(models.Model):
    """One sale as the rules saw it on the day it qualified.

    `scores` are by the judged model and by the published one. `points` are hundredths, one for each
    rule of the judged model, in its order.
    """

    backtest = models.ForeignKey(
        Backtest, models.CASCADE, related_name="cases", db_constraint=False, db_index=False
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    cycle = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    won = models.BooleanField(null=True)  # null: still open, but sales said no to it
    rejected = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True, default="")
    score = models.SmallIntegerField()
    live_score = models.SmallIntegerField()
    points = ArrayField(models.IntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backtest", "lead", "cycle"], name="backtest_judges_a_sale_once"
            )
        ]
        indexes = [models.Index(fields=["lead"], name="backtest_case_by_lead")]

    def __str__(self) -> str:
        return f"{self.lead_id} in backtest {self.backtest_id}"


class Training(Study):
    """A predictive model, learnt from closed sales. The newest one that may be used is in use.

    `result`: `start`, `facts` (key, label, mean, spread, weight), and how well it foretells.
    """

    is_active = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_active_training"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=WorkItem.DUE, name="training_due")]

    def __str__(self) -> str:
        return f"Training {self.pk}"


class TrainingCase(models.Model):
    """What was known of a closed sale on the day it qualified."""

    training = models.ForeignKey(
        Training, models.CASCADE, related_name="cases", db_constraint=False, db_index=False
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    cycle = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    won = models.BooleanField()
    score = models.SmallIntegerField()  # by the rules, to compare with
    known = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["training", "lead", "cycle"], name="training_learns_a_sale_once"
            )
        ]
        indexes = [models.Index(fields=["lead"], name="training_case_by_lead")]

    def __str__(self) -> str:
        return f"{self.lead_id} in training {self.training_id}"


class Prediction(models.Model):
    """The chance that an open sale is won, foretold beside the rules. Nothing acts on it."""

    lead = models.OneToOneField(
        Lead, models.CASCADE, primary_key=True, related_name="prediction", db_constraint=False
    )
    training = models.ForeignKey(Training, models.CASCADE, related_name="+", db_index=False)
    chance = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(chance__gte=0, chance__lte=1), name="chance_is_a_share"
            )
        ]
        indexes = [models.Index(fields=["-chance"], name="prediction_highest")]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.chance:.0%}"

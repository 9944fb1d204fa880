from django.contrib.postgres.fields import ArrayField
from django.db import models


def every_day() -> list[int]:
    return [0, 1, 2, 3, 4, 5, 6]


class FrequencyPolicy(models.Model):
    """How often and when people may be mailed; one row for the whole workspace.

    The window is in the lead's time zone, else the workspace's. No `opens_at`: at any hour.
    """

    max_mails = models.PositiveSmallIntegerField(default=1)
    per_hours = models.PositiveSmallIntegerField(default=24)
    opens_at = models.TimeField(null=True, blank=True)
    closes_at = models.TimeField(null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=every_day)  # Monday is 0

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="only_one_frequency_policy"),
            models.CheckConstraint(
                condition=models.Q(opens_at=None, closes_at=None)
                | models.Q(closes_at__gt=models.F("opens_at")),
                name="window_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.max_mails} per {self.per_hours} h"

    @classmethod
    def load(cls) -> "FrequencyPolicy":
        policy, _ = cls.objects.get_or_create(pk=1)
        return policy


class Sender(models.Model):
    """The mail server's circuit breaker: after repeated refusals everything waits for a while."""

    failures = models.PositiveSmallIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="only_one_sender")]

    def __str__(self) -> str:
        return f"{self.failures} failures"

    @classmethod
    def load(cls) -> "Sender":
        sender, _ = cls.objects.get_or_create(pk=1)
        return sender

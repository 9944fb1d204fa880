from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadcrm.accounts.models import User


class ListColumns(models.Model):
    """The columns somebody chose for a list, in their order."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    page = models.CharField(max_length=20, default="leads")
    columns: Any = ArrayField(models.CharField(max_length=60))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "page"], name="one_choice_per_list")]

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.columns)}"

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

KEY = r"^[a-z][a-z0-9_]{0,39}$"


class FieldDefinition(models.Model):
    """A field that a company adds to its leads. Its values stand in `Lead.custom` under `key`.

    Values are canonical JSON: text, number, true or false, an ISO day, an RFC 3339 moment in UTC,
    the key of an option or a list of them, `{"amount", "currency"}`: see `leads.fields`.
    """

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        LONG_TEXT = "long_text", "Long text"
        NUMBER = "number", "Number"
        INTEGER = "integer", "Whole number"
        YES_NO = "yes_no", "Yes or no"
        DATE = "date", "Date"
        MOMENT = "moment", "Date and time"
        SELECT = "select", "One of a list"
        MULTI_SELECT = "multi_select", "Several of a list"
        EMAIL = "email", "E-mail address"
        PHONE = "phone", "Phone number"
        URL = "url", "Web address"
        MONEY = "money", "Money"
        COUNTRY = "country", "Country"

    key = models.CharField(max_length=40, unique=True, validators=[RegexValidator(KEY)])
    label = models.CharField(max_length=60)
    type = models.CharField(max_length=12, choices=Type)
    # [{"key", "label", "archived"?}]: keys are stored with leads and never change.
    options = models.JSONField(default=list, blank=True)
    currency = models.CharField(max_length=3, blank=True)  # of money that comes without one
    required = models.BooleanField(default=False)  # where people fill in a form of ours by hand
    help = models.CharField(max_length=200, blank=True)
    default = models.JSONField(null=True, blank=True)  # what a new lead's form starts with
    group = models.CharField(max_length=40, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)  # archived fields keep their values
    is_sensitive = models.BooleanField(default=False)  # not in lists, exports and messages
    is_unique = models.BooleanField(default=False, db_default=False)  # no two leads have one value
    is_searched = models.BooleanField(default=False, db_default=False)  # found by its words
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    HAS_OPTIONS: ClassVar[frozenset[str]] = frozenset({"select", "multi_select"})
    # What can tell one lead from all others, and what people type into a search.
    TELLING: ClassVar[frozenset[str]] = frozenset(
        {"text", "number", "integer", "email", "phone", "url"}
    )
    WORDS: ClassVar[frozenset[str]] = TELLING | {"long_text"}

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(key__regex=KEY), name="field_key_is_a_slug"),
            models.UniqueConstraint(
                Lower("label"), condition=Q(is_active=True), name="one_active_field_per_label"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def name(self) -> str:
        """What conditions, forms and filters call it."""
        return f"custom.{self.key}"

    @property
    def has_options(self) -> bool:
        return self.type in self.HAS_OPTIONS

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Every option, also those no longer offered: leads may still have them."""
        return [(option["key"], option["label"]) for option in self._options]

    @property
    def offered(self) -> list[tuple[str, str]]:
        """The options that can be chosen today."""
        return [(item["key"], item["label"]) for item in self._options if not item.get("archived")]

    @property
    def _options(self) -> list[dict[str, Any]]:
        return list(self.options or [])

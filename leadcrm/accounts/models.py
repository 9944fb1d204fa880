"""People who use LeadCRM, their teams, their keys, and what they are told."""

from copy import copy
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from leadcrm.lib import memo
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id


class Role(models.TextChoices):
    """What somebody may do. Admins may do everything; managers see their teams' leads."""

    REP = "rep", "Sales rep"
    MARKETER = "marketer", "Marketer"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Administrator"


class Workspace(models.Model):
    """The one organisation of this installation."""

    name = models.CharField(max_length=100, default="LeadCRM")
    time_zone = models.CharField(max_length=50, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    country = models.CharField(max_length=2, default="NL")
    postal_address = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="only_one_workspace")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def load(cls) -> "Workspace":
        """The workspace, made when it is first asked for; each caller has a copy to change."""
        found = cls.present()
        if found is None:
            memo.forget("workspace")
            found, _ = cls.objects.get_or_create(pk=1)
        return copy(found)

    @classmethod
    def present(cls) -> "Workspace | None":
        """What there is, read once for each request and never made by reading."""
        return memo.once("workspace", lambda: cls.objects.filter(pk=1).first())

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        memo.forget("workspace")


class Team(models.Model):
    name = models.CharField(max_length=80, unique=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    manager = models.ForeignKey(
        "User", models.SET_NULL, null=True, blank=True, related_name="managed_teams"
    )

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"role": Role.ADMIN, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser):
    """A colleague, known by e-mail address."""

    class Theme(models.TextChoices):
        SYSTEM = "", "As the device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    email = models.EmailField(unique=True)  # always in lower case
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role, default=Role.REP)
    teams = models.ManyToManyField(Team, through="Membership", related_name="members")
    time_zone = models.CharField(max_length=50, default="UTC")
    locale = models.CharField(max_length=10, default="en-gb")
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.SYSTEM, blank=True)
    keyboard_shortcuts = models.BooleanField(default=True)
    hue = models.PositiveSmallIntegerField(default=1)
    signature = models.TextField(blank=True)
    # In the person's zone. Between these nothing rings and no e-mail is sent.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    digest_at = models.TimeField(null=True, blank=True)  # none: no daily digest
    # What routing looks at: ISO codes of languages and countries, and skills by name.
    languages: Any = ArrayField(
        models.CharField(max_length=2), default=list, db_default=[], blank=True
    )
    territory: Any = ArrayField(
        models.CharField(max_length=2), default=list, db_default=[], blank=True
    )
    skills: Any = ArrayField(
        models.CharField(max_length=40), default=list, db_default=[], blank=True
    )
    holidays = models.ForeignKey(
        "HolidayCalendar", models.SET_NULL, null=True, blank=True, related_name="people"
    )  # none: those of the workspace
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_in_lower_case"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def actor_id(self) -> int | None:
        return self.pk

    @property
    def zone(self) -> ZoneInfo:
        """The person's zone; UTC when a zone was renamed since it was chosen."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_manager(self) -> bool:
        return self.role in {Role.MANAGER, Role.ADMIN}

    @property
    def is_marketer(self) -> bool:
        return self.role in {Role.MARKETER, Role.ADMIN}

    @property
    def is_superuser(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_staff(self) -> bool:
        return self.role == Role.ADMIN

    def has_role(self, *roles: str) -> bool:
        """Whether this person has one of `roles`; an administrator has all."""
        return self.is_active and (self.role in roles or self.role == Role.ADMIN)


class Membership(models.Model):
    """A person in a team, with the abilities routing looks at."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "team"], name="one_membership_per_team")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class WorkingHours(models.Model):
    """When somebody works, in their own time zone; one row for each block of a weekday.

    Without a user: the office hours of the workspace, for all who wrote down none.
    """

    user = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="working_hours"
    )
    weekday = models.PositiveSmallIntegerField()  # Monday is 0, as in datetime
    starts = models.TimeField()
    ends = models.TimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="weekday_exists"),
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("starts")), name="block_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.weekday} {self.starts}–{self.ends}"


class HolidayCalendar(models.Model):
    """Days on which nobody works; one calendar is the workspace’s own."""

    name = models.CharField(max_length=60, unique=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_calendar",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    calendar = models.ForeignKey(HolidayCalendar, models.CASCADE, related_name="days")
    day = models.DateField()
    name = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "day"], name="one_holiday_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class Absence(models.Model):
    """Days off, the first and the last included. `cover` answers meanwhile."""

    user = models.ForeignKey(User, models.CASCADE, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField()
    note = models.CharField(max_length=100, blank=True)
    cover = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="covered_absences"
    )
    moves_leads = models.BooleanField(default=False, db_default=False)  # open ones, and back

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="absence_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} away {self.first_day}–{self.last_day}"


class ApiKey(models.Model):
    """A program's way in. Only a keyed hash is stored; the key itself is shown once."""

    class Kind(models.TextChoices):
        SECRET = "secret", "Secret (servers)"
        PUBLISHABLE = "publishable", "Publishable (browsers)"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SECRET)
    prefix = models.CharField(max_length=12, unique=True)
    key_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    user = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="api_keys"
    )  # whose records it sees; none: all
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="created_api_keys"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Notification(WorkItem):
    """Something a person is told in the app, once for each `dedupe_key`.

    `due_at`: when it is sent by e-mail, too; nothing: not at all, or it was.
    """

    class Email(models.TextChoices):
        NO = "", "No"
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        SEEN = "seen", "Read in the app before"
        FAILED = "failed", "Not sent"

    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    body = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=300, blank=True)
    lead_id = models.BigIntegerField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)
    in_app = models.BooleanField(default=True, db_default=True)
    email = models.CharField(
        max_length=7, choices=Email, blank=True, default=Email.NO, db_default=""
    )
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "dedupe_key"], name="told_once")]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_newest"),
            models.Index(
                fields=["user"], condition=models.Q(read_at=None), name="notification_unread"
            ),
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="notification_due"),
        ]

    def __str__(self) -> str:
        return self.title


class NotificationChoice(models.Model):
    """How somebody wants to hear of one kind of thing."""

    class Email(models.TextChoices):
        NOW = "now", "At once"
        DIGEST = "digest", "In the digest"
        OFF = "off", "Never"

    user = models.ForeignKey(User, models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=40)
    in_app = models.BooleanField(default=True)
    email = models.CharField(max_length=6, choices=Email, default=Email.OFF)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="one_choice_per_kind")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind}"


class Digest(WorkItem):
    """The next daily summary for somebody who wants one."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="digest")
    covers_from = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "user"], condition=WorkItem.DUE, name="digest_due")
        ]

    def __str__(self) -> str:
        return f"Digest for {self.user_id}"


class SavedView(models.Model):
    """A list's filters under a name: the query string of its page."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=20, default="leads")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="one_view_per_name")
        ]

    def __str__(self) -> str:
        return self.name

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Concat, Lower, Now, Replace

from leadcrm.accounts.access import reach_of
from leadcrm.accounts.models import Team, User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.tokens import new_public_id
from leads.models.funnel import Stage


class Lifecycle(models.TextChoices):
    """The marketing view of a person, for life."""

    SUBSCRIBER = "subscriber", "Subscriber"
    LEAD = "lead", "Lead"
    MQL = "mql", "Marketing-qualified lead"
    SQL = "sql", "Sales-qualified lead"
    PQL = "pql", "Product-qualified lead"
    OPPORTUNITY = "opportunity", "Opportunity"
    CUSTOMER = "customer", "Customer"
    EVANGELIST = "evangelist", "Evangelist"
    DISQUALIFIED = "disqualified", "Disqualified"


class Status(models.TextChoices):
    """What the rep is doing."""

    NEW = "new", "New"
    ATTEMPTING = "attempting", "Attempting"
    CONNECTED = "connected", "Connected"
    QUALIFIED = "qualified", "Qualified"
    NURTURING = "nurturing", "Nurturing"
    UNQUALIFIED = "unqualified", "Unqualified"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    RECYCLED = "recycled", "Recycled"


class Temperature(models.TextChoices):
    HOT = "hot", "Hot"
    WARM = "warm", "Warm"
    COLD = "cold", "Cold"


class Company(models.Model):
    """An organisation that leads work for; known by its web domain when there is one."""

    public_id = models.CharField(max_length=12, default=new_public_id)
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    size = models.PositiveIntegerField(null=True, blank=True)  # employees
    country = models.CharField(max_length=2, blank=True)
    city = models.CharField(max_length=80, blank=True)
    owner = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain"], condition=~Q(domain=""), name="one_company_per_domain"
            ),
            # Not `unique` on the field: that adds a second index, for the beginnings of ids.
            models.UniqueConstraint(fields=["public_id"], name="company_public_id"),
        ]
        indexes = [
            where_set("owner", name="company_by_owner"),
            models.Index(Lower("name"), name="company_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    name = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="one_tag_per_name")]

    def __str__(self) -> str:
        return self.name


# When the first reply is due, while it is still owed.
WAITING_UNTIL = Case(When(responded_at__isnull=True, then=F("response_due_at")))


def visible_lead(principal: Any, *, path: str = "") -> Q:
    """The condition behind every `visible_to`, on the lead at `path` of another model's rows.

    Joined rather than a sub-select, which beside an OR would read all visible leads first.
    """
    prefix = f"{path}__" if path else ""
    live = Q(**{f"{prefix}merged_into": None, f"{prefix}deleted_at": None})
    return live & within_reach(principal, prefix=prefix)


def within_reach(principal: Any, *, prefix: str = "") -> Q:
    """The same for rows that hold the owner and the team of a live lead."""
    reach = reach_of(principal)
    if reach.everything:
        return Q()
    own = Q(**{f"{prefix}owner_id__in": reach.owner_ids})
    unowned = Q(**{f"{prefix}owner": None, f"{prefix}team_id__in": reach.team_ids})
    return own | unowned if reach.team_ids else own


class LeadQuerySet(models.QuerySet["Lead"]):
    def live(self) -> Self:
        """Neither merged into another nor deleted."""
        return self.filter(merged_into=None, deleted_at=None)

    def visible_to(self, principal: Any) -> Self:
        """Leads this person or key may see. Every page and endpoint starts here."""
        return self.filter(visible_lead(principal))

    def open(self) -> Self:
        return self.filter(stage__category=Stage.Category.OPEN)

    def in_metrics(self) -> Self:
        """Real people: test entries count nowhere."""
        return self.filter(is_test=False)

    def hottest_first(self) -> Self:
        return self.order_by(F("score_row__score").desc(nulls_last=True), "pk")

    def search(self, text: str) -> Self:
        """Leads whose name, e-mail, company, phone or searched own fields hold all words of `text`.

        Words of one or two letters count where a word begins. Of own fields the first `MOST_OWN`
        leads of a word count: as keys they leave the search to the indexes, where joining their
        table would read all leads.
        """
        found = self
        words = text.lower().split()[:6]
        own = _own_holders(words)
        for word in words:
            known = Q(pk__in=own[word]) if own.get(word) else Q()
            found = found.filter(_holds("search_text", word) | known)
        return found


MOST_OWN = 500


def _own_holders(words: list[str]) -> dict[str, list[int]]:
    """The leads whose own fields hold each word."""
    if not words or not LeadOwnText.objects.exists():
        return {}
    rows = LeadOwnText.objects.order_by()
    return {
        word: list(rows.filter(_holds("text", word)).values_list("pk", flat=True)[:MOST_OWN])
        for word in words
    }


def _holds(column: str, word: str) -> Q:
    """Short words match only where a word begins: trigrams know no infixes of two letters."""
    if len(word) >= 3:
        return Q(**{f"{column}__contains": word})
    return Q(**{f"{column}__startswith": word}) | Q(**{f"{column}__contains": f" {word}"})


class Lead(models.Model):
    """A person who has interacted with the company and could become its customer. Kept for life.

    The columns people change live here. What the machine changes often is in `LeadScore`.
    Written by: contact fields `leads.actions`; stage, status, owner, team, lifecycle and the
    response clock `pipeline.actions`.
    """

    public_id = models.CharField(max_length=12, default=new_public_id)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)  # E.164 when it could be understood
    job_title = models.CharField(max_length=120, blank=True)
    company_name = models.CharField(max_length=200, blank=True)
    company = models.ForeignKey(
        Company, models.SET_NULL, null=True, blank=True, related_name="leads"
    )
    website = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2, blank=True)  # ISO 3166-1 alpha-2
    region = models.CharField(max_length=80, blank=True)
    city = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=50, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    company_size = models.PositiveIntegerField(null=True, blank=True)  # employees
    custom = models.JSONField(default=dict, blank=True)
    tags = models.ManyToManyField(Tag, through="LeadTag", related_name="leads", blank=True)
    source = models.ForeignKey(
        "leads.Source", models.SET_NULL, null=True, blank=True, related_name="leads"
    )
    is_test = models.BooleanField(default=False)

    lifecycle = models.CharField(max_length=12, choices=Lifecycle, default=Lifecycle.LEAD)
    status = models.CharField(max_length=11, choices=Status, default=Status.NEW)
    stage = models.ForeignKey(
        Stage, models.PROTECT, null=True, blank=True, related_name="leads", db_index=False
    )
    stage_entered_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="leads", db_index=False
    )
    team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="leads", db_index=False
    )
    next_step_at = models.DateTimeField(null=True, blank=True)
    response_due_at = models.DateTimeField(null=True, blank=True)
    responded_at = models.DateTimeField(null=True, blank=True)
    response_started_at = models.DateTimeField(null=True, blank=True)

    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1, db_default=1)

    search_text = models.GeneratedField(
        expression=Lower(
            Concat(
                "first_name",
                Value(" "),
                "last_name",
                Value(" "),
                "email",
                Value(" "),
                "company_name",
                Value(" "),
                "phone",
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects: ClassVar[Any] = LeadQuerySet.as_manager()

    LIVE: ClassVar[Q] = Q(merged_into=None, deleted_at=None)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["public_id"], name="lead_public_id")]
        indexes = [
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(merged_into=None, deleted_at=None),
                name="lead_newest",
            ),
            models.Index(
                fields=["owner", "stage", "-created_at", "-id"], name="lead_by_owner_stage"
            ),
            models.Index(fields=["stage", "-stage_entered_at", "-id"], name="lead_by_stage"),
            models.Index(
                fields=["response_due_at"],
                condition=Q(responded_at=None, response_due_at__isnull=False),
                name="lead_waiting",
            ),
            models.Index(
                fields=["last_name", "first_name", "id"],
                condition=Q(merged_into=None, deleted_at=None),
                name="lead_by_name",
            ),
            models.Index(
                WAITING_UNTIL,
                "id",
                condition=Q(merged_into=None, deleted_at=None),
                name="lead_waiting_until",
            ),
            where_set("deleted_at", name="lead_deleted"),
            where_set("merged_into", name="lead_merged"),
            where_set("team", name="lead_by_team"),
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="lead_search"),
            # Equality with an option, yes or no: 0.1 ms where reading 200,000 leads takes 200.
            GinIndex(fields=["custom"], opclasses=["jsonb_path_ops"], name="lead_custom"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The full name, else whatever identifies the person best."""
        full = f"{self.first_name} {self.last_name}".strip()
        return full or self.email or self.phone or "Unknown visitor"

    @property
    def initials(self) -> str:
        words = [word for word in (self.first_name, self.last_name) if word] or [self.name]
        return "".join(word[0] for word in words[:2]).upper()

    @property
    def has_responded(self) -> bool:
        return self.responded_at is not None


class LeadTag(models.Model):
    lead = models.ForeignKey(Lead, models.CASCADE, db_index=False)
    tag = models.ForeignKey(Tag, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "tag"], name="tagged_once")]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.tag_id}"


def _replaced(pattern: str, by: str) -> Func:
    return Func(
        F("value"),
        Value(pattern),
        Value(by),
        function="regexp_replace",
        output_field=models.CharField(max_length=320),
    )


def _untagged_mailbox() -> Func:
    return _replaced("[+@].*$", "")


class LeadIdentifier(models.Model):
    """Something that tells who a lead is. One normalised e-mail belongs to one lead."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Phone"
        EXTERNAL = "external", "External id"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=320)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # What several may share: an e-mail without its plus-tag and, at Gmail, dots; an id without the
    # name of its source. A hint and never identity.
    base = models.GeneratedField(
        expression=Case(
            When(
                Q(kind="email", value__endswith="@gmail.com")
                | Q(kind="email", value__endswith="@googlemail.com"),
                then=Concat(
                    Replace(_untagged_mailbox(), Value("."), Value("")), Value("@gmail.com")
                ),
            ),
            When(
                kind="email",
                then=_replaced("^([^@+]+)[+][^@]*@", r"\1@"),
            ),
            When(kind="external", then=_replaced("^[^:]*:", "")),
            default=F("value"),
        ),
        output_field=models.CharField(max_length=320),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["value", "kind"],
                condition=Q(kind__in=["email", "external"]),
                name="identifier_names_one_lead",
            )
        ]
        indexes = [
            models.Index(fields=["value"], condition=Q(kind="phone"), name="identifier_phone"),
            models.Index(
                fields=["base"], condition=Q(kind__in=["email", "external"]), name="identifier_base"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class LeadScore(models.Model):
    """What the machine knows of a lead now; narrow, because it changes with every activity.

    Made with the lead. `last_activity_*` are written by `leads.actions`, the rest by `scoring`.
    """

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="score_row")
    score = models.SmallIntegerField(default=0, db_default=0)
    fit = models.SmallIntegerField(default=0, db_default=0)
    engagement = models.SmallIntegerField(default=0, db_default=0)
    bant = models.SmallIntegerField(default=0, db_default=0)
    temperature = models.CharField(
        max_length=4, choices=Temperature, default=Temperature.COLD, db_default="cold"
    )
    temperature_since = models.DateTimeField(null=True, blank=True)
    grade = models.CharField(max_length=2, blank=True, default="", db_default="")
    trend = ArrayField(
        models.SmallIntegerField(),
        default=list,
        db_default=Value([], output_field=ArrayField(models.SmallIntegerField())),
    )
    last_activity_at = models.DateTimeField(null=True, blank=True)
    last_activity_type = models.CharField(max_length=30, blank=True, default="", db_default="")
    computed_at = models.DateTimeField(null=True, blank=True)
    next_change_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-score", "lead"], name="score_highest"),
            models.Index(fields=["-last_activity_at", "-lead"], name="score_last_activity"),
            models.Index(
                fields=["next_change_at"],
                condition=Q(next_change_at__isnull=False),
                name="score_next_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.score}"


class LeadOwnText(models.Model):
    """The words of a lead's custom fields that are searched, in small letters.

    Kept by triggers of the database, for custom values are written in many places; see the
    migration `own_words`. Leads without such words have no row.
    """

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="own_text")
    text = models.TextField()

    class Meta:
        indexes = [
            GinIndex(OpClass(F("text"), name="gin_trgm_ops"), name="lead_own_text_search"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

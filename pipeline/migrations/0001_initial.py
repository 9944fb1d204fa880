import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import leadcrm.lib.tokens


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("leads", "0002_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("weighted", "In turn, by weight"),
                            ("least_open", "Fewest open leads"),
                            ("priority", "First in the list who has room"),
                        ],
                        default="weighted",
                        max_length=10,
                    ),
                ),
                ("includes_everyone", models.BooleanField(default=False)),
                (
                    "queue",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ResponseTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order", models.PositiveSmallIntegerField(default=0)),
                ("name", models.CharField(max_length=80)),
                ("condition", models.JSONField(blank=True, default=dict)),
                ("minutes", models.PositiveIntegerField(default=60)),
                ("uses_working_hours", models.BooleanField(default=False)),
                ("enabled", models.BooleanField(default=True)),
            ],
            options={
                "indexes": [models.Index(fields=["order", "id"], name="target_in_order")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gte", 1)), name="target_is_a_minute_or_more"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("published", "Published"),
                            ("archived", "Archived"),
                        ],
                        default="draft",
                        max_length=9,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "fallback_queue",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "published")),
                        fields=("state",),
                        name="one_published_rule_set",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "draft")),
                        fields=("state",),
                        name="one_draft_rule_set",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12)),
                ("order", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=80)),
                ("condition", models.JSONField(blank=True, default=dict)),
                (
                    "target_kind",
                    models.CharField(
                        choices=[
                            ("pool", "A pool"),
                            ("user", "A person"),
                            ("queue", "A team’s queue"),
                            ("company_owner", "Whoever owns the company"),
                        ],
                        max_length=13,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "target_pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rules",
                        to="pipeline.pool",
                    ),
                ),
                (
                    "target_queue",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "target_user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="pipeline.ruleset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("rule_set", "order"),
                        name="rule_order_in_set",
                    ),
                    models.UniqueConstraint(fields=("rule_set", "key"), name="rule_key_in_set"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("target_kind", "pool"), ("target_pool__isnull", False)),
                            models.Q(("target_kind", "user"), ("target_user__isnull", False)),
                            models.Q(("target_kind", "queue"), ("target_queue__isnull", False)),
                            ("target_kind", "company_owner"),
                            _connector="OR",
                        ),
                        name="rule_names_its_target",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SalesCycle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=1)),
                ("opened_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("first_response_at", models.DateTimeField(blank=True, null=True)),
                ("first_response_activity_id", models.BigIntegerField(blank=True, null=True)),
                ("mql_at", models.DateTimeField(blank=True, null=True)),
                ("sql_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("rejected_at", models.DateTimeField(blank=True, null=True)),
                ("rejected_reason", models.CharField(blank=True, default="", max_length=200)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="",
                        max_length=4,
                    ),
                ),
                (
                    "lost_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_response", "Never answered"),
                            ("no_budget", "No budget"),
                            ("no_need", "No need"),
                            ("timing", "Not now"),
                            ("competitor", "Chose a competitor"),
                            ("price", "Too expensive"),
                            ("missing_feature", "Something is missing"),
                            ("wrong_person", "Cannot decide"),
                            ("not_a_fit", "Not a fit"),
                            ("other", "Other"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("lost_note", models.CharField(blank=True, default="", max_length=500)),
                (
                    "first_response_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "furthest",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cycles",
                        to="leads.lead",
                    ),
                ),
                (
                    "opened_by_inquiry",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="opened_cycles",
                        to="leads.inquiry",
                    ),
                ),
                (
                    "owner_at_close",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pipeline",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cycles",
                        to="leads.pipeline",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="cycles",
                        to="leads.source",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["opened_at"], name="cycle_by_opening"),
                    models.Index(fields=["received_at"], name="cycle_by_receipt"),
                    models.Index(
                        condition=models.Q(("closed_at__isnull", False)),
                        fields=["closed_at"],
                        name="cycle_by_close",
                    ),
                    models.Index(
                        condition=models.Q(("closed_at", None)),
                        fields=["opened_at"],
                        name="cycle_open",
                    ),
                    models.Index(
                        condition=models.Q(("mql_at__isnull", False)),
                        fields=["mql_at"],
                        name="cycle_by_mql",
                    ),
                    models.Index(
                        condition=models.Q(("sql_at__isnull", False)),
                        fields=["sql_at"],
                        name="cycle_by_sql",
                    ),
                    models.Index(
                        condition=models.Q(("opened_by_inquiry__isnull", False)),
                        fields=["opened_by_inquiry"],
                        name="cycle_by_inquiry",
                    ),
                    models.Index(
                        condition=models.Q(("first_response_by__isnull", False)),
                        fields=["first_response_by"],
                        name="cycle_by_responder",
                    ),
                    models.Index(
                        condition=models.Q(("owner_at_close__isnull", False)),
                        fields=["owner_at_close"],
                        name="cycle_by_closer",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("lead", "number"), name="cycle_number_of_lead"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("lead",),
                        name="one_open_cycle_per_lead",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("outcome", "")),
                            models.Q(
                                ("closed_at__isnull", False), ("outcome__in", ["won", "lost"])
                            ),
                            _connector="OR",
                        ),
                        name="closed_cycle_has_outcome",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "lost"), _negated=True),
                            models.Q(("lost_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="lost_cycle_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule_key", models.CharField(blank=True, default="", max_length=12)),
                ("rule_name", models.CharField(blank=True, default="", max_length=80)),
                ("cause", models.CharField(default="qualified", max_length=20)),
                ("inputs", models.JSONField(default=dict)),
                ("trace", models.JSONField(default=list)),
                ("candidates", models.JSONField(default=list)),
                ("reason", models.CharField(max_length=300)),
                ("rotation_before", models.JSONField(default=dict)),
                ("rotation_after", models.JSONField(default=dict)),
                ("decided_at", models.DateTimeField()),
                ("latency_ms", models.PositiveIntegerField(default=0)),
                (
                    "chosen",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="routed_leads",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routing_decisions",
                        to="leads.lead",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="pipeline.pool",
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "rule_set",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pipeline.ruleset",
                    ),
                ),
                (
                    "cycle",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routing_decisions",
                        to="pipeline.salescycle",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "-decided_at", "-id"], name="decision_by_lead"),
                    models.Index(fields=["-decided_at", "-id"], name="decision_newest"),
                    models.Index(fields=["rule_key", "-decided_at"], name="decision_by_rule"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ResponseClock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("target_minutes", models.PositiveIntegerField()),
                ("uses_working_hours", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField()),
                ("respond_by", models.DateTimeField()),
                ("first_response_at", models.DateTimeField(blank=True, null=True)),
                ("activity_id", models.BigIntegerField(blank=True, null=True)),
                ("wall_seconds", models.PositiveBigIntegerField(blank=True, null=True)),
                ("working_seconds", models.PositiveBigIntegerField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("warned_at", models.DateTimeField(blank=True, null=True)),
                ("late_at", models.DateTimeField(blank=True, null=True)),
                ("escalated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="response_clocks",
                        to="leads.lead",
                    ),
                ),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="pipeline.responsetarget",
                    ),
                ),
                (
                    "cycle",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clock",
                        to="pipeline.salescycle",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="response_clock_due",
                    ),
                    models.Index(
                        condition=models.Q(("cancelled_at", None), ("first_response_at", None)),
                        fields=["respond_by"],
                        name="response_clock_running",
                    ),
                    models.Index(fields=["started_at"], name="response_clock_by_start"),
                    models.Index(fields=["lead"], name="response_clock_by_lead"),
                    models.Index(
                        condition=models.Q(("target__isnull", False)),
                        fields=["target"],
                        name="response_clock_by_target",
                    ),
                    models.Index(
                        condition=models.Q(("stopped_by__isnull", False)),
                        fields=["stopped_by"],
                        name="response_clock_by_person",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_response_at", None),
                            ("first_response_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="response_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Deal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14)),
                ("currency", models.CharField(max_length=3)),
                ("expected_close", models.DateField(blank=True, null=True)),
                (
                    "probability",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=4,
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deals",
                        to="leads.lead",
                    ),
                ),
                (
                    "cycle",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deals",
                        to="pipeline.salescycle",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "-id"], name="deal_by_lead"),
                    models.Index(fields=["cycle"], name="deal_by_cycle"),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["expected_close"],
                        name="deal_forecast",
                    ),
                    models.Index(fields=["state", "closed_at"], name="deal_by_close"),
                    models.Index(
                        condition=models.Q(("created_by__isnull", False)),
                        fields=["created_by"],
                        name="deal_by_creator",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="deal_amount_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("probability", None), ("probability__lte", 100), _connector="OR"
                        ),
                        name="deal_probability_is_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("state", "open")),
                            models.Q(("closed_at__isnull", False), ("state__in", ["won", "lost"])),
                            _connector="OR",
                        ),
                        name="closed_deal_has_moment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("opened", "New in the queue"),
                            ("routed", "Routed by a rule"),
                            ("drained", "Taken from the queue by routing"),
                            ("created", "Entered the lead"),
                            ("manual", "Assigned by hand"),
                            ("bulk", "Assigned in bulk"),
                            ("api", "Assigned by the API"),
                            ("claimed", "Took it from the queue"),
                            ("declined", "Declined by the owner"),
                            ("escalated", "Not answered in time"),
                            ("left", "The owner left"),
                        ],
                        max_length=10,
                    ),
                ),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="leads.lead",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="assignments",
                        to="pipeline.routingdecision",
                    ),
                ),
                (
                    "cycle",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="pipeline.salescycle",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "-from_at", "-id"], name="assignment_by_lead"),
                    models.Index(
                        condition=models.Q(("owner__isnull", False)),
                        fields=["owner", "from_at"],
                        name="assignment_by_owner",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("accepted_at", None), ("owner__isnull", False), ("to_at", None)
                        ),
                        fields=["owner", "from_at"],
                        name="assignment_to_accept",
                    ),
                    models.Index(
                        condition=models.Q(("team__isnull", False)),
                        fields=["team"],
                        name="assignment_by_team",
                    ),
                    models.Index(
                        condition=models.Q(("decision__isnull", False)),
                        fields=["decision"],
                        name="assignment_by_decision",
                    ),
                    models.Index(
                        condition=models.Q(("actor__isnull", False)),
                        fields=["actor"],
                        name="assignment_by_actor",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("to_at", None)),
                        fields=("lead",),
                        name="one_current_assignment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("owner__isnull", False), ("team__isnull", False), _connector="OR"
                        ),
                        name="assigned_to_a_person_or_queue",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("to_at", None), ("to_at__gte", models.F("from_at")), _connector="OR"
                        ),
                        name="assignment_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffEmail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("kind", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("dedupe_key", models.CharField(max_length=100, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("sent", "Sent"), ("dead", "Gave up")],
                        default="pending",
                        max_length=7,
                    ),
                ),
                ("last_error", models.TextField(blank=True, default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.lead",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="staff_email_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("call", "Call"),
                            ("email", "E-mail"),
                            ("meeting", "Meeting"),
                            ("todo", "To do"),
                        ],
                        default="todo",
                        max_length=7,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.CharField(blank=True, default="", max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tasks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at", None)),
                        fields=["assignee", "due_at", "id"],
                        name="task_to_do",
                    ),
                    models.Index(
                        condition=models.Q(("done_at", None)),
                        fields=["lead", "due_at"],
                        name="task_open_of_lead",
                    ),
                    models.Index(
                        condition=models.Q(("done_at__isnull", False)),
                        fields=["assignee", "-done_at"],
                        name="task_done",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("opened", "Cycle opened"),
                            ("manual", "Moved by hand"),
                            ("bulk", "Moved in bulk"),
                            ("api", "Moved by the API"),
                            ("qualified", "Qualified"),
                            ("contacted", "First contact"),
                            ("rejected", "Rejected by sales"),
                            ("reopened", "Reopened"),
                            ("merged", "Merged with another lead"),
                        ],
                        default="manual",
                        max_length=10,
                    ),
                ),
                ("seconds_in_from", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "cycle",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="pipeline.salescycle",
                    ),
                ),
                (
                    "from_stage",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="leads.lead",
                    ),
                ),
                (
                    "to_stage",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["cycle", "at", "id"], name="transition_by_cycle"),
                    models.Index(fields=["lead", "-at", "-id"], name="transition_by_lead"),
                    models.Index(fields=["to_stage", "at"], name="transition_by_stage"),
                    models.Index(fields=["at"], name="transition_by_time"),
                    models.Index(
                        condition=models.Q(("actor__isnull", False)),
                        fields=["actor"],
                        name="transition_by_actor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingLead",
            fields=[
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="waiting_for_owner",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                (
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="waiting",
                        to="pipeline.pool",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["pool", "queued_at", "lead"], name="waiting_by_pool"),
                    models.Index(fields=["user", "queued_at", "lead"], name="waiting_by_user"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PoolMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("weight", models.PositiveSmallIntegerField(default=1)),
                ("credit", models.IntegerField(default=0)),
                ("open_cap", models.PositiveIntegerField(blank=True, null=True)),
                ("day_cap", models.PositiveIntegerField(blank=True, null=True)),
                ("paused", models.BooleanField(default=False)),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="pipeline.pool",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pool_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["pool", "position", "id"], name="pool_in_order")],
                "constraints": [
                    models.UniqueConstraint(fields=("pool", "user"), name="once_in_a_pool"),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 1), ("weight__lte", 100)),
                        name="weight_between_1_and_100",
                    ),
                ],
            },
        ),
    ]

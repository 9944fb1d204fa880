import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("leads", "0002_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScoringModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("is_default", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="one_default_model",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("published", "Published"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("fit_cap", models.PositiveSmallIntegerField(default=40)),
                ("engagement_cap", models.PositiveSmallIntegerField(default=60)),
                ("bant_cap", models.PositiveSmallIntegerField(default=50)),
                ("total_cap", models.PositiveSmallIntegerField(default=100)),
                ("floor", models.SmallIntegerField(default=0)),
                ("warm_from", models.SmallIntegerField(default=40)),
                ("hot_from", models.SmallIntegerField(default=70)),
                ("hysteresis", models.PositiveSmallIntegerField(default=3)),
                ("mql", models.JSONField(blank=True, null=True)),
                ("sql", models.JSONField(blank=True, null=True)),
                ("pql", models.JSONField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("published_at", models.DateTimeField(blank=True, null=True)),
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
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="scoring.scoringmodel",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("model", "number"), name="version_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["draft", "published"])),
                        fields=("model", "state"),
                        name="one_draft_and_one_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("warm_from__lt", models.F("hot_from"))),
                        name="warm_below_hot",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor__gte", -1000),
                            ("floor__lt", models.F("total_cap")),
                            ("total_cap__lte", 1000),
                        ),
                        name="floor_below_cap",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BantAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "dimension",
                    models.CharField(
                        choices=[
                            ("budget", "Budget"),
                            ("authority", "Authority"),
                            ("need", "Need"),
                            ("timeline", "Timeline"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("no", "No"),
                            ("partial", "Partly"),
                            ("yes", "Yes"),
                        ],
                        default="unknown",
                        max_length=7,
                    ),
                ),
                ("value", models.CharField(blank=True, max_length=300)),
                ("evidence", models.CharField(blank=True, max_length=1000)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("form", "Form"),
                            ("rep", "Colleague"),
                            ("api", "API"),
                            ("survey", "Survey"),
                        ],
                        default="rep",
                        max_length=6,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("superseded_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bant_answers",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["lead", "-at", "-id"], name="bant_history")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at", None)),
                        fields=("lead", "dimension"),
                        include=("level",),
                        name="one_present_bant_answer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dimension__in", ["budget", "authority", "need", "timeline"])
                        ),
                        name="bant_dimension",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["unknown", "no", "partial", "yes"])),
                        name="bant_level",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Qualification",
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
                            ("mql", "Marketing-qualified"),
                            ("sql", "Sales-qualified"),
                            ("pql", "Product-qualified"),
                        ],
                        max_length=3,
                    ),
                ),
                ("entered_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                ("proof", models.JSONField(default=dict)),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="qualifications",
                        to="leads.lead",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "-entered_at"], name="qualified_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("left_at", None)),
                        fields=("lead", "kind"),
                        name="one_open_qualification",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rescore",
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
                ("next_id", models.BigIntegerField(default=0)),
                ("last_id", models.BigIntegerField()),
                ("scored", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rescores",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="rescore_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "group",
                    models.CharField(
                        choices=[("fit", "Fit"), ("engagement", "Engagement"), ("bant", "BANT")],
                        max_length=10,
                    ),
                ),
                (
                    "weight_class",
                    models.CharField(
                        choices=[
                            ("most_important", "Most important"),
                            ("very_important", "Very important"),
                            ("valid", "Valid"),
                            ("negative", "Negative"),
                        ],
                        max_length=14,
                    ),
                ),
                ("label", models.CharField(max_length=120)),
                ("condition", models.JSONField(blank=True, null=True)),
                ("activity_type", models.CharField(blank=True, max_length=30)),
                ("where", models.JSONField(blank=True, default=dict)),
                ("at_least", models.PositiveSmallIntegerField(default=1)),
                (
                    "counting",
                    models.CharField(
                        choices=[("once", "Once"), ("every", "Every time"), ("at_most", "At most")],
                        default="once",
                        max_length=7,
                    ),
                ),
                ("max_count", models.PositiveSmallIntegerField(default=1)),
                ("window_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "decay",
                    models.CharField(
                        choices=[
                            ("none", "Never"),
                            ("expiry", "All after"),
                            ("half_life", "Half every"),
                        ],
                        default="none",
                        max_length=9,
                    ),
                ),
                ("decay_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("points", models.SmallIntegerField()),
                ("enabled", models.BooleanField(default=True)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("override_note", models.CharField(blank=True, max_length=300)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["version", "group", "position"], name="rule_in_order")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("version", "uid"), name="rule_once_in_version"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("override_note", ""), _negated=True),
                            models.Q(
                                ("points__range", (10, 15)), ("weight_class", "most_important")
                            ),
                            models.Q(("points__range", (5, 9)), ("weight_class", "very_important")),
                            models.Q(("points__range", (1, 4)), ("weight_class", "valid")),
                            models.Q(("points__lt", 0), ("weight_class", "negative")),
                            _connector="OR",
                        ),
                        name="points_inside_band",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points__range", (-100, 100))),
                        name="points_at_most_100",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("activity_type", ""), ("condition__isnull", False)),
                            models.Q(
                                ("condition__isnull", True),
                                models.Q(("activity_type", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="rule_is_attribute_or_activity",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decay", "none"), ("decay_days__gte", 1), _connector="OR"
                        ),
                        name="decay_has_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("at_least__gte", 1), ("max_count__gte", 1)),
                        name="rule_counts_from_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScoreChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_score", models.SmallIntegerField()),
                ("to_score", models.SmallIntegerField()),
                (
                    "from_temperature",
                    models.CharField(
                        choices=[("hot", "Hot"), ("warm", "Warm"), ("cold", "Cold")], max_length=4
                    ),
                ),
                (
                    "to_temperature",
                    models.CharField(
                        choices=[("hot", "Hot"), ("warm", "Warm"), ("cold", "Cold")], max_length=4
                    ),
                ),
                ("fit", models.SmallIntegerField()),
                ("engagement", models.SmallIntegerField()),
                ("bant", models.SmallIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="score_changes",
                        to="leads.lead",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "-at", "-id"], name="score_change_by_lead")
                ],
            },
        ),
    ]

import django.contrib.postgres.fields
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import leadcrm.lib.tokens
import nurturing.models.campaigns
import nurturing.models.policy


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("leads", "0002_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Link",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.TextField()),
                ("url_hash", models.CharField(max_length=64, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Topic",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("position", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="FrequencyPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("max_mails", models.PositiveSmallIntegerField(default=1)),
                ("per_hours", models.PositiveSmallIntegerField(default=24)),
                ("opens_at", models.TimeField(blank=True, null=True)),
                ("closes_at", models.TimeField(blank=True, null=True)),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        default=nurturing.models.policy.every_day,
                        size=None,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="only_one_frequency_policy"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closes_at", None), ("opens_at", None)),
                            ("closes_at__gt", models.F("opens_at")),
                            _connector="OR",
                        ),
                        name="window_closes_after_it_opens",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Sender",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="only_one_sender")
                ],
            },
        ),
        migrations.CreateModel(
            name="EmailTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="nurturing.topic",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TemplateVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("subject", models.CharField(max_length=300)),
                ("preheader", models.CharField(blank=True, max_length=300)),
                ("html", models.TextField()),
                ("text", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
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
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="nurturing.emailtemplate",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("template", "number"), name="template_version_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DripCampaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Running"),
                            ("paused", "Paused"),
                            ("archived", "Archived"),
                        ],
                        default="draft",
                        max_length=8,
                    ),
                ),
                ("trigger", models.JSONField(default=dict)),
                (
                    "exit_mode",
                    models.CharField(
                        choices=[
                            ("never", "At the end only"),
                            ("no_match", "No longer matches the trigger"),
                            ("goal", "Goal reached"),
                            ("either", "Goal reached or no longer matches"),
                        ],
                        default="goal",
                        max_length=8,
                    ),
                ),
                (
                    "goal",
                    models.CharField(
                        choices=[
                            ("qualified", "Becomes sales-qualified"),
                            ("reply", "Replies"),
                            ("meeting", "Books a meeting"),
                            ("won", "Buys"),
                        ],
                        default="qualified",
                        max_length=9,
                    ),
                ),
                ("stop_on", models.JSONField(default=nurturing.models.campaigns.stop_on_default)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
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
                    "topic",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="nurturing.topic",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DripVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="nurturing.dripcampaign",
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
                        fields=("campaign", "number"), name="drip_version_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at", None)),
                        fields=("campaign",),
                        name="one_draft_per_campaign",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=20)),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "E-mail"), ("wait", "Wait"), ("exit", "Leave")],
                        max_length=8,
                    ),
                ),
                ("wait_minutes", models.PositiveIntegerField(default=0)),
                ("settings", models.JSONField(blank=True, default=dict)),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="nurturing.emailtemplate",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="nurturing.dripversion",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("version", "position"),
                        name="step_position_in_version",
                    ),
                    models.UniqueConstraint(fields=("version", "key"), name="step_key_in_version"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "email"), _negated=True),
                            ("template__isnull", False),
                            _connector="OR",
                        ),
                        name="email_step_has_template",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "wait"), _negated=True),
                            ("wait_minutes__gt", 0),
                            _connector="OR",
                        ),
                        name="wait_step_waits",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Enrollment",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "In it"),
                            ("paused", "Paused"),
                            ("completed", "Completed"),
                            ("exited", "Left"),
                        ],
                        default="active",
                        max_length=9,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("inquiry_id", models.BigIntegerField(blank=True, null=True)),
                ("exit_reason", models.CharField(blank=True, max_length=30)),
                ("reached_goal_at", models.DateTimeField(blank=True, null=True)),
                (
                    "entered_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "step_since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("resume_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrollments",
                        to="nurturing.dripcampaign",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrollments",
                        to="leads.lead",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrollments",
                        to="nurturing.dripversion",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="enrollments",
                        to="nurturing.step",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="enrollment_due",
                    ),
                    models.Index(fields=["lead", "-entered_at"], name="enrollment_by_lead"),
                    models.Index(fields=["campaign", "-id"], name="enrollment_by_campaign"),
                    models.Index(
                        condition=models.Q(("state__in", ["active", "paused"])),
                        fields=["step"],
                        name="enrollment_by_step",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["active", "paused"])),
                        fields=("campaign", "lead"),
                        name="enrolled_once_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Send",
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
                (
                    "public_id",
                    models.CharField(
                        default=leadcrm.lib.tokens.new_public_id, max_length=12, unique=True
                    ),
                ),
                ("step_key", models.CharField(max_length=20)),
                ("visit", models.PositiveSmallIntegerField(default=1)),
                ("variant", models.CharField(blank=True, max_length=10)),
                ("topic", models.CharField(blank=True, max_length=40)),
                ("message_id", models.CharField(max_length=200, unique=True)),
                ("email_hash", models.CharField(blank=True, max_length=64)),
                ("to_address", models.CharField(blank=True, max_length=254)),
                ("subject", models.CharField(blank=True, max_length=500)),
                ("text", models.TextField(blank=True)),
                ("html", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("claimed", "Being sent"),
                            ("handed_off", "Handed over"),
                            ("accepted", "Sent"),
                            ("delivered", "Delivered"),
                            ("bounced", "Bounced"),
                            ("complained", "Reported as spam"),
                            ("skipped", "Not sent"),
                            ("deferred", "Postponed"),
                            ("unknown", "In doubt"),
                            ("failed", "Failed"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=30)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("smtp_response", models.CharField(blank=True, max_length=300)),
                (
                    "planned_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("handed_off_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("clicked_at", models.DateTimeField(blank=True, null=True)),
                ("replied_at", models.DateTimeField(blank=True, null=True)),
                ("unsubscribed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sends",
                        to="nurturing.dripcampaign",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sends",
                        to="nurturing.enrollment",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sends",
                        to="leads.lead",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sends",
                        to="nurturing.step",
                    ),
                ),
                (
                    "template_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sends",
                        to="nurturing.templateversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="send_due",
                    ),
                    models.Index(fields=["lead", "-id"], name="send_by_lead"),
                    models.Index(fields=["campaign", "-id"], name="send_by_campaign"),
                    models.Index(fields=["campaign", "step_key", "state"], name="send_by_step"),
                    models.Index(
                        condition=models.Q(("state__in", ["planned", "claimed", "deferred"])),
                        fields=["email_hash"],
                        name="send_waiting_by_address",
                    ),
                    models.Index(
                        condition=models.Q(("handed_off_at__isnull", False)),
                        fields=["lead", "handed_off_at"],
                        name="send_by_lead_time",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("enrollment", "step_key", "visit"), name="sent_once_per_visit"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryEvent",
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
                            ("open", "Opened"),
                            ("click", "Clicked"),
                            ("bounce", "Bounced"),
                            ("complaint", "Reported as spam"),
                            ("delivered", "Delivered"),
                            ("reply", "Replied"),
                            ("unsubscribe", "Unsubscribed"),
                        ],
                        max_length=11,
                    ),
                ),
                (
                    "klass",
                    models.CharField(
                        choices=[
                            ("human", "Human"),
                            ("machine", "Machine"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=7,
                    ),
                ),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), default=list, size=None
                    ),
                ),
                ("ip", models.CharField(blank=True, max_length=45)),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                ("detail", models.JSONField(blank=True, default=dict)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="nurturing.link",
                    ),
                ),
                (
                    "send",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="nurturing.send",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["send", "kind", "at"], name="event_by_send")],
            },
        ),
        migrations.AddField(
            model_name="emailtemplate",
            name="current",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="nurturing.templateversion",
            ),
        ),
        migrations.AddField(
            model_name="dripcampaign",
            name="published",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="nurturing.dripversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="dripcampaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "draft"),
                    ("published__isnull", False),
                    ("state", "archived"),
                    _connector="OR",
                ),
                name="running_campaign_is_published",
            ),
        ),
    ]

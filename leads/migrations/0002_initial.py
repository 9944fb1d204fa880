import uuid
from decimal import Decimal

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import leadcrm.lib.tokens


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("leads", "0001_extensions"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttributionSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "window_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(730),
                        ],
                    ),
                ),
                (
                    "half_life_days",
                    models.DecimalField(
                        decimal_places=1,
                        default=Decimal("7"),
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0.5")),
                            django.core.validators.MaxValueValidator(Decimal("365")),
                        ],
                    ),
                ),
                (
                    "ends_percent",
                    models.PositiveSmallIntegerField(
                        default=40,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(50),
                        ],
                    ),
                ),
                ("ignore_direct", models.BooleanField(default=False)),
                (
                    "click_id_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(730),
                        ],
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("form", "Form"),
                            ("api", "API"),
                            ("webhook", "Webhook"),
                            ("email", "E-mail"),
                            ("import", "Import"),
                            ("manual", "Entered by hand"),
                        ],
                        default="api",
                        max_length=10,
                    ),
                ),
                ("channel", models.CharField(default="other", max_length=20)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ImportMemory",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("headings_hash", models.CharField(max_length=64, unique=True)),
                ("mapping", models.JSONField(default=dict)),
                ("options", models.JSONField(default=dict)),
                ("used_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="VisitorSalt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("salt", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Asset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[("file", "File"), ("link", "Link"), ("coupon", "Coupon code")],
                        default="file",
                        max_length=6,
                    ),
                ),
                ("file", models.FileField(blank=True, max_length=200, upload_to="assets/")),
                ("filename", models.CharField(blank=True, max_length=120)),
                ("content_type", models.CharField(blank=True, max_length=100)),
                ("size", models.PositiveIntegerField(default=0)),
                ("url", models.CharField(blank=True, max_length=500)),
                ("code", models.CharField(blank=True, max_length=60)),
                ("valid_days", models.PositiveSmallIntegerField(default=7)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
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
            ],
        ),
        migrations.CreateModel(
            name="ChannelRuleSet",
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
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("rules", models.JSONField(default=list)),
                ("own_hosts", models.JSONField(default=list)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
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
                        name="one_published_channel_rules",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "draft")),
                        fields=("state",),
                        name="one_draft_of_channel_rules",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Company",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12),
                ),
                ("name", models.CharField(max_length=200)),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("industry", models.CharField(blank=True, max_length=80)),
                ("size", models.PositiveIntegerField(blank=True, null=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("city", models.CharField(blank=True, max_length=80)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("owner__isnull", False)),
                        fields=["owner"],
                        name="company_by_owner",
                    ),
                    models.Index(
                        django.db.models.functions.text.Lower("name"), name="company_by_name"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("domain", ""), _negated=True),
                        fields=("domain",),
                        name="one_company_per_domain",
                    ),
                    models.UniqueConstraint(fields=("public_id",), name="company_public_id"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("marketing_email", "Marketing e-mail"),
                            ("tracking", "Tracking on the website"),
                            ("phone", "Calls"),
                        ],
                        max_length=20,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("wording", models.TextField()),
                ("wording_hash", models.CharField(max_length=64)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
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
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("purpose", "number"), name="consent_text_number"
                    ),
                    models.UniqueConstraint(
                        fields=("purpose", "wording_hash"), name="consent_text_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicateSearch",
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
                ("checked", models.PositiveIntegerField(default=0)),
                ("found", models.PositiveIntegerField(default=0)),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "started_by",
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
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="duplicate_search_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("month", models.DateField()),
                ("rate", models.DecimalField(decimal_places=8, max_digits=16)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("currency", "month"), name="one_rate_a_month"),
                    models.CheckConstraint(
                        condition=models.Q(("rate__gt", 0)), name="rate_above_zero"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportJob",
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
                ("format", models.CharField(default="csv", max_length=4)),
                ("query", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("streamed", "Downloaded at once"),
                            ("waiting", "In preparation"),
                            ("ready", "Ready"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="export_due",
                    ),
                    models.Index(fields=["-created_at", "-id"], name="export_newest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="leads.exportjob",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("job", "number"), name="export_part_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="FieldDefinition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator("^[a-z][a-z0-9_]{0,39}$")
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=60)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("long_text", "Long text"),
                            ("number", "Number"),
                            ("integer", "Whole number"),
                            ("yes_no", "Yes or no"),
                            ("date", "Date"),
                            ("moment", "Date and time"),
                            ("select", "One of a list"),
                            ("multi_select", "Several of a list"),
                            ("email", "E-mail address"),
                            ("phone", "Phone number"),
                            ("url", "Web address"),
                            ("money", "Money"),
                            ("country", "Country"),
                        ],
                        max_length=12,
                    ),
                ),
                ("options", models.JSONField(blank=True, default=list)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("required", models.BooleanField(default=False)),
                ("help", models.CharField(blank=True, max_length=200)),
                ("default", models.JSONField(blank=True, null=True)),
                ("group", models.CharField(blank=True, max_length=40)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
                ("is_sensitive", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("key__regex", "^[a-z][a-z0-9_]{0,39}$")),
                        name="field_key_is_a_slug",
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("label"),
                        condition=models.Q(("is_active", True)),
                        name="one_active_field_per_label",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportJob",
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
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=4)),
                ("size", models.BigIntegerField(default=0)),
                ("reading", models.JSONField(default=dict)),
                ("columns", models.JSONField(default=list)),
                ("mapping", models.JSONField(default=list)),
                ("options", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reading", "Reading the file"),
                            ("ready", "Waits for its columns"),
                            ("checking", "Checking the rows"),
                            ("checked", "Waits for your go"),
                            ("running", "Importing"),
                            ("paused", "Paused"),
                            ("cancelled", "Stopped"),
                            ("done", "Done"),
                            ("undoing", "Being undone"),
                            ("undone", "Undone"),
                            ("failed", "Could not be read"),
                        ],
                        default="reading",
                        max_length=9,
                    ),
                ),
                ("goes_on", models.CharField(blank=True, db_default="", default="", max_length=6)),
                ("reason", models.TextField(blank=True)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("chunks_left", models.PositiveIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("purged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.source",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="import_due",
                    ),
                    models.Index(fields=["-created_at", "-id"], name="import_newest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportChunk",
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
                ("number", models.PositiveIntegerField()),
                ("first_line", models.PositiveIntegerField()),
                ("last_line", models.PositiveIntegerField()),
                ("rows", models.PositiveIntegerField()),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("read", "Read"),
                            ("checked", "Checked"),
                            ("applied", "Imported"),
                            ("undone", "Undone"),
                        ],
                        default="read",
                        max_length=7,
                    ),
                ),
                ("raw", models.BinaryField()),
                ("prepared", models.BinaryField(null=True)),
                ("reason", models.TextField(blank=True, db_default="", default="")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="leads.importjob",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="import_chunk_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "number"), name="import_chunk_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="leads.importjob",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("job", "number"), name="import_part_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="InboxDeed",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("process", "Process again"),
                            ("release", "Not spam"),
                            ("reject", "Reject"),
                            ("restore", "Take back"),
                        ],
                        max_length=8,
                    ),
                ),
                ("conditions", models.JSONField(default=dict)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("upto", models.BigIntegerField()),
                ("cursor", models.BigIntegerField(default=0)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
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
                        name="inbox_deed_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ListColumns",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("page", models.CharField(default="leads", max_length=20)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), size=None
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
                "constraints": [
                    models.UniqueConstraint(fields=("user", "page"), name="one_choice_per_list")
                ],
            },
        ),
        migrations.CreateModel(
            name="MarketingCampaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("utm_campaign", models.CharField(max_length=200, unique=True)),
                ("channel", models.CharField(default="other", max_length=20)),
                (
                    "budget",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
                ),
                ("is_archived", models.BooleanField(db_default=False, default=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("budget", None), ("budget__gte", 0), _connector="OR"),
                        name="budget_not_negative",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignAlias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("spelling", models.CharField(max_length=200, unique=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="leads.marketingcampaign",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MarketingChannel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=40)),
                ("icon", models.CharField(default="shapes", max_length=40)),
                ("position", models.PositiveSmallIntegerField(default=1000)),
                ("is_archived", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="one_channel_per_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pipeline",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=30, unique=True)),
                ("name", models.CharField(max_length=60)),
                ("is_default", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="one_default_pipeline",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("key", models.CharField(blank=True, max_length=50)),
                ("name", models.CharField(blank=True, max_length=80)),
                ("received", models.PositiveIntegerField(default=0)),
                ("applied", models.PositiveIntegerField(default=0)),
                ("quarantined", models.PositiveIntegerField(default=0)),
                ("needs_review", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("rejected", models.PositiveIntegerField(default=0)),
                ("waiting", models.PositiveIntegerField(default=0)),
                ("inquiries", models.PositiveIntegerField(default=0)),
                ("breach", models.TextField(blank=True)),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("day", "key"), name="one_count_per_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="Regrouping",
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
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("done_to", models.BigIntegerField(default=0)),
                ("last", models.BigIntegerField(default=0)),
                ("seen", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0)),
                (
                    "rule_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="regroupings",
                        to="leads.channelruleset",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="regrouping_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Segment",
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
                    models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[("live", "Live"), ("frozen", "Frozen list")],
                        default="live",
                        max_length=6,
                    ),
                ),
                ("conditions", models.JSONField(default=dict)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("size", models.PositiveIntegerField(default=0)),
                ("counted_at", models.DateTimeField(blank=True, null=True)),
                ("next_id", models.BigIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("version", models.PositiveIntegerField(default=1)),
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
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="segment_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("public_id",), name="segment_public_id"),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("archived_at", None)),
                        name="one_segment_per_name",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpamPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("threshold", models.PositiveSmallIntegerField(default=5)),
                ("most_links", models.PositiveSmallIntegerField(default=2)),
                ("judges_language", models.BooleanField(default=True)),
                ("judges_disposable", models.BooleanField(default=True)),
                ("judges_repetition", models.BooleanField(default=True)),
                ("proof_effort", models.PositiveIntegerField(default=50000)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="only_one_spam_policy"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("note", models.CharField(blank=True, db_default="", max_length=200)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("hand", "By hand"),
                            ("file", "From a file"),
                            ("api", "By a program"),
                        ],
                        db_default="hand",
                        default="hand",
                        max_length=4,
                    ),
                ),
                ("external_id", models.CharField(blank=True, db_default="", max_length=100)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spend",
                        to="leads.marketingcampaign",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["last_day", "first_day"], name="spend_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))),
                        name="spend_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="spend_not_negative"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("external_id",),
                        name="spend_sent_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Stage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=30)),
                ("name", models.CharField(max_length=60)),
                ("short_name", models.CharField(max_length=20)),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("awareness", "Awareness"),
                            ("research", "Research"),
                            ("purchase", "Purchase"),
                            ("retention", "Retention"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=5,
                    ),
                ),
                ("probability", models.PositiveSmallIntegerField(default=0)),
                ("rot_days", models.PositiveSmallIntegerField(default=14)),
                (
                    "pipeline",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stages",
                        to="leads.pipeline",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("pipeline", "key"), name="stage_key_in_pipeline"
                    ),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("pipeline", "position"),
                        name="stage_position_in_pipeline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("probability__lte", 100)), name="probability_is_percent"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email_hash", models.CharField(max_length=64)),
                ("scope", models.CharField(default="global", max_length=40)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("unsubscribed", "Unsubscribed"),
                            ("bounced", "Bounced"),
                            ("complained", "Complained"),
                            ("manual", "By hand"),
                        ],
                        max_length=12,
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=80)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("released_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("released_at", None)),
                        fields=("email_hash", "scope"),
                        name="suppressed_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="one_tag_per_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedSite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=100, unique=True)),
                (
                    "storage",
                    models.CharField(
                        choices=[
                            ("local", "In the browser’s storage"),
                            ("cookie", "In a first-party cookie, shared by subdomains"),
                            ("none", "Nowhere: visits are counted, people are not recognised"),
                        ],
                        default="local",
                        max_length=6,
                    ),
                ),
                ("waits_for_consent", models.BooleanField(default=False)),
                ("honours_gpc", models.BooleanField(default=True)),
                ("honours_dnt", models.BooleanField(default=False)),
                ("follows_links", models.BooleanField(default=True)),
                ("secret_number", models.PositiveSmallIntegerField(default=1)),
                ("last_event_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "api_key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tracked_site",
                        to="accounts.apikey",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrackingBatch",
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
                ("body", models.BinaryField()),
                ("visitor", models.UUIDField(null=True)),
                ("remote_address", models.CharField(blank=True, max_length=45)),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                (
                    "signs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("error", models.CharField(blank=True, db_default="", default="", max_length=200)),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.trackedsite",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["id"],
                        name="tracking_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackingPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("truncates_addresses", models.BooleanField(default=True)),
                ("keep_days", models.PositiveSmallIntegerField(default=180)),
                ("keep_machine_days", models.PositiveSmallIntegerField(default=7)),
                ("excluded_addresses", models.TextField(blank=True)),
                ("excluded_paths", models.TextField(blank=True)),
                ("pruned_at", models.DateTimeField(blank=True, null=True)),
                ("pruned_visitors", models.BigIntegerField(default=0)),
                ("pruned_events", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="only_one_tracking_policy"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("keep_days__gte", 1), ("keep_machine_days__gte", 1)),
                        name="tracking_kept_a_day",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConnectionSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "use",
                    models.CharField(
                        choices=[
                            ("address", "In its address"),
                            ("signing", "Proves who sends"),
                            ("access", "Opens the provider's own API"),
                        ],
                        max_length=8,
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64)),
                ("sealed", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("use", "address")),
                        fields=("fingerprint",),
                        name="address_of_one_connection",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Lead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12),
                ),
                ("first_name", models.CharField(blank=True, max_length=100)),
                ("last_name", models.CharField(blank=True, max_length=100)),
                ("email", models.CharField(blank=True, max_length=254)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("job_title", models.CharField(blank=True, max_length=120)),
                ("company_name", models.CharField(blank=True, max_length=200)),
                ("website", models.CharField(blank=True, max_length=300)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("region", models.CharField(blank=True, max_length=80)),
                ("city", models.CharField(blank=True, max_length=80)),
                ("language", models.CharField(blank=True, max_length=10)),
                ("time_zone", models.CharField(blank=True, max_length=50)),
                ("industry", models.CharField(blank=True, max_length=80)),
                ("company_size", models.PositiveIntegerField(blank=True, null=True)),
                ("custom", models.JSONField(blank=True, default=dict)),
                ("is_test", models.BooleanField(default=False)),
                (
                    "lifecycle",
                    models.CharField(
                        choices=[
                            ("subscriber", "Subscriber"),
                            ("lead", "Lead"),
                            ("mql", "Marketing-qualified lead"),
                            ("sql", "Sales-qualified lead"),
                            ("pql", "Product-qualified lead"),
                            ("opportunity", "Opportunity"),
                            ("customer", "Customer"),
                            ("evangelist", "Evangelist"),
                            ("disqualified", "Disqualified"),
                        ],
                        default="lead",
                        max_length=12,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("attempting", "Attempting"),
                            ("connected", "Connected"),
                            ("qualified", "Qualified"),
                            ("nurturing", "Nurturing"),
                            ("unqualified", "Unqualified"),
                            ("won", "Won"),
                            ("lost", "Lost"),
                            ("recycled", "Recycled"),
                        ],
                        default="new",
                        max_length=11,
                    ),
                ),
                ("stage_entered_at", models.DateTimeField(blank=True, null=True)),
                ("next_step_at", models.DateTimeField(blank=True, null=True)),
                ("response_due_at", models.DateTimeField(blank=True, null=True)),
                ("responded_at", models.DateTimeField(blank=True, null=True)),
                ("response_started_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Concat(
                                "first_name",
                                models.Value(" "),
                                "last_name",
                                models.Value(" "),
                                "email",
                                models.Value(" "),
                                "company_name",
                                models.Value(" "),
                                "phone",
                            )
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leads",
                        to="leads.company",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="leads.lead",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leads",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leads",
                        to="leads.source",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leads",
                        to="accounts.team",
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leads",
                        to="leads.stage",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("merged_into", None)),
                        fields=["-created_at", "-id"],
                        name="lead_newest",
                    ),
                    models.Index(
                        fields=["owner", "stage", "-created_at", "-id"], name="lead_by_owner_stage"
                    ),
                    models.Index(
                        fields=["stage", "-stage_entered_at", "-id"], name="lead_by_stage"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("responded_at", None), ("response_due_at__isnull", False)
                        ),
                        fields=["response_due_at"],
                        name="lead_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("merged_into", None)),
                        fields=["last_name", "first_name", "id"],
                        name="lead_by_name",
                    ),
                    models.Index(
                        models.Case(
                            models.When(responded_at__isnull=True, then=models.F("response_due_at"))
                        ),
                        models.F("id"),
                        condition=models.Q(("deleted_at", None), ("merged_into", None)),
                        name="lead_waiting_until",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", False)),
                        fields=["deleted_at"],
                        name="lead_deleted",
                    ),
                    models.Index(
                        condition=models.Q(("merged_into__isnull", False)),
                        fields=["merged_into"],
                        name="lead_merged",
                    ),
                    models.Index(
                        condition=models.Q(("team__isnull", False)),
                        fields=["team"],
                        name="lead_by_team",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            models.F("search_text"), name="gin_trgm_ops"
                        ),
                        name="lead_search",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["custom"], name="lead_custom", opclasses=["jsonb_path_ops"]
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("public_id",), name="lead_public_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="DirtyLead",
            fields=[
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="dirty_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicateCheck",
            fields=[
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="duplicate_check_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LeadScore",
            fields=[
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="score_row",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
                ("score", models.SmallIntegerField(db_default=0, default=0)),
                ("fit", models.SmallIntegerField(db_default=0, default=0)),
                ("engagement", models.SmallIntegerField(db_default=0, default=0)),
                ("bant", models.SmallIntegerField(db_default=0, default=0)),
                (
                    "temperature",
                    models.CharField(
                        choices=[("hot", "Hot"), ("warm", "Warm"), ("cold", "Cold")],
                        db_default="cold",
                        default="cold",
                        max_length=4,
                    ),
                ),
                ("temperature_since", models.DateTimeField(blank=True, null=True)),
                ("grade", models.CharField(blank=True, db_default="", default="", max_length=2)),
                (
                    "trend",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        db_default=models.Value(
                            [],
                            output_field=django.contrib.postgres.fields.ArrayField(
                                base_field=models.SmallIntegerField(), size=None
                            ),
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("last_activity_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_activity_type",
                    models.CharField(blank=True, db_default="", default="", max_length=30),
                ),
                ("computed_at", models.DateTimeField(blank=True, null=True)),
                ("next_change_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-score", "lead"], name="score_highest"),
                    models.Index(fields=["-last_activity_at", "-lead"], name="score_last_activity"),
                    models.Index(
                        condition=models.Q(("next_change_at__isnull", False)),
                        fields=["next_change_at"],
                        name="score_next_change",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicateCandidate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("score", models.PositiveSmallIntegerField()),
                ("is_same", models.BooleanField(db_default=False, default=False)),
                ("reasons", models.JSONField(default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("dismissed", "Not duplicates"),
                            ("merged", "Merged"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead_a",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.lead",
                    ),
                ),
                (
                    "lead_b",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["-score", "-id"],
                        name="candidate_to_decide",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("lead_a", "lead_b"), name="one_candidate_per_pair"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lead_a__lt", models.F("lead_b"))),
                        name="candidate_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("created", "New"),
                            ("updated", "Updated"),
                            ("unchanged", "Nothing new"),
                            ("skipped", "Skipped"),
                            ("duplicate", "Twice in the file"),
                            ("invalid", "Set aside"),
                        ],
                        max_length=9,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("log", models.JSONField(default=dict)),
                (
                    "undone",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Stands"),
                            ("undone", "Undone"),
                            ("partly", "Partly kept"),
                            ("kept", "Kept"),
                        ],
                        default="",
                        max_length=6,
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="leads.importjob",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["job", "outcome", "line"], name="import_row_by_outcome"),
                    models.Index(
                        condition=models.Q(("lead__isnull", False)),
                        fields=["lead"],
                        name="import_row_by_lead",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "line"), name="import_row_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="LeadIdentifier",
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
                            ("email", "E-mail"),
                            ("phone", "Phone"),
                            ("external", "External id"),
                        ],
                        max_length=8,
                    ),
                ),
                ("value", models.CharField(max_length=320)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "base",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(
                                    models.Q(("kind", "email"), ("value__endswith", "@gmail.com")),
                                    models.Q(
                                        ("kind", "email"), ("value__endswith", "@googlemail.com")
                                    ),
                                    _connector="OR",
                                ),
                                then=django.db.models.functions.text.Concat(
                                    django.db.models.functions.text.Replace(
                                        models.Func(
                                            models.F("value"),
                                            models.Value("[+@].*$"),
                                            models.Value(""),
                                            function="regexp_replace",
                                            output_field=models.CharField(max_length=320),
                                        ),
                                        models.Value("."),
                                        models.Value(""),
                                    ),
                                    models.Value("@gmail.com"),
                                ),
                            ),
                            models.When(
                                kind="email",
                                then=models.Func(
                                    models.F("value"),
                                    models.Value("^([^@+]+)[+][^@]*@"),
                                    models.Value("\\1@"),
                                    function="regexp_replace",
                                    output_field=models.CharField(max_length=320),
                                ),
                            ),
                            models.When(
                                kind="external",
                                then=models.Func(
                                    models.F("value"),
                                    models.Value("^[^:]*:"),
                                    models.Value(""),
                                    function="regexp_replace",
                                    output_field=models.CharField(max_length=320),
                                ),
                            ),
                            default=models.F("value"),
                        ),
                        output_field=models.CharField(max_length=320),
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identifiers",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("kind", "phone")),
                        fields=["value"],
                        name="identifier_phone",
                    ),
                    models.Index(
                        condition=models.Q(("kind__in", ["email", "external"])),
                        fields=["base"],
                        name="identifier_base",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind__in", ["email", "external"])),
                        fields=("value", "kind"),
                        name="identifier_names_one_lead",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[("hand", "By hand"), ("bulk", "In bulk"), ("api", "By the API")],
                        default="hand",
                        max_length=4,
                    ),
                ),
                ("batch", models.UUIDField(blank=True, null=True)),
                (
                    "choices",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                (
                    "plan",
                    models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
                ),
                (
                    "counts",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                (
                    "split",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("merged_at", models.DateTimeField()),
                ("unmerged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "loser",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged_by",
                        to="leads.lead",
                    ),
                ),
                (
                    "merged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "survivor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges",
                        to="leads.lead",
                    ),
                ),
                (
                    "unmerged_by",
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
                    models.Index(
                        condition=models.Q(("batch__isnull", False)),
                        fields=["batch"],
                        name="merge_by_batch",
                    ),
                    models.Index(fields=["loser", "-id"], name="merge_by_loser"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("unmerged_at", None)),
                        fields=("loser",),
                        name="merged_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("survivor", models.F("loser")), _negated=True),
                        name="merged_with_somebody_else",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("updated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "author",
                    models.ForeignKey(
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
                        related_name="notes",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["lead", "-created_at"], name="note_by_lead")],
            },
        ),
        migrations.CreateModel(
            name="SegmentMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entered_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="segment_memberships",
                        to="leads.lead",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="leads.segment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("left_at", None)),
                        fields=["segment", "lead"],
                        name="members_now",
                    ),
                    models.Index(fields=["lead", "-entered_at"], name="membership_by_lead"),
                    models.Index(fields=["segment", "-entered_at"], name="membership_by_entry"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("left_at", None)),
                        fields=("lead", "segment"),
                        name="in_segment_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LeadTag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="leads.lead"
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="leads.tag"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("lead", "tag"), name="tagged_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TransactionalMail",
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
                ("kind", models.CharField(max_length=20)),
                ("to_address", models.CharField(max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("dedupe_key", models.CharField(max_length=100, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("handed_off", "Being sent"),
                            ("sent", "Sent"),
                            ("unknown", "Perhaps sent"),
                            ("failed", "Not sent"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("last_error", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transactional_mails",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="transactional_mail_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Poll",
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
                ("name", models.CharField(max_length=100)),
                ("checkpoint", models.JSONField(default=dict)),
                ("last_run_at", models.DateTimeField(blank=True, null=True)),
                ("found", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="poll_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="connection",
                        serialize=False,
                        to="leads.source",
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("is_test", models.BooleanField(default=False)),
                ("options", models.JSONField(default=dict)),
                ("allowed_hosts", models.JSONField(default=list)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "watchers",
                    models.ManyToManyField(
                        blank=True, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SourceMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("rules", models.JSONField(default=list)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
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
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mappings",
                        to="leads.connection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "number"), name="source_mapping_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=60)),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="leads.asset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("asset", "code"), name="coupon_code_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Form",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("form_submit", "Contact"),
                            ("demo_requested", "Demo request"),
                            ("asset_download", "Download"),
                            ("webinar_registered", "Webinar registration"),
                            ("trial_started", "Trial"),
                        ],
                        db_default="form_submit",
                        default="form_submit",
                        max_length=30,
                    ),
                ),
                ("allowed_origins", models.JSONField(blank=True, default=list)),
                ("notify_owner", models.BooleanField(default=True)),
                (
                    "proof",
                    models.CharField(
                        choices=[
                            ("off", "Never"),
                            ("suspicious", "When an address posts often"),
                            ("always", "Always"),
                        ],
                        db_default="off",
                        default="off",
                        max_length=10,
                    ),
                ),
                ("is_kiosk", models.BooleanField(db_default=False, default=False)),
                ("opens_at", models.DateTimeField(blank=True, null=True)),
                ("closes_at", models.DateTimeField(blank=True, null=True)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "wishes",
                    models.JSONField(
                        blank=True, db_default=models.Value({}, models.JSONField()), default=dict
                    ),
                ),
                ("draft", models.JSONField(blank=True, null=True)),
                ("draft_revision", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forms",
                        to="leads.source",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FormVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("title", models.CharField(max_length=120)),
                ("intro", models.TextField(blank=True)),
                ("fields", models.JSONField(default=list)),
                ("consent_text", models.TextField(blank=True)),
                ("submit_label", models.CharField(default="Send", max_length=40)),
                ("thank_you", models.TextField(default="Thank you. We will be in touch.")),
                ("redirect_url", models.CharField(blank=True, max_length=300)),
                (
                    "settings",
                    models.JSONField(
                        blank=True, db_default=models.Value({}, models.JSONField()), default=dict
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "form",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="leads.form",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("form", "number"), name="form_version_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="FormCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("view", "Seen"),
                            ("start", "Started"),
                            ("submit", "Sent"),
                            ("filled", "Field filled in"),
                            ("left", "Left at this field"),
                        ],
                        max_length=6,
                    ),
                ),
                ("field", models.CharField(blank=True, db_default="", default="", max_length=40)),
                ("number", models.PositiveIntegerField(default=0)),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="leads.formversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("version", "day", "what", "field"), name="one_counter_a_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InboxItem",
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
                ("receipt_id", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("door", models.CharField(db_default="api", default="api", max_length=60)),
                ("path", models.CharField(blank=True, max_length=200)),
                ("content_type", models.CharField(blank=True, max_length=200)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField()),
                ("remote_address", models.CharField(blank=True, max_length=45)),
                ("api_key_id", models.BigIntegerField(blank=True, null=True)),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("content_hash", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("applied", "Applied"),
                            ("quarantined", "Quarantined"),
                            ("needs_review", "Needs review"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected"),
                        ],
                        default="received",
                        max_length=12,
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                (
                    "progress",
                    models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
                ),
                (
                    "corrections",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("before", models.JSONField(blank=True, null=True)),
                ("email", models.CharField(blank=True, db_default="", max_length=254)),
                ("answers_hash", models.CharField(blank=True, db_default="", max_length=32)),
                ("message_hash", models.CharField(blank=True, db_default="", max_length=32)),
                (
                    "flags",
                    models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
                ),
                ("is_test", models.BooleanField(default=False)),
                ("screened", models.BooleanField(default=True)),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "form_version",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="leads.formversion",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="inbox_items",
                        to="leads.lead",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inbox_items",
                        to="leads.source",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="inbox_due",
                    ),
                    models.Index(fields=["state", "-id"], name="inbox_by_state"),
                    models.Index(fields=["source", "-id"], name="inbox_by_source"),
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["received_at"], name="inbox_by_time"
                    ),
                    models.Index(
                        condition=models.Q(("form_version__isnull", False)),
                        fields=["form_version"],
                        name="inbox_by_form",
                    ),
                    models.Index(
                        condition=models.Q(("email", ""), _negated=True),
                        fields=["email", "-id"],
                        name="inbox_by_email",
                    ),
                    models.Index(
                        condition=models.Q(("answers_hash", ""), _negated=True),
                        fields=["answers_hash"],
                        name="inbox_by_answers",
                    ),
                    models.Index(
                        condition=models.Q(("message_hash", ""), _negated=True),
                        fields=["message_hash"],
                        name="inbox_by_message",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("door", "idempotency_key"),
                        name="one_item_per_idempotency_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AssetGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=60)),
                ("expires_at", models.DateTimeField()),
                ("downloads", models.PositiveIntegerField(default=0)),
                ("downloaded_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="leads.asset",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="asset_grants",
                        to="leads.lead",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.formversion",
                    ),
                ),
                (
                    "inbox_item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grant",
                        to="leads.inboxitem",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("marketing_email", "Marketing e-mail"),
                            ("tracking", "Tracking on the website"),
                            ("phone", "Calls"),
                        ],
                        max_length=20,
                    ),
                ),
                ("granted", models.BooleanField()),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("consent", "Consent"),
                            ("contract", "Contract"),
                            ("legitimate_interest", "Legitimate interest"),
                        ],
                        default="consent",
                        max_length=20,
                    ),
                ),
                ("wording", models.TextField(blank=True)),
                ("wording_hash", models.CharField(blank=True, max_length=64)),
                ("source", models.CharField(blank=True, max_length=80)),
                ("remote_address", models.CharField(blank=True, max_length=45)),
                ("at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to="leads.lead",
                    ),
                ),
                (
                    "inbox_item",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="leads.inboxitem",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "purpose", "-at", "-id"], name="consent_newest"),
                    models.Index(
                        condition=models.Q(("inbox_item__isnull", False)),
                        fields=["inbox_item"],
                        name="consent_by_capture",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("purposes", models.JSONField(default=list)),
                ("holds_lead", models.BooleanField(default=False)),
                ("mails", models.PositiveSmallIntegerField(default=0)),
                ("expires_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("confirmed_from", models.CharField(blank=True, max_length=45)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="confirmations",
                        to="leads.lead",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.formversion",
                    ),
                ),
                (
                    "inbox_item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="confirmation",
                        to="leads.inboxitem",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fields", models.JSONField(default=dict)),
                ("context", models.JSONField(default=dict)),
                ("message", models.TextField(blank=True)),
                (
                    "match",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("is_test", models.BooleanField(default=False)),
                ("received_at", models.DateTimeField()),
                (
                    "form_version",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="leads.formversion",
                    ),
                ),
                (
                    "inbox_item",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiry",
                        to="leads.inboxitem",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inquiries",
                        to="leads.lead",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiries",
                        to="leads.source",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "-received_at"], name="inquiry_by_lead"),
                    models.Index(fields=["received_at"], name="inquiry_by_time"),
                    models.Index(
                        condition=models.Q(("form_version__isnull", False)),
                        fields=["form_version"],
                        name="inquiry_by_form",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FieldProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("field", models.CharField(max_length=60)),
                ("value", models.JSONField()),
                ("before", models.JSONField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("dismissed", "Dismissed"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
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
                        related_name="proposals",
                        to="leads.lead",
                    ),
                ),
                (
                    "inquiry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.inquiry",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["lead", "state", "-id"], name="proposal_by_lead")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("lead", "field"),
                        name="one_open_proposal",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RemoteLead",
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
                ("external_id", models.CharField(max_length=200)),
                ("details", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "To be fetched"),
                            ("no_access", "Waits for access"),
                            ("stored", "Stored"),
                            ("gone", "No longer there"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                (
                    "announced_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="fetched_as",
                        to="leads.inboxitem",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="remote_leads",
                        to="leads.connection",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="remote_lead_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "external_id"), name="remote_lead_fetched_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SpamRule",
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
                        choices=[("allow", "Let through"), ("block", "Quarantine")], max_length=5
                    ),
                ),
                ("value", models.CharField(max_length=254, unique=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "learned_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.inboxitem",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "-id"], name="spam_rule_by_kind")],
            },
        ),
        migrations.CreateModel(
            name="Touch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("is_stated", models.BooleanField(db_default=False, default=False)),
                ("utm_source", models.CharField(blank=True, max_length=200)),
                ("utm_medium", models.CharField(blank=True, max_length=200)),
                ("utm_campaign", models.CharField(blank=True, max_length=200)),
                ("utm_term", models.CharField(blank=True, max_length=200)),
                ("utm_content", models.CharField(blank=True, max_length=200)),
                ("click_ids", models.JSONField(default=list)),
                ("referrer", models.CharField(blank=True, max_length=500)),
                ("landing_page", models.CharField(blank=True, max_length=500)),
                ("occurred_at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="touches",
                        to="leads.marketingcampaign",
                    ),
                ),
                (
                    "inquiry",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="touches",
                        to="leads.inquiry",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="touches",
                        to="leads.lead",
                    ),
                ),
                (
                    "referred_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="referrals",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead", "occurred_at", "id"], name="touch_by_lead"),
                    models.Index(
                        condition=models.Q(("inquiry__isnull", False)),
                        fields=["inquiry"],
                        name="touch_by_inquiry",
                    ),
                    models.Index(
                        condition=models.Q(("campaign__isnull", False)),
                        fields=["campaign"],
                        name="touch_by_campaign",
                    ),
                    models.Index(
                        condition=models.Q(("referred_by__isnull", False)),
                        fields=["referred_by"],
                        name="touch_by_referrer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClickId",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=20)),
                ("value", models.CharField(max_length=200)),
                ("seen_at", models.DateTimeField()),
                (
                    "touch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clicks",
                        to="leads.touch",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="click_id_by_age")],
            },
        ),
        migrations.CreateModel(
            name="IdentityLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("form", "Sent a form"),
                            ("click", "Followed a link in a mail"),
                            ("identify", "Signed in on the website"),
                            ("api", "Named by another system"),
                            ("hand", "Confirmed by a colleague"),
                            ("hint", "The page says so, unproven"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("high", "Certain"), ("medium", "Probable"), ("low", "Unproven")],
                        max_length=6,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("cut_at", models.DateTimeField(blank=True, null=True)),
                ("cut_reason", models.CharField(blank=True, default="", max_length=100)),
                (
                    "cut_by",
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
                        related_name="identity_links",
                        to="leads.lead",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("type", models.CharField(max_length=30)),
                ("occurred_at", models.DateTimeField()),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("properties", models.JSONField(default=dict)),
                ("category", models.CharField(blank=True, default="", max_length=40)),
                (
                    "klass",
                    models.CharField(
                        choices=[
                            ("human", "Human"),
                            ("machine", "Machine"),
                            ("unknown", "Unknown"),
                        ],
                        default="human",
                        max_length=7,
                    ),
                ),
                ("dedupe_key", models.CharField(blank=True, max_length=100, null=True)),
                (
                    "user",
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
                        related_name="activities",
                        to="leads.lead",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="activities",
                        to="leads.identitylink",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["lead", "occurred_at"], include=("type",), name="activity_by_lead"
                    ),
                    django.contrib.postgres.indexes.BTreeIndex(
                        condition=models.Q(("user__isnull", False)),
                        fields=["user", "-occurred_at"],
                        name="activity_by_user",
                    ),
                    models.Index(
                        condition=models.Q(("link__isnull", False)),
                        fields=["link"],
                        name="activity_by_link",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("dedupe_key__isnull", False)),
                        fields=("dedupe_key",),
                        name="activity_recorded_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Visitor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token", models.UUIDField(unique=True)),
                (
                    "klass",
                    models.CharField(
                        choices=[
                            ("human", "Human"),
                            ("machine", "Machine"),
                            ("unknown", "Unknown"),
                        ],
                        default="human",
                        max_length=7,
                    ),
                ),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "consent",
                    models.CharField(
                        choices=[
                            ("unknown", "Not asked"),
                            ("granted", "Granted"),
                            ("denied", "Denied"),
                        ],
                        default="unknown",
                        max_length=7,
                    ),
                ),
                ("first", models.JSONField(default=dict)),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                ("remote_address", models.CharField(blank=True, max_length=45)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.identitylink",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.trackedsite",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("link", None)),
                        fields=["last_seen_at"],
                        name="visitor_to_prune",
                    ),
                    models.Index(
                        condition=models.Q(("link__isnull", False)),
                        fields=["link"],
                        name="visitor_by_link",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token", models.UUIDField()),
                ("started_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("origin", models.JSONField(default=dict)),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="visits",
                        to="leads.identitylink",
                    ),
                ),
                (
                    "touch",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="leads.touch",
                    ),
                ),
                (
                    "visitor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="visits",
                        to="leads.visitor",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("link__isnull", False)),
                        fields=["link", "-started_at"],
                        name="visit_by_link",
                    ),
                    models.Index(
                        condition=models.Q(("touch__isnull", False)),
                        fields=["touch"],
                        name="visit_by_touch",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("visitor", "token"), name="visit_stored_once"),
                    models.CheckConstraint(
                        condition=models.Q(("last_at__gte", models.F("started_at"))),
                        name="visit_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VisitorEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("type", models.CharField(max_length=30)),
                ("occurred_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("properties", models.JSONField(default=dict)),
                ("category", models.CharField(blank=True, default="", max_length=40)),
                (
                    "klass",
                    models.CharField(
                        choices=[
                            ("human", "Human"),
                            ("machine", "Machine"),
                            ("unknown", "Unknown"),
                        ],
                        default="human",
                        max_length=7,
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="leads.identitylink",
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="leads.visit",
                    ),
                ),
                (
                    "visitor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="leads.visitor",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["received_at"], name="visitor_event_by_time"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("visitor", "event_id"), name="visitor_event_stored_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="connectionsecret",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="secrets",
                to="leads.connection",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="tags",
            field=models.ManyToManyField(
                blank=True, related_name="leads", through="leads.LeadTag", to="leads.tag"
            ),
        ),
        migrations.AddField(
            model_name="poll",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="polls",
                to="leads.connection",
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="mapping",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="leads.sourcemapping",
            ),
        ),
        migrations.AddField(
            model_name="couponcode",
            name="grant",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="coupon",
                to="leads.assetgrant",
            ),
        ),
        migrations.AddField(
            model_name="form",
            name="published",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.formversion",
            ),
        ),
        migrations.AddField(
            model_name="identitylink",
            name="visitor",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="links",
                to="leads.visitor",
            ),
        ),
        migrations.AddIndex(
            model_name="couponcode",
            index=models.Index(
                condition=models.Q(("grant", None)), fields=["asset", "id"], name="coupon_code_free"
            ),
        ),
        migrations.AddIndex(
            model_name="identitylink",
            index=models.Index(fields=["visitor", "-at"], name="link_by_visitor"),
        ),
        migrations.AddConstraint(
            model_name="identitylink",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("cut_at", None),
                    ("ended_at", None),
                    models.Q(("confidence", "low"), _negated=True),
                ),
                fields=("visitor",),
                name="one_open_link_per_visitor",
            ),
        ),
        migrations.AddConstraint(
            model_name="poll",
            constraint=models.UniqueConstraint(
                fields=("connection", "name"), name="polled_place_once"
            ),
        ),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import leadcrm.lib.tokens


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("leads", "0011_imports_and_exports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="company",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="company",
            name="public_id",
            field=models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12),
        ),
        migrations.AlterField(
            model_name="consent",
            name="inbox_item",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="leads.inboxitem",
            ),
        ),
        migrations.AlterField(
            model_name="inboxitem",
            name="form_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="leads.formversion",
            ),
        ),
        migrations.AlterField(
            model_name="inquiry",
            name="form_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="leads.formversion",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="leads.lead",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="public_id",
            field=models.CharField(default=leadcrm.lib.tokens.new_public_id, max_length=12),
        ),
        migrations.AlterField(
            model_name="lead",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="leads",
                to="accounts.team",
            ),
        ),
        migrations.AlterField(
            model_name="touch",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="touches",
                to="leads.marketingcampaign",
            ),
        ),
        migrations.AlterField(
            model_name="touch",
            name="inquiry",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="touches",
                to="leads.inquiry",
            ),
        ),
        migrations.AddIndex(
            model_name="company",
            index=models.Index(
                condition=models.Q(("owner__isnull", False)),
                fields=["owner"],
                name="company_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="consent",
            index=models.Index(
                condition=models.Q(("inbox_item__isnull", False)),
                fields=["inbox_item"],
                name="consent_by_capture",
            ),
        ),
        migrations.AddIndex(
            model_name="inboxitem",
            index=models.Index(
                condition=models.Q(("form_version__isnull", False)),
                fields=["form_version"],
                name="inbox_by_form",
            ),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("form_version__isnull", False)),
                fields=["form_version"],
                name="inquiry_by_form",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)),
                fields=["merged_into"],
                name="lead_merged",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("team__isnull", False)), fields=["team"], name="lead_by_team"
            ),
        ),
        migrations.AddIndex(
            model_name="touch",
            index=models.Index(
                condition=models.Q(("inquiry__isnull", False)),
                fields=["inquiry"],
                name="touch_by_inquiry",
            ),
        ),
        migrations.AddIndex(
            model_name="touch",
            index=models.Index(
                condition=models.Q(("campaign__isnull", False)),
                fields=["campaign"],
                name="touch_by_campaign",
            ),
        ),
        migrations.AddConstraint(
            model_name="company",
            constraint=models.UniqueConstraint(fields=("public_id",), name="company_public_id"),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.UniqueConstraint(fields=("public_id",), name="lead_public_id"),
        ),
    ]

# ruff: noqa: S608  (built from the constants below)
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Each note is a row of its own: writers never wait for each other here, and never for a reader.
# One function for each table, once for each statement, with all the rows it changed.
NOTE = """
CREATE FUNCTION pipeline_note_{what}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pipeline_changedlead (lead_id) {leads};
  RETURN NULL;
END $$;
CREATE TRIGGER pipeline_note_{what} AFTER {event} ON {table}
REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION pipeline_note_{what}();
"""
FORGET = """
DROP TRIGGER pipeline_note_{what} ON {table};
DROP FUNCTION pipeline_note_{what}();
"""
BEFORE, AFTER = "OLD TABLE AS before", "NEW TABLE AS after"
OF_LEAD = (
    "{row}.owner_id, {row}.team_id, {row}.country, {row}.is_test, {row}.deleted_at IS NULL, "
    "{row}.merged_into_id IS NULL, {row}.stage_id, {row}.stage_entered_at"
)
TRIGGERS = [
    {
        "what": "lead_update",
        "table": "leads_lead",
        "event": "UPDATE",
        "rows": f"{BEFORE} {AFTER}",
        "leads": "SELECT after.id FROM after JOIN before ON before.id = after.id "
        f"WHERE ({OF_LEAD.format(row='after')}) IS DISTINCT FROM ({OF_LEAD.format(row='before')})",
    },
    *(
        {
            "what": f"{name}_{event.lower()}",
            "table": table,
            "event": event,
            "rows": rows,
            "leads": leads,
        }
        for name, table in (("cycle", "pipeline_salescycle"), ("clock", "pipeline_responseclock"))
        for event, rows, leads in (
            ("INSERT", AFTER, "SELECT lead_id FROM after"),
            (
                "UPDATE",
                f"{BEFORE} {AFTER}",
                "SELECT lead_id FROM after UNION SELECT lead_id FROM before",
            ),
            ("DELETE", BEFORE, "SELECT lead_id FROM before"),
        )
    ),
]


def pointer(to):
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0008_segment_clocks_and_causes"),
        ("pipeline", "0006_watches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangedLead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lead_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="CycleFact",
            fields=[
                (
                    "cycle",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="fact",
                        serialize=False,
                        to="pipeline.salescycle",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.lead",
                    ),
                ),
                ("pipeline", pointer("leads.pipeline")),
                ("source", pointer("leads.source")),
                ("owner", pointer(settings.AUTH_USER_MODEL)),
                ("team", pointer("accounts.team")),
                ("country", models.CharField(blank=True, max_length=2)),
                ("stage", pointer("leads.stage")),
                ("stage_entered_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("first_response_at", models.DateTimeField(null=True)),
                ("furthest", pointer("leads.stage")),
                ("mql_at", models.DateTimeField(null=True)),
                ("sql_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=4)),
                ("lost_reason", models.CharField(blank=True, max_length=20)),
                ("target_minutes", models.PositiveIntegerField(null=True)),
                ("target_at", models.DateTimeField(null=True)),
                ("working_seconds", models.PositiveBigIntegerField(null=True)),
                ("respond_by", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["opened_at"], name="fact_by_opening"),
                    models.Index(fields=["received_at"], name="fact_by_receipt"),
                    *(
                        models.Index(
                            fields=[field],
                            condition=models.Q(**{f"{field}__isnull": False}),
                            name=name,
                        )
                        for field, name in (
                            ("mql_at", "fact_by_mql"),
                            ("sql_at", "fact_by_sql"),
                            ("closed_at", "fact_by_close"),
                            ("respond_by", "fact_waiting"),
                        )
                    ),
                    models.Index(fields=["lead"], name="fact_by_lead"),
                    models.Index(
                        fields=["opened_at"],
                        condition=models.Q(closed_at=None, owner=None),
                        name="fact_orphan",
                    ),
                ],
            },
        ),
        *(
            migrations.RunSQL(NOTE.format(**trigger), FORGET.format(**trigger))
            for trigger in TRIGGERS
        ),
        # What is there already is counted by the queue within minutes.
        migrations.RunSQL(
            "INSERT INTO pipeline_changedlead (lead_id) "
            "SELECT DISTINCT lead_id FROM pipeline_salescycle",
            migrations.RunSQL.noop,
        ),
    ]

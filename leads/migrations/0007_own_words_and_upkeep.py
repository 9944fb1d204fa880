import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# The words of searched custom fields, kept by the database: values are written by people, captures,
# imports, merges and their undoing. Inserts are told of once for a statement, so that a COPY of many
# leads asks once; updates only where custom values change.
FUNCTIONS = """
CREATE FUNCTION leads_own_words(custom jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT nullif(lower(string_agg(custom ->> f.key, ' ' ORDER BY f.position, f.id)), '')
  FROM leads_fielddefinition f WHERE f.is_searched AND f.is_active AND custom ? f.key
$$;

CREATE FUNCTION leads_own_words_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM leads_fielddefinition WHERE is_searched AND is_active) THEN
    INSERT INTO leads_leadowntext (lead_id, text)
    SELECT id, words FROM added, leads_own_words(added.custom) AS words
    WHERE added.custom <> '{}' AND words IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION leads_own_words_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE words text := leads_own_words(NEW.custom);
BEGIN
  IF words IS NULL THEN
    DELETE FROM leads_leadowntext WHERE lead_id = NEW.id;
  ELSE
    INSERT INTO leads_leadowntext (lead_id, text) VALUES (NEW.id, words)
    ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER lead_own_words_added AFTER INSERT ON leads_lead
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION leads_own_words_added();
CREATE TRIGGER lead_own_words_changed AFTER UPDATE OF custom ON leads_lead
  FOR EACH ROW WHEN (OLD.custom IS DISTINCT FROM NEW.custom)
  EXECUTE FUNCTION leads_own_words_changed();
"""
NO_FUNCTIONS = """
DROP TRIGGER lead_own_words_added ON leads_lead;
DROP TRIGGER lead_own_words_changed ON leads_lead;
DROP FUNCTION leads_own_words_added, leads_own_words_changed, leads_own_words;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0006_notices_are_no_leads"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClickIdScrub",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=40, unique=True)),
                ("done_to", models.BigIntegerField(default=0)),
                ("rested_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="LeadOwnText",
            fields=[
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="own_text",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
                ("text", models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name="exportjob",
            name="columns",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                db_default=models.Value(
                    [],
                    output_field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), size=None
                    ),
                ),
                default=list,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="fielddefinition",
            name="is_searched",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="fielddefinition",
            name="is_unique",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="identitylink",
            name="named",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="importchunk",
            name="companies",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                db_default=models.Value(
                    [],
                    output_field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                default=list,
                size=None,
            ),
        ),
        migrations.AddIndex(
            model_name="visitor",
            index=models.Index(
                condition=models.Q(("klass", "machine"), ("link", None)),
                fields=["last_seen_at"],
                name="machine_to_prune",
            ),
        ),
        migrations.AddIndex(
            model_name="leadowntext",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(models.F("text"), name="gin_trgm_ops"),
                name="lead_own_text_search",
            ),
        ),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        # Pruned from its old end all the time: what is gone must not be walked over for long.
        migrations.RunSQL(
            "ALTER TABLE leads_visitorevent SET (autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE leads_visitorevent RESET (autovacuum_vacuum_scale_factor)",
        ),
    ]

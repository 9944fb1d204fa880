from typing import Any

from django.db import migrations

# As they stood in the first release; `pipeline.actions.defaults` has them for later.
STAGES = [
    ("new", "New", "New", "awareness", "open", 5, 7),
    ("contacted", "Contacted", "Contacted", "awareness", "open", 10, 14),
    ("mql", "Marketing qualified", "MQL", "research", "open", 20, 14),
    ("sql", "Sales qualified", "SQL", "purchase", "open", 40, 14),
    ("proposal", "Proposal", "Proposal", "purchase", "open", 70, 21),
    ("won", "Won", "Won", "retention", "won", 100, 90),
    ("lost", "Lost", "Lost", "retention", "lost", 0, 90),
]


def make_funnel(apps: Any, schema_editor: Any) -> None:
    """A board with stages from the first minute."""
    Pipeline = apps.get_model("leads", "Pipeline")
    Stage = apps.get_model("leads", "Stage")
    if Pipeline.objects.exists():
        return
    pipeline = Pipeline.objects.create(key="default", name="Sales", is_default=True)
    for position, (key, name, short, type_, category, probability, rot_days) in enumerate(STAGES):
        Stage.objects.create(
            pipeline=pipeline,
            position=position,
            key=key,
            name=name,
            short_name=short,
            type=type_,
            category=category,
            probability=probability,
            rot_days=rot_days,
        )
    apps.get_model("pipeline", "ResponseTarget").objects.create(name="Every lead", minutes=60)


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0001_initial")]

    operations = [migrations.RunPython(make_funnel, migrations.RunPython.noop)]

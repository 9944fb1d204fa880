"""The watch begins with its five questions; what they ask for is changed on its page."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GRACE_MINUTES = {
    "nobody": 0,
    "owner_gone": 0,
    "waiting": 60,
    "no_next_step": 24 * 60,
    "past_target": 0,
}


def add_watches(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    watch = apps.get_model("pipeline", "Watch")
    for kind, minutes in GRACE_MINUTES.items():
        watch.objects.get_or_create(kind=kind, defaults={"grace_minutes": minutes})


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0005_routing_in_full")]

    operations = [migrations.RunPython(add_watches, migrations.RunPython.noop)]

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from scoring.defaults import ensure_default_model


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    ensure_default_model(apps.get_model)


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]

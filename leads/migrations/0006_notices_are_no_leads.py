"""Notices that name leads, and posts that hold several, are passed on: they count as no lead."""

from typing import Any

from django.db import migrations

PASSED_ON = ("announced", "split")


def reject(apps: Any, schema_editor: Any) -> None:
    items = apps.get_model("leads", "InboxItem").objects
    items.filter(state="applied", reason_code__in=PASSED_ON).update(state="rejected")


def apply(apps: Any, schema_editor: Any) -> None:
    items = apps.get_model("leads", "InboxItem").objects
    items.filter(state="rejected", reason_code__in=PASSED_ON).update(state="applied")


class Migration(migrations.Migration):
    dependencies = [("leads", "0005_unfinished_answers")]
    operations = [migrations.RunPython(reject, apply)]

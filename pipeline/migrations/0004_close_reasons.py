from typing import Any

from django.db import migrations

# As they stood when they became configurable; `pipeline.actions.defaults` has them for later.
LOST = [
    ("no_response", "Never answered"),
    ("no_budget", "No budget"),
    ("no_need", "No need"),
    ("timing", "Not now"),
    ("competitor", "Chose a competitor"),
    ("price", "Too expensive"),
    ("missing_feature", "Something is missing"),
    ("wrong_person", "Cannot decide"),
    ("not_a_fit", "Not a fit"),
    ("other", "Other"),
]
REJECTED = [
    ("not_a_fit", "Not a fit"),
    ("too_early", "Too early"),
    ("wrong_contact", "Contact data are wrong"),
    ("duplicate", "Somebody else has this lead"),
    ("other", "Other"),
]


def make_reasons(apps: Any, schema_editor: Any) -> None:
    CloseReason = apps.get_model("pipeline", "CloseReason")
    CloseReason.objects.bulk_create(
        [
            CloseReason(
                kind=kind,
                key=key,
                label=label,
                position=position,
                needs_note=key == "other",
                asks_competitor=(kind, key) == ("lost", "competitor"),
                disqualifies=(kind, key) == ("lost", "not_a_fit"),
            )
            for kind, reasons in (("lost", LOST), ("rejected", REJECTED))
            for position, (key, label) in enumerate(reasons)
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0003_selling")]

    operations = [migrations.RunPython(make_reasons, migrations.RunPython.noop)]

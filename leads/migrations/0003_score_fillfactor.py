from django.db import migrations


class Migration(migrations.Migration):
    """Scores change all the time: room on each page keeps the updates off the indexes."""

    dependencies = [("leads", "0002_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE leads_leadscore SET (fillfactor = 70)",
            "ALTER TABLE leads_leadscore RESET (fillfactor)",
        )
    ]

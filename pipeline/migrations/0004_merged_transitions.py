from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0003_drop_doubled_indexes")]

    operations = [
        migrations.AlterField(
            model_name="transition",
            name="cause",
            field=models.CharField(
                choices=[
                    ("opened", "Cycle opened"),
                    ("manual", "Moved by hand"),
                    ("bulk", "Moved in bulk"),
                    ("api", "Moved by the API"),
                    ("qualified", "Qualified"),
                    ("contacted", "First contact"),
                    ("rejected", "Rejected by sales"),
                    ("reopened", "Reopened"),
                    ("merged", "Merged with another lead"),
                ],
                default="manual",
                max_length=10,
            ),
        )
    ]

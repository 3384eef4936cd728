from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ConferenceSales",
            fields=[
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                (
                    "conference",
                    factos_django.models.fields.ExactCharField(
                        max_length=255, primary_key=True, serialize=False
                    ),
                ),
                ("capacity", models.BigIntegerField()),
                ("sold", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "sales of a conference",
                "verbose_name_plural": "sales of conferences",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SalesByHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                ("conference", factos_django.models.fields.ExactCharField(max_length=255)),
                ("hour", models.DateTimeField()),
                ("sold", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "sales of an hour",
                "verbose_name_plural": "sales by hour",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("conference", "hour"), name="ticketing_hour_of_conference"
                    )
                ],
            },
        ),
    ]

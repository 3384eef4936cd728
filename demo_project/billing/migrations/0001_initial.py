from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SeriesRevenue",
            fields=[
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                (
                    "series",
                    factos_django.models.fields.ExactCharField(
                        max_length=255, primary_key=True, serialize=False
                    ),
                ),
                ("issued", models.BigIntegerField()),
                ("invoiced", models.BigIntegerField()),
                ("paid", models.BigIntegerField()),
                ("received", models.BigIntegerField()),
                ("void", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "revenue of a series",
                "verbose_name_plural": "revenues of series",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="BilledInvoice",
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
                ("series", factos_django.models.fields.ExactCharField(max_length=255)),
                ("number", models.BigIntegerField()),
                ("customer", factos_django.models.fields.ExactCharField(max_length=255)),
                ("amount", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("paid", "paid"), ("void", "void")], max_length=4
                    ),
                ),
            ],
            options={
                "verbose_name": "invoice",
                "verbose_name_plural": "invoices",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("series", "number"), name="billing_number_in_series")
                ],
            },
        ),
    ]

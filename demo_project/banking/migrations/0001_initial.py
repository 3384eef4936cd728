from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AccountBalance",
            fields=[
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                (
                    "account",
                    factos_django.models.fields.ExactCharField(
                        max_length=255, primary_key=True, serialize=False
                    ),
                ),
                ("balance", models.BigIntegerField()),
                ("is_open", models.BooleanField()),
            ],
            options={
                "verbose_name": "balance of an account",
                "verbose_name_plural": "balances of accounts",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AccountMonth",
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
                ("account", factos_django.models.fields.ExactCharField(max_length=255)),
                ("month", models.DateField()),
                ("paid_in", models.BigIntegerField()),
                ("paid_out", models.BigIntegerField()),
                ("bookings", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "month of an account",
                "verbose_name_plural": "months of accounts",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "month"), name="banking_month_of_account")
                ],
            },
        ),
    ]

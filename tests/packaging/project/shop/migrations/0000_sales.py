from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    """Before the facts of 0001, which the projection folds."""

    initial = True
    dependencies = [("factos", "0004_projections")]
    operations = [
        migrations.CreateModel(
            name="HallSales",
            fields=[
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                (
                    "hall",
                    factos_django.models.fields.ExactCharField(
                        max_length=50, primary_key=True, serialize=False
                    ),
                ),
                ("sold", models.IntegerField()),
            ],
            options={"abstract": False, "default_permissions": ("view",), "base_manager_name": "objects"},
        ),
    ]

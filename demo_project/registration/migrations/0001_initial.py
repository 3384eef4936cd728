from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RegisteredMember",
            fields=[
                (
                    "factos_position",
                    models.BigIntegerField(editable=False, verbose_name="position of its last fact"),
                ),
                (
                    "member",
                    factos_django.models.fields.ExactCharField(
                        max_length=255, primary_key=True, serialize=False
                    ),
                ),
                ("username", factos_django.models.fields.ExactCharField(max_length=255)),
                ("folded", factos_django.models.fields.ExactCharField(db_index=True, max_length=255)),
            ],
            options={
                "verbose_name": "registered member",
                "verbose_name_plural": "registered members",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
    ]

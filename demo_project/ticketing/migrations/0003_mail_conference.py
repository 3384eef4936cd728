from django.db import migrations, models

import factos_django.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("ticketing", "0002_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="mail",
            name="conference",
            field=factos_django.models.fields.ExactCharField(default="", max_length=255),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(fields=["conference", "sent_at"], name="ticketing_mail_of_conference"),
        ),
    ]

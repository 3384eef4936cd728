"""Installs the functions of an append again, which take their locks and insert with fewer statements."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from factos_django.sql.installation import install


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("factos", "0008_runs")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

"""Installs the functions by which an append is one call on PostgreSQL. Older ones stay for older processes."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from factos_django.sql.installation import install


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("factos", "0002_append_only")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

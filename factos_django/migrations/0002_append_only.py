"""Installs what guards the log inside the database: triggers, and on PostgreSQL the guard's functions."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from factos_django.sql.installation import install, uninstall


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    install(schema_editor.connection)


def backwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    uninstall(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("factos", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]

"""Installs the indexes by which the facts of a correlation are found, and the function that reads a context.

On a long log an index takes a while, and nothing is appended meanwhile. PostgreSQL builds it beside appends
if it is made before this migration: by the same statement, with CREATE INDEX CONCURRENTLY.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from factos_django.sql.installation import install


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("factos", "0006_permissions")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

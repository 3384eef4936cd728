from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from factos_django.store import append

from ..domain import HallOpened  # noqa: TID252  # the package is `shop` in the project, and another here


def open_opera(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append([HallOpened("opera", 2)], idempotency_key="Opéra", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("shop", "0000_sales")]
    operations = [migrations.RunPython(open_opera, migrations.RunPython.noop)]

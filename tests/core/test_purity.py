import subprocess
import sys

import pytest

from demo_project.settings import BASE_DIR

BLOCKED = ["django", "celery", "rest_framework", "django_filters", "drf_spectacular"]

SCRIPT = """
import importlib, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"blocked: {{name}}")

sys.meta_path.insert(0, Block())
importlib.import_module({module!r})
print("imported")
"""


def imported_alone(module):
    """The outcome of importing this module in a new process where the blocked packages cannot be."""
    script = SCRIPT.format(blocked=BLOCKED, module=module)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["factos_django.core", "factos_django", "demo_project.ticketing.domain"])
def test_the_core_imports_where_django_celery_and_rest_framework_cannot_be(module):
    done = imported_alone(module)
    assert done.stdout == "imported\n", done.stderr


@pytest.mark.parametrize("module", [*BLOCKED, "factos_django.store", "factos_django.dispatch"])
def test_what_is_blocked_does_not_import_there(module):
    done = imported_alone(module)
    assert done.stdout == ""
    assert "ImportError: blocked: " in done.stderr

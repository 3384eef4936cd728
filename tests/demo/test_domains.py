"""What holds of each domain of the demo."""

import subprocess
import sys

import pytest

from demo_project.settings import BASE_DIR

BLOCKED = """
import sys
for name in ("django", "celery", "rest_framework"):
    sys.modules[name] = None
import {module}
"""


@pytest.mark.parametrize("context", ["registration", "banking", "billing"])
def test_a_domain_imports_where_django_celery_and_rest_framework_cannot_be(context):
    command = [sys.executable, "-c", BLOCKED.format(module=f"demo_project.{context}.domain")]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("context", ["registration", "banking", "billing"])
def test_no_domain_knows_another(context):
    command = [
        sys.executable,
        "-c",
        f"import sys, demo_project.{context}.domain as it; print(*sorted(sys.modules))",
    ]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True)
    loaded = [name for name in done.stdout.split() if name.startswith("demo_project.")]
    assert loaded == [f"demo_project.{context}", f"demo_project.{context}.domain"]

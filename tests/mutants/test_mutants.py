"""Some mutants are killed, and all of them still fit the code; ``make mutants`` kills all."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from demo_project.settings import BASE_DIR
from tests.mutants.hunt import hunt, mutated_copy
from tests.mutants.patches import MUTANTS, Edit, Mutant, Stale
from tests.stores import STORES

SOME = (
    "positions drawn before the shared locks",
    "head with last_value of a fresh sequence",
    "inline rows locked after positions are drawn",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code(mutant, tmp_path):
    mutated_copy(mutant, tmp_path)
    for file in {edit.file for edit in mutant.edits}:
        compile((tmp_path / "factos_django" / file).read_text(), file, "exec")


@pytest.mark.skipif("postgres" not in settings.DATABASES, reason="PostgreSQL is left out")
def test_the_test_that_kills_a_mutant_is_there():
    named = {f"tests/{mutant.test}" for mutant in MUTANTS if mutant.test and mutant.store in known_stores()}
    files = sorted({name.partition("::")[0] for name in named})
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *files]
    listed = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert named <= set(listed.stdout.splitlines())


def known_stores():
    return {store.id for store in STORES}


def test_a_mutant_that_the_code_has_left_behind_is_stale(tmp_path):
    stale = Mutant("stale", "postgres-tags", (Edit("conf.py", "nothing like this", ""),))
    with pytest.raises(Stale):
        mutated_copy(stale, tmp_path)
    assert Path(tmp_path, "tests").is_dir()


@pytest.mark.skipif("postgres" not in settings.DATABASES, reason="PostgreSQL is left out")
@pytest.mark.parametrize("name", SOME)
def test_a_mutant_is_killed(name):
    (mutant,) = (each for each in MUTANTS if each.name == name)
    done = hunt(mutant, seconds=60)
    assert done.killed, done.what

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.matrix.interpreters import search_path


def test_without_pyenv_it_is_path_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert search_path() == str(tmp_path)


def test_what_pyenv_has_installed_comes_last_whether_it_is_active_or_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("3.12.1", "3.13.0"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
    pyenv = tmp_path / "pyenv"
    pyenv.write_text(f"#!/bin/sh\n[ $1 = root ] && echo {tmp_path}\n")
    pyenv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    versions = [str(tmp_path / "versions" / version / "bin") for version in ("3.12.1", "3.13.0")]
    assert search_path().split(os.pathsep) == [str(tmp_path), "/bin", *versions]

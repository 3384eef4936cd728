"""Where the demo keeps what is no database."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR, database, messages_folder


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:////srv/demo.sqlite3", Path("/srv/demo.sqlite3.messages")),
        ("sqlite://:memory:", BASE_DIR / "db.sqlite3.messages"),
        ("postgres://127.0.0.1/demo", BASE_DIR / "db.sqlite3.messages"),
    ],
)
def test_messages_are_beside_the_database_or_where_git_ignores_them(url: str, folder: Path) -> None:
    assert messages_folder(database(url)) == folder

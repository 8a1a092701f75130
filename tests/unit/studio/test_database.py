"""The index: numbered migrations, each applied once."""

import sqlite3
from pathlib import Path

import pytest

from impasto.studio import database
from impasto.studio.database import Database, migrate, migrations


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers == [*range(1, len(numbers) + 1)]


def test_a_file_of_an_older_version_gets_the_migrations_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(tmp_path / "studio.db").close()
    more = [*migrations(), (len(migrations()) + 1, "CREATE TABLE more (id TEXT);")]
    monkeypatch.setattr(database, "migrations", lambda: more)
    connection = sqlite3.connect(tmp_path / "studio.db")
    for _ in range(2):
        migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(more),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()

"""The index of all jobs in SQLite: list, search, queue. A server makes it anew from the jobs' files at its start."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from impasto.studio.job import StudioJob


class Database:
    """The index in one file, for all threads of a server."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        migrate(self._connection)

    def fill(self, jobs: Iterable[StudioJob]) -> None:
        """Replace the whole index."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM jobs")
            self._connection.executemany(_PUT, map(_to_row, jobs))
            self._connection.execute("COMMIT")

    def put(self, job: StudioJob) -> None:
        """Add a job, or replace it."""
        self._query(_PUT, _to_row(job))

    def remove(self, name: str) -> None:
        """Remove a job."""
        self._query("DELETE FROM jobs WHERE id = ?", (name,))

    def find(self, name: str) -> StudioJob | None:
        """Return the job of an id."""
        found = self._query("SELECT data FROM jobs WHERE id = ?", (name,))
        return _to_job(found[0]) if found else None

    def waiting(self) -> list[StudioJob]:
        """Return the queue, in its order."""
        return [*map(_to_job, self._query("SELECT data FROM jobs WHERE state = 'waiting' ORDER BY rank, id"))]

    def waiting_ids(self) -> list[str]:
        """Return the ids of the queue, in its order."""
        return [row[0] for row in self._query("SELECT id FROM jobs WHERE state = 'waiting' ORDER BY rank, id")]

    def next_waiting(self) -> StudioJob | None:
        """Return the first of the queue."""
        found = self._query("SELECT data FROM jobs WHERE state = 'waiting' ORDER BY rank, id LIMIT 1")
        return _to_job(found[0]) if found else None

    def of_state(self, state: str) -> list[StudioJob]:
        """Return all jobs of a state."""
        return [*map(_to_job, self._query("SELECT data FROM jobs WHERE state = ? ORDER BY rank, id", (state,)))]

    def select(
        self, gallery: str, *, search: str = "", group: str | None = None, before: str | None = None, limit: int = -1
    ) -> tuple[list[StudioJob], int]:
        """Return jobs of a gallery, the newest first, and how many there are without `before` and `limit`.

        search: words that all must occur in the job's name, kind, state, preset or recipe. before: the id of the job
        after which to go on.
        """
        where, values = ["gallery = ?"], [gallery]
        for word in search.lower().split():
            where.append("instr(words || ' ' || state, ?) > 0")
            values.append(word)
        if group is not None:
            where.append("batch = ?")
            values.append(group)
        text = " AND ".join(where)
        total = int(self._query(f"SELECT count(*) FROM jobs WHERE {text}", values)[0][0])
        if before is not None:
            text += " AND (created, id) < (SELECT created, id FROM jobs WHERE id = ?)"
            values.append(before)
        order = "ORDER BY created DESC, id DESC LIMIT ?"
        found = self._query(f"SELECT data FROM jobs WHERE {text} {order}", [*values, limit])
        return [*map(_to_job, found)], total

    def names(self, gallery: str) -> set[str]:
        """Return the names of a gallery's jobs."""
        text = "SELECT json_extract(data, '$.name') FROM jobs WHERE gallery = ?"
        return {row[0] for row in self._query(text, (gallery,))}

    def count_unfinished(self) -> int:
        """Return the number of jobs that wait, are painted or are paused."""
        text = "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'painting', 'paused')"
        return int(self._query(text)[0][0])

    def used_pictures(self) -> set[str]:
        """Return the ids of all pictures that jobs need."""
        return {each for row in self._query("SELECT data FROM jobs") for each in _to_job(row).pictures}

    def first_rank(self) -> float:
        """Return the least rank of all jobs."""
        return float(self._query("SELECT coalesce(min(rank), 0) FROM jobs")[0][0])

    def last_rank(self) -> float:
        """Return the largest rank of all jobs."""
        return float(self._query("SELECT coalesce(max(rank), 0) FROM jobs")[0][0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _query(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(text, values).fetchall()


_PUT = (
    "INSERT OR REPLACE INTO jobs (id, gallery, state, rank, created, batch, words, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version: each numbered migration that it lacks, in a transaction of its own."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, text in migrations():
        if number > version:
            connection.executescript(f"BEGIN;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;")


def migrations() -> list[tuple[int, str]]:
    """Return the numbers and texts of all migrations, in order."""
    folder = resources.files("impasto.studio") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((int(file.name.partition("_")[0]), file.read_text("utf-8")) for file in files)


def _to_row(job: StudioJob) -> tuple[Any, ...]:
    words = " ".join([job.name, job.kind, job.preset, *(f"{name}={value}" for name, value in job.changed.items())])
    data = json.dumps(job.to_dict())
    return job.id, job.gallery, job.state, job.rank, job.created, job.group, words.lower(), data


def _to_job(row: Sequence[Any]) -> StudioJob:
    return StudioJob.from_dict(json.loads(row[0]))

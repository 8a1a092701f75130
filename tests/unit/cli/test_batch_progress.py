"""A batch's progress without a terminal: a line now and then, each failure, and the time left."""

from io import StringIO
from typing import Any

import pytest

from impasto.batch.jobs import Job, Step
from impasto.batch.run import BatchEvent, Tally
from impasto.cli.batch import fill_ray
from impasto.cli.batch_progress import BatchProgress
from impasto.cli.progress import Lines
from impasto.recipe.recipe import Recipe

JOB = Job("a.png", ("b.png",), "a_b.png", Recipe())


def test_lines() -> None:
    now = 100.0
    stream = StringIO()
    progress = BatchProgress(Lines(stream, lambda: now), lambda: now)

    def show(at: float, kind: Any, done: int = 0, failed: int = 0) -> None:
        nonlocal now
        now = 100 + at
        tally = Tally(jobs=10, kept=2, done=done, failed=failed)
        progress.on_event(BatchEvent(kind, JOB, tally, Step(64, 3, 9) if kind == "step" else None))

    show(0, "begun")
    show(5, "done", done=1)
    show(10, "done", done=2)
    show(12, "failed", done=2, failed=1)
    show(20.5, "step", done=2, failed=1)
    show(24, "done", done=7, failed=1)
    assert stream.getvalue().splitlines() == [
        "all pictures, 2 of 10",
        "all pictures, 4 of 10, about 30 s left",
        "a_b.png failed",
        "all pictures, 5 of 10, 1 failed, about 34 s left, a_b.png at step 3 of 9",
        "all pictures, 10 of 10, 1 failed",
    ]


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("batch a b --ray", "batch a b --ray=auto"),
        ("batch --ray a b", "batch --ray=auto a b"),
        ("batch --ray -o out", "batch --ray=auto -o out"),
        ("batch --ray 10.0.0.1:6379 a b", "batch --ray 10.0.0.1:6379 a b"),
        ("batch --ray ray://head:10001", "batch --ray ray://head:10001"),
        ("batch --ray auto", "batch --ray auto"),
        ("batch --ray=local a", "batch --ray=local a"),
        ("batch -- --ray", "batch -- --ray"),
    ],
)
def test_an_address_is_filled_in_where_ray_has_none(words: str, filled: str) -> None:
    assert fill_ray(words.split()) == filled.split()

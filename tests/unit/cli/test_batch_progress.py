"""A batch's progress without a terminal: a line now and then, each failure, and the time left."""

from io import StringIO
from typing import Any

import pytest

from impasto.batch.jobs import Job
from impasto.batch.reports import Stepped
from impasto.batch.run import BatchEvent, Tally
from impasto.cli.batch import fill_ray
from impasto.cli.batch_progress import Lines, showing_batch
from impasto.recipe.recipe import Recipe

JOB = Job("a.png", ("b.png",), "a_b.png", Recipe())


def test_lines() -> None:
    now = 100.0
    stream = StringIO()
    lines = Lines(stream, lambda: now)
    tally = Tally(jobs=10, kept=2)

    def tell(at: float, kind: Any, **more: int) -> None:
        nonlocal now
        now = 100 + at
        for name, value in more.items():
            setattr(tally, name, value)
        lines.on_event(BatchEvent(kind, JOB, tally, Stepped(JOB, 64, 3, 9) if kind == "step" else None))

    tell(0, "begun")
    tell(5, "done", done=1)
    tell(6, "done", done=2)
    tell(7, "failed", failed=1)
    tell(15.5, "step")
    assert stream.getvalue().splitlines() == [
        "3/10 pictures, about 35 s left",
        "a_b.png failed",
        "5/10 pictures, 1 failed, about 26 s left, a_b.png at step 3/9",
    ]


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_batch(3, quiet=True) as progress:
        progress.on_event(BatchEvent("done", JOB, Tally(3, done=1)))
    assert capsys.readouterr() == ("", "")


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
def test_an_address_that_ray_leaves_out(words: str, filled: str) -> None:
    assert fill_ray(words.split()) == filled.split()

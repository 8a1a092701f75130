"""A crew of Ray actors: what is told of a worker's death."""

from types import SimpleNamespace

import pytest

from impasto.batch import cluster
from impasto.batch.cluster import describe_death
from impasto.batch.jobs import Job
from impasto.batch.reports import Lost
from impasto.recipe.recipe import Recipe


def test_a_worker_that_dies_takes_its_looks_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """The news of a death, and of a look at the same worker, may come in at once."""

    class RayError(Exception):
        pass

    def get(reference: str) -> None:
        raise RayError("Worker exit type: SYSTEM_ERROR")

    job = Job("a.png", ("b.png",), "a_b.png", Recipe())
    worker = cluster._Worker(actor=None, is_ready=True, job=job)
    crew = cluster.RayCrew.__new__(cluster.RayCrew)
    crew._ray = SimpleNamespace(
        wait=lambda found, **more: (found, []), get=get, exceptions=SimpleNamespace(RayError=RayError)
    )
    crew._workers, crew._pending, crew._looks = [worker], {"paint": worker}, {"look": worker}
    crew._early, crew._alone_s, crew._stillborn = [], None, 0
    monkeypatch.setattr(crew, "_look", lambda: None)
    monkeypatch.setattr(crew, "_start", lambda: None)
    assert crew.wait(1) == [Lost(job, "Worker exit type: SYSTEM_ERROR")]
    assert not crew._workers and not crew._looks


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("The actor is dead. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker unex", "type: SYSTEM_ERROR"),
        ("creation task failed.\n ray::Hand()\nModuleNotFoundError: No module named 'impasto'", "No module named"),
        ("something new", "something new"),
    ],
)
def test_a_death_in_few_words(page: str, told: str) -> None:
    assert told in describe_death(RuntimeError(page)) and len(describe_death(RuntimeError(page * 9))) <= 160

"""When a picture counts as painted: the same recipe, inputs and way of writing."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.batch.jobs import Job, is_painted, job_key
from impasto.images.io import write_image

RECIPE = impasto.Recipe(weights="tiny", size=32, steps=1, first_scale=0)


@pytest.fixture
def job(tmp_path: Path, picture: Callable[..., Tensor]) -> Job:
    for number, name in enumerate(("photo.png", "style.png")):
        write_image(picture(24, 32, number), tmp_path / name)
    return Job(str(tmp_path / "photo.png"), (str(tmp_path / "style.png"),), "out.png", RECIPE)


def test_a_changed_name_recipe_or_input_is_a_new_job(job: Job, tmp_path: Path) -> None:
    key = job_key(job)
    assert len(key) == 16
    others = [
        job_key(replace(job, recipe=RECIPE.replace(seed=1))),
        job_key(replace(job, output="other.png")),
        job_key(replace(job, styles=(*job.styles, *job.styles))),
    ]
    os.utime(job.content, ns=(1, 1))
    others.append(job_key(job))
    os.unlink(job.styles[0])
    others.append(job_key(job))
    assert len({key, *others}) == 6


def test_a_file_that_the_recipe_names_counts(job: Job, tmp_path: Path) -> None:
    start = tmp_path / "start.png"
    start.write_bytes(Path(job.content).read_bytes())
    named = replace(job, recipe=RECIPE.replace(init=str(start)))
    key = job_key(named)
    os.utime(start, ns=(1, 1))
    assert job_key(named) != key


def test_a_moved_folder_is_the_same_job(job: Job, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    content = Path(job.content).rename(tmp_path / "moved" / "photo.png")
    moved = replace(job, content=str(content))
    os.link(content, job.content)
    assert job_key(job) == job_key(moved)


def test_a_finished_picture_is_known_by_what_it_carries(job: Job, tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    assert not is_painted(job, picture)
    result = impasto.stylize(job.content, [*job.styles], RECIPE)
    result.save(picture)
    assert is_painted(job, picture)
    assert not is_painted(replace(job, recipe=RECIPE.replace(seed=1)), picture)
    assert not is_painted(replace(job, styles=(job.content,)), picture)
    assert not is_painted(replace(job, styles=(str(tmp_path / "gone.png"),)), picture)
    picture.write_bytes(Path(job.content).read_bytes())
    assert not is_painted(job, picture)
    picture.write_bytes(b"no picture")
    assert not is_painted(job, picture)

"""Damaged folders of runs, and odd recipes inside pictures, are painted from, or refused by an error of ours."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from fuzzing import fuzz, mutate_bytes, mutate_json, mutate_value, survive

import impasto
from impasto.runs.recipes import find_entry
from impasto.runs.summary import summarize_run

RECIPE = impasto.Recipe(
    weights="tiny", size=32, steps=6, first_scale=0, content_layers=("conv2_2",), style_layers=("conv1_1",)
)


def stop(event: impasto.StepEvent) -> str:
    return "stop"


def stop_at_3(event: impasto.StepEvent) -> str | None:
    return "stop" if event.step == 3 else None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder, with two pictures, three runs and four pictures of ours."""
    folder = tmp_path_factory.mktemp("runs")
    generator = torch.Generator().manual_seed(0)
    with contextlib.chdir(folder):
        impasto.write_image(torch.rand(1, 3, 24, 32, generator=generator), "photo.png")
        impasto.write_image(torch.rand(1, 3, 40, 36, generator=generator), "painting.png")
        pair = ("photo.png", "painting.png")
        for name, content in (("files", "photo.png"), ("arrays", impasto.read_image("photo.png"))):
            impasto.stylize(content, "painting.png", RECIPE, run_dir=name, on_step=stop_at_3)
        result = impasto.stylize(*pair, RECIPE, run_dir="finished")
        result.save("ours.png")
        result.save("ours.jpg")
        noise = RECIPE.replace(init="noise")
        impasto.synthesize_texture("painting.png", noise.replace(size=(48, 48))).save("texture.png")
        impasto.reconstruct("photo.png", noise, content_layers=("conv2_2",)).save("reconstruction.png")
        yield folder


@fuzz(400)
def test_a_damaged_run(place: Path, random: Random) -> None:
    run = place / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(place / random.choice(("files", "arrays", "finished")), run)
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    records = [path for path in files if path.suffix == ".json"]
    path = random.choice(records if random.random() < 0.6 else files)
    path.write_bytes((mutate_json if path in records else mutate_bytes)(random, path.read_bytes()))

    def show_and_resume() -> None:
        json.dumps(summarize_run(run))
        impasto.resume(run, force=random.random() < 0.5, on_step=stop)

    survive(show_and_resume)


@fuzz(400)
def test_an_odd_recipe_inside_a_picture(place: Path, random: Random) -> None:
    name = random.choice(("ours.png", "ours.jpg", "texture.png", "reconstruction.png"))
    values = json.loads(json.dumps(impasto.read_metadata(name)))
    for _ in range(random.randint(1, 2)):
        values = mutate_value(random, values)
    odd = f"odd{Path(name).suffix}"
    metadata = values if isinstance(values, dict) else {"recipe": values}
    if survive(lambda: impasto.write_image(torch.rand(1, 3, 24, 32), odd, metadata=metadata)) is not None:
        return
    survive(lambda: find_entry(odd))
    survive(lambda: impasto.rerun(odd, force=True, on_step=stop))


@fuzz(200)
def test_a_damaged_picture_of_ours(place: Path, random: Random) -> None:
    name = random.choice(("ours.png", "ours.jpg", "texture.png"))
    damaged = f"damaged{Path(name).suffix}"
    Path(damaged).write_bytes(mutate_bytes(random, Path(name).read_bytes()))
    survive(lambda: find_entry(damaged))
    survive(lambda: impasto.rerun(damaged, on_step=stop))

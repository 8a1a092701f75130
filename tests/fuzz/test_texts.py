"""Damaged recipes, lists and manifests are read, or refused by an error of ours."""

import json
from pathlib import Path
from random import Random

import pytest
from fuzzing import fuzz, mutate_bytes, mutate_json, mutate_value, survive

from impasto.batch.joblist import JobList
from impasto.batch.manifest import NAME, Manifest, read_events
from impasto.batch.naming import NameTemplate
from impasto.batch.plan import check_jobs
from impasto.recipe.recipe import Recipe, format_toml
from impasto.runs.recipes import find_entry

RECIPE = Recipe(weights="tiny", size=32, steps=4, content_layers=("conv2_2",), style_layers=("conv1_1",))
CSV = b"content,style,output,strength,size\nphoto.png,painting.png,a.png,0.5,32\nphoto.png,one.png;two.png,b.jpg,,64\n"
JSONL = (
    b'{"content": "photo.png", "style": ["painting.png"], "output": "a.png", "strength": 0.5}\n'
    b'{"content": "photo.png", "style": "painting.png", "size": 64, "style_layers": ["conv1_1"]}\n'
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the lists name."""
    folder = tmp_path_factory.mktemp("texts")
    for name in ("photo.png", "painting.png", "one.png", "two.png"):
        (folder / name).write_bytes(b"x")
    return folder


@fuzz(200)
def test_a_damaged_recipe_file(place: Path, random: Random) -> None:
    path = place / "recipe.toml"
    path.write_bytes(mutate_bytes(random, format_toml(RECIPE.to_dict()).encode()))
    survive(lambda: format_toml(Recipe.from_dict(find_entry(str(path)).values).to_dict()))


@fuzz(400)
def test_a_recipe_of_odd_values(random: Random) -> None:
    values = mutate_value(random, json.loads(json.dumps(RECIPE.to_dict())))

    def build() -> None:
        recipe = Recipe.from_dict(values)
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
        assert format_toml(recipe.to_dict()) and recipe.hash()

    survive(build)


@fuzz(200)
def test_a_damaged_list(place: Path, random: Random) -> None:
    path = place / random.choice(("list.csv", "list.jsonl"))
    if path.suffix == ".csv":
        path.write_bytes(mutate_bytes(random, CSV))
    else:
        path.write_bytes(b"\n".join(mutate_json(random, line) for line in JSONL.splitlines()))
    survive(lambda: check_jobs(JobList(path, NameTemplate("{content}_{index}.png"), RECIPE), place / "out"))


@fuzz(200)
def test_a_damaged_manifest(place: Path, random: Random) -> None:
    path = place / NAME
    path.unlink(missing_ok=True)
    with Manifest(place) as manifest:
        manifest.begin(2)
        manifest.add({"event": "done", "output": "a.png", "job": "00000000000000aa"})
        manifest.add({"event": "failed", "output": "b.png", "job": "00000000000000ab", "error": "none"})
    lines = path.read_bytes().splitlines()
    index = random.randrange(len(lines))
    lines[index] = mutate_json(random, lines[index])
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(data if random.random() < 0.5 else mutate_bytes(random, data))

    def read() -> None:
        with Manifest(place) as manifest:
            manifest.done.find_key("a.png")
            manifest.begin(1)
            assert [*read_events(path)][-1]["event"] == "begun"

    survive(read)

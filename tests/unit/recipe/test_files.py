"""The files that a recipe names: found, and checked before painting only."""

from pathlib import Path

import pytest

from impasto import Recipe
from impasto.errors import RecipeError
from impasto.recipe.files import begins_with_network, check_files, init_file, recipe_files, recipe_in_picture
from impasto.recipe.shipped import shipped_styles


def test_files_that_a_run_reads(tmp_path: Path) -> None:
    start, weights = tmp_path / "start.png", tmp_path / "weights.pth"
    start.touch()
    weights.touch()
    recipe = Recipe(init=str(start), weights=str(weights))
    assert recipe_files(recipe) == [str(start), str(weights)]
    check_files(recipe)
    assert recipe_files(Recipe()) == []


@pytest.mark.parametrize("word", ["content", "noise", "#e0c040"])
def test_a_word_wins_over_a_file_of_its_name(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(word).write_text("my notes")
    assert init_file(Recipe(init=word)) is None
    assert recipe_files(Recipe(init=word)) == []
    assert recipe_files(Recipe(init=f"./{word}")) == [f"./{word}"]


def test_a_shipped_style_is_its_network_and_wins_over_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("starry-night").write_text("my notes")
    network = str(shipped_styles()["starry-night"].path)
    named, file = Recipe(init="starry-night"), Recipe(init="./starry-night")
    assert (init_file(named), recipe_files(named)) == (network, [network])
    assert recipe_in_picture(named.replace(strip=True)).init == "starry-night"
    assert init_file(file) == file.init == recipe_in_picture(Recipe(init=str(tmp_path / "starry-night"))).init
    assert begins_with_network(named) and not begins_with_network(file)


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("stary-night", "init is 'stary-night', neither a known start nor a file.*Did you mean 'starry-night'"),
        ("cotent", "init is 'cotent', neither a known start nor a file.*Did you mean 'content'"),
        ("gone.png", r"init is 'gone\.png', .*Check the spelling or the path"),
        ("x" * 300, "neither a known start nor a file"),
    ],
)
def test_a_start_image_that_is_gone_is_a_recipe_but_cannot_be_painted(init: str, words: str) -> None:
    recipe = Recipe(init=init)
    with pytest.raises(RecipeError, match=words):
        check_files(recipe)

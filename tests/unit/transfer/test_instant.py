"""An instant pastiche: one pass of a network, with colors, alpha, depth and the recipe as everywhere."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import impasto
from impasto.cli.app import main
from impasto.errors import ImageSizeError, KeywordError, MissingExtraError, RecipeError
from impasto.images.color.oklab import to_grey
from impasto.images.formats.tiff import encode_tiff
from impasto.images.io import read_picture

pytestmark = pytest.mark.usefixtures("instant_package")


@pytest.mark.parametrize(("size", "expected"), [(61, (37, 61)), ("content", (30, 50)), ("40-high", (40, 67))])
def test_the_picture_has_the_photograph_s_aspect_at_any_size(size, expected, picture) -> None:
    result = impasto.stylize_instantly(picture(30, 50), picture(40, 40, 1), size=size, threads=1)
    assert result.pastiche.shape == (1, 3, *expected) and result.pastiche.is_contiguous()
    assert result.pastiche.min() >= 0 and result.pastiche.max() <= 1


def test_the_recipe_and_the_network_are_in_the_file(folder: Path) -> None:
    result = impasto.stylize_instantly("photo.png", ["painting.png", "photo.png"], style_blend=(0.3, 0.7), size=40)
    result.save("out.png")
    metadata = impasto.read_metadata("out.png")
    assert metadata == result.metadata and {"steps", "losses", "weights"}.isdisjoint(metadata)
    assert metadata["network"] == {"name": "instant", "sha256": result.sha256} and len(result.sha256) == 64
    assert [entry["name"] for entry in metadata["inputs"]] == ["photo.png", "painting.png", "photo.png"]
    recipe = impasto.Recipe.from_dict(metadata["recipe"])
    assert recipe == impasto.Recipe(strength=1.0, recolor=0.0, style_blend=(0.3, 0.7), size=40)
    assert repr(result) == "<OnePassResult 40x30, network 'instant'>"


def test_alpha_depth_and_the_profile_go_through(tmp_path: Path, picture) -> None:
    levels = np.full((40, 30, 4), 40_000, np.uint16)
    levels[..., 0] = np.linspace(10_000, 12_000, 40)[:, None]
    levels[:9, :9, 3] = np.arange(81).reshape(9, 9) * 700
    (tmp_path / "photo.tif").write_bytes(encode_tiff(levels, profile=b"", exif=b"", tags={}).getvalue())
    pytest.importorskip("imagecodecs")
    impasto.stylize_instantly(tmp_path / "photo.tif", picture(), size="content").save(tmp_path / "out.tif")
    before, after = (read_picture(tmp_path / name).carried for name in ("photo.tif", "out.tif"))
    assert torch.equal(before.alpha, after.alpha) and after.depth == 16


def test_colors_are_those_of_the_recipe(picture) -> None:
    photograph, painting = picture(48, 64), picture(40, 40, 1)

    def paint(**changes: object) -> Tensor:
        return impasto.stylize_instantly(photograph, painting, size="content", **changes).pastiche

    plain, kept = paint(), paint(color="content-luma")
    assert chroma(kept, photograph) < 0.5 * chroma(plain, photograph)
    assert not torch.equal(paint(recolor=1.0), plain)
    assert not torch.equal(paint(color="oklab"), plain)
    grey = impasto.stylize_instantly(to_grey(photograph), to_grey(painting), size="content").pastiche
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, 0], grey[:, 2])


def test_a_recipe_of_a_preset_counts_with_its_strength(picture) -> None:
    inputs = picture(48, 64), picture(40, 40, 1)
    half = impasto.stylize_instantly(*inputs, impasto.Recipe.preset("standard", size=40, steps=3))
    assert half.recipe == impasto.Recipe(size=40, strength=0.5)
    whole = impasto.stylize_instantly(*inputs, size=40)
    assert not torch.equal(half.pastiche, whole.pastiche)


def test_wrong_arguments_are_refused_in_one_line(picture) -> None:
    photograph, painting = picture(48, 64), picture(40, 40, 1)
    with pytest.raises(KeywordError, match="stylize_instantly\\(\\) has no keyword 'steps'"):
        impasto.stylize_instantly(photograph, painting, steps=3)
    with pytest.raises(RecipeError, match="strength is none, since the recipe has weights"):
        impasto.stylize_instantly(photograph, painting, impasto.Recipe.preset("paper"))
    with pytest.raises(RecipeError, match="style_blend has 2 weights for 1 style image"):
        impasto.stylize_instantly(photograph, painting, style_blend=(1, 2))
    with pytest.raises(RecipeError, match="no style image is given"):
        impasto.stylize_instantly(photograph, [])
    with pytest.raises(RecipeError, match="a pastiche keeps the photograph's aspect"):
        impasto.stylize_instantly(photograph, painting, size=(40, 40))
    with pytest.raises(ImageSizeError, match="size is 9x7"):
        impasto.stylize_instantly(photograph, painting, size=9)


def test_the_command_writes_a_new_file_and_reports_it(folder: Path, capsys) -> None:
    assert main(["instant", "photo.png", "painting.png", "--size", "40", "--threads", "1", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["output"] == "photo-painting.png" and values["size"] == {"width": 40, "height": 30}
    assert values["network"]["name"] == "instant" and {"steps", "losses"}.isdisjoint(values)
    assert main(["instant", "photo.png", "painting.png", "--size", "40", "--strength", "0.5"]) == 0
    assert capsys.readouterr().out.startswith("photo-painting-2.png: 40x30 in ")
    assert impasto.read_metadata("photo-painting-2.png")["recipe"]["strength"] == 0.5


def test_without_the_package_the_command_says_how_to_install_it(folder: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["instant", "photo.png", "painting.png", "-o", "out.png"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and 'Run: pip install "impasto[instant]"' in line and not Path("out.png").exists()
    with pytest.raises(MissingExtraError):
        impasto.stylize_instantly("photo.png", "painting.png")


def test_the_command_never_writes_over_an_input(folder: Path, capsys) -> None:
    before = Path("photo.png").read_bytes()
    assert main(["instant", "photo.png", "painting.png", "-o", "photo.png"]) == 2
    assert "input" in capsys.readouterr().err and Path("photo.png").read_bytes() == before


def chroma(image: Tensor, other: Tensor) -> float:
    """Mean difference of the colors of two images, whatever their lightness."""
    return float(((image - to_grey(image)) - (other - to_grey(other))).abs().mean())

"""Pictures that share a network and style targets: the same bytes as alone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.errors import RecipeError
from impasto.images.io import write_image
from impasto.painting import cache as module
from impasto.painting.cache import Cache

Paint = Callable[..., Tensor]


def tiny(**changes: object) -> impasto.Recipe:
    return impasto.Recipe(weights="tiny", size=48, steps=3, first_scale=24).replace(**changes)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("color", ["style", "match"])
def test_pictures_are_the_same_with_and_without(precision: str, color: str, picture: Paint) -> None:
    shared, recipe, style = Cache(), tiny(color=color), picture(40, 50, 9)
    for seed in (1, 2, 1):
        content = picture(36, 48, seed)
        alone = impasto.stylize(content, style, recipe, precision=precision)
        together = impasto.stylize(content, style, recipe, precision=precision, cache=shared)
        assert together.pastiche.equal(alone.pastiche)
        assert together.losses == alone.losses
    # Two scales, each described once; colors brought to the photograph's make another style image of each.
    assert shared.descriptions.hits == (4 if color == "style" else 2)


def test_a_recolored_photograph_leaves_the_styles_targets_in_use(picture: Paint) -> None:
    shared, style = Cache(), picture(40, 50, 9)
    for number, share in enumerate((0, 1, 0.5)):
        recipe, content = tiny(recolor=share), picture(36, 48, number)
        together = impasto.stylize(content, style, recipe, cache=shared)
        assert together.pastiche.equal(impasto.stylize(content, style, recipe).pastiche)
    assert shared.descriptions.hits == 4


def test_networks_are_built_once_and_the_last_two_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(recipe: impasto.Recipe) -> object:
        built.append(recipe.pooling + recipe.padding)
        return original(recipe)

    original = module.build_encoder
    monkeypatch.setattr(module, "build_encoder", build)
    shared = Cache()
    first, _ = shared.encoders(tiny(), "float32")
    assert [*first] == ["float32"]
    lower, _ = shared.encoders(tiny(style_layers=("conv1_1",)), "bfloat16")
    assert [*lower] == ["float32", "bfloat16"] and lower["float32"] is first["float32"]
    assert [*shared.encoders(tiny(), "float32")[0]] == ["float32"]
    assert len(built) == 1
    shared.encoders(tiny(pooling="average"), "float32")
    shared.encoders(tiny(padding="zero"), "float32")
    shared.encoders(tiny(), "float32")
    assert built == ["maxreplicate", "averagereplicate", "maxzero", "maxreplicate"]


def test_a_network_that_lacks_a_layer_is_refused_the_second_time_too() -> None:
    shared = Cache()
    encoder, _ = shared.encoders(tiny(), "float32")
    encoder["float32"].layer_names = encoder["float32"].layer_names[:4]
    with pytest.raises(RecipeError, match="is not in vgg19"):
        shared.encoders(tiny(), "float32")


def test_a_changed_style_file_is_read_again(tmp_path: Path, picture: Paint) -> None:
    shared, path = Cache(), tmp_path / "style.png"
    write_image(picture(20, 20, 1), path)
    first = shared.read_style(path, 1000)
    assert shared.read_style(path, 1000) is first
    write_image(picture(20, 20, 2), path)
    os.utime(path, ns=(1, 1))
    second = shared.read_style(path, 1000)
    assert not second.image.equal(first.image) and first.sha256 != second.sha256
    with pytest.raises(impasto.ImpastoError, match="400 pixels"):
        shared.read_style(path, 399)


def test_style_images_are_kept_within_their_bytes(
    tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STYLE_BYTES", 3 * 4 * 900)
    shared = Cache()
    for name, side in (("a.png", 20), ("b.png", 20), ("c.png", 40)):
        write_image(picture(side, side), tmp_path / name)
    first = shared.read_style(tmp_path / "a.png", 10_000)
    shared.read_style(tmp_path / "b.png", 10_000)
    assert shared.read_style(tmp_path / "a.png", 10_000) is first
    shared.read_style(tmp_path / "c.png", 10_000)
    assert shared.read_style(tmp_path / "a.png", 10_000) is not first

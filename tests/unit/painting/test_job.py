"""A job: the size of its picture, and a network that has all its layers."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto.errors import ImageSizeError, RecipeError
from impasto.features.architecture import layers_of
from impasto.features.weights import TINY, Weights, write_safetensors
from impasto.losses.protection import PROTECT_LAYERS
from impasto.transfer.pastiche import prepare_pastiche
from impasto.transfer.rerun import prepare_rerun
from impasto.transfer.texture import prepare_texture

Paint = Callable[..., Tensor]

FIELDS: dict[str, Any] = {
    "weights": "tiny", "steps": 2, "first_scale": 0, "content_layers": ("conv2_2",), "style_layers": ("conv1_1",),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two photographs and a painting."""
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    impasto.write_image(picture(36, 47), "photo.png")
    impasto.write_image(picture(50, 33, 3), "upright.png")
    impasto.write_image(picture(40, 32, 1), "painting.png")
    return tmp_path


def test_size_content_is_that_of_each_photograph(folder: Path) -> None:
    recipe = impasto.Recipe(size="content", dpi=300, **FIELDS)
    result = impasto.stylize("photo.png", "painting.png", recipe)
    result.save("a.png")
    with Image.open("a.png") as written:
        assert written.size == (47, 36)
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    impasto.rerun("a.png").save("b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert prepare_rerun("a.png", content="upright.png").plan.size == (50, 33)


def test_a_photograph_too_small_for_its_own_size_is_refused(folder: Path, picture: Paint) -> None:
    impasto.write_image(picture(1, 40), "line.png")
    with pytest.raises(ImageSizeError, match="content_image is 40x1"):
        impasto.stylize("line.png", "painting.png", impasto.Recipe(size="content", **FIELDS))


def test_a_texture_has_no_size_content(folder: Path) -> None:
    with pytest.raises(RecipeError, match="size is 'content'"):
        impasto.synthesize_texture("photo.png", recipe=impasto.Recipe.preset("texture", size="content", weights="tiny"))


def test_reconstructions_may_have_the_size_of_their_picture(folder: Path) -> None:
    recipe = impasto.Recipe.preset("reconstruct", size="content", weights="tiny", steps=1)
    for layers in ("content_layers", "style_layers"):
        assert impasto.reconstruct("photo.png", recipe=recipe, **{layers: ("conv2_1",)}).pastiche.shape[-2:] == (36, 47)


@pytest.fixture
def network(folder: Path, request: pytest.FixtureRequest) -> str:
    """A weights file of a smaller network, such as vgg11, of four filters a layer."""
    layers = {}
    for index, name in enumerate(layers_of(request.param)):
        layers[name] = (torch.full((4, 3 if index == 0 else 4, 3, 3), 0.02), torch.zeros(4))
    record = dataclasses.replace(TINY, architecture=request.param)
    write_safetensors(Weights(record, layers), folder / f"{request.param}.safetensors")
    return f"{request.param}.safetensors"


def prepare_with(option: str, layer: str, network: str, mask: Tensor) -> object:
    recipe = impasto.Recipe(**{**FIELDS, "weights": network, "size": 32, "content_layers": ("conv4_2",)})
    if option == "protect":
        return impasto.prepare_pastiche("photo.png", "painting.png", recipe, protect=mask)
    changed = recipe.replace(**{option: (layer,)})
    if option == "fine_layers":
        return impasto.prepare_pastiche("photo.png", "painting.png", changed, fine_style="painting.png")
    return impasto.prepare_pastiche("photo.png", "painting.png", changed)


@pytest.mark.parametrize(
    ("network", "layer"),
    [("vgg11", "conv1_2"), ("vgg11", "conv2_2"), ("vgg13", "conv3_3"), ("vgg16", "conv3_4"), ("vgg16", "conv5_4")],
    indirect=["network"],
)
@pytest.mark.parametrize("option", ["content_layers", "style_layers", "fine_layers"])
def test_a_layer_that_a_smaller_network_lacks_is_named(network: str, layer: str, option: str, picture: Paint) -> None:
    name = network.removesuffix(".safetensors")
    with pytest.raises(RecipeError, match=f"layer '{layer}' is not in {name}; expected one of conv1_1, ") as caught:
        prepare_with(option, layer, network, picture()[:, :1])
    assert "--weights" in caught.value.hint


@pytest.mark.parametrize(
    ("network", "lacks"), [("vgg11", True), ("vgg13", False), ("vgg16", False)], indirect=["network"]
)
def test_protecting_needs_its_layer(network: str, lacks: bool, folder: Path) -> None:
    mask = torch.zeros(36, 47)
    mask[:, 20:] = 1
    if not lacks:
        assert prepare_with("protect", "", network, mask)
        return
    with pytest.raises(RecipeError, match="layer 'conv2_2' is not in vgg11; expected one of"):
        prepare_with("protect", "", network, mask)


@pytest.mark.parametrize("network", ["vgg13"], indirect=True)
def test_other_verbs_name_the_layer_too(network: str) -> None:
    recipe = impasto.Recipe(weights=network, size=32, steps=2, init="noise")
    with pytest.raises(RecipeError, match="layer 'conv3_3' is not in vgg13"):
        impasto.reconstruct("photo.png", recipe, content_layers=("conv3_3",))
    with pytest.raises(RecipeError, match="layer 'conv3_4' is not in vgg13"):
        impasto.synthesize_texture("painting.png", recipe.replace(size=(32, 32), style_layers=("conv3_4",)))


def test_the_last_of_several_scales_has_no_layers_deeper_than_the_finest(folder: Path) -> None:
    fields = {**FIELDS, "style_layers": ("conv1_1", "conv2_1"), "finest_layer": "conv1_2", "size": 64}
    recipe = impasto.Recipe(**fields).replace(first_scale=32)
    job = prepare_pastiche("photo.png", "painting.png", recipe)
    coarse, fine = (job.planner.workload(part.size, part.precision) for part in job.plan.parts)
    assert coarse.recipe == recipe
    assert fine.recipe.style_layers == ("conv1_1",)
    assert fine.recipe.content_layers == ("conv1_2",)
    assert fine.margin <= coarse.margin

    alone = prepare_pastiche("photo.png", "painting.png", recipe.replace(first_scale=0))
    assert alone.planner.workload(alone.plan.size, "float32").recipe.content_layers == ("conv2_2",)
    texture = prepare_texture("painting.png", recipe.replace(init="noise"))
    assert texture.planner.workload(texture.plan.size, "float32").recipe.style_layers == recipe.style_layers


def test_what_is_protected_stays_so_at_the_last_scale(folder: Path, picture: Paint) -> None:
    recipe = impasto.Recipe(**{**FIELDS, "first_scale": 32, "finest_layer": "conv1_2", "size": 64})
    impasto.write_image(picture(36, 47, 2), "mask.png")
    job = prepare_pastiche("photo.png", "painting.png", recipe, protect="mask.png")
    assert job.planner.recipe_at(job.plan.size).content_layers == ("conv1_2", *PROTECT_LAYERS)


@pytest.mark.parametrize("network", ["vgg11"], indirect=True)
def test_a_finest_layer_that_the_network_lacks_is_named(network: str) -> None:
    recipe = impasto.Recipe(weights=network, size=64, first_scale=32, finest_layer="conv1_2")
    with pytest.raises(RecipeError, match="layer 'conv1_2' is not in vgg11"):
        prepare_pastiche("photo.png", "painting.png", recipe)

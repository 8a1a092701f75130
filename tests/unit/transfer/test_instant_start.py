"""`init="instant"`: the optimization begins with the instant pastiche, whose network is recorded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.batch.jobs import Job, is_painted
from impasto.batch.plan import check_recipe
from impasto.errors import MissingExtraError, RecipeError, RunError
from impasto.fast.instant import load_instant
from impasto.images.resize import resize_image
from impasto.painting.targets import build_targets
from impasto.transfer.instant import START_EDGE

pytestmark = pytest.mark.usefixtures("instant_package")

RECIPE = impasto.Recipe(weights="tiny", size=40, steps=2, first_scale=0, init="instant", recolor=0.0)


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_the_start_image_is_the_instant_pastiche(picture: Callable[..., Tensor]) -> None:
    photograph, paintings = picture(60, 80), [picture(40, 40, 1), picture(50, 40, 2)]
    job = impasto.prepare_pastiche(photograph, paintings, RECIPE, style_blend=(1, 3), threads=1)
    expected = load_instant(torch.device("cpu")).paint(resize_image(photograph, (30, 40)), paintings, (0.25, 0.75))
    start = job.inputs.init
    assert start is not None and torch.allclose(start.image, expected, atol=1e-5)
    assert (start.name, len(start.sha256), start.path) == ("instant", 64, "")
    kept = impasto.prepare_pastiche(photograph, paintings, RECIPE, color="match", threads=1).inputs.init
    assert kept is not None and not torch.allclose(kept.image, start.image, atol=0.01)


def test_a_large_start_image_is_painted_smaller(picture: Callable[..., Tensor]) -> None:
    recipe = RECIPE.replace(content_layers=("conv1_1",), style_layers=("conv1_1",), size=3000, first_scale=128)
    job = impasto.prepare_pastiche(picture(3, 150), picture(), recipe, threads=1)
    assert job.inputs.init is not None and job.inputs.init.size == (round(START_EDGE / 50), START_EDGE)


def test_finer_scales_begin_with_the_photograph_s_detail(picture: Callable[..., Tensor]) -> None:
    job = impasto.prepare_pastiche(picture(60, 80), picture(40, 40, 1), RECIPE, threads=1)
    coarse, targets = torch.full((1, 3, 15, 20), 0.5), build_targets(job, job.inputs.style_images)
    assert targets.enlarge(coarse, (30, 40)).std() > 0.001


def test_rerun_paints_the_start_image_again(folder: Path, without_package: Callable[[], None]) -> None:
    for strip in (False, True):
        impasto.stylize("photo.png", "painting.png", RECIPE, strip=strip, threads=1).save("out.png")
        entry = impasto.read_metadata("out.png")["inputs"][-1]  # type: ignore[index]
        assert entry["role"] == "init" and (entry["name"] == "instant") is not strip
        given: Any = {"content": "photo.png", "styles": ["painting.png"]} if strip else {}
        impasto.rerun("out.png", **given).save("again.png")
        assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    impasto.stylize("photo.png", "painting.png", RECIPE).save("out.png")
    without_package()
    with pytest.raises(MissingExtraError, match=r'Run: pip install "impasto\[instant\]"'):
        impasto.rerun("out.png")
    assert impasto.rerun("out.png", init="content").recipe.init == "content"


def test_rerun_refuses_another_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = impasto.stylize("photo.png", "painting.png", RECIPE, threads=1)
    result.save("out.png")
    monkeypatch.setattr(
        "impasto.transfer.instant.load_instant", lambda device: replace(load_instant(device), sha256="0" * 64)
    )
    with pytest.raises(RunError, match="was begun with another network 'instant' than is installed now"):
        impasto.rerun("out.png")
    assert torch.equal(impasto.rerun("out.png", force=True).pastiche, result.pastiche)


def test_a_stopped_run_is_resumed_without_the_package(folder: Path, without_package: Callable[[], None]) -> None:
    recipe = RECIPE.replace(steps=4, first_scale=24)
    whole = impasto.stylize("photo.png", "painting.png", recipe, threads=1)
    impasto.stylize("photo.png", "painting.png", recipe, threads=1, run_dir="run", on_step=lambda event: "stop")
    without_package()
    assert torch.equal(impasto.resume("run").pastiche, whole.pastiche)


def test_what_has_no_photograph_or_no_painting_cannot_begin_so(picture: Callable[..., Tensor]) -> None:
    with pytest.raises(RecipeError, match="init is 'instant', and a texture has no photograph"):
        impasto.synthesize_texture(picture(), weights="tiny", init="instant")
    with pytest.raises(RecipeError, match="init 'instant'"):
        impasto.reconstruct(picture(), weights="tiny", init="instant", content_layers=("conv1_1",))


def test_a_batch_knows_its_finished_pictures(folder: Path, without_package: Callable[[], None]) -> None:
    impasto.stylize("photo.png", "painting.png", RECIPE).save("out.png")
    assert is_painted(Job("photo.png", ("painting.png",), "out.png", RECIPE), Path("out.png"))
    check_recipe.cache_clear()
    without_package()
    with pytest.raises(MissingExtraError):
        check_recipe(RECIPE)


def test_a_picture_painted_in_one_pass_is_not_rerun(folder: Path) -> None:
    changes: Any = {"size": 40, "strength": 0.5, "style_blend": (0.3, 0.7)}
    command = r"impasto instant photo.png painting.png photo.png --strength 0.5 --style-blend 0.3,0.7 --size 40"
    impasto.stylize_instantly("photo.png", ["painting.png", "photo.png"], **changes).save("out.png")
    with pytest.raises(RecipeError, match=f"was painted in one pass of a network.*again: {command}$"):
        impasto.rerun("out.png")
    impasto.stylize_instantly("photo.png", "painting.png", size=40, strip=True).save("out.png")
    with pytest.raises(RecipeError, match="impasto instant PHOTO PAINTING --size 40 --strip$"):
        impasto.rerun("out.png")

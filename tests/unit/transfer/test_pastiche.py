"""The door: inputs of every kind, sizes, scales, stopping, and what comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto.control.sizes import style_size
from impasto.errors import DeviceError, ImageReadError, ImageSizeError, ImpastoError, RecipeError, WeightsError
from impasto.features.encoder import build_encoder
from impasto.losses.objective import Objective
from impasto.recipe.words import STYLE_LAYERS

Paint = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe(
        weights="tiny", size=48, steps=6, first_scale=24, statistic=("gram",), style_layers=STYLE_LAYERS, recolor=0.0
    ).replace(**changes)


def test_pictures_of_every_kind_give_the_same_pastiche(tmp_path: Path, picture: Paint) -> None:
    pixels = (picture(48, 36)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(tmp_path / "content.png")
    kinds = [
        tmp_path / "content.png",
        str(tmp_path / "content.png"),
        Image.fromarray(pixels),
        pixels,
        pixels.astype(np.float32) / 255,
        torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1),
    ]
    results = [impasto.stylize(kind, picture(seed=1), tiny()).pastiche for kind in kinds]
    assert results[0].shape == (1, 3, 48, 36)
    for result in results[1:]:
        assert torch.equal(result, results[0])


def test_same_seed_same_pastiche_and_another_seed_another(picture: Paint) -> None:
    noise = tiny(init="noise")
    first, again, other = (
        impasto.stylize(picture(), picture(seed=1), recipe).pastiche for recipe in (noise, noise, noise.replace(seed=1))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_steps_lower_the_objective_and_the_losses_are_the_pictures(picture: Paint) -> None:
    totals = []
    recipe = tiny(steps=30, first_scale=0)
    result = impasto.stylize(picture(), picture(seed=1), recipe, on_step=lambda e: totals.append(e.losses["total"]))
    assert result.losses["total"] == min(totals) < 0.7 * totals[0]
    assert result.losses["total"] == pytest.approx(sum(v for k, v in result.losses.items() if k != "total"), rel=1e-5)
    assert len(totals) == result.steps == 30


def test_resampling_is_that_of_photograph_and_painting(picture: Paint) -> None:
    """What is of the size painted in is not resized: the same picture comes out, whoever shrank the inputs."""
    content, style = torch.rand(1, 3, 96, 80, generator=torch.Generator().manual_seed(0)), picture(128, 96, seed=1)
    recipe = tiny(first_scale=0, style_scale=2.0)
    soft = [
        torch.nn.functional.interpolate(image, size, mode="bilinear", antialias=True)
        for image, size in ((content, (48, 40)), (style, (96, 72)))
    ]
    expected = impasto.stylize(soft[0], soft[1], recipe).pastiche
    assert torch.equal(impasto.stylize(content, style, recipe.replace(resampling="bilinear")).pastiche, expected)
    assert not torch.equal(impasto.stylize(content, style, recipe).pastiche, expected)


def test_strength_zero_is_the_photograph(picture: Paint) -> None:
    recipe = tiny(strength=0.0, recolor=0.6, tv_weight=0.0, first_scale=0)
    result = impasto.stylize(picture(48, 48), picture(seed=1), recipe)
    torch.testing.assert_close(result.pastiche, picture(48, 48), atol=1e-3, rtol=0)


def test_free_gamut_reports_the_losses_of_the_clamped_picture(picture: Paint) -> None:
    recipe = tiny(gamut="free", first_scale=0, strength=1.0, steps=20)
    content, style = picture(48, 48), picture(48, 48, seed=1)
    seen: list[impasto.StepEvent] = []
    result = impasto.stylize(content, style, recipe, precision="float32", on_step=seen.append)
    assert any(float(event.image.min()) < 0 or float(event.image.max()) > 1 for event in seen)
    assert float(result.pastiche.min()) >= 0 and float(result.pastiche.max()) <= 1
    with torch.no_grad():
        losses = Objective(build_encoder(recipe)[0], recipe, content, [style])(result.pastiche)
    assert dict(result.losses) == pytest.approx({name: float(loss) for name, loss in losses.items()}, rel=1e-4)
    assert result.losses["total"] > 1.01 * min(event.losses["total"] for event in seen)


def test_events_count_over_all_scales(picture: Paint) -> None:
    events: list[impasto.StepEvent] = []
    impasto.stylize(picture(96, 72), picture(seed=1), tiny(size=96), on_step=events.append)
    assert [event.step for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.scale for event in events] == [24, 24, 48, 48, 96, 96]
    assert {event.steps for event in events} == {6}


@pytest.mark.parametrize("stop_at", [1, 5])
def test_stopping_at_any_scale_gives_a_picture_of_the_full_size(stop_at: int, picture: Paint) -> None:
    result = impasto.stylize(
        picture(96, 60), picture(seed=1), tiny(size=96), on_step=lambda e: "stop" if e.step == stop_at else None
    )
    assert (result.steps, result.end) == (stop_at, "stopped")
    assert result.pastiche.shape == (1, 3, 96, 60)


@pytest.mark.parametrize(("height", "width"), [(100, 37), (33, 90), (64, 64)])
def test_aspect_is_kept_within_a_pixel(height: int, width: int, picture: Paint) -> None:
    result = impasto.stylize(picture(height, width), picture(seed=1), tiny(steps=1))
    H, W = result.pastiche.shape[-2:]
    assert max(H, W) == 48
    assert abs(H - 48 * height / max(height, width)) <= 1
    assert abs(W - 48 * width / max(height, width)) <= 1


def test_style_sizes_follow_the_recipe() -> None:
    style = (50, 100)
    size, scale = (80, 60), (40, 30)
    assert style_size(tiny(), style, size, size) == (40, 80)
    assert style_size(tiny(), style, scale, size) == (20, 40)
    assert style_size(tiny(style_scale=2.0), style, size, size) == (80, 160)
    assert style_size(tiny(style_size=200), style, size, size) == (100, 200)
    assert style_size(tiny(style_size=200), style, scale, size) == (50, 100)
    height, width = style_size(tiny(style_size="same-pixels"), style, size, size)
    assert height * width == pytest.approx(80 * 60, rel=0.05)


def test_two_styles_are_blended(picture: Paint) -> None:
    styles = [picture(seed=1), picture(seed=2)]
    both = impasto.stylize(picture(), styles, tiny(style_blend=(1.0, 0.0))).pastiche
    torch.testing.assert_close(both, impasto.stylize(picture(), styles[0], tiny()).pastiche, atol=1e-4, rtol=0)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_saved_picture_carries_recipe_seed_version_and_weights(suffix: str, tmp_path: Path, picture: Paint) -> None:
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / "grey & <odd>.png")
    result = impasto.stylize(tmp_path / "grey & <odd>.png", picture(seed=1), tiny(seed=7))
    result.save(tmp_path / f"out{suffix}")
    metadata = impasto.read_metadata(tmp_path / f"out{suffix}")
    assert metadata is not None
    assert impasto.Recipe.from_dict(metadata["recipe"]) == result.recipe  # type: ignore[arg-type]
    assert (metadata["seed"], metadata["version"]) == (7, impasto.__version__)
    assert metadata["weights"] == {"name": "tiny", "sha256": ""}
    assert metadata["inputs"][0]["name"] == "grey & <odd>.png"  # type: ignore[index]
    assert len(metadata["inputs"][1]["sha256"]) == 64  # type: ignore[index]


def test_same_seed_same_bytes(tmp_path: Path, picture: Paint) -> None:
    for name in ("a.png", "b.png"):
        impasto.stylize(picture(), picture(seed=1), tiny(init="noise")).save(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_result_as_json_has_the_agreed_keys(picture: Paint) -> None:
    result = json.loads(json.dumps(impasto.stylize(picture(), picture(seed=1), tiny()).to_dict()))
    assert result["size"] == {"width": 48, "height": 48}
    assert {"steps", "seconds", "losses", "peak_bytes", "recipe"} <= set(result)
    assert set(result["losses"]) == {"content", "style", "tv", "total"}


def test_adam_paints_too(picture: Paint) -> None:
    totals: list[float] = []
    recipe = tiny(optimizer="adam", steps=30, first_scale=0)
    impasto.stylize(picture(), picture(seed=1), recipe, on_step=lambda e: totals.append(e.losses["total"]))
    assert min(totals) < 0.8 * totals[0]


@pytest.mark.parametrize(
    ("content", "changes", "error", "words"),
    [
        ((1, 1), {"size": 512}, ImageSizeError, "content_image is 1x1; conv5_1 needs at least 16"),
        ((4000, 15), {"size": 512}, ImageSizeError, "content_image is 15x4000; conv5_1 needs at least 16"),
        ((4000, 30), {"size": 512}, ImageSizeError, "--size 2134 or more"),
        ((48, 48), {"style_size": 9}, ImageSizeError, "style_image is 32x32 and would be painted at 9x9"),
        ((48, 48), {"style_blend": (1.0, 2.0)}, RecipeError, "2 weights for 1 style images"),
        ((48, 48), {"weights": "/nowhere.pth"}, WeightsError, "/nowhere.pth"),
    ],
)
def test_bad_input_is_refused_before_the_first_step(
    content: tuple[int, int], changes: dict[str, Any], error: type[ImpastoError], words: str, picture: Paint
) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        impasto.stylize(picture(*content), picture(), tiny(**changes), on_step=lambda event: pytest.fail("painted"))


def test_missing_device_and_file_are_refused(picture: Paint) -> None:
    with pytest.raises(DeviceError):
        impasto.stylize(picture(), picture(), tiny(), device="cuda:77")
    with pytest.raises(ImageReadError, match="nowhere.jpg"):
        impasto.stylize("nowhere.jpg", picture(), tiny())

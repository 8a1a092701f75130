"""`init` names a trained network: the optimization begins with its picture, and the network is recorded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from painter_network import random_network
from torch import Tensor

import impasto
from impasto.errors import ImageReadError, RecipeError, RunError, WeightsError
from impasto.fast.model import Model, to_icon
from impasto.recipe import shipped
from impasto.system.disk import file_sha256

RECIPE = impasto.Recipe(weights="tiny", size=40, steps=2, first_scale=0, init="two.safetensors", recolor=0.0)


@pytest.fixture
def model(folder: Path, picture: Callable[..., Tensor]) -> Path:
    """The working folder, with two.safetensors, whose second style was trained from painting.png."""
    card = {"styles": [{"name": "rough", "sha256": file_sha256(folder / "painting.png")}]}
    made = Model(
        network=random_network(),
        names=("calm", "rough"),
        icons=(to_icon(picture(50, 40, 20)),) * 2,
        look=impasto.Recipe(),
        metadata={"data": json.dumps(card)},
    )
    made.write(folder / "two.safetensors")
    return folder


def test_the_start_image_is_the_network_s_picture(model: Path, picture: Callable[..., Tensor]) -> None:
    start = impasto.prepare_pastiche("photo.png", "painting.png", RECIPE, threads=1).inputs.init
    expected = impasto.load_painter("two.safetensors")("photo.png", style="rough", size=40).pastiche
    assert start is not None and torch.allclose(start.image, expected, atol=1e-5)
    assert (start.name, start.sha256, start.path) == ("two.safetensors", file_sha256(model / "two.safetensors"), "")
    other = impasto.prepare_pastiche("photo.png", picture(40, 40, 3), RECIPE, threads=1).inputs.init
    first = impasto.load_painter("two.safetensors")("photo.png", style="calm", size=40).pastiche
    assert other is not None and torch.allclose(other.image, first, atol=1e-5)


def test_rerun_needs_the_network_and_resume_does_not(model: Path) -> None:
    recipe = RECIPE.replace(steps=4, first_scale=24)
    whole = impasto.stylize("photo.png", "painting.png", recipe, threads=1)
    whole.save("out.png")
    entry = impasto.read_metadata("out.png")["inputs"][-1]  # type: ignore[index]
    assert (entry["role"], entry["name"]) == ("init", "two.safetensors")
    impasto.rerun("out.png", threads=1).save("again.png")
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    impasto.stylize("photo.png", "painting.png", recipe, threads=1, run_dir="run", on_step=lambda event: "stop")
    Path("two.safetensors").unlink()
    assert torch.equal(impasto.resume("run").pastiche, whole.pastiche)
    with pytest.raises(ImageReadError, match=r"start image .two\.safetensors. of .* --init FILE gives it"):
        impasto.rerun("out.png")


def test_a_shipped_style_paints_the_start_by_its_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FOLDER", model)
    toml = '[calm]\ntitle = "Calm"\nartist = "A. B."\nyear = 1900\nnetwork = "two"\n'
    (model / "styles.toml").write_text(toml)
    painted = impasto.stylize("photo.png", "painting.png", RECIPE, init="calm", threads=1)
    # Not in the style that was trained from the painting, since another is named.
    start = impasto.prepare_pastiche("photo.png", "painting.png", RECIPE, init="calm", threads=1).inputs.init
    expected = impasto.load_painter("calm")("photo.png", size=40).pastiche
    assert start is not None and torch.allclose(start.image, expected, atol=1e-5)
    painted.save("out.png")
    metadata = impasto.read_metadata("out.png")
    assert metadata is not None and metadata["recipe"]["init"] == "calm"
    assert metadata["inputs"][-1]["sha256"] == file_sha256(model / "two.safetensors")
    impasto.rerun("out.png", threads=1).save("again.png")
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    (model / "styles.toml").write_text(toml.replace("calm", "other"))
    with pytest.raises(RunError, match=r"style 'calm', which this impasto does not have.*pip install impasto=="):
        impasto.rerun("out.png")


def test_what_is_no_such_network_is_refused(model: Path, picture: Callable[..., Tensor]) -> None:
    with pytest.raises(ImageReadError, match=r"init 'nowhere\.safetensors' does not exist; expected a network"):
        impasto.stylize("photo.png", "painting.png", RECIPE, init="nowhere.safetensors")
    Path("bad.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match="is no safetensors file"):
        impasto.stylize("photo.png", "painting.png", RECIPE, init="bad.safetensors")
    with pytest.raises(RecipeError, match=r"init is 'two\.safetensors', and a texture has no photograph"):
        impasto.synthesize_texture(picture(), weights="tiny", init="two.safetensors")

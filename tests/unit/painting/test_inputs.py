"""Masks, fine strokes and alpha: a run that had them is resumed and repeated to the byte."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

import impasto
from impasto.control import masks as masking
from impasto.errors import ImageReadError, ImageSizeError, MaskError, RecipeError, RunError
from impasto.optimize.events import StepEvent
from impasto.runs import run as run_folder
from impasto.transfer.rerun import prepare_rerun

Paint = Callable[..., Tensor]

RECIPE = impasto.Recipe(
    weights="tiny", size=48, steps=4, first_scale=0, only_feather=4,
    content_layers=("conv2_2",), style_layers=("conv1_1", "conv2_1"), fine_layers=("conv1_1",),
)  # fmt: skip

CASES: dict[str, dict[str, Any]] = {
    "grey masks": {"content_masks": ["left.png"], "style_masks": ["top.png"]},
    "color-coded maps": {"content_masks": ["codes.png"], "style_masks": ["style_codes.png"]},
    "style mask alone": {"style_masks": ["top.png"]},
    "only": {"only": "left.png"},
    "protect": {"protect": "left.png"},
    "faces": {"protect": "faces"},
    "fine style": {"fine_style": "fine.png"},
    "alpha": {"photo": "alpha.png"},
    "all": {
        "photo": "alpha.png", "content_masks": ["left.png"], "only": "left.png", "protect": "left.png",
        "fine_style": "fine.png",
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with pictures and masks. In every photograph two faces are found."""
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    impasto.write_image(picture(36, 48), "photo.png")
    impasto.write_image(picture(40, 32, 1), "painting.png")
    impasto.write_image(picture(40, 40, 2), "fine.png")
    impasto.write_image(picture(48, 36, 3), "upright.png")
    alpha = Image.open("photo.png").convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    alpha.save("alpha.png")
    grey = np.zeros((36, 48), np.uint8)
    grey[:, :24] = 255
    Image.fromarray(grey).save("left.png")
    Image.fromarray(grey[:, :45].T.copy()).resize((32, 40)).save("top.png")
    for name, size in (("codes.png", (48, 36)), ("style_codes.png", (32, 40))):
        coded = Image.new("RGB", size, (255, 0, 0))
        coded.paste((0, 0, 255), (0, 0, size[0] // 2, size[1]))
        coded.save(name)
    monkeypatch.setattr(masking, "find_faces", lambda image: ((4, 4, 12, 14), (30, 6, 9, 9)))
    return tmp_path


def paint(inputs: dict[str, Any], **how: Any) -> impasto.Result:
    masks = {name: value for name, value in inputs.items() if name != "photo"}
    return impasto.stylize(inputs.get("photo", "photo.png"), "painting.png", RECIPE, **masks, **how)


def stop(event: StepEvent) -> object:
    return "stop" if event.step == 2 else None


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_the_same_to_the_byte(case: str, folder: Path) -> None:
    paint(CASES[case]).save("whole.png")
    whole = Path("whole.png").read_bytes()
    impasto.rerun("whole.png").save("again.png")
    assert Path("again.png").read_bytes() == whole
    paint(CASES[case], run_dir="run", on_step=stop)
    for name in ("left.png", "top.png", "codes.png", "style_codes.png"):
        os.remove(name)  # masks are kept as they were read
    impasto.resume("run").save("resumed.png")
    assert Path("resumed.png").read_bytes() == whole
    assert Path("run/result.png").read_bytes() == whole


def test_killed_with_masks_it_is_the_same_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(event: StepEvent) -> None:
        if event.step == 3:
            raise Killed

    inputs = {**CASES["all"], "protect": "faces"}
    paint(inputs).save("whole.png")
    monkeypatch.setattr(run_folder, "EVERY_S", 0.0)
    with pytest.raises(Killed):
        paint(inputs, run_dir="run", on_step=kill)
    impasto.resume("run").save("resumed.png")
    assert Path("resumed.png").read_bytes() == Path("whole.png").read_bytes()


def test_other_photographs_keep_the_masks_if_they_fit(folder: Path) -> None:
    paint(CASES["grey masks"]).save("masked.png")
    prepare_rerun("masked.png", content="alpha.png")
    with pytest.raises(ImageSizeError, match="content_mask 1 .* 48x36, .* the photograph 36x48") as caught:
        prepare_rerun("masked.png", content="upright.png")
    assert "rerun keeps the masks of the old picture" in caught.value.hint
    paint(CASES["faces"]).save("faces.png")
    found = prepare_rerun("faces.png", content="upright.png").inputs.protect
    assert found is not None and (found.name, len(found.boxes)) == ("faces", 2)


def test_masks_that_are_gone_or_changed_are_told_by_their_role(folder: Path) -> None:
    paint({**CASES["only"], **CASES["grey masks"]}).save("masked.png")
    Path("top.png").rename("elsewhere.png")
    with pytest.raises(ImageReadError, match="style mask 'top.png' of 'masked.png' is neither here") as caught:
        prepare_rerun("masked.png")
    assert "--style_mask" not in caught.value.hint
    Path("fine.png").rename("left.png")
    with pytest.raises(RunError, match="'left.png' is not the content mask that 'masked.png' was painted from"):
        prepare_rerun("masked.png")


def test_a_face_that_is_not_found_again_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(image: Tensor) -> None:
        raise MaskError("no face is found.", "Paint a mask.")

    paint(CASES["faces"], run_dir="run", on_step=stop).save("faces.png")
    monkeypatch.setattr(masking, "find_faces", none)
    with pytest.raises(MaskError, match="no face is found"):
        prepare_rerun("faces.png")
    assert impasto.resume("run").inputs[-1].boxes == ((4, 4, 12, 14), (30, 6, 9, 9))  # as they were found at first


def test_a_frame_of_a_morph_is_refused(folder: Path) -> None:
    frames = [*impasto.morph("photo.png", ["painting.png", "fine.png"], RECIPE, frames=2)]
    frames[1].save("frame.png")
    with pytest.raises(RecipeError, match=r"'frame\.png' is of a morph of 2 frames") as caught:
        prepare_rerun("frame.png")
    assert "recipe save frame.png -o morph.toml" in caught.value.hint
    assert prepare_rerun("frame.png", frames=1).recipe.frames == 1

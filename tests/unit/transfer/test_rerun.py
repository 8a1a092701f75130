"""A picture of ours painted again, from what it says of itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import ImageReadError, ImageSizeError, RecipeError, RunError
from impasto.transfer.rerun import prepare_rerun

Paint = Callable[..., Tensor]


def recipe(**changes: Any) -> impasto.Recipe:
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1")}
    chosen = impasto.Recipe(weights="tiny", size=64, steps=4, first_scale=0, statistic=("gram",))
    return chosen.replace(**layers, **changes)


@pytest.fixture
def folder(tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photo.png, painting.png and pastiche.png."""
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    impasto.write_image(picture(48, 64), "photo.png")
    impasto.write_image(picture(50, 40, 1), "painting.png")
    impasto.stylize("photo.png", "painting.png", recipe()).save("pastiche.png")
    return tmp_path


@pytest.mark.parametrize("kind", ["stylize", "texture", "tileable", "content", "style"])
def test_a_picture_is_repeated_to_the_byte(kind: str, folder: Path) -> None:
    if kind == "texture" or kind == "tileable":
        changes = {"strength": 1.0, "init": "noise"}
        result = impasto.synthesize_texture(
            "photo.png", size=(64, 32), tileable=kind == "tileable", recipe=recipe(**changes)
        )
    elif kind == "stylize":
        result = impasto.stylize("photo.png", ["painting.png", "photo.png"], recipe(style_blend=(1.0, 3.0)))
    else:
        layers: dict[str, Any] = {f"{kind}_layers": ("conv2_1",), f"{kind}_layer_weights": (2.0,)}
        result = impasto.reconstruct("painting.png", recipe=recipe(init="noise"), **layers)
    result.save("first.png")
    impasto.rerun("first.png").save("again.png")
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()


def test_a_stopped_picture_is_repeated_as_far_as_it_went(folder: Path) -> None:
    stopped = impasto.stylize("photo.png", "painting.png", recipe(), on_step=lambda event: "stop")
    stopped.save("stopped.png")
    assert torch.equal(impasto.rerun("stopped.png").pastiche, stopped.pastiche)


def test_other_inputs_and_fields_replace_the_recorded_ones(folder: Path, picture: Paint) -> None:
    other = picture(64, 32, 5)
    result = impasto.rerun("pastiche.png", content=other, steps=2)
    assert torch.equal(result.pastiche, impasto.stylize(other, "painting.png", recipe(steps=2)).pastiche)
    again = impasto.rerun("pastiche.png", styles=["photo.png"])
    assert torch.equal(again.pastiche, impasto.stylize("photo.png", "photo.png", recipe()).pastiche)
    assert [entry.name for entry in again.inputs] == ["photo.png", "photo.png"]


def test_inputs_are_found_beside_the_picture_and_where_a_run_had_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (folder / "pastiche.png").read_bytes()
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    impasto.rerun("../pastiche.png").save("again.png")
    assert Path("again.png").read_bytes() == first
    (folder / "pastiche.png").rename("moved.png")
    with pytest.raises(ImageReadError, match="content image 'photo.png' of 'moved.png' is neither here") as caught:
        prepare_rerun("moved.png")
    assert "--content FILE" in caught.value.hint
    impasto.stylize(folder / "photo.png", folder / "painting.png", recipe(steps=1), run_dir="auto")
    impasto.rerun("moved.png").save("again.png")
    assert Path("again.png").read_bytes() == first


def test_another_file_of_the_name_is_refused_unless_forced(folder: Path, picture: Paint) -> None:
    impasto.write_image(picture(48, 64, 9), "photo.png")
    with pytest.raises(RunError, match="'photo.png' is not the content image that 'pastiche.png' was painted from"):
        prepare_rerun("pastiche.png")
    forced = impasto.rerun("pastiche.png", force=True)
    assert torch.equal(forced.pastiche, impasto.stylize("photo.png", "painting.png", recipe()).pastiche)


def test_what_cannot_be_repeated_is_told(folder: Path, picture: Paint) -> None:
    with pytest.raises(RecipeError, match=r"'photo\.png' has no recipe inside"):
        prepare_rerun("photo.png")
    with pytest.raises(ImageReadError, match="does not exist"):
        prepare_rerun("missing.png")
    impasto.synthesize_texture("photo.png", recipe=recipe(strength=1.0, init="noise")).save("texture.png")
    with pytest.raises(RecipeError, match=r"a content image is given, and 'texture\.png' was painted without one"):
        prepare_rerun("texture.png", content="photo.png")
    impasto.stylize(picture(48, 64), "painting.png", recipe()).save("array.png")
    with pytest.raises(ImageReadError, match="content image, which was no file, of 'array.png'"):
        prepare_rerun("array.png")
    content = prepare_rerun("array.png", content="photo.png").inputs.content
    assert content is not None and content.name == "photo.png"


def test_a_start_picture_is_found_beside_the_picture_and_told_as_recorded(
    folder: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    impasto.write_image(picture(48, 64, 3), "start.png")
    impasto.stylize("photo.png", "painting.png", recipe(init="start.png")).save("first.png")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    impasto.rerun("../first.png").save("again.png")
    assert Path("again.png").read_bytes() == (folder / "first.png").read_bytes()


def test_chosen_threads_make_a_plan_of_their_own(folder: Path) -> None:
    assert prepare_rerun("pastiche.png", precision="float32").plan.precision == "float32"
    assert prepare_rerun("pastiche.png", threads=2).plan.threads == 2


def test_a_texture_of_another_size_is_still_one_of_all_samples(folder: Path) -> None:
    texture = recipe(strength=1.0, init="noise")
    impasto.synthesize_texture(["photo.png", "painting.png"], size=(64, 48), recipe=texture).save("texture.png")
    impasto.rerun("texture.png", size=48).save("small.png")
    metadata = impasto.read_metadata("small.png")
    assert metadata is not None and [each["name"] for each in metadata["inputs"]] == ["photo.png", "painting.png"]  # type: ignore[attr-defined]
    same = impasto.synthesize_texture(["photo.png", "painting.png"], size=48, recipe=texture)
    assert torch.equal(impasto.read_image("small.png"), (same.pastiche * 255).round() / 255)
    impasto.synthesize_texture("photo.png", size=(64, 48), tileable=True, recipe=texture).save("tile.png")
    with pytest.raises(ImageSizeError, match="must be multiples of 16"):
        prepare_rerun("tile.png", size=90)


def test_a_start_picture_that_has_changed_is_refused_unless_forced(folder: Path, picture: Paint) -> None:
    impasto.write_image(picture(48, 64, 3), "start.png")
    impasto.stylize("photo.png", "painting.png", recipe(init="start.png")).save("first.png")
    impasto.write_image(picture(48, 64, 4), "start.png")
    with pytest.raises(RunError, match="'start.png' is not the start image that 'first.png' was painted from"):
        prepare_rerun("first.png")
    assert impasto.rerun("first.png", force=True).end == "steps"
    assert impasto.rerun("first.png", init="start.png").end == "steps"


def test_an_endless_start_name_is_refused_in_one_line(folder: Path, picture: Paint) -> None:
    impasto.write_image(picture(48, 64, 3), "start.png")
    result = impasto.stylize("photo.png", "painting.png", recipe(init="start.png"))
    for name in ("a" * 300, "b/" * 200 + "c.png"):
        metadata = {**result.metadata, "recipe": {**result.recipe.to_dict(), "init": name}}
        impasto.write_image(result.pastiche, "endless.png", metadata=metadata)
        with pytest.raises(ImageReadError, match="start image"):
            prepare_rerun("endless.png")


def test_a_picture_that_needs_more_memory_than_there_is_is_planned_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    impasto.stylize("photo.png", "painting.png", recipe(size=400, steps=1)).save("large.png")
    whole = prepare_rerun("large.png")
    assert not caplog.text and whole.plan.parts[-1].memory.tile is None
    limit = whole.plan.needed_bytes - whole.plan.parts[-1].memory.features_bytes // 2
    monkeypatch.setattr("impasto.painting.job.used_bytes", lambda device: whole.planner.budget.used_bytes)
    monkeypatch.setattr("impasto.painting.job.memory_limit", lambda *given: limit)
    assert prepare_rerun("large.png").plan.parts[-1].memory.tile is not None
    assert "'large.png' was painted in" in caplog.text and "planned anew" in caplog.text


@pytest.mark.parametrize("field", ["role", "name", "sha256"])
@pytest.mark.parametrize("value", [7, None, ["content"], {}])
def test_inputs_of_another_kind_are_no_recipe(folder: Path, picture: Paint, field: str, value: object) -> None:
    metadata = impasto.read_metadata("pastiche.png")
    assert metadata is not None
    metadata["inputs"][0][field] = value  # type: ignore[index]
    impasto.write_image(picture(48, 64), "odd.png", metadata=metadata)
    with pytest.raises(RecipeError, match=r"'odd\.png' has no recipe inside"):
        prepare_rerun("odd.png")

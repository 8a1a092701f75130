"""A run's plan: told before, lowered where memory runs out, and repeated to the byte."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.cost import calibration, workload
from impasto.errors import DeviceError, ImageSizeError, OutOfMemoryError, RecipeError
from impasto.losses.objective import Objective
from impasto.optimize import precision
from impasto.painting import job
from impasto.tiles import memory_guard
from impasto.tiles.objective import TiledObjective

Paint = Callable[..., Tensor]


def recipe(**changes: Any) -> impasto.Recipe:
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    chosen = impasto.Recipe(weights="tiny", size=250, steps=6, first_scale=96, pooling="average", statistic=("gram",))
    return chosen.replace(**layers, **changes)


def stylize(picture: Paint, **how: Any) -> impasto.Result:
    changes = how.pop("changes", {})
    return impasto.stylize(picture(187, 250), picture(120, 160, seed=1), recipe(**changes), **how)


@pytest.fixture
def empty_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "used_bytes", lambda device: 0)
    monkeypatch.setattr(memory_guard, "used_bytes", lambda device: 0)
    monkeypatch.setattr(workload, "SLACK", 0)


def fail_at(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int, int, int], bool], error: Exception) -> None:
    """Makes evaluations fail. fails(how many at this size so far, the size's long edge, the tile's inner side)."""
    seen: Counter[int] = Counter()

    def failing(forward: Any) -> Any:
        def call(self: Objective, image: Tensor) -> dict[str, Tensor]:
            side = max(image.shape[-2:])
            seen[side] += 1
            if fails(seen[side], side, getattr(self, "inner", side)):
                raise error
            return forward(self, image)  # type: ignore[no-any-return]

        return call

    for kind in (Objective, TiledObjective):
        monkeypatch.setattr(kind, "__call__", failing(kind.__call__))


ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("none"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("could not create a primitive"),
]


@pytest.mark.usefixtures("empty_process")
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_out_of_memory_lowers_the_tiles_and_goes_on(
    error: Exception, picture: Paint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = stylize(picture)
    assert {part.memory.tile for part in whole.plan.parts} == {None}
    # At 250 px the start and one step are seen whole; then a tile beyond 100 px is too much.
    fail_at(monkeypatch, lambda count, side, tile: side == 250 and count > 2 and tile > 100, error)
    events: list[impasto.StepEvent] = []
    with caplog.at_level(logging.WARNING):
        result = stylize(picture, on_step=events.append)
    parts = result.plan.parts
    assert [part.size for part in parts] == [(94, 125), (187, 250), (187, 250)]
    assert [part.steps for part in parts] == [3, 1, 2]
    assert parts[-1].memory.tile is not None and parts[-1].memory.tile <= 100
    assert [event.step for event in events] == [1, 2, 3, 4, 5, 6]
    assert {event.steps for event in events} == {6}
    assert result.steps == 6 and result.end == "steps"
    assert "out of memory on cpu at 250 px, seen whole" in caplog.text and "going on from the best" in caplog.text
    assert result.losses["total"] < 1.5 * whole.losses["total"]


@pytest.mark.usefixtures("empty_process")
def test_a_lowered_run_repeats_to_the_byte(picture: Paint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, lambda count, side, tile: side == 250 and count > 2 and tile > 100, MemoryError())
        result = stylize(picture)
    assert result.memory.tile is not None
    again = stylize(picture, plan=result.plan)
    assert again.plan.to_dict() == result.plan.to_dict()
    result.save(tmp_path / "a.png")
    again.save(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.usefixtures("empty_process")
def test_it_gives_up_when_the_smallest_tile_fails(
    picture: Paint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail_at(monkeypatch, lambda count, side, tile: True, MemoryError())
    with pytest.raises(OutOfMemoryError, match="and there is no smaller plan") as caught:
        stylize(picture)
    assert "--size" in caught.value.hint and "125 px" in caught.value.error
    assert 1 <= caplog.text.count("going on") <= 8


def test_other_faults_are_not_taken_for_lack_of_memory(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, lambda count, side, tile: count > 1, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        stylize(picture)


@pytest.mark.usefixtures("empty_process")
@pytest.mark.parametrize(
    ("how", "is_tiled"),
    [
        ({"precision": "float32"}, False),
        ({"precision": "bfloat16", "changes": {"float32_share": 0.5}}, False),
        ({"precision": "float32"}, True),
    ],
)
def test_a_recorded_plan_repeats_the_run(
    how: dict[str, Any],
    is_tiled: bool,
    picture: Paint,
    whole_and_tiled: Callable[[Callable[[int | None], impasto.Result]], tuple[impasto.Result, impasto.Result]],
    tmp_path: Path,
) -> None:
    first = whole_and_tiled(lambda limit: stylize(picture, max_memory=limit, **how))[is_tiled]
    first.save(tmp_path / "a.png")
    metadata = impasto.read_metadata(tmp_path / "a.png")
    assert metadata is not None
    given = impasto.RunPlan.from_dict(metadata["run"])
    second = stylize(picture, plan=given, changes=how.get("changes", {}))
    second.save(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_stopped_run_is_repeated_as_far_as_it_went(picture: Paint) -> None:
    stopped = stylize(picture, on_step=lambda event: "stop" if event.step == 4 else None)
    assert [part.steps for part in stopped.plan.parts] == [3, 1]
    again = stylize(picture, plan=stopped.plan)
    assert torch.equal(again.pastiche, stopped.pastiche)


def test_a_plan_of_another_picture_or_recipe_is_refused(picture: Paint) -> None:
    given = stylize(picture, changes={"size": 100}).plan
    with pytest.raises(RecipeError, match="plan ends at 100x75; expected 250x187"):
        stylize(picture, plan=given)
    with pytest.raises(RecipeError, match="threads, precision or max_memory"):
        stylize(picture, plan=given, threads=1)
    values = stylize(picture).plan.to_dict()
    values["parts"][-1] |= {"tile": 64, "margin": 80}
    with pytest.raises(RecipeError, match=r"tiles of 64, margin 80; this recipe wants a margin of 16"):
        stylize(picture, plan=impasto.RunPlan.from_dict(values))
    values["parts"][-1]["margin"] = 16
    with pytest.raises(RecipeError, match="wants no tiles"):
        stylize(picture, plan=impasto.RunPlan.from_dict(values), changes={"statistic": ("histogram",)})


def test_an_estimate_tells_the_plan_and_paints_nothing(picture: Paint) -> None:
    content, style = picture(187, 250), picture(120, 160, seed=1)
    cost = impasto.estimate(content, style, recipe(), precision="float32")
    assert [part.size for part in cost.plan.parts] == [(94, 125), (187, 250)]
    assert cost.seconds > sum(cost.evaluation_s) > 0
    assert stylize(picture, precision="float32").plan.to_dict() == cost.plan.to_dict()


def test_a_run_is_learnt_from_if_estimated(picture: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    content, style = picture(187, 250), picture(120, 160, seed=1)
    impasto.stylize(content, style, recipe(steps=12))
    assert calibration.read_speeds() == {}
    prepared = impasto.prepare_pastiche(content, style, recipe(steps=12), precision="float32")
    prepared.estimate()
    ((_, before),) = calibration.read_speeds().items()
    impasto.paint(prepared)
    ((_, after),) = calibration.read_speeds().items()
    assert [pixels for pixels, _ in before.points] == [256 * 256]
    assert [pixels for pixels, _ in after.points] == [94 * 125, 187 * 250]


def test_scales_too_small_for_the_network_are_refused(picture: Paint) -> None:
    with pytest.raises(RecipeError, match="first_scale is 3; conv3_1 needs at least 4") as caught:
        stylize(picture, changes={"first_scale": 3})
    assert "--first-scale 4 " in caught.value.hint
    assert stylize(picture, changes={"first_scale": 4}).plan.parts[0].size == (6, 8)


def test_a_precision_that_the_device_cannot_compute_in_is_refused(
    picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*arguments: object) -> Tensor:
        raise RuntimeError("BFloat16 is not supported here")

    monkeypatch.setattr(precision.torch.nn.functional, "conv2d", lacking)
    with pytest.raises(DeviceError, match="which cpu cannot compute in .*expected float32 or auto") as caught:
        stylize(picture, precision="bfloat16")
    assert "--precision float32" in caught.value.hint


def test_a_start_file_that_cannot_be_read_is_told_before_the_run(picture: Paint, tmp_path: Path) -> None:
    (tmp_path / "start.png").write_text("no picture")
    with pytest.raises(impasto.ImpastoError, match=r"start\.png"):
        impasto.prepare_pastiche(picture(40, 40), picture(40, 40), recipe(init=str(tmp_path / "start.png")))


def test_the_limit_on_pixels_counts_for_the_start_image(picture: Paint, tmp_path: Path) -> None:
    impasto.write_image(picture(48, 50), tmp_path / "start.png")
    inputs = picture(40, 40), picture(40, 40), recipe(init=str(tmp_path / "start.png"))
    assert impasto.prepare_pastiche(*inputs, max_pixels=2400).inputs.init is not None
    with pytest.raises(ImageSizeError, match="init .* has 2,400 pixels; expected at most 2,399"):
        impasto.prepare_pastiche(*inputs, max_pixels=2399)

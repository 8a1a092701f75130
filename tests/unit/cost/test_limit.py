"""A memory limit of a public function: the plan, and the same picture but for rounding."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.cost import workload
from impasto.errors import MemoryLimitError
from impasto.painting import job as job_module
from impasto.tiles import memory_guard

Paint = Callable[..., Tensor]
Twice = Callable[[Callable[[int | None], impasto.Result]], tuple[impasto.Result, impasto.Result]]


class Process:
    """A pretended process. live: bytes in use. freed: bytes that each tile and each update leave free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.live = self.freed = self.returned = 0
        self.is_empty = False
        monkeypatch.setattr(memory_guard, "used_bytes", self.read)
        monkeypatch.setattr(memory_guard, "return_freed_memory", self.return_freed)

    def read(self, device: torch.device) -> int:
        used = self.live + (0 if self.is_empty else self.freed)
        self.is_empty = False
        return used

    def return_freed(self) -> None:
        self.returned += 1
        self.is_empty = True


@pytest.fixture(autouse=True)
def _empty_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "used_bytes", lambda device: 0)
    monkeypatch.setattr(memory_guard, "used_bytes", lambda device: 0)
    monkeypatch.setattr(workload, "SLACK", 0)


def tiny(**changes: Any) -> impasto.Recipe:
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    recipe = impasto.Recipe(weights="tiny", size=250, steps=6, first_scale=96, pooling="average", statistic=("gram",))
    return recipe.replace(**{**layers, **changes})


def stylize(picture: Paint, max_memory: int | None, **changes: Any) -> impasto.Result:
    content, style = picture(187, 250), picture(120, 160, seed=1)
    return impasto.stylize(content, style, tiny(**changes), precision="float32", max_memory=max_memory)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"statistic": ("gram", "covariance:0.5")},
        # Its margins are wide: at 250 px a tile needs as much as the whole.
        {"statistic": ("gram", "nearest:0.5"), "size": 320},
        {"padding": "zero"},
    ],
)
def test_a_tiled_pastiche_is_the_untiled_one(changes: dict[str, Any], picture: Paint, whole_and_tiled: Twice) -> None:
    whole, tiled = whole_and_tiled(lambda limit: stylize(picture, limit, **changes))
    assert tiled.memory.tile is not None and tiled.memory.tile < 187
    # Of "nearest", rounding decides between vectors that are about as near.
    assert dict(tiled.losses) == pytest.approx(dict(whole.losses), rel=1e-2 if "statistic" in changes else 1e-3)
    torch.testing.assert_close(tiled.pastiche, whole.pastiche, atol=2e-3, rtol=0)


def test_freed_memory_is_returned_where_a_tile_could_exceed_the_limit(
    picture: Paint, whole_and_tiled: Twice, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(monkeypatch)
    _, tiled = whole_and_tiled(lambda limit: stylize(picture, limit))
    assert process.returned == 0
    process.freed = tiled.memory.limit_bytes
    stylize(picture, tiled.memory.limit_bytes)
    evaluations = sum(part.steps + 1 for part in tiled.plan.parts if part.memory.tile is not None)
    # Before each of at least four tiles, in both passes, and after the gradient.
    assert process.returned >= 9 * evaluations > 0


def test_a_part_goes_on_in_smaller_tiles_before_the_limit_is_exceeded(
    picture: Paint, whole_and_tiled: Twice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(monkeypatch)
    _, planned = whole_and_tiled(lambda limit: stylize(picture, limit))
    limit = planned.memory.limit_bytes

    def fill(event: impasto.StepEvent) -> None:
        if event.step == 4:
            process.live = limit - planned.memory.features_bytes + 1

    result = impasto.stylize(
        picture(187, 250), picture(120, 160, seed=1), tiny(), precision="float32", max_memory=limit, on_step=fill
    )
    assert [part.steps for part in result.plan.parts] == [3, 1, 2] and result.end == "steps"
    tile, smaller = (part.memory.tile for part in result.plan.parts[1:])
    assert tile == planned.memory.tile is not None and smaller is not None and smaller < tile
    assert f"in tiles of {tile} px" in caplog.text and f"in tiles of {smaller} px" in caplog.text
    assert process.live + result.memory.features_bytes <= limit


def test_memory_freed_before_the_plan_is_not_in_use(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    used = [10**9]
    monkeypatch.setattr(job_module, "used_bytes", lambda device: used[-1])
    monkeypatch.setattr(job_module, "return_freed_memory", lambda: used.append(0))
    assert stylize(picture, 10**9).memory.tile is None


def test_the_result_records_how_it_was_run(picture: Paint, whole_and_tiled: Twice) -> None:
    _, result = whole_and_tiled(lambda limit: stylize(picture, limit, statistic=("gram",)))
    assert result.memory.margin == 16
    last = {"width": 250, "height": 187, "steps": 3, "precision": "float32"}
    last |= {"tile": result.memory.tile, "margin": 16, "history": result.memory.history}
    run = result.metadata["run"]
    assert result.to_dict()["run"] == run
    assert run["threads"] == torch.get_num_threads() and run["precision"] == "float32"
    assert (len(run["parts"]), run["parts"][-1]) == (2, last)


def test_textures_and_reconstructions_tile_too(picture: Paint, whole_and_tiled: Twice) -> None:
    recipe = impasto.Recipe.preset("texture", weights="tiny", size=(192, 256), steps=2, first_scale=0, padding="wrap")
    recipe = recipe.replace(style_layers=("conv1_1", "conv2_1", "conv3_1"), style_layer_weights=())
    whole_and_tiled(lambda limit: impasto.synthesize_texture(picture(64, 64), recipe=recipe, max_memory=limit))
    inside = impasto.Recipe.preset("reconstruct", weights="tiny", size=250, steps=2)
    layers = {"content_layers": ("conv2_2",)}
    whole_and_tiled(lambda limit: impasto.reconstruct(picture(187, 250), inside, **layers, max_memory=limit))


def test_what_a_mask_protects_is_the_same_in_tiles(picture: Paint, whole_and_tiled: Twice) -> None:
    mask = torch.zeros(187, 250)
    mask[40:90, 60:130] = 1
    inputs = picture(187, 250), picture(120, 160, seed=1), tiny(content_layers=("conv2_2", "conv3_1"))
    plain = impasto.stylize(*inputs, precision="float32")
    whole, tiled = whole_and_tiled(
        lambda limit: impasto.stylize(*inputs, protect=mask, precision="float32", max_memory=limit)
    )
    torch.testing.assert_close(tiled.pastiche, whole.pastiche, atol=2e-3, rtol=0)
    assert not torch.allclose(plain.pastiche, whole.pastiche, atol=1e-2)


def test_too_little_is_refused_before_the_first_step_and_the_least_works(picture: Paint) -> None:
    with pytest.raises(MemoryLimitError, match="at least") as caught:
        stylize(picture, 1_000_000)
    from impasto.system.memory import parse_memory

    least = parse_memory(caught.value.hint.split("--max-memory ")[1].split()[0])
    assert stylize(picture, least).memory.history == 1

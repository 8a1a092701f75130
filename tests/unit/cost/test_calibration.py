"""The speed of this machine: measured once by a fake clock, stored, corrected by runs, never an error."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from impasto.cost.calibration import (
    Speed,
    find_speed,
    learn_speed,
    measure_speed,
    read_speeds,
    speed_key,
    write_speed,
)
from impasto.cost.workload import Workload
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.losses.objective import Objective
from impasto.recipe.recipe import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(weights="tiny", content_layers=("conv2_2",), style_layers=("conv1_1", "conv2_1", "conv3_1"))


class FakeClock:
    """Each reading is a second after the last one."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "impasto" / "speed.json"


def workload(encoder: Vgg, recipe: Recipe = RECIPE, styles: int = 1, regions: int = 0) -> Workload:
    return Workload(encoder, recipe, (60, 80), ((60, 80),) * styles, regions)


def find(encoder: Vgg, clock: Callable[[], float]) -> Speed:
    return find_speed(workload(encoder), CPU, 1, clock)


def key_of(encoder: Vgg, recipe: Recipe = RECIPE, styles: int = 1, threads: int = 1) -> str:
    return speed_key(workload(encoder, recipe, styles), CPU, threads)


def test_seconds_are_those_of_the_nearest_size_in_proportion() -> None:
    speed = Speed(((10_000, 1.0), (1_000_000, 200.0)))
    assert [speed.seconds(pixels) for pixels in (10_000, 5_000, 90_000)] == pytest.approx([1.0, 0.5, 9.0])
    assert [speed.seconds(pixels) for pixels in (110_000, 4_000_000)] == pytest.approx([22.0, 800.0])


def test_a_run_corrects_what_is_near_and_adds_what_is_not() -> None:
    speed = Speed(((9_000, 0.1), (36_000, 0.4)), is_learned=True)
    assert speed.learn(36_000, 0.6).points == ((9_000, 0.1), (36_000, 0.5))
    assert speed.learn(45_000, 0.7).points == ((9_000, 0.1), (45_000, pytest.approx(0.6)))
    assert speed.learn(200_000, 3.0).points == (*speed.points, (200_000, 3.0))


def test_the_first_run_replaces_the_calibration() -> None:
    assert Speed(((65_536, 9.0),)).learn(40_000, 0.5) == Speed(((40_000, 0.5),), is_learned=True)


@pytest.mark.parametrize("regions", [0, 2])
def test_a_calibration_evaluates_once(
    regions: int, tiny_encoder: Vgg, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[torch.Size] = []
    evaluate = Objective.__call__

    def counting(self: Objective, image: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes.append(image.shape)
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "__call__", counting)
    found = measure_speed(workload(tiny_encoder, styles=2, regions=regions), CPU, FakeClock())
    assert found == Speed(((256 * 256, 1.0),)) and sizes == [(1, 3, 256, 256)]


def test_it_is_measured_once_and_stored(cache: Path, tiny_encoder: Vgg) -> None:
    speed = find(tiny_encoder, FakeClock())

    def broken() -> float:
        raise AssertionError("measured again")

    assert find(tiny_encoder, broken) == speed
    key = key_of(tiny_encoder)
    assert list(json.loads(cache.read_text("utf-8"))["speeds"]) == [key]
    assert f"torch {torch.__version__}" in key and "1 threads" in key and "float32" in key


def test_a_run_corrects_the_stored_speed_and_stores_none(cache: Path, tiny_encoder: Vgg) -> None:
    key = key_of(tiny_encoder)
    learn_speed(key, 40_000, 0.5)
    assert read_speeds() == {} and not cache.exists()
    find(tiny_encoder, FakeClock())
    learn_speed(key, 40_000, 0.5)
    assert read_speeds() == {key: Speed(((40_000, 0.5),), is_learned=True)}


def test_what_costs_time_has_a_key_of_its_own(tiny_encoder: Vgg) -> None:
    other = build_encoder(RECIPE.replace(padding="zero"))[0]
    keys = {key_of(encoder) for encoder in (tiny_encoder, tiny_encoder.to_bfloat16(), other)}
    keys |= {key_of(tiny_encoder, RECIPE.replace(statistic=("covariance",))), key_of(tiny_encoder, threads=2)}
    keys |= {key_of(tiny_encoder, RECIPE.replace(style_layers=("conv1_1",))), key_of(tiny_encoder, styles=2)}
    assert len(keys) == 7
    assert key_of(tiny_encoder, RECIPE.replace(strength=0.3, steps=7, size=300)) == key_of(tiny_encoder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format_version": 3, "speeds": {}}', '{"format_version": 2, "speeds": []}']
    + ['{"format_version": 1, "speeds": {"key": [[100, 1.0]]}}', '{"format_version": 2, "speeds": {"key": 3}}']
    + ['{"format_version": 2, "speeds": {"key": {"points": [[1, 1]]}}}']
    + [
        f'{{"format_version": 2, "speeds": {{"key": {{"points": {points}, "is_learned": true}}}}}}'
        for points in ("[]", "[[0, 1]]", "[[1, NaN]]", "3", "[[1e999, 1]]", "[[1]]")
    ],
)
def test_a_damaged_file_is_as_none(text: str, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text(text, "utf-8")
    assert read_speeds() == {}
    write_speed("mine", Speed(((100, 1.0),)))
    assert read_speeds() == {"mine": Speed(((100, 1.0),))}
    assert [path.name for path in cache.parent.iterdir()] == ["speed.json"]


def test_where_nothing_can_be_written_it_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Vgg
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file" / "below"))
    assert find(tiny_encoder, FakeClock()) == find(tiny_encoder, FakeClock())


def test_a_relative_cache_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_speed("mine", Speed(((100, 1.0),)))
    assert (tmp_path / ".cache" / "impasto" / "speed.json").is_file()

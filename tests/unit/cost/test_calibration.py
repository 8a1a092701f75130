"""How fast this machine is: measured by a clock of our own, kept, corrected, and never in the way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from impasto.cost.calibration import (
    WITHIN_RUN,
    Speed,
    find_key,
    find_match_speed,
    find_speed,
    measure_speed,
    read_speeds,
    write_speed,
)
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.recipe.recipe import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(weights="tiny", content_layers=("conv2_2",), style_layers=("conv1_1", "conv2_1", "conv3_1"))


class FakeClock:
    """A second goes by between two looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class SlowMoment:
    """A millisecond goes by between two looks, but a fifth of a second between each of the first nine."""

    def __init__(self) -> None:
        self.now, self.looks = 0.0, 0

    def __call__(self) -> float:
        self.looks += 1
        self.now += 0.2 if self.looks <= 9 else 0.001
        return self.now


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "impasto" / "speed.json"


def find(tiny_encoder: Vgg, clock: Callable[[], float]) -> tuple[str, Speed]:
    return find_speed(tiny_encoder, RECIPE, has_content=True, styles=1, device=CPU, threads=1, clock=clock)


def test_a_line_is_met_exactly_between_and_beyond_its_points() -> None:
    speed = Speed(tuple((pixels, 0.5 + 2e-6 * pixels) for pixels in (10_000, 40_000, 100_000)))
    for pixels in (1, 10_000, 25_000, 100_000, 10**8):
        assert speed.seconds(pixels) == pytest.approx(0.5 + 2e-6 * pixels)


@pytest.mark.parametrize("points", [((100, 1.0),), ((100, 1.0), (400, 0.5)), ((100, 1.0), (400, 5.0))])
def test_beyond_strange_points_it_grows_all_the_same(points: tuple[tuple[int, float], ...]) -> None:
    speed = Speed(points)
    last, seconds = points[-1]
    assert speed.seconds(10 * last) == pytest.approx(10 * seconds)
    assert 0 < speed.seconds(1) <= points[0][1]


def test_a_run_corrects_what_is_near_and_adds_what_is_not() -> None:
    speed = Speed(((9_000, 0.1), (36_000, 0.4)))
    assert speed.learn(36_000, 0.6).points == ((9_000, 0.1), (36_000, 0.5))
    assert speed.learn(45_000, 0.7).points == ((9_000, 0.1), (45_000, pytest.approx(0.6)))
    assert speed.learn(200_000, 3.0).points == (*speed.points, (200_000, 3.0))


def test_two_sizes_are_measured(tiny_encoder: Vgg) -> None:
    speed = measure_speed(tiny_encoder, RECIPE, has_content=True, styles=2, device=CPU, clock=FakeClock())
    assert speed.points == ((96 * 96, WITHIN_RUN), (256 * 256, WITHIN_RUN))


def test_a_slow_moment_while_it_is_measured_does_not_count(tiny_encoder: Vgg) -> None:
    speed = measure_speed(tiny_encoder, RECIPE, has_content=True, styles=1, device=CPU, clock=SlowMoment())
    assert [seconds / WITHIN_RUN for _, seconds in speed.points] == pytest.approx([0.001, 0.001])


def test_it_is_measured_once_and_kept(cache: Path, tiny_encoder: Vgg) -> None:
    key, speed = find(tiny_encoder, FakeClock())

    def broken() -> float:
        raise AssertionError("measured again")

    assert find(tiny_encoder, broken) == (key, speed)
    assert list(json.loads(cache.read_text("utf-8"))["speeds"]) == [key]
    assert f"torch {torch.__version__}" in key and "1 threads" in key and "float32" in key


def test_what_costs_time_has_a_key_of_its_own(tiny_encoder: Vgg) -> None:
    def key(encoder: Vgg = tiny_encoder, recipe: Recipe = RECIPE, styles: int = 1, threads: int = 1) -> str:
        return find_key(encoder, recipe, has_content=True, styles=styles, device=CPU, threads=threads)

    other = build_encoder(RECIPE.replace(padding="zero"))[0]
    statistic, layers = RECIPE.replace(statistic=("covariance",)), RECIPE.replace(style_layers=("conv1_1",))
    lower = tiny_encoder.to_bfloat16()
    keys = [key(), key(lower), key(other), key(recipe=statistic), key(recipe=layers), key(threads=2)]
    assert len({*keys, key(styles=2)}) == 7
    assert key(recipe=RECIPE.replace(strength=0.3, steps=7, size=300)) == key()


def test_matching_is_measured_for_nearest_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.cost.calibration.MATCH", (10, 20, 5))
    assert find_match_speed(RECIPE, CPU, 1, FakeClock()) == 0
    nearest = RECIPE.replace(statistic=("nearest:0.5", "gram"))
    assert find_match_speed(nearest, CPU, 1, FakeClock()) == find_match_speed(nearest, CPU, 1) == 1 / 1000


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format_version": 2, "speeds": {}}', '{"format_version": 1, "speeds": []}']
    + [f'{{"format_version": 1, "speeds": {{"key": {points}}}}}' for points in ("[]", "[[0, 1]]", "[[1, NaN]]", "3")]
    + ['{"format_version": 1, "speeds": {"key": [[1e999, 1]]}}', '{"format_version": 1, "speeds": {"key": [[1]]}}'],
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

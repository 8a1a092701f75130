"""What a batch saves over separate commands, and what a second worker brings, as ratios of seconds a picture.

    python benchmarks/batch.py [--size 256] [--steps 40] [--photos 6] [--runs 3] [--preset standard]

1. separate: one `impasto stylize` after another, all cores. batch: the same pictures by `impasto batch`, one at a time
   on all cores; jobs: by `impasto batch --jobs 2`. Each is timed as a whole, with its start, and runs take turns.
2. ray1, ray2: `impasto batch --ray` with 1 and with 2 workers of 1 core each, from the first picture's begin to the
   last one's end, so that Ray's own start does not count for either. Left out without Ray.

Generated pictures of one size. The smaller the pictures and the fewer the steps, the more a batch saves: what counts is
the size and number of steps that you use.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import torch
from report import write_report

from impasto.images.io import write_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--preset", default="standard")
    arguments = parser.parse_args()
    more = ["--preset", arguments.preset, "--size", str(arguments.size), "--steps", str(arguments.steps), "--quiet"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(folder, arguments.photos, arguments.size)
        ways = {
            "separate": lambda: separate(folder, more),
            "batch": lambda: batch(folder, more),
            "jobs": lambda: batch(folder, [*more, "--jobs", "2"]),
        }
        if find_spec("ray") is not None:
            for workers in (1, 2):
                ray = ["--ray=local", "--cores-per-worker", "1", "--jobs", str(workers)]
                ways[f"ray{workers}"] = lambda ray=ray: batch(folder, [*more, *ray], between=True)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(arguments.runs):
            for way, run in ways.items():
                seconds[way].append(run() / arguments.photos)
                print(f"{way:10} {seconds[way][-1]:7.2f} s a picture", flush=True)
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    ratios = {way: medians[way] / medians["separate"] for way in ("batch", "jobs")}
    if "ray2" in medians:
        ratios["ray1/ray2"] = medians["ray1"] / medians["ray2"]
    for way, ratio in ratios.items():
        print(f"{way:10} {ratio:.2f}" + ("" if way == "ray1/ray2" else " of separate commands"))
    write_report("batch", {**vars(arguments), "median_s": medians, "ratios": ratios}, seed=0)


def make_pictures(folder: Path, photos: int, size: int) -> None:
    """Smooth noise, as JPEG files of the usual size of photographs."""
    for place, count in (("photos", photos), ("paintings", 1)):
        (folder / place).mkdir()
        for number in range(count):
            noise = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(number))
            image = torch.nn.functional.interpolate(noise, size=(3 * size, 4 * size), mode="bicubic").clamp(0, 1)
            write_image(image, folder / place / f"{number}.jpg")


def separate(folder: Path, more: list[str]) -> float:
    """Seconds of all pictures, a command each."""
    started = time.perf_counter()
    for photo in sorted((folder / "photos").iterdir()):
        run("stylize", str(photo), str(folder / "paintings" / "0.jpg"), "-o", str(folder / f"{photo.stem}.png"), *more)
    return time.perf_counter() - started


def batch(folder: Path, more: list[str], *, between: bool = False) -> float:
    """Seconds of all pictures in one command; between: without its start, from the first picture's begin."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    run("batch", str(folder / "photos"), str(folder / "paintings"), "-o", str(out), *more)
    seconds = time.perf_counter() - started
    if not between:
        return seconds
    events = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    painted = [event for event in events if event.get("event") == "done"]
    times = sorted((out / event["output"]).stat().st_mtime for event in painted)
    return times[-1] - times[0] + float(painted[0]["seconds"])


def run(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "impasto", *words], check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main()

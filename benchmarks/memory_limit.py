"""Peak memory of whole commands under a memory limit, by the system's own account, and what was planned.

    python benchmarks/memory_limit.py [CONTENT STYLE ...] [--limits 1GiB 2GiB] [--precision float32] [--full PAIRS]

For each limit three pairs of a photograph and a painting, at sizes that just need tiles, with 1.3 and 1.8 times as many
pixels: `--dry-run` tells which. The photograph is first enlarged to a JPEG of that size. Three steps a scale pass every
phase: reading, coarse scales, styles, tiles, a history as long as these steps fill, the picture saved with its recipe.
With --full, one more run of the first pair fills a history of so many pairs; 50 are the default of recipes. Each limit
ends with a line of JSON. Fails where a run exceeds its limit. Pictures: free photographs and the painting made by code,
if none are given. About 15 minutes on 2 cores, and 8 GiB of memory.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from report import write_report

from impasto.experiments.demo import prepare_demo
from impasto.system.memory import USUAL_USE, parse_memory

STEPS = 3
"""Steps of each scale."""

PIXELS = (1.0, 1.3, 1.8)
"""Pixels of each pair's picture for one of the smallest that needs tiles."""

GROWTH = 1.1
"""Ratio of the long edges that are tried until one needs tiles."""


class Run(NamedTuple):
    """What a command printed on stdout, and its peak of resident memory and time."""

    values: dict[str, Any]
    peak_bytes: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="*", metavar="CONTENT STYLE")
    parser.add_argument("--limits", nargs="+", default=["1GiB", "2GiB", "4GiB", "8GiB"])
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--full", type=int, metavar="PAIRS", help="one more run for each limit, with a full history")
    arguments = parser.parse_args()
    if len(arguments.pictures) % 2:
        parser.error("expected a STYLE for each CONTENT")
    demos = [prepare_demo(Path(__file__).resolve().parent.parent, name) for name in ("coffee", "rocket", "astronaut")]
    pictures = arguments.pictures or [path for demo in demos for path in (demo.content, demo.style)]
    pairs = list(zip(pictures[::2], pictures[1::2], strict=True))
    passed = 0
    cache = tempfile.TemporaryDirectory()
    os.environ["IMPASTO_CACHE"] = cache.name  # of the speed of this machine, which is measured once
    print("limit  content, style                       size  tiles     history  MiB planned / measured  of limit    s")
    for limit in arguments.limits:
        limit_bytes, rows = parse_memory(limit), list[dict[str, Any]]()
        options = ["--max-memory", limit, "--precision", arguments.precision]
        for number, (content, style) in enumerate(pairs):
            size = round(find_size(content, style, options, limit_bytes) * math.sqrt(PIXELS[number % len(PIXELS)]))
            for history in (None, arguments.full) if number == 0 and arguments.full else (None,):
                row = measure(content, style, size, options, history)
                rows.append({"limit": limit, "limit_bytes": limit_bytes, **row})
                print(to_text(rows[-1]), flush=True)
        write_report("memory_limit", {"precision": arguments.precision, "runs": rows})
        passed += sum(row["peak_bytes"] > limit_bytes for row in rows)
    sys.exit(f"{passed} runs exceeded their limit" if passed else 0)


def find_size(content: Path, style: Path, options: list[Any], limit_bytes: int) -> int:
    """The long edge of about the smallest picture that needs tiles."""
    size = 500 * math.sqrt((limit_bytes - USUAL_USE) / 2**30)
    options = [*options, "--steps", STEPS, "--first-scale", 0]
    while not plan(content, style, round(size), options)["tile"]:
        size *= GROWTH
    return round(size)


def plan(content: Path, style: Path, size: int, options: list[Any]) -> dict[str, Any]:
    """The last part of a run's plan, with the bytes that all parts need at most and the number of scales."""
    found = run_command([content, style, "--size", size, *options, "--dry-run"]).values
    return {**found["parts"][-1], "peak_bytes": found["peak_bytes"], "scales": len(found["parts"])}


def measure(content: Path, style: Path, size: int, options: list[Any], history: int | None) -> dict[str, Any]:
    """Plan and paint one picture of this long edge. history: the pairs that the last scale fills; None: a few."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder, f"{content.stem}.jpg")
        with Image.open(content) as picture:
            ratio = size / max(picture.size)
            enlarged = picture.convert("RGB").resize((round(picture.width * ratio), round(picture.height * ratio)))
        enlarged.save(large, quality=95)
        scales = plan(large, style, size, options)["scales"]
        schedule: list[Any] = ["--steps", STEPS * scales]
        if history is not None:  # the first step fills no pair; the last scale has two thirds of the steps
            schedule = ["--history", history, "--finer-steps", 3, "--steps", math.ceil(1.5 * (history + 1))]
        options = [*options, *schedule]
        planned = plan(large, style, size, options)
        output, run_dir = Path(folder, "pastiche.png"), Path(folder, "run")
        run = run_command([large, style, "--size", size, *options, "-o", output, "--run-dir", run_dir])
        with Image.open(output) as picture:
            assert picture.size == (planned["width"], planned["height"])
    parts = run.values["run"]["parts"]
    return {
        "content": content.stem,
        "style": style.stem,
        **{key: planned[key] for key in ("width", "height", "steps", "tile", "tiles", "history")},
        "replanned": len(parts) != planned["scales"],
        "planned_bytes": planned["peak_bytes"],
        "peak_bytes": run.peak_bytes,
        "seconds": round(run.seconds, 1),
    }


def run_command(words: list[Any]) -> Run:
    """Run `impasto stylize` to its end. Exits with its errors if it fails."""
    command = [sys.executable, "-m", "impasto", "stylize", *map(str, words), "--json", "--quiet"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            assert process.stdout is not None
            answer = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        errors.seek(0)
        complaints = errors.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)}\n{answer}{complaints}")
    print(complaints, file=sys.stderr, end="")
    return Run(json.loads(answer), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), seconds)


def to_text(row: dict[str, Any]) -> str:
    """A row of the table."""
    planned, peak = (row[key] / 2**20 for key in ("planned_bytes", "peak_bytes"))
    return (
        f"{row['limit']:6} {row['content'] + ', ' + row['style']:32} {row['width']:5}x{row['height']:<5}"
        f" {row['tiles']:3} of {row['tile']:<4} {row['history']:3}    {planned:8.0f} / {peak:5.0f}"
        f"        {row['peak_bytes'] / row['limit_bytes']:8.2f} {row['seconds']:6.0f}{' replanned' * row['replanned']}"
    )


if __name__ == "__main__":
    main()

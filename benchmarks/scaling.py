"""How time and memory of one evaluation (objective `standard` and its gradient) grow with the picture.

    python benchmarks/scaling.py [--sizes 0.06 0.25 1 2 4 8 16] [--runs 3] [--precision float32 bfloat16]
                                 [--inner 1024] [--max-memory 16GiB]

Megapixels, 4:3, each seen whole and in tiles of --inner pixels, beside a style image as large, in a process of its own,
so that its peak of memory is its own: that of the whole process, with that of a process which only imports and loads
the weights beside it. Left out, and said so: what by the plan of a run does not fit in --max-memory (default: 70 % of
what is free), and tiles where there would be one. Median of --runs evaluations after one that warms up.
Unfair in two ways: the peak counts the style image's description, which a run has behind it when it evaluates, and a
process that holds on to freed memory (`settle_process`, as the command) has a larger peak than it needs.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from report import write_report

# Neither torch nor what imports it: a child's peak begins with that of its parent, which must stay below its own.
from impasto.system.process import settle_process

WORKER = Path(__file__).resolve()
GRID = 16
"""Pixels that both sides are a multiple of, so that all poolings are even."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.06, 0.25, 1, 2, 4, 8, 16], help="megapixels")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--precision", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--inner", type=int, default=1024, help="pixels of a tile's side without margins")
    parser.add_argument("--max-memory", help="such as 16GiB")
    parser.add_argument("--worker", metavar="JSON", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(json.loads(arguments.worker))
        return
    rows = []
    for precision in arguments.precision:
        job = {"precision": precision, "runs": arguments.runs, "max_memory": arguments.max_memory}
        alone = spawn(job)
        if "left_out" in alone:
            sys.exit(f"a process that only loads the weights {alone['left_out']}")
        base = alone["peak_bytes"]
        print(f"\n{precision}; imports and weights alone: {base / 2**30:.2f} GiB")
        print(f"{'megapixels':>10} {'size':>9} {'looks at':>12} {'s':>8} {'spread':>15} {'us/pixel':>8} "
              f"{'peak GiB':>8} {'above base':>10} {'bytes/pixel':>11}")  # fmt: skip
        for megapixels in sorted(arguments.sizes):
            size = to_size(megapixels)
            for tile in (None, arguments.inner):
                found = spawn({**job, "size": size, "tile": tile})
                row = to_row({"precision": precision, "size": size, "tile": tile, "base_bytes": base, **found})
                rows.append(row)
                print(to_text(row), flush=True)
    ratios = compare(rows)
    print("\nWhat to read: the time of a pixel must stay flat, however large the picture.")
    for ratio in ratios:
        print(f"{ratio['precision']}, {ratio['kind']}: at {ratio['megapixels']:.2f} megapixels a pixel takes "
              f"{ratio['ratio']:.2f} times as long as at {ratio['against']:.2f}.")  # fmt: skip
    settings = {"runs": arguments.runs, "inner": arguments.inner, "max_memory": arguments.max_memory}
    write_report("scaling", {**settings, "rows": rows, "us_per_pixel_ratios": ratios}, seed=0)


def to_size(megapixels: float) -> tuple[int, int]:
    """(height, width) of a picture of 4:3 of about so many megapixels."""
    long_edge = math.sqrt(megapixels * 1e6 * 4 / 3)
    height, width = (max(GRID, round(side / GRID) * GRID) for side in (long_edge * 3 / 4, long_edge))
    return height, width


def spawn(job: dict[str, Any]) -> dict[str, Any]:
    """What another process finds, and the peak of its memory."""
    command = [sys.executable, str(WORKER), "--worker", json.dumps(job)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if process.returncode != 0:
        return {"left_out": f"ended with {process.returncode}", "peak_bytes": peak}
    return {**json.loads(answer), "peak_bytes": peak}


def work(job: dict[str, Any]) -> None:
    """Evaluates in this process, and prints the seconds as JSON; without a size it only loads the weights."""
    settle_process()
    import torch

    from impasto.cost.plan import Budget, fixed_plan
    from impasto.cost.workload import Workload
    from impasto.features.encoder import build_encoder
    from impasto.losses.objective import Objective
    from impasto.optimize.loop import build_evaluate
    from impasto.recipe.recipe import Recipe
    from impasto.system.memory import format_memory, memory_limit, parse_memory, used_bytes
    from impasto.system.torch_settings import running
    from impasto.tiles.objective import TiledObjective

    recipe, device = Recipe(), torch.device("cpu")
    encoder = build_encoder(recipe)[0]
    encoder = encoder.to_bfloat16() if job["precision"] == "bfloat16" else encoder
    if "size" not in job:
        print("{}")
        return
    size, tile = (job["size"][0], job["size"][1]), job["tile"]
    if tile is not None and tile >= max(size):
        print(json.dumps({"left_out": "one tile"}))
        return
    limit = memory_limit(parse_memory(job["max_memory"]) if job["max_memory"] else None, device)
    workload = Workload(encoder, recipe, size, (size,))
    needed = fixed_plan(workload, Budget(used_bytes(device), limit), tile, 0).needed_bytes
    if needed > limit:
        print(json.dumps({"left_out": f"needs {format_memory(needed)} of {format_memory(limit)}"}))
        return
    generator = torch.Generator().manual_seed(0)
    content, style, image = (torch.rand(1, 3, *size, generator=generator) for _ in range(3))
    seconds = []
    with running(device, None, "Give a smaller --max-memory."):
        if tile is None:
            objective = Objective(encoder, recipe, content, [style])
        else:
            objective = TiledObjective(encoder, recipe, content, [style], inner=tile)
        evaluate = build_evaluate(objective, gamut=recipe.gamut, precision=encoder.precision)
        for _ in range(job["runs"] + 1):
            start = time.perf_counter()
            evaluate(image)
            seconds.append(time.perf_counter() - start)
    tiles = len(objective.tiles(size)) if isinstance(objective, TiledObjective) else 1
    print(json.dumps({"seconds": seconds[1:], "tiles": tiles, "needed_bytes": needed}))


def to_row(found: dict[str, Any]) -> dict[str, Any]:
    """What was found at one point, and the figures of a pixel, where it was not left out."""
    pixels = math.prod(found["size"])
    row = {**found, "megapixels": pixels / 1e6}
    if "left_out" in found:
        return row
    median_s = statistics.median(found["seconds"])
    above = found["peak_bytes"] - found["base_bytes"]
    return {**row, "median_s": median_s, "us_per_pixel": 1e6 * median_s / pixels, "bytes_per_pixel": above / pixels}


def to_text(row: dict[str, Any]) -> str:
    height, width = row["size"]
    looks = "whole" if row["tile"] is None else f"{row.get('tiles', '')} tiles".strip()
    start = f"{row['megapixels']:10.2f} {f'{width}x{height}':>9} {looks:>12}"
    if "left_out" in row:
        return f"{start}   left out: {row['left_out']}"
    spread = f"{min(row['seconds']):.3f}..{max(row['seconds']):.3f}"
    above = (row["peak_bytes"] - row["base_bytes"]) / 2**30
    return (f"{start} {row['median_s']:8.3f} {spread:>15} {row['us_per_pixel']:8.2f} "
            f"{row['peak_bytes'] / 2**30:8.2f} {above:10.2f} {row['bytes_per_pixel']:11.0f}")  # fmt: skip


def compare(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How much longer a pixel takes in the largest picture than in the one nearest to 1 megapixel."""
    ratios = []
    for precision in dict.fromkeys(row["precision"] for row in rows):
        known = [row for row in rows if row["precision"] == precision and "left_out" not in row]
        for kind, members in (("whole", [row for row in known if row["tile"] is None]),
                              ("tiles", [row for row in known if row["tile"] is not None])):  # fmt: skip
            one = min(members, key=lambda row: abs(math.log(row["megapixels"])), default=None)
            if one is None or one is members[-1]:
                continue
            ratios.append({
                "precision": precision, "kind": kind,
                "megapixels": members[-1]["megapixels"], "against": one["megapixels"],
                "ratio": members[-1]["us_per_pixel"] / one["us_per_pixel"],
            })  # fmt: skip
    return ratios


if __name__ == "__main__":
    main()

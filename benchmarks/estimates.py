"""Estimates against runs: seconds of an evaluation and peak memory, at seven sizes.

    python benchmarks/estimates.py [CONTENT STYLE]

Each run is one scale of `standard` in a process of its own, with an empty cache: one cold evaluation of a small picture
is all that the estimate knows of the machine. It is compared with the run's median step but for the first. The ratios
check the constants of cost/workload.py (ALLOCATOR, IMAGES, SLACK) and cost/estimate.py (FORWARD). Pictures: the demo's,
if none are given. Some minutes, and 3 GiB of memory.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from report import write_report

from impasto.experiments.demo import prepare_demo
from impasto.painting.paint import paint
from impasto.recipe.recipe import Recipe
from impasto.system.device import peak_bytes
from impasto.system.memory import parse_memory
from impasto.system.process import settle_process
from impasto.transfer.pastiche import prepare_pastiche

RUNS: tuple[tuple[int, int, str, str | None], ...] = (
    (256, 8, "auto", None),
    (512, 6, "float32", None),
    (512, 6, "auto", None),
    (1024, 5, "auto", None),
    (640, 4, "auto", "900MiB"),
    (1024, 4, "auto", "1800MiB"),
    (2048, 3, "auto", "2GiB"),
)
"""Long edge, steps, precision, memory limit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path, nargs="?")
    parser.add_argument("style", type=Path, nargs="?")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    demo = prepare_demo(Path(__file__).resolve().parent.parent, "coffee")
    content, style = arguments.content or demo.content, arguments.style or demo.style
    if arguments.worker is not None:
        settle_process()
        print(json.dumps(run(content, style, *RUNS[arguments.worker])))
        return
    rows: list[dict[str, Any]] = []
    print("  size precision  tile  s est. / meas.  ratio  MiB est. / meas.  ratio")
    for number in range(len(RUNS)):
        with tempfile.TemporaryDirectory() as cache:
            row = json.loads(
                subprocess.run(
                    [sys.executable, __file__, str(content), str(style), "--worker", str(number)],
                    env={**os.environ, "IMPASTO_CACHE": cache},
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                ).stdout
            )
        rows.append(row)
        (estimated_s, estimated_mib), (measured_s, measured_mib) = row["estimated"].values(), row["measured"].values()
        print(
            f"{row['size']:6} {row['precision']:>9} {row['tile'] or 'whole':>5}"
            f"  {estimated_s:6.3f} / {measured_s:6.3f}  {estimated_s / measured_s:5.2f}"
            f"  {estimated_mib:7.0f} / {measured_mib:6.0f}  {estimated_mib / measured_mib:5.2f}",
            flush=True,
        )
    write_report("estimates", {"content": content.stem, "style": style.stem, "runs": rows})


def run(content: Path, style: Path, size: int, steps: int, precision: str, limit: str | None) -> dict[str, Any]:
    """Estimate and measure one run."""
    recipe = replace(Recipe.preset("standard"), size=size, steps=steps, first_scale=0)
    max_memory = None if limit is None else parse_memory(limit)
    job = prepare_pastiche(content, style, recipe, precision=precision, max_memory=max_memory)
    estimate, part = job.estimate(), job.plan.parts[-1]
    elapsed: list[float] = []
    paint(job, on_step=lambda event: elapsed.append(event.elapsed_s))
    median_s = statistics.median(after - before for before, after in itertools.pairwise(elapsed))
    return {
        "size": size,
        "precision": part.precision,
        "tile": part.memory.tile,
        "estimated": {"s": estimate.evaluation_s[-1], "mib": estimate.peak_bytes / 2**20},
        "measured": {"s": median_s, "mib": peak_bytes(job.device) / 2**20},
    }


if __name__ == "__main__":
    main()

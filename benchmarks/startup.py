"""How long the command line takes to answer, and what importing costs.

    python benchmarks/startup.py

Whole processes, wall-clock, median of nine after one warm-up. Nothing is compared; the target is 0.5 s for `--help`.
"""

import statistics
import subprocess
import sys
import time

from report import write_report

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import impasto": [sys.executable, "-c", "import impasto"],
    "impasto --help": [sys.executable, "-m", "impasto", "--help"],
    "impasto stylize --help": [sys.executable, "-m", "impasto", "stylize", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def measure(command: list[str], runs: int = 9) -> list[float]:
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def main() -> None:
    medians = {}
    print(f"{'command':24} {'median':>8} {'spread':>15}")
    for name, command in COMMANDS.items():
        seconds = measure(command)
        medians[name] = round(statistics.median(seconds), 3)
        print(f"{name:24} {medians[name]:7.3f}s {min(seconds):6.3f}..{max(seconds):.3f}")
    write_report("startup", {"median_s": medians})


if __name__ == "__main__":
    main()

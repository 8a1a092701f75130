"""How every benchmark ends: a JSON line of its figures and of what they were measured with.

It is printed and appended to `benchmarks/results/<name>.jsonl`, which git keeps: what was once measured stays known.
"""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def write_report(
    benchmark: str, figures: Mapping[str, Any], *, seed: int | None = None, folder: Path = FOLDER / "results"
) -> None:
    """Print the line and append it to the benchmark's file in the folder.

    figures: settings and results, as JSON values. seed: of all that was drawn at random; None where nothing was."""
    import torch  # here, so that a benchmark's own process stays small until it ends

    import impasto
    from impasto.cost.calibration import find_processor

    machine = {"processor": find_processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
    versions = {"impasto": impasto.__version__, "torch": torch.__version__, "python": platform.python_version()}
    values = {
        "benchmark": benchmark,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": find_commit(Path(impasto.__file__)),
        "machine": machine,
        "versions": versions,
        **({} if seed is None else {"seed": seed}),
        "figures": figures,
    }
    line = json.dumps(values)
    print(line)
    path = folder / f"{benchmark}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def find_commit(package: Path) -> str | None:
    """The commit that is measured, with "dirty" where code differs from it; None where it is not known.

    package: a file of the impasto that runs. That of another folder than this one's is of another commit.
    """
    if FOLDER.parent / "src" not in package.resolve().parents:
        return None
    # Results do not count: each benchmark of a row would make the next one's commit dirty.
    changed = git("status", "--porcelain", "--", "../src", ".", ":!results")
    commit = git("rev-parse", "--short", "HEAD")
    return None if commit is None else commit + (" dirty" if changed else "")


def git(*words: str) -> str | None:
    """What git answers in this folder; None where it cannot."""
    try:
        answer = subprocess.run(["git", *words], cwd=FOLDER, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()

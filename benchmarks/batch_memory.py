"""Does the memory of `impasto batch` itself stay the same, however many pictures its workers paint?

    python benchmarks/batch_memory.py [--pictures 10000] [--workers 2] [--ray]

Everything is real but the painting: listing, checks, manifest, processes or Ray actors, pictures there and back, files
written. Instead of being painted a photograph comes back as it is, so that ten thousand take minutes. It prints the
resident memory of this process, and of Ray's object store, every thousand pictures.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from report import write_report

from impasto.batch.jobs import Job, Painted
from impasto.batch.naming import NameTemplate
from impasto.batch.pairs import Pairs
from impasto.batch.plan import check_jobs
from impasto.batch.run import BatchEvent, paint_batch
from impasto.images.io import write_image
from impasto.recipe.recipe import Recipe
from impasto.workers.connect import connect
from impasto.workers.pool import Perform, Share, WorkerPool
from impasto.workers.processes import ProcessPool
from impasto.workers.ray_pool import RayPool

FACTS = {"size": {"width": 32, "height": 32}, "steps": 1, "seconds": 0.0, "losses": {"total": 0.0}, "peak_bytes": 0}


def build_copier(share: Share) -> Perform:
    """Return what a worker runs instead of painting: it copies the photograph."""

    def copy(job: Job, on_progress: object) -> Painted:
        return Painted(Path(job.content).read_bytes(), FACTS)

    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    seen: list[tuple[int, float]] = []

    def look(event: BatchEvent) -> None:
        if event.kind == "done" and (event.tally.done % 1000 == 0 or event.tally.done == 100):
            done, mib, seconds = event.tally.done, resident_mib(), time.perf_counter() - started
            seen.append((done, mib))
            print(f"{done:7} pictures  {mib:7.1f} MiB  {seconds:6.0f} s", flush=True)

    def start_pool(first: Job) -> WorkerPool[Any]:
        if arguments.ray:
            return RayPool(connect(None), build_copier, workers=arguments.workers, cores=1)
        return ProcessPool(build_copier, arguments.workers)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, count in (("photos", arguments.pictures), ("paintings", 1)):
            (folder / place).mkdir()
            write_image(torch.rand(1, 3, 32, 32), folder / f"{place}.png")
            data = (folder / f"{place}.png").read_bytes()
            for number in range(count):
                (folder / place / f"{number:06d}.png").write_bytes(data)
        template = NameTemplate("{content}_{style}.png")
        out = folder / "out"
        jobs = Pairs(str(folder / "photos"), str(folder / "paintings"), "all", template, Recipe(), out)
        started = time.perf_counter()
        tally = paint_batch(jobs, check_jobs(jobs, out), out, start_pool, look)
    write_report("batch_memory", {"ray": arguments.ray, "done": tally.done, "resident_mib": seen})


def resident_mib() -> float:
    """Memory of this process, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


if __name__ == "__main__":
    main()

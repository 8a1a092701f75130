"""The recorder of a run: it writes steps, checkpoints and the end into the run's folder, if there is one."""

import datetime
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from impasto.features.weights import RECORDS
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.loop import Keep, State
from impasto.painting.job import Job
from impasto.runs.record import MASKS, Input, Record, software_versions
from impasto.runs.result import Result
from impasto.runs.run import Run, begin_run
from impasto.system.device import name_devices


class Recorder:
    """Records one run in its folder. Without a folder it does nothing.

    state: of the last checkpoint; the runner empties it part by part, so that its tensors are not held for the whole
    run.
    """

    def __init__(self, run: Run | None = None) -> None:
        self.run = run
        self.state: State = {}

    @property
    def step(self) -> int:
        """The step after which a resumed run continues."""
        return int(self.state.get("step", 0))

    @contextmanager
    def closing_on_error(self) -> Iterator[None]:
        """Close the folder if the block ends in an error; a run without a checkpoint is removed."""
        try:
            yield
        except BaseException:
            if self.run is not None:
                self.run.abandon()
            raise

    def record_steps(self, on_step: OnStep | None) -> OnStep | None:
        """Return a callback that records each step and then calls `on_step`."""
        run = self.run
        if run is None:
            return on_step

        def record(event: StepEvent) -> object:
            run.record_step(event)
            return None if on_step is None else on_step(event)

        return record

    def checkpoint_callback(self, to_run_state: Callable[[State], State]) -> Keep | None:
        """Return what `minimize` calls with its state after each step; it writes a checkpoint if one is due.

        to_run_state: from the loop's state to the run's.
        """
        run = self.run
        if run is None:
            return None

        def offer(loop: Callable[[], State], now: bool) -> None:
            run.checkpoint(lambda: to_run_state(loop()), now)

        return offer

    def checkpoint(self, state: State) -> None:
        """Write a checkpoint now, between two parts or after the last one."""
        if self.run is not None:
            self.run.checkpoint(lambda: state, True)

    def end(self, result: Result) -> None:
        """Close the folder of a stopped run; finish a run whose picture is written nowhere else."""
        if self.run is not None and result.end == "stopped":
            self.run.close()
        elif self.run is not None and not self.run.record.output:
            self.run.finish(result, None)


def start_recorder(job: Job, delivery: Mapping[str, Any] | None = None) -> Recorder:
    """Return the recorder of a new run, in the folder that the job's options name, which is made.

    delivery: where the picture is to be written and how, as JSON values, for `resume`. Raises what `begin_run` raises.
    """
    if job.options.run_dir is None:
        return Recorder()
    sources, pictures, files = list[Input](), [], {}
    for role, picture in job.inputs.by_role():
        is_stored = role in MASKS or not picture.path
        sources.append(Input.of(role, picture, f"{len(sources)}.safetensors" if is_stored else ""))
        pictures.append(picture)
    if job.recipe.weights not in RECORDS:
        path = os.path.abspath(job.inputs.weights or job.recipe.weights)
        files["weights"] = {"path": path, "sha256": job.weights.sha256}
    record = Record(
        kind=job.kind,
        recipe=job.recipe.to_dict(),
        sources=tuple(sources),
        files=files,
        plan=job.plan.to_dict(),
        device=name_devices(job.devices),
        max_pixels=job.options.max_pixels,
        weights={"name": job.weights.name, "sha256": job.weights.sha256},
        delivery=dict(delivery or {}),
        software=software_versions(),
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    return Recorder(begin_run(job.options.run_dir, record, pictures))

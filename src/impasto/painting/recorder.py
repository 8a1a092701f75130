"""The recorder of a run: its steps, its states to resume from and its end, written into the run's folder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.loop import Keep, State
from impasto.painting.job import Job
from impasto.runs.record import build_record
from impasto.runs.result import Result
from impasto.runs.run import Run, begin_run
from impasto.system.device import name_devices


class Recorder:
    """Records one run in its folder. Without a folder it does nothing.

    state: where to continue; the runner empties it part by part, so that its tensors are not held for the whole run.
    """

    def __init__(self, run: Run | None = None, state: State | None = None) -> None:
        self.run = run
        self.state: State = state if state is not None else {}

    @property
    def step(self) -> int:
        """The step after which a resumed run continues."""
        return int(self.state.get("step", 0))

    @contextmanager
    def closing_on_error(self) -> Iterator[None]:
        """Closes the folder if the block ends in an error; a run without a checkpoint is removed."""
        try:
            yield
        except BaseException:
            if self.run is not None:
                self.run.abandon()
            raise

    def record_steps(self, on_step: OnStep | None) -> OnStep | None:
        """The callback, called after the step was recorded."""
        run = self.run
        if run is None:
            return on_step

        def record(event: StepEvent) -> object:
            run.record_step(event)
            return None if on_step is None else on_step(event)

        return record

    def checkpoint_callback(self, to_run_state: Callable[[State], State]) -> Keep | None:
        """What the loop of a part offers its state to after each step. to_run_state: from the loop's to the run's."""
        run = self.run
        if run is None:
            return None

        def offer(loop: Callable[[], State], now: bool) -> None:
            run.checkpoint(lambda: to_run_state(loop()), now)

        return offer

    def checkpoint(self, state: State) -> None:
        """Writes a checkpoint now, between two parts or after the last one."""
        if self.run is not None:
            self.run.checkpoint(lambda: state, True)

    def end(self, result: Result) -> None:
        """Closes the folder of a stopped run; finishes one whose picture nobody else delivers."""
        if self.run is not None and result.end == "stopped":
            self.run.close()
        elif self.run is not None and not self.run.record.output:
            self.run.finish(result, None)


def start_recorder(job: Job, delivery: Mapping[str, Any] | None = None) -> Recorder:
    """The recorder of a new run, in the folder that the job's options ask for, which is made.

    delivery: where the picture is to be written and how, as JSON values, for `resume`. Raises what `begin_run` raises.
    """
    if job.options.run_dir is None:
        return Recorder()
    pictures = list(job.inputs.by_role())
    record = build_record(
        kind=job.kind,
        recipe=job.recipe,
        inputs=pictures,
        plan=job.plan,
        device=name_devices(job.devices),
        max_pixels=job.options.max_pixels,
        weights=job.weights,
        weights_file=job.inputs.weights,
        delivery=delivery or {},
    )
    return Recorder(begin_run(job.options.run_dir, record, [picture for _, picture in pictures]))

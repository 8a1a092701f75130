"""What is kept of a painting in its run's folder: the record of its inputs, its steps, and states to go on from."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from impasto.images.carried import Carried
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.loop import Keep, State
from impasto.runs.places import AUTO, check_run_dir
from impasto.runs.record import Record, Source
from impasto.runs.result import Result
from impasto.runs.run import Run, begin_run


class Keeping:
    """The folder of a run, as a painting uses it; without a folder it does nothing.

    kind: the command that paints. delivery: where to and how, as the record has it. run: the folder, from the first
    step on, or from the beginning where a run is gone on with.
    """

    def __init__(self, run_dir: str | os.PathLike[str] | None) -> None:
        """run_dir: as `How` has it. Raises what `check_run_dir` raises."""
        self.kind = "stylize"
        self.delivery: Mapping[str, Any] = {}
        self.run: Run | None = None
        self._run_dir = run_dir if run_dir in (None, AUTO) else check_run_dir(run_dir)
        self._state: State | None = None

    def go_on(self, run: Run, state: State | None) -> None:
        """Makes the painting go on from a state of the run, which was planned with the state's own plan."""
        self.run, self._state = run, state

    @property
    def step(self) -> int:
        """Where a run that is gone on with begins."""
        return 0 if self._state is None else int(self._state["step"])

    def take_state(self) -> State:
        """The state to go on from, which is then forgotten here; empty for the beginning."""
        state, self._state = self._state or {}, None
        return state

    def begin(self, record: Callable[[], Record], sources: Sequence[tuple[Source, Tensor, Carried]]) -> None:
        """Makes the folder, where one is wanted and none is gone on with. Raises what `begin_run` raises."""
        if self.run is None and self._run_dir is not None:
            self.run = begin_run(self._run_dir, record, sources)

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Leaves the folder where the block ends in an error."""
        try:
            yield
        except BaseException:
            if self.run is not None:
                self.run.leave()
            raise

    def end(self, result: Result) -> None:
        """Closes the folder of a stopped run, and finishes one whose picture is not to be delivered by another."""
        if self.run is not None and result.end == "stopped":
            self.run.close()
        elif self.run is not None and not self.run.record.output:
            self.run.finish(result, None)

    def hearing(self, on_step: OnStep | None) -> OnStep | None:
        """The callback, behind the folder if there is one."""
        run = self.run
        if run is None:
            return on_step

        def tell(event: StepEvent) -> object:
            run.hear(event)
            return None if on_step is None else on_step(event)

        return tell

    def within(self, whole: Callable[[State], State]) -> Keep | None:
        """What the loop of a part offers its state to: a checkpoint. whole: the run's state, from the loop's."""
        run = self.run
        if run is None:
            return None

        def keep(loop: Callable[[], State], now: bool) -> None:
            run.keep(lambda: whole(loop()), now)

        return keep

    def between(self, state: State) -> None:
        """A checkpoint between two parts, or behind the last one."""
        if self.run is not None:
            self.run.keep(lambda: state, True)

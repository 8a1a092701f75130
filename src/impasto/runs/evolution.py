"""The evolution of a pastiche: snapshots on the disk and an animation, made from its step events."""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from impasto.errors import DiskError, OutputError
from impasto.images.formats.animation import FRAMES_PER_SECOND, to_frame, write_animation
from impasto.images.io import check_output, write_image
from impasto.images.resize import resize_image
from impasto.optimize.events import StepEvent
from impasto.system.disk import check_not_input, is_folder

logger = logging.getLogger(__name__)

MAX_FRAMES = 120
"""The most frames of an animation: some 90 MB at 512 px, and ten seconds to watch."""

ANIMATION_S = 5


def check_snapshot_dir(folder: str | os.PathLike[str], *, inputs: Sequence[object] = ()) -> Path:
    """Return the folder if pictures can be written there, or it can be made, before slow work. Raises OutputError.

    inputs: what the run reads; a snapshot must not replace one of them.
    """
    folder = Path(folder)
    is_there = is_folder(folder, f"snapshot folder {str(folder)!r}") or folder.exists()
    check_output((folder if is_there else folder.parent) / "step_0001.png", inputs=(), name="snapshot")
    for there in folder.glob("step_*.png"):
        check_not_input(there, f"snapshot {str(there)!r}", inputs, "Choose another folder with --snapshot-dir.")
    return folder


class Evolution:
    """Records some of a run's steps as pictures.

    snapshot_dir, snapshot_every: the picture of every N-th step is written there, at the pastiche's final size.
    animate: collect frames for `write_animation`: those of the snapshots, or else of some 60 steps, closer together at
    the start, where most happens. Beyond MAX_FRAMES every second one is dropped.
    A snapshot that cannot be written ends the snapshots with a warning, not the run.
    """

    def __init__(
        self, *, snapshot_dir: Path | None = None, snapshot_every: int | None = None, animate: bool = False
    ) -> None:
        self.snapshots: list[Path] = []
        self._dir = snapshot_dir
        self._every = snapshot_every
        self._animate = animate
        self._frames: list[Tensor] = []
        self._stride = 1
        self._offered = 0

    def on_step(self, event: StepEvent) -> None:
        """Record the picture of this step, if it is one of those."""
        if self._dir is not None and self._is_snapshot(event.step):
            self._write_snapshot(event, self._dir)
        if self._animate and self._is_frame(event):
            if self._offered % self._stride == 0:
                self._frames.append(to_frame(event.pastiche))
            self._offered += 1
            if len(self._frames) > MAX_FRAMES:
                self._frames = self._frames[::2]
                self._stride *= 2

    def write_animation(self, path: str | os.PathLike[str], pastiche: Tensor) -> None:
        """Write the frames, and the finished pastiche as the last one. Raises OutputError, DiskError."""
        write_animation([*self._frames, to_frame(pastiche)], path)

    def _is_snapshot(self, step: int) -> bool:
        return self._every is not None and step % self._every == 0

    def _is_frame(self, event: StepEvent) -> bool:
        if self._every is not None:
            return self._is_snapshot(event.step)
        # Step s lies at sqrt(s / steps) of the animation, so a quarter of the steps fills its first half.
        count = ANIMATION_S * FRAMES_PER_SECOND
        frame, before = (math.floor(count * math.sqrt(step / event.steps)) for step in (event.step, event.step - 1))
        return frame > before

    def _write_snapshot(self, event: StepEvent, folder: Path) -> None:
        digits = max(4, len(str(event.steps)))
        path = folder / f"step_{event.step:0{digits}d}.png"
        try:
            folder.mkdir(exist_ok=True)
            write_image(resize_image(event.pastiche, event.size), path)
        except (DiskError, OutputError, OSError) as error:
            logger.warning("snapshots end at step %d (%s); the run goes on without them.", event.step, error)
            self._dir = None
        else:
            self.snapshots.append(path)

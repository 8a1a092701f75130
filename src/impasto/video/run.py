"""The folder of a film that is being painted: its plan, its finished parts, and the frames of the one being painted."""

import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from impasto.errors import OutputError
from impasto.images.io import read_image
from impasto.runs.lock import Lock, is_locked
from impasto.system.disk import replace_file
from impasto.video.frames import Frame, Source
from impasto.video.parts import PaintedFrame
from impasto.video.plan import Part, Plan, context_of
from impasto.video.sink import write_segment

PLAN_NAME = "plan.json"
FACTS_NAME = "frames.jsonl"


def run_folder(output: Path, key: str) -> Path:
    """Return the folder in which a job's film is painted, beside its output."""
    return output.absolute().with_name(f"{output.name}.parts") / key


class VideoRun:
    """The folder of one film, beside its output; open in one process at a time; a context manager.

    `OUT.parts` has a folder for each job, so that a command that is called again continues, and one with other options
    begins anew. A frame is on the disk when it is painted, and each next one starts from what was stored: a killed run
    goes on from its last frame, and gives the same film. Raises OutputError, RunLockedError.
    """

    def __init__(self, output: Path, key: str, source: Source, passes: int = 1) -> None:
        self.folder = run_folder(output, key)
        self._output, self._source, self._passes = output, source, passes
        try:
            (self.folder / "frames").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"folder {str(self.folder)!r} cannot be made ({error.strerror or error}); expected room for the parts "
                "of a film beside it.",
                "Choose another -o.",
            ) from error
        self._lock = Lock(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if not (self.folder / PLAN_NAME).exists():
            self._remove(self.folder)

    def read_plan(self) -> Plan | None:
        """Return the plan that was stored; None where there is none yet. Raises RunError."""
        path = self.folder / PLAN_NAME
        return Plan.from_json(path.read_bytes()) if path.exists() else None

    def store_plan(self, plan: Plan) -> None:
        """Store the plan. Raises DiskError."""
        replace_file(self.folder / PLAN_NAME, plan.to_json())

    def is_done(self, part: Part) -> bool:
        """Return whether a part was painted and stored."""
        return self._segment(part).exists()

    def stored(self, numbers: Iterable[int], turn: int) -> list[Path]:
        """Return the files of the first of these frames as a pass painted them, up to one that is not there."""
        paths = (self._frame(number, turn) for number in numbers)
        return [*itertools.takewhile(Path.exists, paths)]

    def store_frame(self, frame: PaintedFrame) -> None:
        """Store a painted frame and what is known about its painting. Raises DiskError."""
        line = json.dumps({"frame": frame.number, "pass": frame.turn, **frame.facts}).encode() + b"\n"
        with (self.folder / FACTS_NAME).open("ab") as file:
            file.write(line)
        path = self._frame(frame.number, frame.turn)
        if frame.final:
            replace_file(_final(path), frame.final)
        replace_file(path, frame.picture)  # last: where it is, all of the frame is

    def read_facts(self) -> list[dict[str, Any]]:
        """Return what is known about the painting of each frame, in each pass, in order."""
        facts: dict[tuple[int, int], dict[str, Any]] = {}
        with suppress(FileNotFoundError):
            for line in (self.folder / FACTS_NAME).read_bytes().splitlines():
                with suppress(ValueError):  # cut short
                    entry = json.loads(line)
                    facts[entry["pass"], entry["frame"]] = entry
        return [facts[key] for key in sorted(facts)]

    def store_part(self, plan: Plan, part: Part, context: int) -> None:
        """Write the segment of a part whose frames are stored; of these the last stay, as the context of the next."""
        self._write(self._segment(part), plan, range(part.first, part.end))
        following = Part(part.number + 1, part.end, part.end, part.scene)
        for number in range(max(0, part.first - context), part.end):
            for turn in range(1, self._passes + 1):
                path = self._frame(number, turn)
                _final(path).unlink(missing_ok=True)
                if number not in context_of(following, context):
                    path.unlink(missing_ok=True)

    def segments(self, plan: Plan, parts: Sequence[Part]) -> tuple[list[Path], int]:
        """Return the segments of what is painted so far without a gap, and how many frames these have.

        That of the part that is being painted is written now. Raises DiskError.
        """
        found = list[Path]()
        for part in parts:
            if self.is_done(part):
                found.append(self._segment(part))
                continue
            painted = range(part.first, part.first + len(self.stored(range(part.first, part.end), 1)))
            if painted:
                found.append(self.folder / "begun.mp4")
                self._write(found[-1], plan, painted)
            return found, painted.stop
        return found, plan.frames

    def remove(self) -> None:
        """Remove the folder, and those of other jobs for the same output that nothing is painted in."""
        self._lock.release()
        for folder in self.folder.parent.iterdir():
            if folder == self.folder or not is_locked(folder):
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()

    def _write(self, path: Path, plan: Plan, numbers: Sequence[int]) -> None:
        write_segment(path, self._frames(plan, numbers), output=self._output, source=self._source)

    def _frames(self, plan: Plan, numbers: Sequence[int]) -> Iterator[Frame]:
        for index, number in enumerate(numbers):
            path = next(path for turn in range(self._passes, 0, -1) if (path := self._frame(number, turn)).exists())
            image = read_image(final if (final := _final(path)).exists() else path)
            yield Frame(index=index, time=plan.times[number], duration=plan.durations[number], image=image)

    def _frame(self, number: int, turn: int) -> Path:
        return self.folder / "frames" / f"{number:06d}-{turn}.png"

    def _segment(self, part: Part) -> Path:
        return self.folder / f"{part.number:05d}.mp4"


def _final(path: Path) -> Path:
    """Return the file of a frame of the film, beside that from which the next ones are painted."""
    return path.with_name(f"{path.stem}-final.png")

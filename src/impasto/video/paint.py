"""Paint a film: frame by frame here, or its parts by the workers of a pool; then join what is painted."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, RunError
from impasto.optimize.events import StepEvent
from impasto.painting.options import RunOptions
from impasto.system.device import peak_bytes, resolve_devices, share_devices
from impasto.system.memory import share_memory
from impasto.video.estimate import estimate_video
from impasto.video.frames import Source
from impasto.video.job import VideoJob
from impasto.video.painters import build_frames
from impasto.video.parts import FramePainter, PaintedFrame, PartItem, paint_part
from impasto.video.plan import Part, Plan, context_of, count_frames, frame_blends, plan_film
from impasto.video.result import OnVideo, VideoEstimate, VideoEvent, VideoResult
from impasto.video.run import VideoRun
from impasto.video.scenes import is_cut
from impasto.video.sink import join_segments
from impasto.video.source import open_source
from impasto.workers.pool import Failed, Finished, Lost, Perform, Progress, Share, WorkerPool

MOST_DEATHS = 3
"""Workers that one part may cost before the film fails."""

WAIT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Video:
    """A film that is ready to be painted. painter: of its frames, with its networks loaded."""

    job: VideoJob
    source: Source
    output: Path
    options: RunOptions
    painter: FramePainter

    def estimate(self) -> VideoEstimate:
        """Return what the film will cost: the pace of a network is measured on its first frame."""
        return estimate_video(self.job, self.source, self.options, self.painter)

    def paint(
        self, on_event: OnVideo | None = None, start_pool: Callable[[], WorkerPool[Any]] | None = None
    ) -> VideoResult:
        """Paint all frames that are not painted yet, and write the film.

        on_event: may return "stop"; then, and after Ctrl-C, the film has the frames so far, and the same call goes on.
        start_pool: starts workers by `build_part_painter`, among which the parts are shared.
        Raises KeyboardInterrupt where it is stopped before the first frame, and what painting raises.
        """
        job, source = self.job, self.source
        with VideoRun(self.output, job.key(), source, job.passes) as run:
            plan = run.read_plan()
            if plan is None:
                plan = plan_film(job, source, is_cut, self._reader(on_event))
                run.store_plan(plan)
            painting = _Painting(self, run, plan, on_event)
            started_s = time.perf_counter()
            is_stopped = painting.run(start_pool)
            seconds = time.perf_counter() - started_s
            segments, frames = run.segments(plan, plan.parts(job.passes))
            if not segments:
                raise KeyboardInterrupt("stopped before the first frame was painted; nothing was written.")
            length_s = sum(plan.durations[:frames])
            start_s = plan.times[0]
            warnings = join_segments(
                *(segments, self.output),
                source=source,
                start_s=start_s,
                duration_s=length_s,
                metadata=job.metadata(),
            )
            facts = [entry for entry in run.read_facts() if "steps" in entry]
            if not is_stopped:
                run.remove()
        names = {name for entry in facts for name in entry["losses"]}
        losses = {name: sum(entry["losses"].get(name, 0) for entry in facts) / len(facts) for name in sorted(names)}
        return VideoResult(
            output=self.output,
            size=open_source(self.output).size,
            frames=frames,
            fps=float(source.rate / job.every if source.rate is not None else frames / length_s),
            painted=painting.painted,
            seconds=seconds,
            recipe=job.recipe,
            peak_bytes=max(painting.peak_bytes, peak_bytes(resolve_devices(self.options.device)[0])),
            method=job.method,
            end="stopped" if is_stopped else "frames",
            steps=sum(entry["steps"] for entry in facts) if job.is_optimized else None,
            losses=losses if job.is_optimized else None,
            warnings=tuple(dict.fromkeys([*source.warnings, *warnings])),
        )

    def _reader(self, on_event: OnVideo | None) -> Callable[[int], object]:
        frames = count_frames(self.job, self.source)

        def read(number: int) -> None:
            if on_event is not None and on_event(VideoEvent(kind="read", frame=number, frames=frames)) == "stop":
                raise KeyboardInterrupt

        return read


class _Painting:
    """The painting of one film in one call. painted: frames painted so far. peak_bytes: of the workers."""

    def __init__(self, video: Video, run: VideoRun, plan: Plan, on_event: OnVideo | None) -> None:
        self.painted = self.peak_bytes = 0
        self._video, self._run, self._plan, self._on_event = video, run, plan, on_event
        self._passes = video.job.passes
        self._parts = plan.parts(self._passes)
        self._blends = frame_blends(len(video.job.styles), plan.frames) if video.job.morph else []
        # Frames that were painted before this call, in all passes.
        self._before = sum(map(self._count_stored, self._parts))

    def run(self, start_pool: Callable[[], WorkerPool[Any]] | None) -> bool:
        """Paint what is left, and return whether it was stopped."""
        try:
            if all(map(self._run.is_done, self._parts)):
                return False
            if start_pool is None:
                self._paint_here()
                return False
            pool = start_pool()
            try:
                self._paint_in_pool(pool)
            finally:
                pool.stop()
        except KeyboardInterrupt:
            return True
        return False

    def _paint_here(self) -> None:
        painter = self._video.painter
        for part in self._parts:
            if not self._run.is_done(part):
                for turn in range(1, self._passes + 1):
                    for frame in paint_part(painter, self._item(part, turn), self._on_step):
                        self._store(frame)
                        self._tell("frame", picture=frame.final or frame.picture)
                self._run.store_part(self._plan, part, painter.context)

    def _paint_in_pool(self, pool: WorkerPool[Any]) -> None:
        """Give each idle worker a part, of those whose scene is painted up to there."""
        left = deque(part for part in self._parts if not self._run.is_done(part))
        deaths, busy, under_way = Counter[Part](), dict[PartItem, Part](), dict[Part, int]()
        while left or busy:
            ready = [part for part in left if self._is_ready(part)]
            while pool.idle and ready:
                part = ready.pop(0)
                left.remove(part)
                item = self._item(part)
                busy[item] = part
                pool.submit(item)
            if not busy and pool.idle:
                raise RunError(
                    f"frames of {str(self._run.folder)!r} are gone, from which the next ones are painted.",
                    "Remove that folder, and run the command again.",
                )
            for report in pool.wait(WAIT_S):
                part = busy[report.item] if isinstance(report.outcome, Progress) else busy.pop(report.item)
                match report.outcome:
                    case Progress(count):
                        under_way[part] = count
                        continue
                    case Finished((frames, peak), _):
                        self.peak_bytes = max(self.peak_bytes, peak)
                        for frame in frames:
                            self._store(frame)
                        self._run.store_part(self._plan, part, self._video.painter.context)
                    case Failed(error, hint):
                        raise ImpastoError(error, hint)
                    case Lost(reason):
                        deaths[part] += 1
                        if deaths[part] >= MOST_DEATHS:
                            raise ImpastoError(
                                f"{MOST_DEATHS} workers ended while they painted one part, the last {reason}.",
                                "Lower --size or --workers.",
                            )
                        left.appendleft(part)
                under_way.pop(part, None)
            self._tell("frame", more=sum(under_way.values()))

    def _is_ready(self, part: Part) -> bool:
        context = context_of(part, self._video.painter.context)
        return len(self._run.stored(context, 1)) == len(context)

    def _count_stored(self, part: Part) -> int:
        numbers, turns = range(part.first, part.end), range(1, self._passes + 1)
        if self._run.is_done(part):
            return len(numbers) * self._passes
        return sum(len(self._run.stored(_in_turn(numbers, turn), turn)) for turn in turns)

    def _item(self, part: Part, turn: int = 1) -> PartItem:
        first = context_of(part, self._video.painter.context).start
        numbers = range(first, part.end)
        stored = self._run.stored(_in_turn(numbers, turn), turn)
        drafts = self._run.stored(numbers, turn - 1) if turn > 1 else []
        times, blends = self._plan.times[first : part.end], tuple(self._blends[first : part.end])
        blend = self._blends[part.scene] if self._blends else ()
        scene = (part.scene, self._plan.times[part.scene], blend)
        files = tuple(map(str, stored)), turn, tuple(map(str, drafts))
        return PartItem(self._video.job, first, times, blends, scene, *files)

    def _store(self, frame: PaintedFrame) -> None:
        self._run.store_frame(frame)
        self.painted += 1

    def _on_step(self, event: StepEvent) -> object:
        return self._send(VideoEvent(kind="step", frame=self._done, frames=self._total, step=event))

    def _tell(self, kind: Any, *, more: int = 0, picture: bytes = b"") -> None:
        """Send an event. more: frames that workers have painted and not sent yet."""
        event = VideoEvent(kind=kind, frame=self._done + more, frames=self._total, picture=picture)
        if self._send(event) == "stop" and self._done < self._total:
            raise KeyboardInterrupt

    def _send(self, event: VideoEvent) -> object:
        return None if self._on_event is None else self._on_event(event)

    @property
    def _done(self) -> int:
        return self._before + self.painted

    @property
    def _total(self) -> int:
        return self._plan.frames * self._passes


def _in_turn(numbers: range, turn: int) -> range:
    """Return the frames in the order in which a pass paints them."""
    return numbers if turn % 2 else numbers[::-1]


def build_part_painter(options: RunOptions, share: Share) -> Perform:
    """Return the function by which a worker paints parts of a film. Its networks are loaded with the first one."""
    devices = share_devices(options.device, share.number, share.workers)
    memory = share_memory(options.max_memory, resolve_devices(devices)[0], share.memory)
    threads = options.threads if options.threads is not None else share.threads
    own = RunOptions(device=devices, threads=threads, max_pixels=options.max_pixels, max_memory=memory)
    painters: dict[VideoJob, FramePainter] = {}

    def paint(item: PartItem, on_progress: Callable[[int], None]) -> tuple[list[PaintedFrame], int]:
        if item.job not in painters:
            painters.clear()
            painters[item.job] = build_frames(item.job, own)
        frames = list[PaintedFrame]()
        for frame in paint_part(painters[item.job], item):
            frames.append(frame)
            on_progress(len(frames))
        return frames, peak_bytes(resolve_devices(devices)[0])

    return paint


def painter_factory(options: RunOptions) -> Callable[[Share], Perform]:
    """Return the factory of a pool's workers."""
    return partial(build_part_painter, options)

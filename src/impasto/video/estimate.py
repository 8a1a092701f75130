"""The cost of a film, estimated before it is painted: measured on its first frame, or from the recipe's steps."""

import time
from dataclasses import replace

from impasto.control.sizes import picture_size
from impasto.errors import ImpastoError
from impasto.fast.instant import find_files
from impasto.painting.options import RunOptions
from impasto.recipe.recipe import ONE_PASS
from impasto.system.device import peak_bytes, resolve_devices
from impasto.video.frames import Source
from impasto.video.job import INSTANT, VideoJob
from impasto.video.optimize import Earlier
from impasto.video.painters import OptimizedFrames, build_frames
from impasto.video.parts import FramePainter, Moment
from impasto.video.plan import count_frames
from impasto.video.result import VideoEstimate


def estimate_video(job: VideoJob, source: Source, options: RunOptions, painter: FramePainter) -> VideoEstimate:
    """Return what a film will cost; a network's time is measured on its first frame, painted twice."""
    frames = count_frames(job, source)
    blend = (1 / len(job.styles),) * len(job.styles) if job.morph else ()
    first = Moment(frame=next(source.frames(job.start_s)).image, number=0, blend=blend, masks={})
    later, earlier = replace(first, number=1), Earlier(frame=first.frame, painted=first.frame)
    painter.begin(first)
    instant_s = None
    if isinstance(painter, OptimizedFrames):
        costs = painter.estimate(first, ()), painter.estimate(later, (earlier,))
        first_s, frame_s = (cost.seconds for cost in costs)
        most_bytes = max(cost.peak_bytes for cost in costs)
        one_s = _measure_instant(job, source, options)
        instant_s = None if one_s is None or frames is None else one_s * frames
    else:
        first_s = frame_s = _measure(painter, first, later)
        most_bytes = peak_bytes(resolve_devices(options.device)[0])
    return VideoEstimate(
        frames=frames,
        size=picture_size(job.recipe.size, source.size),
        fps=None if source.rate is None else float(source.rate / job.every),
        seconds=None if frames is None else first_s + (job.passes * frames - 1) * frame_s,
        frame_s=frame_s,
        peak_bytes=most_bytes,
        recipe=job.recipe,
        method=job.method,
        instant_s=instant_s,
    )


def _measure(painter: FramePainter, first: Moment, later: Moment) -> float:
    """Return the seconds of a network's frame after the first one, with steadying it."""
    painted = painter.paint(first, ())
    started_s = time.perf_counter()
    painter.paint(later, (Earlier(frame=first.frame, painted=painted.image),) * painter.context)
    return time.perf_counter() - started_s


def _measure_instant(job: VideoJob, source: Source, options: RunOptions) -> float | None:
    """Return the seconds of a frame of this size by `instant`; None where it is not installed, or cannot paint it."""
    try:
        find_files()
        recipe = ONE_PASS.replace(size=job.recipe.size)
        instant = VideoJob(source=job.source, method=INSTANT, recipe=recipe, styles=job.styles[:1])
        first = Moment(frame=next(source.frames(job.start_s)).image, number=0, blend=(), masks={})
        return _measure(build_frames(instant, options), first, replace(first, number=1))
    except ImpastoError:
        return None

"""Paint a job: its style images in the fine style first, then the parts of its plan, then the final colors."""

import logging
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from impasto.control.color import finish_colors
from impasto.control.masks import keep_photograph
from impasto.optimize.events import OnStep
from impasto.painting.job import Job, memory_hint
from impasto.painting.options import check_callback
from impasto.painting.recorder import Recorder
from impasto.painting.runner import Runner
from impasto.painting.targets import build_targets
from impasto.runs.record import Input
from impasto.runs.result import Result
from impasto.system.device import peak_bytes
from impasto.system.torch_settings import products_in, running, torch_defaults

logger = logging.getLogger(__name__)


def paint(job: Job, recorder: Recorder | None = None, on_step: OnStep | None = None) -> Result:
    """Paint the job and return its result.

    recorder: of a new run, or of one that is resumed. on_step: called after every step; may return "stop". Ctrl-C after
    the first step also gives the best picture so far.
    """
    return paint_frame(job, recorder, on_step)[0]


@torch_defaults()
def paint_frame(job: Job, recorder: Recorder | None = None, on_step: OnStep | None = None) -> tuple[Result, Tensor]:
    """Return what `paint` does, and the picture before its colors were finished, from which a next frame can start."""
    recorder = recorder if recorder is not None else Recorder()
    with recorder.closing_on_error():
        check_callback("on_step", on_step)
        styles = paint_fine_styles(job)
        finish = partial(finish_picture, job, styles)
        with running(job.device, job.plan.threads, memory_hint(job.plan), job.devices[1:]):
            runner = Runner(build_targets(job, styles), recorder)
            minimum = runner.run(recorder.record_steps(on_step), finish)
            logger.info("finishing the colors")
            pastiche = finish(minimum.image)
        result = Result(
            pastiche=pastiche,
            recipe=job.recipe,
            losses=minimum.losses,
            steps=minimum.steps,
            seconds=runner.elapsed_s(),
            peak_bytes=max(map(peak_bytes, job.devices)),
            end="steps" if minimum.end == "memory" else minimum.end,
            weights=job.weights,
            inputs=tuple(Input.of(role, picture) for role, picture in job.inputs.by_role()),
            plan=job.plan.with_parts(runner.painted),
            carried=job.inputs.carried,
        )
    recorder.end(result)
    return result, minimum.image


def paint_fine_styles(job: Job) -> list[Tensor]:
    """Return the style images, repainted in the fine style if there is one. Raises KeyboardInterrupt at a stop."""
    repainted: list[Tensor] = []
    if job.fine_jobs:
        logger.info("giving the painting fine strokes")
    for fine in job.fine_jobs:
        result = paint(fine)
        if result.end == "stopped":
            raise KeyboardInterrupt
        repainted.append(result.pastiche)
    return repainted or job.inputs.style_images


@products_in("float32")
def finish_picture(job: Job, styles: Sequence[Tensor], painted: Tensor) -> Tensor:
    """Return a painted picture, (1, 3, H, W), in its final colors, with the photograph outside `only`.

    styles: the job's style images, with their fine style.
    """
    inputs = job.inputs
    pastiche = finish_colors(
        job.recipe, painted, inputs.content_image, styles, inputs.content_alpha, inputs.style_alphas
    )
    if inputs.content is None or inputs.only is None:
        return pastiche
    return keep_photograph(pastiche, inputs.content, inputs.only.image, job.recipe.only_feather)

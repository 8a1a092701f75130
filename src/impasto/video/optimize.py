"""Optimized films: each frame of a scene painted by a recipe from the one before it, carried along the motion."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from impasto.control.color import fit_colors, prepare_colors
from impasto.images.resize import resize_image
from impasto.images.warp import warp
from impasto.losses.proportions import share_regions
from impasto.losses.temporal import Temporal, long_term_weights
from impasto.painting.inputs import Inputs
from impasto.painting.job import Job, vary
from impasto.painting.paint import paint_fine_styles
from impasto.painting.targets import find_job_shares
from impasto.system.torch_settings import products_in, torch_defaults
from impasto.video.flow import find_motion, find_similar

FRAME_STEPS = 20
"""Steps of a frame after the first of its scene, where the recipe's `frame_steps` does not say."""

TEMPORAL_WEIGHT = 5.0
"""Weight of the temporal loss beside style and content losses of about 1 at most, as a `strength` makes them."""

DISTANCES = (1, 2, 4)
"""Earlier frames that a frame is compared with, by how many frames they are before it."""

CONTEXT = max(DISTANCES)
"""Earlier frames of the scene that `continue_scene` needs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Earlier:
    """An earlier frame of the scene. frame: of the film; painted: the same painted, before its colors were finished.

    Both (1, 3, H, W) in [0, 1], sRGB; the film's frame may be of another size.
    """

    frame: Tensor
    painted: Tensor


@torch_defaults()
@products_in("float32")
def begin_scene(job: Job) -> Job:
    """Return the job of a scene's first frame with its colors fitted, from which `continue_scene` makes the others.

    Its style images are painted in the fine style if there is one; the other scenes can take them from its inputs.
    """
    inputs, images = job.inputs, paint_fine_styles(job)
    styles = tuple(replace(style, image=image) for style, image in zip(inputs.styles, images, strict=True))
    assert inputs.content is not None
    shares = find_job_shares(job, images)
    regions = share_regions(job.recipe, job.regions, shares)
    colors = fit_colors(*(job.recipe, inputs.content.image, images, inputs.content.alpha, inputs.style_alphas, regions))
    return replace(job, inputs=replace(inputs, styles=styles), fine_jobs=(), colors=colors, shares=shares)


@torch_defaults()
@products_in("float32")
def continue_scene(
    job: Job,
    inputs: Inputs,
    earlier: Sequence[Earlier],
    *,
    before: Tensor | None = None,
    temporal_weight: float = TEMPORAL_WEIGHT,
) -> Job:
    """Return the job of another frame of a scene, to be painted by `paint_frame`.

    job: of the scene's first frame, from `begin_scene`. inputs: of this frame, with the first one's styles. earlier:
    the last CONTEXT frames of the scene, in order, or those that there are. before: the same frame painted in an
    earlier pass over the film, (1, 3, H, W). Raises MissingExtraError.

    The frame starts from the one before it carried along the motion, wherever the film looks the same there, so that
    what comes into view beside something like it has strokes at once; elsewhere from itself in the painting's colors.
    The temporal loss counts only what lasts. It is painted at the full size, in the recipe's `frame_steps`. In a
    further pass, which may go backwards, it starts from the mean of what is carried and its own picture, and where
    nothing is, from that.

    Ruder, Dosovitskiy and Brox 2016 (arXiv 1604.08610), sections 4.1 to 4.4. Differs: a few steps instead of a
    thousand, and so the start has strokes at motion boundaries too; colors are fitted once for the scene; earlier
    frames count less where the film changes along the motion, by the contrast around.
    """
    assert inputs.content is not None and earlier
    recipe = job.recipe.replace(steps=job.recipe.frame_steps or FRAME_STEPS, first_scale=0)
    following = vary(job, recipe, inputs)
    size = following.plan.size
    frame = resize_image(inputs.content.image, size, recipe.resampling)
    compared = [earlier[-distance] for distance in DISTANCES if distance <= len(earlier)]
    carried, lasting, similar = zip(*(carry(frame, each) for each in compared), strict=True)
    if before is None:
        start = _recolored(following, size).lerp(carried[0], similar[0])
    else:
        own = resize_image(before, size)
        start = own.lerp(carried[0], lasting[0] / 2)
    temporal = Temporal(weight=temporal_weight, carried=carried, weights=long_term_weights(lasting))
    return replace(following, start=start, temporal=temporal)


def carry(frame: Tensor, earlier: Earlier) -> tuple[Tensor, Tensor, Tensor]:
    """Return an earlier painted frame on a frame's grid, (1, 3, H, W), and how far it lasts and is similar there.

    frame: of the film, (1, 3, H, W) in [0, 1], sRGB. The shares are (1, 1, H, W) in [0, 1], as of `find_lasting` and
    `find_similar`.
    """
    size = (frame.shape[-2], frame.shape[-1])
    before = resize_image(earlier.frame, size)
    flow, visible = find_motion(frame, before, fine=True)
    similar = find_similar(frame, before, flow, fine=True)
    return warp(resize_image(earlier.painted, size), flow, "bicubic").clamp(0, 1), visible * similar, similar


def _recolored(job: Job, size: tuple[int, int]) -> Tensor:
    """Return the frame in the colors in which the losses see it, (1, 3, H, W)."""
    inputs = job.inputs
    content, _ = prepare_colors(
        *(job.recipe, inputs.content_image, inputs.style_images, inputs.content_alpha, inputs.style_alphas),
        regions=job.regions,
        protect=None if inputs.protect is None else inputs.protect.image,
        fitted=job.colors,
    )
    assert content is not None
    return resize_image(content, size, job.recipe.resampling)

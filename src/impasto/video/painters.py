"""What paints the frames of a film: a network, whose frames are steadied if asked, or a recipe."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from impasto.control.masks import FACES, keep_photograph, read_only
from impasto.control.sizes import picture_size
from impasto.cost.estimate import Estimate
from impasto.fast.instant import check_instant, load_instant
from impasto.images.io import read_picture
from impasto.images.picture import Picture
from impasto.optimize.events import OnStep
from impasto.painting.cache import Cache
from impasto.painting.inputs import Inputs, read_inputs
from impasto.painting.job import Job, prepare, vary
from impasto.painting.options import RunOptions
from impasto.painting.paint import finish_picture, paint_frame
from impasto.recipe.checks import check_blend
from impasto.recipe.recipe import Recipe
from impasto.system.device import resolve_devices
from impasto.system.torch_settings import default_threads, products_in, running
from impasto.transfer.apply import load_painter
from impasto.transfer.instant import paint_instantly, paint_start
from impasto.video.job import INSTANT, VideoJob
from impasto.video.optimize import CONTEXT, Earlier, begin_scene, continue_scene
from impasto.video.parts import FramePainter, Moment, Painted
from impasto.video.stabilize import steady_frame

ADVICE = "Lower --size, or close other programs."


class Frames(ABC):
    """Frames painted by a network, each by itself, then steadied if the job says so."""

    def __init__(self, job: VideoJob, options: RunOptions) -> None:
        self.context = int(job.steady)
        self._job, self._options = job, options

    def begin(self, first: Moment) -> None:  # noqa: B027 - networks need no preparation
        """Do nothing: a scene differs in nothing but the frames before."""

    def paint(self, moment: Moment, earlier: Sequence[Earlier], on_step: OnStep | None = None) -> Painted:
        """Return the frame, steadied along the motion since the one before."""
        painted = self._paint(moment)
        if earlier:
            painted = steady_frame(painted, moment.frame, earlier[-1].painted, earlier[-1].frame)
        return Painted(painted, self._keep_film(moment, painted))

    def _keep_film(self, moment: Moment, painted: Tensor) -> Tensor | None:
        """Return the frame with the film outside the mask `only`; None where there is none."""
        if not (only := moment.masks.get("only")):
            return None
        content = Picture(image=moment.frame)
        mask = read_only(only[0], content, self._options.max_pixels, may_be_empty=True)
        return keep_photograph(painted, content, mask.image, self._job.recipe.only_feather)

    @abstractmethod
    def _paint(self, moment: Moment) -> Tensor:
        """Return the frame as the network paints it, (1, 3, H, W) in [0, 1], sRGB."""


class TrainedFrames(Frames):
    """Frames painted by a trained network."""

    def __init__(self, job: VideoJob, options: RunOptions) -> None:
        super().__init__(job, options)
        self._painter = load_painter(job.method, device=options.device, threads=options.threads)

    def _paint(self, moment: Moment) -> Tensor:
        recipe = self._job.recipe.replace(style_blend=moment.blend) if moment.blend else self._job.recipe
        masks = list(moment.masks.get("content_masks", ()))
        inputs = read_inputs(recipe, self._options, moment.frame, content_masks=masks, of_film=True)
        return self._painter.paint(recipe, self._job.styles, inputs, self._options)[0]


class InstantFrames(Frames):
    """Frames painted by the network that knows no painting in particular."""

    def __init__(self, job: VideoJob, options: RunOptions) -> None:
        super().__init__(job, options)
        self._device = resolve_devices(options.device)[0]
        self._network = load_instant(self._device)
        limit = options.max_pixels
        self._styles = [read_picture(style, name="style_image", max_pixels=limit) for style in job.styles]

    def _paint(self, moment: Moment) -> Tensor:
        recipe, options, content = self._job.recipe, self._options, Picture(image=moment.frame)
        check_instant(picture_size(recipe.size, content.size), self._device, options.max_memory)
        blend = check_blend(moment.blend or recipe.style_blend, len(self._styles))
        threads = options.threads if options.threads is not None else default_threads()
        with running(self._device, threads, ADVICE), products_in("float32"):
            return paint_instantly(self._network, recipe, content, self._styles, blend)


class OptimizedFrames:
    """Frames painted by a recipe, each from the ones before it carried along the motion."""

    context = CONTEXT

    def __init__(self, job: VideoJob, options: RunOptions) -> None:
        self._job, self._options = job, replace(options, cache=Cache())
        self._scene: tuple[int, Job] | None = None

    def begin(self, first: Moment) -> None:
        """Prepare a scene, with the colors fitted to its first frame. Raises what `stylize` raises before slow work."""
        if self._scene is None:
            job = paint_start(prepare(self._recipe(first), self._read(first), self._options))
            self._scene = first.number, begin_scene(job)
        elif self._scene[0] != first.number:
            former = self._scene[1]  # its styles have their fine strokes already
            inputs = replace(self._read(first), styles=former.inputs.styles)
            job = replace(vary(former, self._recipe(first), inputs), colors=None)
            self._scene = first.number, begin_scene(paint_start(job))

    def paint(self, moment: Moment, earlier: Sequence[Earlier], on_step: OnStep | None = None) -> Painted:
        """Return the frame, its steps and its losses. Raises KeyboardInterrupt where `on_step` stops it."""
        if moment.draft is not None and not earlier:  # where a further pass begins, nothing is carried along
            job = self._prepare(moment, (Earlier(frame=moment.frame, painted=moment.draft),))
            return Painted(moment.draft, finish_picture(job, job.inputs.style_images, moment.draft))
        result, image = paint_frame(self._prepare(moment, earlier), None, on_step)
        if result.end == "stopped":
            raise KeyboardInterrupt
        return Painted(image, result.pastiche, {"steps": result.steps, "losses": dict(result.losses)})

    def estimate(self, moment: Moment, earlier: Sequence[Earlier]) -> Estimate:
        """Return what a frame will cost."""
        return self._prepare(moment, earlier).estimate()

    def _prepare(self, moment: Moment, earlier: Sequence[Earlier]) -> Job:
        assert self._scene is not None
        job = self._scene[1]
        if moment.blend:
            job = vary(job, self._recipe(moment), job.inputs, job.regions)
        if not earlier:
            return job
        return continue_scene(job, replace(self._read(moment), styles=job.inputs.styles), earlier, before=moment.draft)

    def _recipe(self, moment: Moment) -> Recipe:
        recipe = self._job.recipe
        return recipe.replace(style_blend=moment.blend) if moment.blend else recipe

    def _read(self, moment: Moment) -> Inputs:
        job, masks = self._job, moment.masks
        only, protect = (next(iter(masks.get(name, ())), None) for name in ("only", "protect"))
        return read_inputs(
            *(self._recipe(moment), self._options, moment.frame, list(job.styles)),
            content_masks=list(masks.get("content_masks", ())),
            style_masks=list(masks.get("style_masks", ())),
            only=only,
            protect=FACES if job.protect == FACES else protect,
            of_film=True,
        )


def build_frames(job: VideoJob, options: RunOptions) -> FramePainter:
    """Return what paints the frames of a job, its networks loaded. Raises what loading raises."""
    if job.is_optimized:
        return OptimizedFrames(job, options)
    return InstantFrames(job, options) if job.method == INSTANT else TrainedFrames(job, options)


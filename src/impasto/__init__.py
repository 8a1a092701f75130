"""impasto: neural style transfer, the method of Gatys, Ecker and Bethge (2015), as real software.

    import impasto
    result = impasto.stylize("photo.jpg", "painting.jpg", strength=0.6, size=1024)
    result.save("pastiche.png")

Importing impasto loads neither torch nor weights; the first call does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.recipe.keywords import RecipeFields
from impasto.recipe.recipe import Recipe
from impasto.system.fork import was_forked as _was_forked  # noqa: F401 - it must see every fork

if TYPE_CHECKING:
    from impasto.batch.run import BatchEvent
    from impasto.batch.stylize import BatchResult, stylize_batch
    from impasto.cost.estimate import Estimate
    from impasto.experiments.compare import Comparison, compare
    from impasto.experiments.paper import PaperFigures, reproduce_paper
    from impasto.experiments.sweep import SweepSheet, sweep
    from impasto.fast.recipe import TrainingRecipe
    from impasto.fast.result import OnePassResult
    from impasto.fast.train import PainterEvent, TrainedPainter, train_painter
    from impasto.images.io import read_image, read_metadata, write_image
    from impasto.optimize.events import StepEvent
    from impasto.optimize.schedule import RunPlan
    from impasto.painting.cache import Cache
    from impasto.painting.inputs import read_inputs
    from impasto.painting.job import Job, prepare
    from impasto.painting.options import PaintFields, PasticheFields, RunFields, RunOptions
    from impasto.painting.paint import paint
    from impasto.painting.recorder import start_recorder
    from impasto.runs.result import Result
    from impasto.transfer.apply import Painter, PainterFields, load_painter
    from impasto.transfer.export import Exported, export_painter
    from impasto.transfer.instant import stylize_instantly
    from impasto.transfer.morph import morph, prepare_morph
    from impasto.transfer.pastiche import estimate, prepare_pastiche, stylize
    from impasto.transfer.reconstruction import prepare_reconstruction, reconstruct
    from impasto.transfer.rerun import prepare_rerun, rerun
    from impasto.transfer.resume import resume
    from impasto.transfer.texture import prepare_texture, synthesize_texture
    from impasto.video.paint import Video
    from impasto.video.result import VideoEstimate, VideoEvent, VideoResult
    from impasto.video.stylize import VideoFields, prepare_video, stylize_video

__version__ = "0.1.0"

__all__ = [
    "BatchEvent",
    "BatchResult",
    "Cache",
    "Comparison",
    "Estimate",
    "Exported",
    "ImpastoError",
    "Job",
    "OnePassResult",
    "PaintFields",
    "Painter",
    "PainterEvent",
    "PainterFields",
    "PaperFigures",
    "PasticheFields",
    "Recipe",
    "RecipeFields",
    "Result",
    "RunFields",
    "RunOptions",
    "RunPlan",
    "StepEvent",
    "SweepSheet",
    "TrainedPainter",
    "TrainingRecipe",
    "Video",
    "VideoEstimate",
    "VideoEvent",
    "VideoFields",
    "VideoResult",
    "__version__",
    "compare",
    "estimate",
    "export_painter",
    "load_painter",
    "morph",
    "paint",
    "prepare",
    "prepare_morph",
    "prepare_pastiche",
    "prepare_reconstruction",
    "prepare_rerun",
    "prepare_texture",
    "prepare_video",
    "read_image",
    "read_inputs",
    "read_metadata",
    "reconstruct",
    "reproduce_paper",
    "rerun",
    "resume",
    "start_recorder",
    "stylize",
    "stylize_batch",
    "stylize_instantly",
    "stylize_video",
    "sweep",
    "synthesize_texture",
    "train_painter",
    "write_image",
]

_HOMES = {
    name: f"impasto.{module}"
    for module, names in {
        "batch.run": ["BatchEvent"],
        "batch.stylize": ["BatchResult", "stylize_batch"],
        "cost.estimate": ["Estimate"],
        "experiments.compare": ["Comparison", "compare"],
        "experiments.paper": ["PaperFigures", "reproduce_paper"],
        "experiments.sweep": ["SweepSheet", "sweep"],
        "fast.recipe": ["TrainingRecipe"],
        "fast.train": ["PainterEvent", "TrainedPainter", "train_painter"],
        "fast.result": ["OnePassResult"],
        "images.io": ["read_image", "read_metadata", "write_image"],
        "optimize.events": ["StepEvent"],
        "optimize.schedule": ["RunPlan"],
        "painting.cache": ["Cache"],
        "painting.inputs": ["read_inputs"],
        "painting.job": ["Job", "prepare"],
        "painting.options": ["PaintFields", "PasticheFields", "RunFields", "RunOptions"],
        "painting.paint": ["paint"],
        "painting.recorder": ["start_recorder"],
        "runs.result": ["Result"],
        "transfer.apply": ["Painter", "PainterFields", "load_painter"],
        "transfer.export": ["Exported", "export_painter"],
        "transfer.instant": ["stylize_instantly"],
        "transfer.morph": ["morph", "prepare_morph"],
        "transfer.pastiche": ["estimate", "prepare_pastiche", "stylize"],
        "transfer.reconstruction": ["prepare_reconstruction", "reconstruct"],
        "transfer.rerun": ["prepare_rerun", "rerun"],
        "transfer.resume": ["resume"],
        "transfer.texture": ["prepare_texture", "synthesize_texture"],
        "video.paint": ["Video"],
        "video.result": ["VideoEstimate", "VideoEvent", "VideoResult"],
        "video.stylize": ["VideoFields", "prepare_video", "stylize_video"],
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, "errors", *(name for name in globals() if name.startswith("__"))})

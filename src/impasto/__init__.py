"""impasto: neural style transfer, the method of Gatys, Ecker and Bethge (2015), as real software.

    import impasto
    result = impasto.stylize("photo.jpg", "painting.jpg")
    result.save("pastiche.png")

Importing impasto loads neither torch nor weights; the first call does.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.cost.estimate import Estimate
    from impasto.images.io import read_image, read_metadata, write_image
    from impasto.optimize.events import StepEvent
    from impasto.optimize.schedule import RunPlan
    from impasto.painting.inputs import read_inputs
    from impasto.painting.job import Job, prepare
    from impasto.painting.options import PasticheFields, RunFields, RunOptions
    from impasto.painting.paint import paint
    from impasto.painting.recorder import start_recorder
    from impasto.runs.result import Result
    from impasto.transfer.morph import morph, prepare_morph
    from impasto.transfer.pastiche import estimate, prepare_pastiche, stylize
    from impasto.transfer.reconstruction import prepare_reconstruction, reconstruct
    from impasto.transfer.rerun import rerun
    from impasto.transfer.resume import resume
    from impasto.transfer.texture import prepare_texture, synthesize_texture

__version__ = version("impasto")

__all__ = [
    "Estimate",
    "ImpastoError",
    "Job",
    "PasticheFields",
    "Recipe",
    "Result",
    "RunFields",
    "RunOptions",
    "RunPlan",
    "StepEvent",
    "__version__",
    "estimate",
    "morph",
    "paint",
    "prepare",
    "prepare_morph",
    "prepare_pastiche",
    "prepare_reconstruction",
    "prepare_texture",
    "read_image",
    "read_inputs",
    "read_metadata",
    "reconstruct",
    "rerun",
    "resume",
    "start_recorder",
    "stylize",
    "synthesize_texture",
    "write_image",
]

_HOMES = {
    "Estimate": "impasto.cost.estimate",
    "Job": "impasto.painting.job",
    "PasticheFields": "impasto.painting.options",
    "Result": "impasto.runs.result",
    "RunFields": "impasto.painting.options",
    "RunOptions": "impasto.painting.options",
    "RunPlan": "impasto.optimize.schedule",
    "StepEvent": "impasto.optimize.events",
    "estimate": "impasto.transfer.pastiche",
    "morph": "impasto.transfer.morph",
    "paint": "impasto.painting.paint",
    "prepare": "impasto.painting.job",
    "prepare_morph": "impasto.transfer.morph",
    "prepare_pastiche": "impasto.transfer.pastiche",
    "prepare_reconstruction": "impasto.transfer.reconstruction",
    "prepare_texture": "impasto.transfer.texture",
    "read_image": "impasto.images.io",
    "read_inputs": "impasto.painting.inputs",
    "read_metadata": "impasto.images.io",
    "reconstruct": "impasto.transfer.reconstruction",
    "rerun": "impasto.transfer.rerun",
    "resume": "impasto.transfer.resume",
    "start_recorder": "impasto.painting.recorder",
    "stylize": "impasto.transfer.pastiche",
    "synthesize_texture": "impasto.transfer.texture",
    "write_image": "impasto.images.io",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")

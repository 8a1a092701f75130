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
    from impasto.painting.options import How, PasticheHow
    from impasto.runs.result import Result
    from impasto.transfer.morph import prepare_morph
    from impasto.transfer.pastiche import estimate, morph, reconstruct, stylize, synthesize_texture
    from impasto.transfer.preparation import prepare_pastiche, prepare_reconstruction, prepare_texture
    from impasto.transfer.rerun import rerun
    from impasto.transfer.resume import resume

__version__ = version("impasto")

__all__ = [
    "Estimate",
    "How",
    "ImpastoError",
    "PasticheHow",
    "Recipe",
    "Result",
    "RunPlan",
    "StepEvent",
    "__version__",
    "estimate",
    "morph",
    "prepare_morph",
    "prepare_pastiche",
    "prepare_reconstruction",
    "prepare_texture",
    "read_image",
    "read_metadata",
    "reconstruct",
    "rerun",
    "resume",
    "stylize",
    "synthesize_texture",
    "write_image",
]

_HOMES = {
    "Estimate": "impasto.cost.estimate",
    "How": "impasto.painting.options",
    "PasticheHow": "impasto.painting.options",
    "Result": "impasto.runs.result",
    "RunPlan": "impasto.optimize.schedule",
    "StepEvent": "impasto.optimize.events",
    "estimate": "impasto.transfer.pastiche",
    "morph": "impasto.transfer.pastiche",
    "prepare_morph": "impasto.transfer.morph",
    "prepare_pastiche": "impasto.transfer.preparation",
    "prepare_reconstruction": "impasto.transfer.preparation",
    "prepare_texture": "impasto.transfer.preparation",
    "read_image": "impasto.images.io",
    "read_metadata": "impasto.images.io",
    "reconstruct": "impasto.transfer.pastiche",
    "rerun": "impasto.transfer.rerun",
    "resume": "impasto.transfer.resume",
    "stylize": "impasto.transfer.pastiche",
    "synthesize_texture": "impasto.transfer.pastiche",
    "write_image": "impasto.images.io",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")

"""Reconstruction: the picture that one layer, or the style of some layers, keeps of another."""

from typing import Any, Literal, Unpack

from impasto.errors import RecipeError
from impasto.images.io import ImageSource
from impasto.optimize.events import OnStep
from impasto.painting.inputs import check_given, read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import PaintFields, RunOptions, choose_recipe, split_fields
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.fields import format_value
from impasto.recipe.files import needs_photograph
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result

Kind = Literal["content", "style"]


def reconstruct(
    image: ImageSource,
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    **fields: Unpack[PaintFields],
) -> Result:
    """Paint, from noise, a picture with the same responses in the content layers or the same style in the style layers.

    Gatys et al. 2015, figure 1: eq. 1 alone (bottom row) or eq. 5 alone (top row), in the network with its original
    maximum pooling, as the caption says.
    recipe: the preset `reconstruct` if left out; its strength does not matter, since there is nothing to mix.
    content_layers, style_layers, among the fields: one of them must be given. content_layer_weights,
    style_layer_weights: one a layer of that kind; if left out, the recipe's where its layers are the same, or else
    equal ones. The rest, and what is raised, as for `stylize`.
    """
    job = prepare_reconstruction(image, recipe, **fields)
    return paint(job, start_recorder(job), on_step)


def prepare_reconstruction(
    image: ImageSource, recipe: Recipe | None = None, **fields: Unpack[PaintFields]
) -> Job:
    """Return the job that `reconstruct` paints."""
    changes, run, _ = split_fields("reconstruct", fields, ["recipe"])
    kinds: tuple[Kind, Kind] = ("content", "style")
    content_layers, style_layers = (changes.pop(f"{kind}_layers", ()) for kind in kinds)
    content_layer_weights, style_layer_weights = (changes.pop(f"{kind}_layer_weights", ()) for kind in kinds)
    recipe, options = choose_recipe(recipe, "reconstruct", changes), RunOptions(**run)
    check_given("picture", image)
    if bool(content_layers) == bool(style_layers):
        raise RecipeError(
            f"content_layers and style_layers are {'both given' if content_layers else 'both empty'}; "
            "expected one of them.",
            "Give --content-layers conv4_2, say, or --style-layers conv1_1,conv2_1.",
        )
    check_reconstruction(recipe)
    if content_layers:
        recipe = _keep_one(recipe, "content", content_layers, content_layer_weights, style_layer_weights)
        return prepare(recipe, read_inputs(recipe, options, image), options)
    recipe = _keep_one(recipe, "style", style_layers, style_layer_weights, content_layer_weights)
    return prepare(recipe, read_inputs(recipe, options, style_images=[image]), options)


def check_reconstruction(recipe: Recipe) -> None:
    """Accept a recipe that keeps the picture's aspect and does not start from it. Raises RecipeError."""
    if isinstance(recipe.size, tuple) or recipe.init == "style" or needs_photograph(recipe):
        raise RecipeError(
            f"size is {format_value(recipe.size)}, init {recipe.init!r}; a reconstruction keeps the picture's aspect "
            "and does not start from it.",
            "Give the long edge alone as --size, and --init noise.",
        )


def check_weighed(recipe: Recipe, kind: Kind) -> None:
    """Accept a recipe in which the only kind of loss has a weight. Raises RecipeError."""
    if getattr(recipe, f"{kind}_weight") == 0:
        raise RecipeError(
            f"{kind}_weight is 0; expected a weight above 0, since nothing but {kind} is painted here.",
            f"Leave --{kind}-weight out, or give --{kind}-weight 1.",
        )


def _keep_one(
    recipe: Recipe, kind: Kind, layers: tuple[str, ...], weights: tuple[float, ...], others: tuple[float, ...]
) -> Recipe:
    """Return the recipe of a reconstruction from the layers of one kind; others: weights given for the other kind."""
    other = "style" if kind == "content" else "content"
    if others:
        raise RecipeError(
            f"{other}_layer_weights are given to reconstruct {kind}_layers; expected weights of these, or none.",
            f"Give --{kind}-layer-weights, or leave --{other}-layer-weights out.",
        )
    changes: dict[str, Any] = {f"{kind}_layers": layers, f"{kind}_layer_weights": weights}
    changed = recipe.replace(**{f"{other}_layers": (), f"{other}_layer_weights": ()}, **changes)
    if not weights and getattr(changed, f"{kind}_layers") == getattr(recipe, f"{kind}_layers"):
        changed = changed.replace(**{f"{kind}_layer_weights": getattr(recipe, f"{kind}_layer_weights")})
    check_weighed(changed, kind)
    return changed if changed.strength is None else changed.replace(strength=0.0 if kind == "content" else 1.0)

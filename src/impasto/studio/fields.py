"""The recipe for people: its presets and fields with their kinds, ranges and help, from the recipe's own fields."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from impasto.recipe.presets import describe_preset, preset_names
from impasto.recipe.recipe import Recipe

GROUPS: Mapping[str, tuple[str, ...]] = {
    "first": (
        *("strength", "size", "color", "style_scale", "recolor", "statistic", "placement", "proportions"),
        *("carried_detail", "tv_weight", "steps", "frame_steps"),
    ),
    "masks": ("protect_strength", "only_feather"),
    "file": ("dpi", "depth", "strip"),
    "style": (
        *("style_size", "style_layers", "style_layer_weights", "gram_normalization", "style_blend", "style_weight"),
        *("fine_layers", "nearest_layer"),
    ),
    "content": ("init", "content_layers", "content_layer_weights", "content_normalization", "content_weight"),
    "colors": ("color_map", "gamut"),
    "regions": ("guide_mode", "guide_dilation", "region_weights", "region_statistics"),
    "steps": (
        *("seed", "finer_steps", "first_scale", "finest_layer", "optimizer", "learning_rate", "history"),
        *("fourier_exponent", "tolerance", "tv_normalization", "float32_share"),
    ),
    "network": ("pooling", "padding", "rescaled_network", "resampling"),
}
"""The fields of the page, by group, the most used first. Others name files, or make no sense in a browser."""


@cache
def describe_recipe() -> dict[str, Any]:
    """Return all presets and fields, as JSON values."""
    names = preset_names()
    presets = [{"name": each, "help": describe_preset(each), "values": Recipe.preset(each).to_dict()} for each in names]
    by_name = {field.name: field for field in dataclasses.fields(Recipe)}
    fields = [_describe(by_name[name], group) for group, names in GROUPS.items() for name in names]
    return {"presets": presets, "fields": fields}


def _describe(field: "dataclasses.Field[Any]", group: str) -> dict[str, Any]:
    metadata = field.metadata
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    choices = metadata.get("choices") or metadata.get("among")
    return {
        "name": field.name,
        "kind": metadata["kind"],
        "default": default,
        "choices": None if choices is None else list(choices),
        "least": metadata.get("low"),
        "above": metadata.get("above"),
        "most": metadata.get("high"),
        "optional": bool(metadata.get("optional")),
        "help": metadata["help"],
        "group": group,
    }

"""What is before a painter's eyes at every size: the pictures in the colors painted in, and what to see in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.control.color import to_painted
from impasto.features.guides import Region, resize_guide
from impasto.features.vgg import Vgg
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.losses.protection import Protection
from impasto.losses.target_cache import TargetCache
from impasto.optimize.init import build_init
from impasto.optimize.precision import Precision
from impasto.optimize.pyramid import hand_over
from impasto.optimize.schedule import Part
from impasto.recipe.recipe import Recipe
from impasto.tiles.memory_guard import MemoryGuard
from impasto.tiles.objective import TiledObjective


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """All that a part's objective and its first picture are built from, but for the size.

    seen: the recipe with the layers that protection sees. devices: that share the tiles. encoders: by precision.
    content, styles: (1, 3, H, W), in the colors painted in. regions: with a style of their own. protect: a mask,
    (1, 1, H, W). known: descriptions of style images that earlier pictures left.
    """

    recipe: Recipe
    seen: Recipe
    devices: Sequence[torch.device]
    encoders: Mapping[Precision, Vgg]
    content: Tensor | None
    styles: Sequence[Tensor]
    regions: Sequence[Region]
    protect: Tensor | None
    known: TargetCache | None

    @property
    def device(self) -> torch.device:
        """Where all is done but the other devices' tiles."""
        return self.devices[0]

    def build_objective(self, part: Part, style_sizes: Sequence[tuple[int, int]]) -> Objective:
        """What a part lowers; style_sizes: (height, width) of each style image in it."""
        resampling = self.recipe.resampling
        encoder = self.encoders[part.precision].to(self.device)
        content = None if self.content is None else resize_image(self.content, part.size, resampling).to(self.device)
        styles = [
            resize_image(style, to, resampling).to(self.device)
            for style, to in zip(self.styles, style_sizes, strict=True)
        ]
        regions = [region.resized(part.size, style_sizes).to(self.device) for region in self.regions]
        protection = None
        if self.protect is not None:
            added = self.recipe.protect_strength * resize_guide(self.protect, part.size)
            protection = Protection(added.to(self.device))
        memory = part.memory
        # The limit of a GPU is the driver's to keep.
        on_cpu = self.device.type == "cpu"
        guard = MemoryGuard(memory.limit_bytes, memory.features_bytes) if on_cpu else MemoryGuard()
        guard.before_tile(first=True)
        if memory.tile is None:
            return Objective(encoder, self.seen, content, styles, regions, protection, self.known)
        return TiledObjective(
            *(encoder, self.seen, content, styles, regions, protection),
            inner=memory.tile,
            devices=self.devices,
            guard=guard,
        )

    def begin(self, size: tuple[int, int]) -> Tensor:
        """The recipe's start image at (height, width)."""
        recipe = self.recipe
        image = build_init(recipe.init, size, self.content, self.styles, recipe.seed, recipe.resampling)
        return to_painted(recipe, image)

    def hand_over(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """The picture that one part reached, as the next one begins at (height, width)."""
        recipe = self.recipe
        # The photograph's detail fits only what is painted from it.
        content = self.content if recipe.init == "content" else None
        return hand_over(image, size, content, recipe.carried_detail, recipe.padding, recipe.resampling)

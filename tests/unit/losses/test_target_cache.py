"""The cache of style targets: the same picture is described once, another one anew, and memory stays bounded."""

from collections.abc import Callable

import torch
from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.losses.objective import Objective
from impasto.losses.target_cache import TargetCache
from impasto.recipe.recipe import Recipe

Paint = Callable[..., Tensor]


def test_an_objective_with_cached_targets_is_the_same(picture: Paint) -> None:
    recipe = Recipe(weights="tiny", statistic=("gram", "moments", "sliced", "wasserstein"), strength=0.7)
    encoder, cache = build_encoder(recipe)[0], TargetCache()
    content, styles, image = picture(48, 48), [picture(40, 56, 1), picture(48, 40, 2)], picture(48, 48, 3)
    alone = Objective(encoder, recipe, content, styles)(image)
    for _ in range(2):
        values = Objective(encoder, recipe, content, styles, cache=cache)(image)
        assert {name: float(value) for name, value in values.items()} == {k: float(v) for k, v in alone.items()}
    assert cache.hits == 2


def test_what_a_description_depends_on_is_distinguished(picture: Paint) -> None:
    recipe = Recipe(weights="tiny", statistic=("sliced",))
    encoder, cache = build_encoder(recipe)[0], TargetCache()
    styles = [picture(40, 56, 1)]
    for changed in (
        recipe,
        recipe.replace(seed=1),
        recipe.replace(statistic=("gram",)),
        recipe.replace(style_layers=("conv1_1",)),
        recipe.replace(padding="reflect"),
    ):
        Objective(encoder, changed, None, styles, cache=cache)
    Objective(build_encoder(recipe)[0], recipe, None, styles, cache=cache)
    Objective(encoder, recipe, None, [styles[0].transpose(2, 3).contiguous()], cache=cache)
    assert cache.hits == 0
    Objective(encoder, recipe.replace(style_weight=3.0, tv_weight=1.0), None, styles, cache=cache)
    assert cache.hits == 1


def test_the_least_recently_used_is_dropped() -> None:
    cache = TargetCache(max_bytes=100)
    images = [torch.full((1, 3, 2, 2), value / 4) for value in range(4)]
    made: list[int] = []

    def describe(number: int) -> None:
        def make() -> dict[str, tuple[Tensor, Tensor]]:
            made.append(number)
            return {"gram": (torch.zeros(5), torch.zeros(5))}

        cache.get("settings", images[number], make)

    for number in (0, 1, 0, 2, 0, 1):
        describe(number)
    assert made == [0, 1, 2, 1]
    cache.get("settings", images[3], lambda: {"gram": torch.zeros(1000)})
    describe(1)
    assert made == [0, 1, 2, 1]

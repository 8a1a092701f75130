"""The objective: eq. 5 and 7 put together, weights, blends, strength."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.features.vgg import Vgg
from impasto.losses.content import content_loss
from impasto.losses.gram import gram_loss, gram_matrix
from impasto.losses.objective import CONTENT_BALANCE, STRENGTH_STEEPNESS, Objective, mixing_weights
from impasto.losses.tv import tv_loss
from impasto.recipe.recipe import Recipe

Paint = Callable[..., Tensor]


def weighted(**changes: Any) -> Recipe:
    plain = Recipe(strength=None, content_weight=2.0, style_weight=3.0, tv_weight=0.0, statistic=("gram",))
    return plain.replace(**changes)


def test_total_is_equation_7(tiny_encoder: Vgg, picture: Paint) -> None:
    recipe = weighted(style_layers=("conv1_1", "conv2_1"), style_layer_weights=(0.4, 0.6), tv_weight=5.0)
    content, style, image = picture(seed=0), picture(40, 24, seed=1), picture(seed=2)
    terms = Objective(tiny_encoder, recipe, content, [style])(image)
    F, P, S = (tiny_encoder(x, ("conv1_1", "conv2_1", "conv4_2")) for x in (image, content, style))
    content_term = 2 * content_loss(F["conv4_2"], P["conv4_2"])
    style_term = 3 * sum(
        w * gram_loss(F[name], gram_matrix(S[name])) for name, w in (("conv1_1", 0.4), ("conv2_1", 0.6))
    )
    tv_term = 5 * tv_loss(image)
    assert torch.isclose(terms["content"], content_term, rtol=1e-5)
    assert torch.isclose(terms["style"], torch.as_tensor(style_term), rtol=1e-5)
    assert torch.isclose(terms["tv"], tv_term, rtol=1e-5)
    assert torch.isclose(terms["total"], content_term + style_term + tv_term, rtol=1e-5)


def test_a_picture_is_encoded_once_for_all_its_terms(
    tiny_encoder: Vgg, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, forward = list[tuple[str, ...]](), tiny_encoder.forward

    def encode(image: Tensor, layers: tuple[str, ...], **how: Any) -> dict[str, Tensor]:
        seen.append(layers)
        return forward(image, layers, **how)

    monkeypatch.setattr(tiny_encoder, "forward", encode)
    recipe = Recipe(style_layers=("conv1_1", "conv2_1"), statistic=("covariance:0.7", "nearest:0.3"))
    Objective(tiny_encoder, recipe, picture(), [picture(seed=1)])
    assert seen == [("conv1_1", "conv2_1", "conv4_2"), ("conv1_1", "conv2_1")]


def test_no_image_has_a_loss_against_itself(tiny_encoder: Vgg, picture: Paint) -> None:
    terms = Objective(tiny_encoder, weighted(), picture(), [picture()])(picture())
    assert float(terms["total"]) == pytest.approx(0, abs=1e-9)


def test_blend_adds_the_styles_by_their_shares(tiny_encoder: Vgg, picture: Paint) -> None:
    styles = [picture(seed=1), picture(seed=2)]
    image = picture(seed=3)
    alone = [float(Objective(tiny_encoder, weighted(), picture(), [style])(image)["style"]) for style in styles]
    both = Objective(tiny_encoder, weighted(style_blend=(3.0, 1.0)), picture(), styles)(image)["style"]
    assert float(both) == pytest.approx(0.75 * alone[0] + 0.25 * alone[1], rel=1e-5)


def test_strength_mixes_terms_that_are_shares_of_their_target(tiny_encoder: Vgg, picture: Paint) -> None:
    content, style = picture(seed=0), picture(seed=1)
    for strength in (0.0, 0.3, 1.0):
        terms = Objective(tiny_encoder, Recipe(strength=strength), content, [style])(content)
        assert ("content" in terms, "style" in terms) == (strength < 1, strength > 0)
    objective = Objective(tiny_encoder, Recipe(strength=0.3), content, [style])
    silent = Recipe(strength=0.3, content_normalization="mean", gram_normalization="positions-channels")
    for name, value in Objective(tiny_encoder, silent, content, [style])(picture(seed=4)).items():
        assert float(value) == pytest.approx(float(objective(picture(seed=4))[name]), rel=1e-5)
    alpha, beta = mixing_weights(Recipe(strength=0.3))
    assert alpha / CONTENT_BALANCE + beta == pytest.approx(1)
    assert alpha / beta == pytest.approx(CONTENT_BALANCE * (0.7 / 0.3) ** STRENGTH_STEEPNESS)
    assert mixing_weights(Recipe(strength=0.5)) == (0.5 * CONTENT_BALANCE, 0.5)


def test_strength_does_not_see_the_scale_of_the_network(tiny_encoder: Vgg, picture: Paint) -> None:
    terms = Objective(tiny_encoder, Recipe(), picture(), [picture(seed=1)])(picture(seed=2))
    with torch.no_grad():
        tiny_encoder.get_buffer("conv1_1_kernel").mul_(10)  # no bias in the tiny network: all responses times ten
    louder = Objective(tiny_encoder, Recipe(), picture(), [picture(seed=1)])(picture(seed=2))
    assert float(louder["total"]) == pytest.approx(float(terms["total"]), rel=1e-4)


def test_a_black_flat_style_divides_by_nothing(tiny_encoder: Vgg) -> None:
    black = torch.zeros(1, 3, 32, 32)
    assert torch.isfinite(Objective(tiny_encoder, Recipe(), black, [black])(black + 0.5)["total"])


def test_a_samples_joint_is_no_part_of_its_style(tiny_encoder: Vgg, picture: Paint) -> None:
    """The sample of a texture that wraps around is described without wrapping."""
    tiny_encoder.padding = "wrap"
    objective = Objective(tiny_encoder, Recipe(padding="wrap", statistic=("gram",)), None, [picture(seed=1)])
    tiny_encoder.padding = "reflect"
    apart = Objective(tiny_encoder, Recipe(padding="reflect", statistic=("gram",)), None, [picture(seed=1)])
    for ours, theirs in zip(objective.terms["style"], apart.terms["style"], strict=True):
        assert torch.equal(ours.target, theirs.target)


def test_nearest_takes_its_layers_together(tiny_encoder: Vgg, picture: Paint) -> None:
    recipe = Recipe(statistic=("gram@conv1_1", "nearest@conv2_1+conv3_1"), style_blend=(1.0, 3.0))
    objective = Objective(tiny_encoder, recipe, picture(), [picture(seed=1), picture(seed=2)])
    names = [term.name for term in objective.terms["style"]]
    assert names == ["gram conv1_1"] * 2 + ["nearest conv2_1+conv3_1"] * 2
    assert [term.factor for term in objective.terms["style"][2:]] == pytest.approx([0.0625, 0.1875])
    style = Objective(tiny_encoder, recipe.replace(style_blend=()), None, [picture(seed=1)])(picture(seed=1))
    assert float(style["style"]) == pytest.approx(0, abs=1e-5)

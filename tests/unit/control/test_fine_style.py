"""Coarse strokes of one painting, fine ones of another: what they are painted from, cost, and are refused for."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.control.fine_style import SHARE, fine_recipe
from impasto.errors import ImageSizeError, RecipeError
from impasto.features.vgg import Vgg
from impasto.images.color.oklab import to_grey, to_oklab
from impasto.images.color.palette import match_lightness
from impasto.losses.gram import gram_matrix
from impasto.optimize.loop import Minimum
from impasto.painting.paint import paint_fine_styles
from impasto.painting.runner import Runner

Paint = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe(weights="tiny", size=48, steps=40, first_scale=0).replace(**changes)


def fine_painting(seed: int = 5) -> Tensor:
    """Stripes of two pixels."""
    stripes = (torch.arange(48) // 2 % 2).float().view(1, 1, 1, 48).expand(1, 3, 40, 48)
    return 0.2 + 0.6 * stripes


def test_the_style_gets_the_fine_layers_and_keeps_its_colors(tiny_encoder: Vgg, picture: Paint) -> None:
    coarse, fine = 0.3 + 0.4 * picture(40, 48, 1), fine_painting()
    job = impasto.prepare_pastiche(picture(40, 48), coarse, tiny(steps=160), fine_style=fine)
    (repainted,) = paint_fine_styles(job)
    wanted = match_lightness(fine, coarse)
    assert repainted.shape == coarse.shape
    off = (to_oklab(repainted) - to_oklab(coarse))[:, 1:].abs()
    # A few pixels are clipped to the gamut, which leaves no room for their chroma at the new lightness.
    assert float(off.quantile(0.99)) < 1e-5 and float(off.mean()) < 1e-3
    for layer in job.recipe.fine_layers:
        coarse_gram, fine_gram, gram = (
            gram_matrix(tiny_encoder(to_grey(image), [layer])[layer]) for image in (coarse, wanted, repainted)
        )
        assert float((gram - fine_gram).norm()) < 0.75 * float((coarse_gram - fine_gram).norm())


def test_what_is_transparent_in_either_painting_gives_no_strokes(picture: Paint) -> None:
    """As arrays of color and alpha: whatever is hidden behind their transparent halves, the repainting is the same."""
    coarse, fine = picture(40, 48, 1), fine_painting()
    repainted = []
    for seed in (7, 8):
        hidden = picture(40, 48, seed)[..., :24]
        arrays = []
        for image in (coarse, fine):
            alpha = torch.ones(1, 1, 40, 48)
            alpha[..., :24] = 0
            color = torch.cat([hidden, image[..., 24:]], dim=3)
            arrays.append((torch.cat([color, alpha], dim=1)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())
        job = impasto.prepare_pastiche(picture(40, 48), arrays[0], tiny(), fine_style=arrays[1])
        (fine_job,) = job.fine_jobs
        assert len(fine_job.regions) == 1 and float(fine_job.regions[0].content[..., :20].max()) == 0
        repainted += paint_fine_styles(job)
    assert torch.equal(*repainted)


def test_fine_strokes_reach_the_pastiche_and_are_recorded(picture: Paint) -> None:
    content, styles = picture(40, 48), [picture(40, 48, 1), picture(30, 48, 2)]
    plain = impasto.stylize(content, styles, tiny())
    seen: list[int] = []
    result = impasto.stylize(
        content, styles, tiny(), fine_style=fine_painting(), on_step=lambda event: seen.append(event.step)
    )
    assert float((result.pastiche - plain.pastiche).abs().mean()) > 0.01
    assert [entry.role for entry in result.inputs] == ["content", "style", "style", "fine_style"]
    assert len(result.inputs[-1].sha256) == 64
    assert (seen, result.steps) == ([*range(1, 41)], 40)
    again = impasto.stylize(content, styles, tiny(), fine_style=fine_painting(), plan=result.plan)
    assert torch.equal(again.pastiche, result.pastiche)


def test_every_style_is_repainted_within_the_estimate(picture: Paint) -> None:
    content, styles = picture(40, 48), [picture(40, 48, 1), picture(30, 48, 2)]
    plain = impasto.estimate(content, styles, tiny())
    job = impasto.prepare_pastiche(content, styles, tiny(), fine_style=fine_painting())
    assert [part.size for each in job.fine_jobs for part in each.plan.parts] == [(40, 48), (30, 48)]
    assert [each.plan.steps for each in job.fine_jobs] == [round(SHARE * 40)] * 2
    estimate = job.estimate()
    assert estimate.fine_s > 0
    assert estimate.seconds == pytest.approx(plain.seconds + estimate.fine_s, rel=0.5)
    assert estimate.to_dict()["fine_seconds"] > 0
    assert "fine_seconds" not in plain.to_dict()


def test_a_stop_among_the_fine_strokes_leaves_nothing(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    styles = [picture(40, 48, 1), picture(40, 48, 2)]
    job = impasto.prepare_pastiche(picture(40, 48), styles, tiny(), fine_style=fine_painting())
    run, runs = Runner.run, list[Runner]()

    def stop(runner: Runner, on_step: object, finish: Callable[[Tensor], Tensor]) -> Minimum:
        runs.append(runner)
        return run(runner, lambda event: "stop", finish)

    monkeypatch.setattr(Runner, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        impasto.paint(job, on_step=lambda event: pytest.fail("painted"))
    assert len(runs) == 1


@pytest.mark.parametrize("color", ["content-luma", "match", "oklab"])
def test_fine_strokes_go_with_every_color(color: str, picture: Paint) -> None:
    result = impasto.stylize(picture(40, 48), picture(seed=1), tiny(color=color, steps=4), fine_style=fine_painting())
    assert bool(torch.isfinite(result.pastiche).all())


@pytest.mark.parametrize("preset", ["standard", "paper", "pastiche"])
def test_the_fine_recipe_is_of_the_same_network(preset: str) -> None:
    recipe = impasto.Recipe.preset(preset, statistic=("nearest",), style_blend=(1.0, 2.0))
    fine = fine_recipe(recipe, (30, 40))
    for field in ("weights", "pooling", "rescaled_network", "optimizer", "history", "seed"):
        assert getattr(fine, field) == getattr(recipe, field)
    assert (fine.style_layers, fine.statistic, fine.strength) == (recipe.fine_layers, ("gram",), 1.0)


def test_fine_styles_that_cannot_be_seen_are_refused(picture: Paint) -> None:
    content, style = picture(40, 48), picture(seed=1)
    with pytest.raises(ImageSizeError, match="fine_style is 1x90 and would be seen at 1x48; conv2_1 needs at least 2"):
        impasto.prepare_pastiche(content, style, tiny(), fine_style=picture(90, 1))
    with pytest.raises(RecipeError, match="fine_layers is empty"):
        impasto.prepare_pastiche(content, style, tiny(fine_layers=()), fine_style=picture())

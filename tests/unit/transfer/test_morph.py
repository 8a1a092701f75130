"""A morph: its path, its even pace, frames that hang together, stops, and what is refused."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import RecipeError
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.losses.gram import gram_matrix
from impasto.losses.objective import Objective
from impasto.optimize.events import OnStep
from impasto.optimize.loop import Minimum
from impasto.painting.runner import Runner
from impasto.transfer.morph import FRAME_SHARE, style_path

Paint = Callable[..., Tensor]
LAYERS = ("conv1_1", "conv2_1")


def tiny(**changes: Any) -> impasto.Recipe:
    recipe = impasto.Recipe(weights="tiny", size=48, steps=40, first_scale=0, style_layers=LAYERS)
    recipe = recipe.replace(statistic=("gram",), recolor=0.0)
    return recipe.replace(content_layers=("conv2_2",), **changes)


def test_the_path_passes_every_style_and_moves_evenly() -> None:
    assert style_path([1.0], 3) == [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]
    path = style_path([1.0, 1.0], 6)
    assert [blend for blend in path if max(blend) == 1] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert (path[0], path[-1]) == ((1, 0, 0), (0, 0, 1))
    assert all(sum(blend) == pytest.approx(1) for blend in path)
    for number, (first, second) in enumerate(style_path([0.25], 9)):
        place = second / (second + 0.25 * first)
        assert place == pytest.approx(number / 8)


def test_two_styles_of_unlike_contrast_meet_in_the_middle(tiny_encoder: Vgg, picture: Paint) -> None:
    """The Gram matrices of the frames go from one style's to the other's in even steps; with even shares they jump."""
    styles = [picture(48, 48, 1), 0.45 + 0.1 * picture(48, 48, 2)]
    recipe = tiny(strength=1.0, tv_weight=0.0, frame_steps=40, first_scale=0)
    grams = [{k: gram_matrix(f) for k, f in tiny_encoder(style, LAYERS).items()} for style in styles]

    def place(image: Tensor) -> float:
        found = {k: gram_matrix(f) for k, f in tiny_encoder(image, LAYERS).items()}
        ways = {k: grams[1][k] - grams[0][k] for k in LAYERS}
        along = [float(((found[k] - grams[0][k]) * way).sum() / way.square().sum()) for k, way in ways.items()]
        return sum(along) / len(along)

    frames = list(impasto.morph(picture(48, 48), styles, recipe, frames=5))
    places = [place(result.pastiche) for result in frames]
    assert places == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.15)
    shares = [result.frame.style_blend[1] for result in frames if result.frame is not None]
    assert abs(shares[2] - 0.5) > 0.2
    halfway = impasto.stylize(picture(48, 48), styles, recipe)
    assert abs(place(halfway.pastiche) - 0.5) > 0.2


def test_frames_after_the_first_take_fewer_steps(picture: Paint) -> None:
    styles = [0.3 + 0.4 * picture(48, 48, seed) for seed in (1, 2)]
    seen: list[tuple[int, int]] = []
    frames = list(
        impasto.morph(
            0.3 + 0.4 * picture(40, 48),
            styles,
            tiny(first_scale=24),
            frames=4,
            on_step=lambda event: seen.append((event.step, event.steps)),
        )
    )
    later = round(FRAME_SHARE * 40)
    assert [result.steps for result in frames] == [40, later, later, later]
    assert seen == [(s, 40) for s in range(1, 41)] + [(s, later) for s in range(1, later + 1)] * 3


@pytest.mark.parametrize("color", ["style", "content-luma", "oklab"])
def test_a_frame_starts_from_the_frame_before_it(color: str, picture: Paint) -> None:
    """After two steps each is far nearer to the frame before it than to the photograph."""
    content, styles = 0.3 + 0.4 * picture(40, 48), [0.3 + 0.4 * picture(48, 48, seed) for seed in (1, 2)]
    frames = impasto.morph(content, styles, tiny(color=color, strength=1.0, frame_steps=2), frames=4)
    for before, frame in itertools.pairwise(result.pastiche for result in frames):
        step, way = (float((frame - other).abs().mean()) for other in (before, content))
        assert 0 < step < 0.5 * way


def test_a_frame_tells_its_place_and_the_morphs_recipe(picture: Paint) -> None:
    recipe = tiny(frame_steps=2, steps=3)
    frames = list(impasto.morph(picture(40, 48), [picture(seed=1), picture(seed=2)], recipe, frames=3))
    assert [result.metadata["frame"]["number"] for result in frames] == [1, 2, 3]
    assert frames[0].to_dict()["frame"] == {"number": 1, "of": 3, "style_blend": (1.0, 0.0)}
    assert {result.recipe for result in frames} == {recipe.replace(frames=3)}
    assert [result.steps for result in frames] == [3, 2, 2]
    assert all(len(result.inputs) == 3 for result in frames)
    assert "frame" not in impasto.stylize(picture(40, 48), picture(), recipe).metadata


def test_a_morph_tells_what_all_frames_cost(picture: Paint) -> None:
    styles = [picture(48, 48, 1), picture(48, 48, 2)]
    morph = impasto.prepare_morph(picture(40, 48), styles, tiny(frames=9), fine_style=picture(seed=3))
    one = morph.job.estimate()
    whole = morph.estimate()
    assert (whole.frames, whole.to_dict()["frames"], whole.fine_s) == (9, 9, pytest.approx(one.fine_s, rel=0.5))
    assert whole.seconds > one.seconds
    assert whole.to_dict()["recipe"]["frames"] == 9


def test_fine_strokes_are_painted_once(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    styles = [picture(48, 48, 1), picture(48, 48, 2)]
    morph = impasto.prepare_morph(picture(40, 48), styles, tiny(frames=3, steps=8), fine_style=picture(seed=3))
    painted: list[str] = []
    run = Runner.run

    def follow(runner: Runner, on_step: OnStep | None, finish: Callable[[Tensor], Tensor]) -> Minimum:
        painted.append(runner.job.recipe.color)
        return run(runner, on_step, finish)

    monkeypatch.setattr(Runner, "run", follow)
    assert len(list(morph.paint())) == 3
    assert painted == ["content-luma"] * 2 + ["style"] * 3


@pytest.mark.parametrize(("stop_at", "kept"), [(3, 1), (40, 1), (41, 1), (46, 2)])
def test_a_stop_keeps_the_frames_before_and_the_first_as_it_is(stop_at: int, kept: int, picture: Paint) -> None:
    count = itertools.count(1)
    frames = list(
        impasto.morph(
            picture(40, 48),
            [picture(48, 48, 1), picture(48, 48, 2)],
            tiny(),
            frames=4,
            on_step=lambda event: "stop" if next(count) == stop_at else None,
        )
    )
    assert len(frames) == kept
    assert frames[0].end == ("stopped" if stop_at <= 40 else "steps")


@pytest.mark.parametrize("statistic", ["nearest", "wasserstein", "sliced", "gram+moments"])
def test_every_statistic_morphs(statistic: str, picture: Paint) -> None:
    """From frame to frame the loss against the first style rises and that against the last one falls."""
    content, styles = picture(40, 48), [picture(48, 48, 1), picture(48, 48, 2)]
    recipe = tiny(statistic=tuple(statistic.split("+")), strength=1.0, steps=20, frame_steps=10)
    frames = [result.pastiche for result in impasto.morph(content, styles, recipe, frames=3)]
    encoder, losses = build_encoder(recipe)[0], []
    with torch.no_grad():
        for style in styles:
            objective = Objective(encoder, recipe, content, [style])
            losses.append([float(objective(frame)["style"]) for frame in frames])
    assert losses[0] == sorted(losses[0]) and losses[1] == sorted(losses[1], reverse=True), losses


def test_what_cannot_be_morphed_is_refused_before_anything_is_painted(picture: Paint) -> None:
    content, styles = picture(40, 48), [picture(seed=1), picture(seed=2), picture(seed=3)]
    for given, frames, changes, words in (
        (styles[:1], 8, {}, "there is 1 style image; expected two or more"),
        (styles[0], 8, {}, "there is 1 style image"),
        (styles, 2, {}, "frames is 2 for 3 style images.*--frames 24"),
        (styles, 8, {"style_blend": (1, 1, 1)}, "style_blend is given for a morph of 8"),
    ):
        with pytest.raises(RecipeError, match=words):
            impasto.morph(content, given, tiny(**changes), frames=frames)
    plan = impasto.stylize(content, styles[0], tiny(steps=1)).plan
    with pytest.raises(RecipeError, match="plan is given for a morph"):
        impasto.morph(content, styles, tiny(), plan=plan)
    with pytest.raises(RecipeError, match=r"frames is 3; expected 1.*impasto\.morph"):
        impasto.stylize(content, styles, tiny(frames=3))

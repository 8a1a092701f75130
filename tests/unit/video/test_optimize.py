"""Optimized films: what moves keeps its strokes, what appears is painted, and colors stay."""

from dataclasses import replace

import torch
from torch import Tensor

from impasto.images.warp import warp
from impasto.painting.inputs import Inputs, read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import RunOptions
from impasto.painting.paint import paint_frame
from impasto.recipe.recipe import Recipe
from impasto.video.optimize import CONTEXT, DISTANCES, FRAME_STEPS, Earlier, begin_scene, continue_scene

RECIPE = Recipe(weights="tiny", size="content", steps=3, first_scale=0, statistic=("gram",), recolor=1.0)


def smooth(seed: int, height: int = 64, width: int = 96) -> Tensor:
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def read(frame: Tensor, recipe: Recipe = RECIPE) -> Inputs:
    return read_inputs(recipe, RunOptions(threads=1), frame, [smooth(9)])


def begin(frame: Tensor, recipe: Recipe = RECIPE) -> Job:
    return begin_scene(prepare(recipe, read(frame, recipe), RunOptions(threads=1)))


def pan(frames: int) -> list[Tensor]:
    """A film that moves 4 px to the right over a smooth ground in each frame."""
    ground = smooth(1, 64, 192)
    return [ground[..., 4 * index : 4 * index + 96].contiguous() for index in range(frames)]


def test_a_frame_starts_from_the_one_before_it_carried_along() -> None:
    first, second = pan(2)
    painted = smooth(3)
    job = continue_scene(begin(first), read(second), [Earlier(frame=first, painted=painted)])
    assert job.start is not None and job.temporal is not None
    kept = (slice(None), slice(None), slice(8, -8), slice(8, -12))
    exact = warp(painted, torch.tensor([4.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 64, 96))
    assert float((job.start - exact)[kept].abs().mean()) < 0.02
    assert float((first - painted)[kept].abs().mean()) > 0.1
    assert float(job.temporal.weights[0][..., -4:].mean()) < 0.02  # newly seen
    assert len(job.plan.parts) == 1 and job.plan.steps == FRAME_STEPS
    fewer = begin(first, RECIPE.replace(frame_steps=2))
    assert continue_scene(fewer, read(second), [Earlier(frame=first, painted=painted)]).plan.steps == 2


def test_what_looks_the_same_has_its_strokes_at_a_motion_boundary_too() -> None:
    first, second = smooth(1), smooth(1)
    for frame, left in ((first, 30), (second, 31)):
        frame[..., 20:44, left : left + 24] = (0.7 * smooth(1) + 0.3 * smooth(2))[..., 20:44, 30:54]
    job = continue_scene(begin(first), read(second), [Earlier(frame=first, painted=smooth(3))])
    assert job.start is not None and job.temporal is not None
    boundary = job.temporal.weights[0] == 0
    distance = (job.start - job.temporal.carried[0]).abs().mean(1, keepdim=True)
    assert int(boundary.sum()) > 200 and float((distance[boundary] < 0.05).float().mean()) > 0.5


def test_older_frames_are_compared_where_newer_ones_do_not_show_the_place() -> None:
    frames = pan(CONTEXT + 1)
    earlier = [Earlier(frame=frame, painted=frame) for frame in frames[:-1]]
    temporal = continue_scene(begin(frames[0]), read(frames[-1]), earlier).temporal
    assert temporal is not None and len(temporal.carried) == len(DISTANCES)
    sums = torch.cat(temporal.weights).sum(0)
    assert float(sums.max()) <= 1 and float(temporal.weights[1].mean()) < 0.1 < 0.8 < float(temporal.weights[0].mean())


def test_a_heavier_temporal_weight_keeps_a_frame_nearer_to_the_one_before() -> None:
    frame, painted = smooth(1), smooth(3)
    changes = []
    for weight in (0.0, 1e4):
        job = continue_scene(begin(frame), read(frame), [Earlier(frame=frame, painted=painted)], temporal_weight=weight)
        result, reached = paint_frame(replace(job, plan=job.plan.with_parts([replace(job.plan.parts[0], steps=4)])))
        assert "temporal" in result.losses
        changes.append(float((reached - painted).square().mean()))
    assert changes[1] < 0.1 * changes[0]


def test_colors_of_the_first_frame_stay_for_the_scene() -> None:
    first, second = smooth(1), (0.5 * smooth(1)).contiguous()  # the light goes
    job = begin(first)
    following = continue_scene(job, read(second), [Earlier(frame=first, painted=first)])
    assert following.colors is job.colors is not None


def test_a_further_pass_starts_from_both() -> None:
    frame, own, painted = smooth(1), smooth(2), smooth(3)
    job = continue_scene(begin(frame), read(frame), [Earlier(frame=frame, painted=painted)], before=own)
    assert job.start is not None
    assert float((job.start - (own + painted) / 2)[..., 4:-4, 4:-4].abs().max()) < 0.02


def test_a_film_painted_in_grey_gets_its_colors_at_the_end() -> None:
    recipe = RECIPE.replace(color="content-luma", steps=1, frame_steps=1)
    first, second = pan(2)
    job = begin(first, recipe)
    _, painted = paint_frame(job)
    result, reached = paint_frame(continue_scene(job, read(second, recipe), [Earlier(frame=first, painted=painted)]))
    assert float((reached[:, 0] - reached[:, 1]).abs().max()) < 1e-5  # painted in grey, colored at the end
    assert float((result.pastiche[:, 0] - result.pastiche[:, 1]).abs().max()) > 0.05


def test_the_painting_keeps_its_shares_over_a_scene() -> None:
    first, second = pan(2)
    job = begin(first, RECIPE.replace(proportions=0.4))
    after = continue_scene(job, read(second), [Earlier(frame=first, painted=smooth(3))])
    own = begin(second, RECIPE.replace(proportions=0.4))
    assert job.shares and after.shares is job.shares
    assert own.shares and not torch.equal(own.shares[0], job.shares[0])

"""Training: resumed, or in several processes, it gives the same network; what does not fit is refused at once."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.errors import CheckpointError, ImageSizeError, MissingExtraError, OutputError, RecipeError
from impasto.fast import train as module
from impasto.fast.instant import load_instant
from impasto.fast.model import read_model
from impasto.fast.network import Architecture
from impasto.fast.photos import Photos
from impasto.fast.recipe import TrainingRecipe
from impasto.fast.train import PainterEvent, train_painter
from impasto.images.io import read_image, write_image
from impasto.images.picture import Picture
from impasto.recipe.recipe import Recipe
from impasto.runs.trace import read_trace
from impasto.training.card import Card
from impasto.training.peers import Peers

CPU: dict[str, Any] = {"device": "cpu", "threads": 1, "workers": 0}


def stop_at(step: int) -> Callable[[PainterEvent], object]:
    return lambda event: "stop" if event.step == step else None


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_stopped_and_resumed_it_gives_the_same_network(
    precision: str, photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path
) -> None:
    recipe = replace(quick, precision=precision, temporal_weight=10.0)
    whole = train_painter(painting, photos, tmp_path / "whole.safetensors", recipe, **CPU)
    halves = tmp_path / "halves.safetensors"
    with pytest.raises(KeyboardInterrupt, match=r"stopped at step 3 of 4; the network so far is in .*halves"):
        train_painter(painting, photos, halves, recipe, on_event=stop_at(3), **CPU)
    assert read_model(halves).names == ("painting",)
    resumed = train_painter(painting, photos, halves, recipe, **CPU)
    assert whole.path.read_bytes() == halves.read_bytes()
    assert whole.losses == resumed.losses
    assert whole.precision == precision


@pytest.mark.usefixtures("instant_package")
def test_it_begins_with_the_instant_network(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    recipe = replace(quick, init="instant", width=16, blocks=5, learning_rate=1e-5, steps=2)
    whole = train_painter(painting, photos, tmp_path / "whole.safetensors", recipe, **CPU)
    halves = tmp_path / "halves.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_painter(painting, photos, halves, recipe, on_event=stop_at(1), **CPU)
    train_painter(painting, photos, halves, recipe, **CPU)
    assert whole.path.read_bytes() == halves.read_bytes()
    model, instant = read_model(halves), load_instant(torch.device("cpu"))
    assert model.network.architecture == Architecture(width=3, blocks=5, design="ghiasi")
    assert json.loads(model.metadata["data"])["init"] == {"name": "instant", "sha256": instant.sha256}
    begun = instant.to_network([read_image(painting)], [picture()])
    for layer, before in zip(model.network.layers, begun.layers, strict=True):
        torch.testing.assert_close(layer.kernel, before.kernel, atol=1e-4, rtol=0)
        torch.testing.assert_close(layer.shifts[1], before.shifts[1], atol=1e-4, rtol=0)
    with pytest.raises(RecipeError, match="init is 'instant' with the network '.*halves.safetensors' to add to"):
        train_painter(picture(), photos, tmp_path / "b.safetensors", recipe, add_to=halves, **CPU)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"Run: pip install \"impasto\[instant\]\""):
            train_painter(painting, photos, tmp_path / "c.safetensors", recipe, **CPU)
    assert not (tmp_path / "c_run").exists()


def test_it_learns_and_records_what_happened(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path
) -> None:
    recipe, events = replace(quick, steps=40, learning_rate=0.01, width=8, batch_size=4), []
    trained = train_painter(painting, photos, tmp_path / "a.safetensors", recipe, on_event=events.append, **CPU)
    losses = [event.losses["photograph"] for event in events]  # untrained, the encoder judges styles by chance
    assert len(losses) == 40 and sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert trained.run_dir == tmp_path / "a_run"
    assert [line["step"] for line in read_trace(trained.run_dir)] == list(range(1, 41))
    assert {path.name for path in trained.run_dir.glob("samples*")} == {"samples_000025.png", "samples_000040.png"}
    assert read_image(trained.run_dir / "samples_000040.png").shape == (1, 3, 4 * 32, 3 * 32)
    model = read_model(trained.path)
    card = {name: json.loads(model.metadata[name]) for name in ("recipe", "data")}
    assert card["recipe"]["steps"] == 40 and card["recipe"]["look"]["recolor"] == 1.0
    assert card["data"]["photos"]["names"] == [f"{number}.png" for number in range(5)]
    assert model.look == recipe.look
    again = train_painter(painting, photos, trained.path, recipe, on_event=events.append, **CPU)
    assert len(events) == 40 and again.losses == trained.losses


def test_a_temporal_weight_makes_pictures_of_a_moving_photograph_alike(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path
) -> None:
    differences = []
    for weight in (1.0, 1e3):
        temporal = []
        for seed in range(3):  # a single training of so few steps may end anywhere
            recipe = replace(quick, steps=20, learning_rate=0.003, seed=seed, temporal_weight=weight)
            trained = train_painter(painting, photos, tmp_path / f"{weight:g}_{seed}.safetensors", recipe, **CPU)
            lines = read_trace(trained.run_dir)
            temporal += [line["temporal"] / weight for line in lines[-10:]]
            assert all(line["total"] >= line["style"] + line["temporal"] for line in lines)
        differences.append(sum(temporal) / len(temporal))
    assert differences[1] < 0.5 * differences[0]


def test_styles_are_added_by_their_parameters_alone(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    write_image(picture(40, 40, 30), tmp_path / "other.png")
    first = train_painter([painting, tmp_path / "other.png"], photos, tmp_path / "a.safetensors", quick, **CPU)
    more = [picture(40, 40, 31)]
    with pytest.raises(RecipeError, match="two styles have the name 'other'"):
        train_painter(more, photos, tmp_path / "b.safetensors", quick, names=["other"], add_to=first.path, **CPU)
    added = train_painter(more, photos, tmp_path / "b.safetensors", quick, add_to=first.path, **CPU)
    halves = tmp_path / "c.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_painter(more, photos, halves, quick, add_to=first.path, on_event=stop_at(2), **CPU)
    train_painter(more, photos, halves, quick, add_to=first.path, **CPU)
    assert halves.read_bytes() == added.path.read_bytes()
    old, new = read_model(first.path), read_model(added.path)
    assert new.names == ("painting", "other", "style-3") and len(new.icons) == 3
    for name, values in old.network.state_dict().items():
        assert torch.equal(values, new.network.state_dict()[name][: len(values)])
    rows = [layer.scales.detach() for layer in new.network.layers]
    assert any(float((row[3] - row[1:3].mean(0)).abs().max()) > 1e-4 for row in rows)
    assert new.metadata["recipe"] == old.metadata["recipe"] and "data+3" in new.metadata


@pytest.mark.parametrize("temporal_weight", [0.0, 10.0])
def test_the_gradient_of_two_processes_averages_to_that_of_one(
    temporal_weight: float, photos: Path, quick: TrainingRecipe, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    styles, found = [picture(seed=8), picture(seed=9)], Photos.find(photos, tmp_path / "run")
    recipe = replace(quick, batch_size=4, temporal_weight=temporal_weight)

    def gradient(rank: int, ranks: int) -> Tensor:
        folder = tmp_path / f"{rank} of {ranks}"
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Peers, "share", lambda self, network: network)  # averaged below
            plan = module.TrainingPlan(
                recipe=recipe,
                path=folder / "a.safetensors",
                folder=folder,
                pictures=[Picture(image=style, name="style") for style in styles],
                names=["a", "b"],
                base=None,
                photos=found,
                device=torch.device("cpu"),
            )
            card = Card(recipe={}, data={}, precision="float32")
            training = module._Training(plan, card, Peers(rank, ranks, torch.device("cpu")))
        items = [(0, number) for number in range(4)]
        training.gradient(next(module.load_windows(found, styles, recipe, [items[rank::ranks]], 0)), 0)
        return torch.cat([values.grad.flatten() for values in training.network.parameters() if values.grad is not None])

    one, halves = gradient(0, 1), [gradient(rank, 2) for rank in range(2)]
    assert float((one - sum(halves) / 2).norm()) <= 1e-5 * float(one.norm())


def test_what_cannot_be_trained_is_refused(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    for changes, message in (
        ({"look": Recipe(statistic=("nearest",))}, "nearest cannot be trained"),
        ({"look": quick.look.replace(size="60cm-wide", dpi=10)}, "size is 236 wide; expected one number"),
        ({"look": quick.look.replace(strength=0.0)}, "strength is 0; expected more"),
        ({"look": quick.look.replace(proportions=0.3)}, "proportions is 0.3; expected 1"),
        ({"look": quick.look.replace(placement=0.8)}, "placement is 0.8; expected 0"),
        ({"steps": 0}, "steps is 0; expected more than 0. Give --steps."),
        ({"crop": 16}, "crop is 16; expected 32 to 2048"),
        ({"width": 1000}, "width is 1000 and blocks 1"),
        ({"init": "instnat"}, "init is 'instnat'; expected random or instant"),
        ({"init": "instant"}, "width is 4; expected none with init 'instant', whose network is given. Leave --width"),
    ):
        with pytest.raises(RecipeError, match=message):
            replace(quick, **changes)
    with pytest.raises(OutputError, match=r"'a.png' is no .safetensors; expected one. Give -o a.safetensors"):
        train_painter(painting, photos, "a.png", quick, **CPU)
    with pytest.raises(ImageSizeError, match="style_image is 7x7"):
        train_painter(picture(7, 7), photos, tmp_path / "a.safetensors", quick, **CPU)
    assert not (tmp_path / "a_run").exists()
    train_painter(painting, photos, tmp_path / "a.safetensors", quick, **CPU)
    with pytest.raises(CheckpointError, match="another training: crop 32; asked for is crop 40"):
        train_painter(painting, photos, tmp_path / "a.safetensors", replace(quick, crop=40), **CPU)


def test_few_photographs_are_a_warning(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "0.png").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        trained = train_painter(painting, photos, tmp_path / "a.safetensors", quick, **CPU)
    assert "5 photographs; expect visible faults in others: 40 make a usable network" in caplog.text
    assert caplog.text.count("skipped: photo ") == 1
    assert list(trained.broken) == [str(photos / "0.png")] and trained.photos == 5


def test_a_training_that_diverges_says_so(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PHOTOGRAPH_WEIGHT", float("nan"))
    with pytest.raises(RecipeError, match=r"diverged: the loss is nan at step 2; .* a lower --learning-rate"):
        train_painter(painting, photos, tmp_path / "a.safetensors", quick, **CPU)


def test_warming_up_learns_the_recolored_photograph_alone(
    photos: Path, painting: Path, quick: TrainingRecipe, tmp_path: Path
) -> None:
    train_painter(painting, photos, tmp_path / "a.safetensors", replace(quick, warm_up=2), **CPU)
    lines = read_trace(tmp_path / "a_run")
    assert ["style" in line for line in lines] == [False, False, True, True]
    losses = list[dict[str, Tensor]]()
    gradient = module._Training.gradient
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Training, "gradient", lambda *args: losses.append(gradient(*args)) or losses[-1])
        module.estimate_training(painting, photos, tmp_path / "b.safetensors", replace(quick, warm_up=2), threads=1)
    assert len(losses) == 2 and all("style" in each for each in losses)  # a step after it, which takes longer
    with pytest.raises(RecipeError, match="warm_up is 4; expected 0 to 3, less than steps"):
        replace(quick, warm_up=4)

"""Training: resumed, it gives the same weights; what does not fit is refused before slow work."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from impasto.backbone import train as module
from impasto.backbone.export import BACKBONE, read_backbone
from impasto.backbone.prepare import prepare
from impasto.backbone.recipes import TrainingRecipe
from impasto.backbone.train import CURVES, TrainingEvent, train
from impasto.errors import CheckpointError, DataSetError, OutputError, RecipeError
from impasto.runs.trace import read_trace

CPU = {"device": "cpu", "threads": 1, "workers": 0}


def stop_at(step: int) -> Callable[[TrainingEvent], object]:
    return lambda event: "stop" if event.step == step else None


MODERN = {"arch": "vgg11", "width": 0.03, "crop": 32, "epochs": 3, "batch_size": 4, "batch_norm": True}


@pytest.mark.parametrize("preset", ["report-2015", "modern"])
@pytest.mark.parametrize("step", [1, 2, 5])
def test_stopped_and_resumed_it_gives_the_same_weights(
    preset: str, step: int, data: Path, quick: TrainingRecipe, tmp_path: Path
) -> None:
    recipe = quick if preset == "report-2015" else TrainingRecipe.named(preset, MODERN)
    whole = train(data, tmp_path / "whole", recipe, **CPU)
    with pytest.raises(KeyboardInterrupt, match=f"stopped at step {step} of 6; the checkpoint is in"):
        train(data, tmp_path / "halves", recipe, on_event=stop_at(step), **CPU)
    assert not (tmp_path / "halves" / BACKBONE).exists()
    halves = train(data, tmp_path / "halves", recipe, **CPU)
    assert whole.path.read_bytes() == halves.path.read_bytes()
    assert whole.top_1 == halves.top_1
    traces = [read_trace(tmp_path / name) for name in ("whole", "halves")]
    seconds_apart = [[{k: v for k, v in line.items() if k != "seconds"} for line in trace] for trace in traces]
    assert seconds_apart[0] == seconds_apart[1]


def test_a_finished_run_is_reported_again_without_a_step(data: Path, quick: TrainingRecipe, tmp_path: Path) -> None:
    first = train(data, tmp_path / "run", quick, **CPU)
    events: list[TrainingEvent] = []
    again = train(data, tmp_path / "run", quick, on_event=events.append, **CPU)
    assert events == []
    assert (again.top_1, again.steps) == (first.top_1, first.steps)


def test_it_learns_what_it_is_shown(data: Path, tmp_path: Path) -> None:
    changes = {"arch": "vgg11", "width": 0.06, "crop": 32, "epochs": 8, "batch_size": 9, "batch_norm": True}
    events: list[TrainingEvent] = []
    train(data, tmp_path / "run", TrainingRecipe.named("modern", changes), on_event=events.append, **CPU)
    assert [event.step for event in events] == list(range(1, 9))
    assert (events[-1].epoch, events[-1].epochs) == (8, 8)
    assert events[-1].loss < events[0].loss


def test_the_folder_records_what_happened(data: Path, quick: TrainingRecipe, tmp_path: Path) -> None:
    trained = train(data, tmp_path / "run", quick, license="CC0", **CPU)
    trace = read_trace(tmp_path / "run")
    assert [line["step"] for line in trace if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in trace if "top_1" in line] == [2, 4, 6]
    assert trace[-1]["top_1"] == trained.top_1
    assert "top-1" in (tmp_path / "run" / CURVES).read_text("utf-8")
    metadata = read_backbone(trained.path).to_metadata()
    assert {key: metadata[key] for key in ("format", "arch", "width", "channel_order", "scale", "licence")} == {
        "format": "impasto-backbone-1",
        "arch": "vgg11",
        "width": "0.03",
        "channel_order": "RGB",
        "scale": "1",
        "licence": "CC0",
    }
    assert json.loads(metadata["classes"]) == ["ash", "birch", "cedar"]


def test_another_architecture_recipe_or_data_is_refused(
    data: Path, quick: TrainingRecipe, pictures: Path, tmp_path: Path
) -> None:
    train(data, tmp_path / "run", quick, **CPU)
    other = dataclasses.replace(quick, arch="vgg13", width=0.05)
    with pytest.raises(
        CheckpointError, match=r"another training: arch vgg11, width 0.03; asked for is arch vgg13, width"
    ):
        train(data, tmp_path / "run", other, **CPU)
    prepare(pictures, tmp_path / "smaller", size=32)
    with pytest.raises(
        CheckpointError, match=r"size 40, kind raw, .*Give the same data set to resume it, or choose another"
    ):
        train(tmp_path / "smaller", tmp_path / "run", quick, **CPU)


def test_what_cannot_be_trained_is_refused(data: Path, quick: TrainingRecipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"batch_size is 64; expected at most 9, .*Give --batch-size 9"):
        train(data, tmp_path / "run", dataclasses.replace(quick, batch_size=64), **CPU)
    with pytest.raises(DataSetError, match=r"crop is 64 pixels, the pictures of .* have 40; .*Give --crop 32"):
        train(data, tmp_path / "run", dataclasses.replace(quick, crop=64), **CPU)
    assert not (tmp_path / "run").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is not a folder"):
        train(data, tmp_path / "file", quick, **CPU)


def test_events_may_be_seldom(
    data: Path, quick: TrainingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENT_EVERY", {"cpu": 2})
    recipe, events = dataclasses.replace(quick, batch_size=3, epochs=2), []
    train(data, tmp_path / "run", recipe, on_event=events.append, **CPU)
    assert [event.step for event in events] == [2, 3, 4, 6]  # every second, and the last of each epoch


def test_a_training_that_diverges_says_so(data: Path, quick: TrainingRecipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"diverged: the loss is .* a lower --learning-rate"):
        train(data, tmp_path / "run", dataclasses.replace(quick, learning_rate=1e30), **CPU)


def test_checkpoints_come_with_time(
    data: Path, quick: TrainingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(module, "write_checkpoint", lambda path, parts, step, seconds: saved.append(step))
    train(data, tmp_path / "seldom", quick, checkpoint_every_s=1e9, **CPU)
    assert saved == [2, 4, 6]
    saved.clear()
    train(data, tmp_path / "often", quick, checkpoint_every_s=0, **CPU)
    assert saved == [1, 2, 3, 4, 5, 6]


def test_bfloat16_trains_float32_weights(data: Path, quick: TrainingRecipe, tmp_path: Path) -> None:
    lowered = dataclasses.replace(quick, precision="bfloat16", epochs=1)
    trained = train(data, tmp_path / "run", lowered, **CPU)
    assert trained.precision == "bfloat16"
    lowered_kernel = load_file(trained.path)["conv1_1.weight"]
    assert lowered_kernel.dtype == torch.float32
    exact = train(data, tmp_path / "exact", dataclasses.replace(quick, epochs=1), **CPU)
    assert not torch.equal(lowered_kernel, load_file(exact.path)["conv1_1.weight"])

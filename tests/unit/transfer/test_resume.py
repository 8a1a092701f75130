"""A stopped run, gone on with, ends as one that was never stopped; what stands in the way is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto.cost import workload
from impasto.errors import DeviceError, OutputError, RunError, RunLockedError, WeightsError
from impasto.features.weights import load_weights, write_safetensors
from impasto.painting import cache
from impasto.painting import job as job_module
from impasto.runs import run as run_folder
from impasto.runs.checkpoint import Checkpoints
from impasto.runs.lock import is_locked
from impasto.runs.trace import append_trace, read_trace
from impasto.tiles import memory_guard
from impasto.transfer.resume import prepare_resume

Paint = Callable[..., Tensor]


def recipe(**changes: Any) -> impasto.Recipe:
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    chosen = impasto.Recipe(weights="tiny", size=100, steps=12, first_scale=48, pooling="average")
    return chosen.replace(**layers, **changes)


def stop_at(step: int) -> Callable[[impasto.StepEvent], object]:
    return lambda event: "stop" if event.step == step else None


@pytest.fixture
def files(tmp_path: Path, picture: Paint) -> tuple[Path, Path]:
    """photo.png and painting.png."""
    impasto.write_image(picture(75, 100), tmp_path / "photo.png")
    impasto.write_image(picture(60, 80, 1), tmp_path / "painting.png")
    return tmp_path / "photo.png", tmp_path / "painting.png"


@pytest.fixture
def stopped(files: tuple[Path, Path], tmp_path: Path) -> Path:
    """The folder of a run that was stopped after 7 of 12 steps."""
    impasto.stylize(*files, recipe(), run_dir=tmp_path / "run", on_step=stop_at(7))
    return tmp_path / "run"


CASES: dict[str, dict[str, Any]] = {
    "standard": {},
    "adam": {"optimizer": "adam", "gamut": "free"},
    "nearest": {"statistic": ("nearest",), "steps": 60},
    "sliced": {"statistic": ("sliced", "wasserstein")},
    "short history": {"history": 2, "statistic": ("moments", "covariance", "histogram")},
    "tolerance": {"tolerance": 0.03, "first_scale": 0, "steps": 40},
    "roll-back": {"learning_rate": 40.0, "optimizer": "adam", "steps": 20, "gamut": "free"},
    "colors": {"color": "content-luma", "init": "noise"},
    "recolored": {"recolor": 0.75},
    "proportions": {"proportions": 0.5, "statistic": ("covariance:0.7", "nearest:0.3")},
}


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_run_ends_in_the_same_picture(
    case: str, picture: Paint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = recipe(**CASES[case])
    inputs = picture(75, 100), picture(60, 80, 1)
    whole = impasto.stylize(*inputs, chosen)
    for number, step in enumerate((whole.steps // 2 + 1, whole.steps - 1)):
        run = tmp_path / str(number)
        assert impasto.stylize(*inputs, chosen, run_dir=run, on_step=stop_at(step)).end == "stopped"
        seen: list[int] = []
        again = impasto.resume(run, on_step=lambda event: seen.append(event.step))  # noqa: B023
        assert seen == list(range(step + 1, whole.steps + 1))
        assert torch.equal(again.pastiche, whole.pastiche)
        assert (again.metadata, again.losses, again.end) == (whole.metadata, whole.losses, whole.end)
        assert torch.equal(impasto.read_image(run / "result.png"), (whole.pastiche * 255).round() / 255)
        assert [line["step"] for line in read_trace(run)] == list(range(1, whole.steps + 1))
    assert ("diverged" in caplog.text) == (case == "roll-back")


@pytest.mark.parametrize("statistic", ["gram", "nearest"])
def test_tiles_and_precision_are_those_of_the_first_start(
    statistic: str, picture: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, chosen = (picture(140, 187), picture(60, 80, 1)), recipe(size=187, statistic=(statistic,))
    how = {"precision": "float32", "threads": 1}
    with monkeypatch.context() as patch:
        patch.setattr(job_module, "used_bytes", lambda device: 0)
        patch.setattr(memory_guard, "used_bytes", lambda device: 0)
        patch.setattr(workload, "SLACK", 0)
        patch.setattr(workload, "PRICE_PLACES", 0)
        limit = impasto.stylize(*inputs, chosen, **how).memory.needed_bytes - 1
        whole = impasto.stylize(*inputs, chosen, **how, max_memory=limit)
        impasto.stylize(*inputs, chosen, **how, max_memory=limit, run_dir=tmp_path / "run", on_step=stop_at(9))
    assert whole.memory.tile is not None
    again = impasto.resume(tmp_path / "run")
    assert again.plan.to_dict() == whole.plan.to_dict()
    assert torch.equal(again.pastiche, whole.pastiche)


@pytest.mark.parametrize("kind", ["texture", "reconstruct"])
def test_textures_and_reconstructions_are_resumed_too(kind: str, picture: Paint, tmp_path: Path) -> None:
    def paint(**how: Any) -> impasto.Result:
        if kind == "texture":
            changes = {"strength": 1.0, "init": "noise"}
            return impasto.synthesize_texture(picture(64, 80), size=(64, 96), recipe=recipe(**changes), **how)
        return impasto.reconstruct(
            picture(64, 80), content_layers=("conv2_1",), recipe=recipe(init="noise", size=80), **how
        )

    whole = paint()
    paint(run_dir=tmp_path / "run", on_step=stop_at(5))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["kind"] == kind
    again = impasto.resume(tmp_path / "run")
    assert torch.equal(again.pastiche, whole.pastiche)
    assert again.metadata == whole.metadata


def test_a_picture_with_alpha_and_exif_is_kept_as_it_was_read(picture: Paint, tmp_path: Path) -> None:
    levels = (picture(40, 50)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    photo = Image.fromarray(levels).convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.getexif()[0x8298] = "a copyright"
    small = recipe(size=50, steps=4, first_scale=0)
    impasto.stylize(photo, picture(40, 40, 1), small).save(tmp_path / "whole.png")
    impasto.stylize(photo, picture(40, 40, 1), small, run_dir=tmp_path / "run", on_step=stop_at(2))
    impasto.resume(tmp_path / "run").save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert (tmp_path / "run" / "result.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_files_of_the_recipe_are_found_from_elsewhere_and_told_as_at_first(
    files: tuple[Path, Path], picture: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    impasto.write_image(picture(30, 40, 2), "start.png")
    write_safetensors(load_weights("tiny"), "mine.safetensors")
    chosen = recipe(init="start.png", weights="mine.safetensors", steps=3, first_scale=0)
    whole = impasto.stylize("photo.png", "painting.png", chosen)
    impasto.stylize("photo.png", "painting.png", chosen, run_dir="run", on_step=stop_at(1))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = impasto.resume(tmp_path / "run")
    assert again.metadata == whole.metadata
    assert torch.equal(again.pastiche, whole.pastiche)


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = impasto.stylize(*files, recipe())

    class Killed(BaseException):
        pass

    def kill(event: impasto.StepEvent) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "remove_run", lambda folder: None)
        with pytest.raises(Killed):
            impasto.stylize(*files, recipe(), run_dir=tmp_path / "run", on_step=kill)
    assert not (tmp_path / "run" / "checkpoint").exists()
    assert torch.equal(impasto.resume(tmp_path / "run").pastiche, whole.pastiche)


def test_an_error_before_the_first_checkpoint_leaves_no_folder(files: tuple[Path, Path], tmp_path: Path) -> None:
    def fail(event: impasto.StepEvent) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        impasto.stylize(*files, recipe(), run_dir=tmp_path / "run", on_step=fail)
    assert not (tmp_path / "run").exists()


def test_stopped_again_and_again_it_still_ends_in_the_same_picture(stopped: Path, files: tuple[Path, Path]) -> None:
    for step in (8, 9, 11):
        assert impasto.resume(stopped, on_step=stop_at(step)).end == "stopped"
    state = stopped / "checkpoint" / "state.json"
    values = json.loads(state.read_text())
    values["state"]["seconds"] += 1000
    values["format_version"] = 1  # which has no checksum
    del values["crc32"]
    state.write_text(json.dumps(values))
    result = impasto.resume(stopped)
    assert result.seconds > 1000  # of all processes together
    assert torch.equal(result.pastiche, impasto.stylize(*files, recipe()).pastiche)


def test_killed_after_the_last_step_it_is_delivered(files: tuple[Path, Path], stopped: Path) -> None:
    job, recorder = prepare_resume(stopped)
    assert recorder.run is not None
    recorder.run.deliver_to({"output": str(stopped.parent / "out.png")})
    impasto.paint(job, recorder)  # and killed before it was saved
    recorder.run.close()
    seen: list[int] = []
    again = impasto.resume(stopped, on_step=lambda event: seen.append(event.step))
    assert seen == []
    whole = impasto.stylize(*files, recipe())
    assert torch.equal(again.pastiche, whole.pastiche) and again.metadata == whole.metadata
    whole.save(stopped.parent / "whole.png")
    assert (stopped.parent / "out.png").read_bytes() == (stopped.parent / "whole.png").read_bytes()
    assert not is_locked(stopped)


def test_a_finished_run_keeps_its_result_and_no_checkpoint(stopped: Path) -> None:
    impasto.resume(stopped)
    assert sorted(path.name for path in stopped.iterdir()) == [
        "lock", "previews", "recipe.toml", "result.png", "run.json", "trace.jsonl",
    ]  # fmt: skip
    assert len(list((stopped / "previews").iterdir())) == 12
    assert impasto.Recipe.read(stopped / "recipe.toml") == recipe()
    with pytest.raises(RunError, match=r"is finished: its picture is .*result\.png"):
        impasto.resume(stopped)


def test_a_changed_input_is_refused_unless_forced(stopped: Path, files: tuple[Path, Path], picture: Paint) -> None:
    impasto.write_image(picture(75, 100, 7), files[0])
    with pytest.raises(RunError, match=r"photo\.png.*has changed since") as caught:
        impasto.resume(stopped)
    assert caught.value.exit_code == 2 and "--force" in caught.value.hint
    assert not is_locked(stopped)
    assert impasto.resume(stopped, force=True).end == "steps"


def test_a_deleted_input_is_told(stopped: Path, files: tuple[Path, Path]) -> None:
    files[1].unlink()
    for force in (False, True):
        with pytest.raises(RunError, match=r"painting\.png.*is not there any more"):
            impasto.resume(stopped, force=force)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"format_version": 1,\n "kind"', '"format_version": 2,\n "kind"', "format_version 2.*Install a newer"),
        ('"kind"', '"king"', "damaged"),
        ('"device": "cpu"', '"device": "cuda:7"', "cuda:7"),
        ('"device": "cpu"', '"device": 7', "damaged .*7 is no str"),
        ('"role": "content"', '"role": "contents"', "damaged .*unknown role"),
        ('"name": "photo.png"', '"name": null', "damaged .*None is no str"),
        ('"max_pixels": 2', '"max_pixels": null, "x": 2', "damaged"),
    ],
)
def test_records_that_cannot_be_used(old: str, new: str, told: str, stopped: Path) -> None:
    text = (stopped / "run.json").read_text()
    assert old in text
    (stopped / "run.json").write_text(text.replace(old, new, 1))
    with pytest.raises((RunError, DeviceError), match=told):
        impasto.resume(stopped)


def test_other_weights_and_other_software_are_told(stopped: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = json.loads((stopped / "run.json").read_text())
    record["weights"]["sha256"] = "00"
    record["software"]["torch"] = "1.0"
    (stopped / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="other weights"):
        impasto.resume(stopped)
    assert "began with impasto" in caplog.text and "torch 1.0" in caplog.text
    assert impasto.resume(stopped, force=True).end == "steps"


def test_two_at_once_are_refused(stopped: Path) -> None:
    job, recorder = prepare_resume(stopped)
    with pytest.raises(RunLockedError, match="is being painted by process"):
        impasto.resume(stopped)
    assert impasto.paint(job, recorder).end == "steps"


def test_a_folder_asked_for_is_checked_before_slow_work(files: tuple[Path, Path], stopped: Path) -> None:
    with pytest.raises(RunError, match="holds a run already"):
        impasto.prepare_pastiche(*files, recipe(), run_dir=stopped)
    with pytest.raises(OutputError, match="is a file"):
        impasto.prepare_pastiche(*files, recipe(), run_dir=files[0])


def test_a_default_folder_that_cannot_be_written_costs_nothing_but_a_warning(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "file" / "below"))
    result = impasto.stylize(*files, recipe(), run_dir="auto")
    assert torch.equal(result.pastiche, impasto.stylize(*files, recipe()).pastiche)
    assert caplog.text.count("no run folder is written (Not a directory)") == 1


def test_a_disk_that_fills_up_is_warned_of_once_and_tried_again(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_folder, "EVERY_S", 0.0)
    monkeypatch.setattr(run_folder, "RETRY_S", 0.0)
    write, calls = Checkpoints.write, [0]

    def full_for_a_while(self: Checkpoints, state: Any) -> None:
        calls[0] += 1
        if calls[0] in (3, 4):
            raise OSError(28, "No space left on device")
        write(self, state)

    def full_at_first(folder: Path, lines: Any) -> None:
        if not calls[0]:
            calls[0] = 1
            raise OSError(28, "No space left on device")
        append_trace(folder, lines)

    monkeypatch.setattr(Checkpoints, "write", full_for_a_while)
    monkeypatch.setattr(run_folder, "append_trace", full_at_first)
    result = impasto.stylize(*files, recipe(), run_dir=tmp_path / "run", on_step=stop_at(11))
    assert (result.steps, result.end) == (11, "stopped")
    assert caplog.text.count("the checkpoint of run") == 2  # once for each time that it was full
    assert "No space left on device" in caplog.text
    assert calls[0] > 4
    assert [line["step"] for line in read_trace(tmp_path / "run")] == list(range(1, 12))
    assert torch.equal(impasto.resume(tmp_path / "run").pastiche, impasto.stylize(*files, recipe()).pastiche)


def test_a_folder_that_cannot_be_begun_is_left_as_it_was(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder, "format_toml", full)
    with pytest.raises(OutputError, match="cannot be written .No space left on device."):
        impasto.stylize(*files, recipe(), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_that_are_gone_are_told(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(recipe: impasto.Recipe, *images: object) -> None:
        raise WeightsError("the weights are missing.", "Get them.")

    monkeypatch.setattr(cache, "build_encoder", gone)
    with pytest.raises(WeightsError):
        impasto.resume(stopped)
    assert not is_locked(stopped)


def test_a_run_without_pictures_is_damaged(stopped: Path) -> None:
    record = json.loads((stopped / "run.json").read_text())
    (stopped / "run.json").write_text(json.dumps({**record, "sources": []}))
    with pytest.raises(RunError, match="damaged .*neither a content image nor a style image"):
        impasto.resume(stopped)

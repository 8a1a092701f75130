"""Panels: taken from the disk where nothing has changed, painted again where anything has, never over an input."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from recording_painter import Painter, tiny
from torch import Tensor

import impasto
from impasto.errors import OutputError
from impasto.experiments import grid_cell
from impasto.experiments.grid_cell import CellPainter, check_cells, sum_cells
from impasto.features.weights import load_weights, write_safetensors

Picture = Callable[..., Tensor]


def test_a_panel_reports_its_steps_seconds_and_memory(tmp_path: Path, painter: Painter) -> None:
    first, again = (CellPainter().paint(tmp_path / "a.png", tiny(steps=3), painter.sources, painter) for _ in range(2))
    assert len(painter.painted) == 1
    assert (first.steps, again.steps) == (3, 3)
    assert first.seconds == again.seconds > 0
    assert first.peak_bytes == again.peak_bytes > 0


def test_each_input_of_a_sheet_is_hashed_once(
    tmp_path: Path, painter: Painter, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[object] = []
    start = tmp_path / "start.png"
    impasto.write_image(picture(32, 24, 3), start)
    hash_input = grid_cell.hash_source
    monkeypatch.setattr(grid_cell, "hash_source", lambda source: hashed.append(source) or hash_input(source))
    cells = CellPainter()
    for seed in (1, 2):
        cells.paint(tmp_path / f"{seed}.png", tiny(init=str(start), seed=seed), painter.sources, painter)
    assert len(cells.cells) == 2
    assert [str(each) for each in hashed] == [*map(str, painter.sources), str(start)]


@pytest.mark.parametrize("field", ["init", "weights"])
def test_a_panel_is_painted_again_where_a_file_of_its_recipe_has_changed(
    field: str, tmp_path: Path, painter: Painter, picture: Picture
) -> None:
    path = tmp_path / f"{field}{'.png' if field == 'init' else '.safetensors'}"

    def write(seed: int) -> None:
        if field == "init":
            impasto.write_image(picture(32, 24, seed), path)
        else:
            weights = load_weights("tiny")
            write_safetensors(
                replace(weights, layers={n: (k * seed, b) for n, (k, b) in weights.layers.items()}), path
            )

    write(1)
    recipe = tiny(**{field: str(path)})
    for seed, painted in ((1, 1), (2, 2), (2, 2), (1, 3)):
        write(seed)
        CellPainter().paint(tmp_path / "panel.png", recipe, painter.sources, painter)
        assert len(painter.painted) == painted


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"losses": {"total": 1.0}, "trace": []}'], ids=["empty", "list", "bare", "older"]
)
def test_incomplete_notes_are_made_again(text: str, tmp_path: Path, painter: Painter) -> None:
    path = tmp_path / "a.png"
    first = CellPainter().paint(path, tiny(), painter.sources, painter)
    whole = json.loads(path.with_suffix(".json").read_text("utf-8"))
    path.with_suffix(".json").write_text(text, "utf-8")
    again = CellPainter().paint(path, tiny(), painter.sources, painter)
    assert len(painter.painted) == 2
    assert again.losses == first.losses
    assert json.loads(path.with_suffix(".json").read_text("utf-8")).keys() == whole.keys()


def test_a_panel_that_is_cut_short_is_painted_again(tmp_path: Path, painter: Painter) -> None:
    path = tmp_path / "a.png"
    first = CellPainter().paint(path, tiny(), painter.sources, painter)
    path.write_bytes(path.read_bytes()[:-100])
    assert torch.equal(CellPainter().paint(path, tiny(), painter.sources, painter).pastiche, first.pastiche)
    assert len(painter.painted) == 2


def test_notes_of_a_panel_never_stand_beside_another_picture(
    tmp_path: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends between two writes leaves a panel to be painted again, not one with another's losses."""

    def fail(*given: Any) -> None:
        raise RuntimeError

    path = tmp_path / "panel.png"
    CellPainter().paint(path, tiny(), painter.sources, painter)
    for step in ("impasto.runs.result.Result.save", "impasto.experiments.grid_cell.replace_file"):
        with monkeypatch.context() as patch:
            patch.setattr(step, fail)
            with pytest.raises(RuntimeError):
                CellPainter().paint(path, tiny(strength=1.0), painter.sources, painter)
        painted = len(painter.painted)
        panel = CellPainter().paint(path, tiny(), painter.sources, painter)
        assert len(painter.painted) == painted + 1
        assert panel.losses == pytest.approx(impasto.stylize(*painter.sources, tiny(), threads=1).losses)


def test_panels_sum_up_to_what_a_command_reports(tmp_path: Path, painter: Painter) -> None:
    panels = [CellPainter().paint(tmp_path / f"{n}.png", tiny(steps=n), painter.sources, painter) for n in (1, 2)]
    panels[1] = replace(panels[1], peak_bytes=7)
    values = sum_cells(panels)
    assert values["steps"] == 3
    assert values["seconds"] == pytest.approx(panels[0].seconds + panels[1].seconds, abs=1e-3)
    assert values["losses"] == {str(panel.path): panel.losses for panel in panels}
    assert values["peak_bytes"] == panels[0].peak_bytes


@pytest.mark.parametrize("name", ["a.png", "a.json"])
def test_a_panel_and_its_notes_are_never_an_input(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    (tmp_path / "link.png").symlink_to(tmp_path / name)
    check_cells([tmp_path / "a.png"], [tmp_path / "b.png", torch.zeros(1)])
    for source in (tmp_path / name, str(tmp_path / name), tmp_path / "link.png"):
        with pytest.raises(OutputError, match=f"panel .*{name}' is the input .* Choose another -o"):
            check_cells([tmp_path / "b.png", tmp_path / "a.png"], [source])

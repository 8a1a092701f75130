"""Sweeps: what an axis may be, and a grid that resumes where it stopped and never shows a stale panel."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from recording_painter import Painter, tiny
from torch import Tensor

import impasto
from impasto.errors import OutputError, RecipeError
from impasto.experiments import sweep as stage
from impasto.experiments.grid_cell import CellPainter, GridCell
from impasto.experiments.sweep import FIGURE_3, Axis, change_field, compose_sweep, parse_axis, plan_sweep
from impasto.painting import cache

Picture = Callable[..., Tensor]
ROWS, COLUMNS = Axis("style_layers", (("conv1_1",), ("conv1_1", "conv2_1"))), Axis("strength", (0.2, 0.8))


def sweep(
    painter: Painter, folder: Path, recipe: impasto.Recipe | None = None, on_step: Any = None, **how: Any
) -> list[list[GridCell]]:
    planned = plan_sweep(ROWS, COLUMNS, recipe or tiny())
    return stage.paint_sweep(planned, folder, painter.sources, painter, painter=CellPainter(on_step), **how)


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("strength=0.2,0.5,0.8", "strength", (0.2, 0.5, 0.8)),
        (" style-weight = 1 , 10 ", "style_weight", (1.0, 10.0)),
        ("content_weight=1e-5,1e+3", "content_weight", (1e-5, 1e3)),
        ("steps=7", "steps", (7,)),
        ("pooling=max,average", "pooling", ("max", "average")),
        ("rescaled_network=yes,no", "rescaled_network", (True, False)),
        ("init=noise,#ff0000", "init", ("noise", "#ff0000")),
        ("size=64,128", "size", (64, 128)),
        ("style_layers=conv1_1,conv1_1+relu2_1", "style_layers", (("conv1_1",), ("conv1_1", "conv2_1"))),
        ("style_layer_weights=1+2,3+4", "style_layer_weights", ((1.0, 2.0), (3.0, 4.0))),
        ("style_blend=0.3+0.7,1+0", "style_blend", ((0.3, 0.7), (1.0, 0.0))),
        ("statistic=gram,sliced:0.5", "statistic", (("gram",), ("sliced:0.5",))),
        ("statistic=gram@conv1_2+conv2_2", "statistic", (("gram@conv1_2+conv2_2",),)),
        ("statistic=gram+sliced:1e+3@relu1_2+moments", "statistic", (("gram", "sliced:1e+3@relu1_2", "moments"),)),
    ],
)
def test_axis_is_read(text: str, field: str, values: tuple[Any, ...]) -> None:
    assert parse_axis(text) == Axis(field, values)


def test_a_file_name_with_a_plus_is_one_value(tmp_path: Path) -> None:
    (tmp_path / "a+b.png").touch()
    assert parse_axis(f"init={tmp_path / 'a+b.png'},noise").values == (str(tmp_path / "a+b.png"), "noise")


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("strength", "axis 'strength' is malformed; expected field=value", "Write strength=0.2"),
        ("strength=", "is malformed", "Write strength=0.2"),
        ("strength=,", "is malformed", "Write strength=0.2"),
        ("strength=0.2,,0.8", "is malformed", "Write strength=0.2"),
        ("", "axis '' is malformed", "Write strength=0.2"),
        ("=0.2", "recipe has no field ''", "Choose one of these"),
        ("strenght=0.2", "recipe has no field 'strenght'", "Did you mean 'strength'?"),
        ("qqq=0.2", "recipe has no field 'qqq'", "Choose one of these"),
        ("strength=0.2..0.8", "strength is '0.2..0.8'; expected a number", "--strength"),
        ("strength=0.2,1.5", "strength is 1.5; expected a finite number of at least 0 and at most 1", "--strength"),
        ("strength=nan", "strength is nan", "--strength"),
        ("steps=0", "steps is 0", "--steps"),
        ("steps=1.5", "steps is '1.5'", "--steps"),
        ("pooling=max,averag", "'averag'", "Did you mean 'average'?"),
        ("style_layers=conv1_1+conv2_9", "'conv2_9'", "conv2_"),
        ("style_layers=conv1_1+conv1_1", "each layer once", "--style-layers"),
        ("statistic=gram,gramm", "'gramm'", "Did you mean 'gram'?"),
    ],
)
def test_bad_axis_is_refused(text: str, error: str, hint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_axis(text)
    assert error in caught.value.error
    assert hint in caught.value.hint


def test_other_layers_clear_the_weights_of_layers_that_changed() -> None:
    recipe = impasto.Recipe.preset("paper", content_layer_weights=(2.0,), style_layer_weights=(0.2,) * 5)
    fewer = change_field(recipe, "style_layers", ("conv1_1",))
    assert (fewer.style_layers, fewer.style_layer_weights) == (("conv1_1",), ())
    assert fewer.content_layer_weights == (2.0,)
    assert change_field(recipe, "content_layers", ("conv1_1", "conv2_1")).content_layer_weights == ()
    assert change_field(recipe, "steps", 3) == recipe.replace(steps=3)


def test_labels_and_json_of_an_axis() -> None:
    rows, columns = FIGURE_3
    paper = [impasto.Recipe.preset("paper")]
    assert rows.labels(paper)[:2] == ["conv1_1", "conv1_1\nconv2_1"]
    assert columns.labels(paper)[0] == "alpha/beta = 1e-05"
    assert COLUMNS.labels([tiny()]) == ["strength = 0.2", "strength = 0.8"]
    assert json.loads(json.dumps(ROWS.to_dict())) == {
        "field": "style_layers", "values": [["conv1_1"], ["conv1_1", "conv2_1"]],
    }  # fmt: skip


def test_each_panel_is_a_file_with_its_losses_beside_it(tmp_path: Path, painter: Painter) -> None:
    calls: list[tuple[int, int]] = []
    steps: list[int] = []
    folder = tmp_path / "new" / "panels"
    grid = sweep(painter, folder, on_cell=lambda *part: calls.append(part), on_step=lambda e: steps.append(e.step))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert steps == [1, 2] * 4
    names = [f"row{i}_column{j}" for i in (1, 2) for j in (1, 2)]
    found = sorted(path.name for path in folder.iterdir())
    assert found == sorted([f"{name}.png" for name in names] + [f"{name}.json" for name in names])
    for i, row in enumerate(grid):
        for j, panel in enumerate(row):
            assert panel.path.name == f"row{i + 1}_column{j + 1}.png"
            assert panel.recipe == tiny(style_layers=ROWS.values[i], strength=COLUMNS.values[j])
            assert panel.pastiche.shape == (1, 3, 32, 24)
            assert set(panel.losses) == {"content", "style", "tv", "total"}
            assert [*panel.trace][-1]["total"] >= panel.losses["total"]
            assert len(panel.trace) == 2


def test_finished_panels_are_not_painted_again(tmp_path: Path, painter: Painter) -> None:
    first = sweep(painter, tmp_path)
    assert len(painter.painted) == 4
    second = sweep(painter, tmp_path)
    assert len(painter.painted) == 4
    for panel, again in zip(first[1], second[1], strict=True):
        assert torch.equal(panel.pastiche, again.pastiche)
        assert (panel.losses, panel.trace) == (again.losses, again.trace)


@pytest.mark.parametrize("lost", ["row1_column2.png", "row1_column2.json"])
def test_a_panel_that_lost_a_file_is_painted_again_alone(lost: str, tmp_path: Path, painter: Painter) -> None:
    sweep(painter, tmp_path)
    (tmp_path / lost).unlink()
    sweep(painter, tmp_path)
    assert painter.painted[4:] == [tiny(style_layers=("conv1_1",), strength=0.8)]


def test_another_picture_under_a_panels_name_is_replaced(tmp_path: Path, painter: Painter) -> None:
    sweep(painter, tmp_path)
    Image.new("RGB", (4, 4)).save(tmp_path / "row1_column1.png")
    (tmp_path / "row2_column2.png").write_bytes(b"no picture")
    sweep(painter, tmp_path)
    assert len(painter.painted) == 6


def test_a_panel_from_another_recipe_or_input_is_painted_again(
    tmp_path: Path, painter: Painter, picture: Picture
) -> None:
    sweep(painter, tmp_path)
    sweep(painter, tmp_path, tiny(seed=1))
    assert len(painter.painted) == 8
    for place in (0, 1):
        painter.sources = [picture(32, 24, 5) if place == at else s for at, s in enumerate(painter.sources)]
        sweep(painter, tmp_path, tiny(seed=1))
        assert len(painter.painted) == 12 + 4 * place
    sweep(painter, tmp_path, tiny(seed=1))
    assert len(painter.painted) == 16


def test_a_stop_keeps_what_is_finished_and_the_next_call_resumes(tmp_path: Path, painter: Painter) -> None:
    steps: list[int] = []

    def stop_in_the_third(event: impasto.StepEvent) -> str | None:
        steps.append(event.step)
        return "stop" if len(steps) == 5 else None

    with pytest.raises(KeyboardInterrupt, match="row2_column1.png.*kept"):
        sweep(painter, tmp_path, on_step=stop_in_the_third)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["row1_column1.png", "row1_column2.png"]
    sweep(painter, tmp_path)
    assert len(painter.painted) == 3 + 2


def test_all_is_checked_before_the_first_panel(tmp_path: Path, painter: Painter) -> None:
    def check(recipe: impasto.Recipe) -> None:
        if recipe.strength == 0.8:
            raise RecipeError("wrong.", "Correct it.")

    with pytest.raises(RecipeError, match="wrong"):
        sweep(painter, tmp_path / "panels", check=check, on_cell=lambda *part: pytest.fail("began"))
    weighted = impasto.Recipe(weights="tiny", style_layers=("conv1_1",), style_layer_weights=(1.0,))
    columns = Axis("style_layer_weights", ((1.0,), (1.0, 2.0)))
    with pytest.raises(RecipeError, match="style_layer_weights has 2"):
        plan_sweep(Axis("steps", (1, 2)), columns, weighted)
    assert painter.painted == []
    assert not (tmp_path / "panels").exists()


def test_two_panels_of_one_recipe_are_refused() -> None:
    with pytest.raises(RecipeError, match="rows steps and columns seed give row 1, column 1 and row 1, column 2 the"):
        plan_sweep(Axis("steps", (1, 2)), Axis("seed", (3, 3)), tiny())


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (Axis("strength", (0.1, 0.2)), Axis("strength", (0.3, 0.4))),
        (Axis("strength", (0.1,)), Axis("strength", (0.3,))),
        (Axis("strength", (0.1,)), Axis("content_weight", (1.0,))),
        (Axis("style_weight", (1.0, 10.0)), Axis("strength", (0.1, 0.2))),
        (Axis("style_layer_weights", ((1.0,) * 4,)), Axis("style_layers", (("conv1_1",),))),
    ],
)
def test_an_axis_that_overrides_the_other_is_refused(rows: Axis, columns: Axis) -> None:
    """Even where there is one value only, since its label would be wrong."""
    with pytest.raises(RecipeError, match=f"columns {columns.field} override rows {rows.field};.* Give --columns"):
        plan_sweep(rows, columns, tiny())


def test_a_start_image_that_is_gone_is_refused_before_the_first_picture(tmp_path: Path, painter: Painter) -> None:
    with pytest.raises(RecipeError, match="init is 'nois'.* Did you mean 'noise'?"):
        stage.paint_sweep(plan_sweep(ROWS, parse_axis("init=noise,nois"), tiny()), tmp_path, painter.sources, painter)
    assert painter.painted == []


@pytest.mark.parametrize("suffix", [".png", ".json"])
def test_a_panel_never_replaces_an_input(suffix: str, tmp_path: Path, painter: Painter) -> None:
    taken = tmp_path / f"row2_column1{suffix}"
    impasto.write_image(painter.sources[0], tmp_path / "row2_column1.png")
    (tmp_path / "row2_column1.png").rename(taken)
    before = taken.read_bytes()
    first, second = painter.sources
    read = [([first, taken], tiny()), ([taken, second], tiny()), ([first, second], tiny(init=str(taken)))]
    for sources, recipe in read:
        with pytest.raises(OutputError, match=f"row2_column1{suffix}' is the input .* Choose another -o"):
            stage.paint_sweep(plan_sweep(ROWS, COLUMNS, recipe), tmp_path, sources, painter)
    assert painter.painted == []
    assert taken.read_bytes() == before


@pytest.mark.parametrize(
    ("recipe", "rows", "columns", "expected"),
    [
        ({"style_weight": 10.0}, "seed=0", "content_weight=1,5", ["alpha/beta = 0.1", "alpha/beta = 0.5"]),
        ({"style_weight": 0.0}, "seed=0", "content_weight=1,5", ["content_weight = 1", "content_weight = 5"]),
        ({}, "style_weight=2,4", "content_weight=1,8", ["content_weight = 1", "content_weight = 8"]),
        ({}, "seed=0", "style_weight=2,4", ["style_weight = 2", "style_weight = 4"]),
        ({}, "seed=0", "statistic=gram,gram:2+moments", ["statistic = gram", "statistic = gram:2, moments"]),
        ({}, "seed=0", "style_blend=1,0.5", ["style_blend = 1", "style_blend = 0.5"]),
        ({}, "seed=0", "learning_rate=none,0.5", ["learning_rate = none", "learning_rate = 0.5"]),
        ({}, "seed=0", "tv_normalization=sum,mean", ["tv_normalization = sum", "tv_normalization = mean"]),
        ({}, "seed=0", "rescaled_network=no", ["rescaled_network = no"]),
        ({}, "seed=0", "size=48x64,32", ["size = 48x64", "size = 32"]),
    ],
)
def test_labels_say_what_is_in_the_recipe(
    recipe: dict[str, Any], rows: str, columns: str, expected: list[str]
) -> None:
    down, right = parse_axis(rows), parse_axis(columns)
    rowed = [change_field(tiny(**recipe), down.field, value) for value in down.values]
    recipes = [change_field(row, right.field, value) for row in rowed for value in right.values]
    assert right.labels(recipes) == expected


def test_the_sheet_holds_every_panel(tmp_path: Path, painter: Painter) -> None:
    grid = sweep(painter, tmp_path)
    sheet = compose_sweep(plan_sweep(ROWS, COLUMNS, tiny()), grid)
    for panel in (panel for row in grid for panel in row):
        windows = sheet[0, 0].unfold(1, 24, 1)  # (rows, columns, 24)
        first_row = (windows - panel.pastiche[0, 0, 0]).abs().amax(dim=2) < 1e-6
        ((y, x),) = torch.nonzero(first_row).tolist()
        torch.testing.assert_close(sheet[..., y : y + 32, x : x + 24], panel.pastiche)


def test_the_function_writes_sheet_cells_and_losses_and_resumes(
    tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[impasto.Recipe] = []
    build = cache.build_encoder
    monkeypatch.setattr(cache, "build_encoder", lambda recipe: built.append(recipe) or build(recipe))
    inputs = picture(32, 24, 1), picture(32, 32, 2)
    how: dict[str, Any] = {"recipe": tiny(), "steps": 1, "threads": 1}
    steps: list[int] = []
    made = impasto.sweep(
        *inputs,
        tmp_path / "grid.png",
        {"strength": (0.2, 0.8)},
        {"seed": np.array([0, 1])},
        **how,
        on_step=lambda event: steps.append(event.step),
    )
    assert len(built) == 1  # for all panels together
    assert [[cell.recipe.strength for cell in row] for row in made.cells] == [[0.2, 0.2], [0.8, 0.8]]
    assert torch.equal(made.cells[1][0].pastiche, impasto.read_image(tmp_path / "grid_panels" / "row2_column1.png"))
    assert json.loads(made.notes.read_text()) == json.loads(json.dumps(made.to_dict()))
    assert impasto.read_image(made.output).shape == made.sheet.shape
    with Image.open(io.BytesIO(made._repr_png_())) as shown:
        assert max(shown.size) <= 1024
    again = impasto.sweep(
        *inputs, tmp_path / "grid.png", {"strength": [0.2, 0.8]}, {"seed": [0, 1]}, **how, on_step=pytest.fail
    )
    assert torch.equal(again.sheet, made.sheet) and len(steps) == 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"strenght": [0.2]}, "Did you mean 'strength'"),
        ({"strength": []}, r"axis strength has the values \[\]"),
        ({"strength": 0.5}, "axis strength has the values 0.5; expected a list"),
        ({"strength": [2.0]}, "strength is 2.0"),
        ({"strength": [0.2], "seed": [1]}, "rows or columns are .*; expected one field"),
        ("strength=0.2", "rows or columns are 'strength=0.2'"),
    ],
)
def test_rows_that_are_none_are_refused(rows: Any, words: str, tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(RecipeError, match=words):
        impasto.sweep(picture(), picture(), tmp_path / "grid.png", rows, **{"weights": "tiny", "steps": 1})
    assert list(tmp_path.iterdir()) == []

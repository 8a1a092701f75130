"""The paper's figures: every file is there, the page shows them, and nothing is painted twice."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import impasto
from impasto.errors import ImageReadError, ImageSizeError, OutputError, RecipeError
from impasto.experiments.paper import reproduce_paper
from impasto.recipe.words import STYLE_LAYERS

Picture = Callable[..., Tensor]
FAST: dict[str, Any] = {"size": 32, "steps": 1, "weights": "tiny", "threads": 1}


@pytest.fixture
def pictures(tmp_path: Path, picture: Picture) -> tuple[Path, list[Path]]:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for index, path in enumerate(paths):
        impasto.write_image(picture(32, 40, index), path)
    return paths[0], paths[1:]


def test_all_figures_are_made_once_and_the_page_shows_them(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    folder = tmp_path / "new" / "paper"
    calls: list[tuple[str, int, int]] = []
    steps: list[int] = []
    content, styles = pictures
    how = {**FAST, "on_step": lambda e: steps.append(e.step), "on_figure": lambda *part: calls.append(part)}
    made = reproduce_paper(content, styles, folder, **how)
    page = made.page
    expected = [("figure1", n, 10) for n in range(1, 11)] + [("figure2", n, 2) for n in (1, 2)]
    assert calls == expected + [("figure3", n, 20) for n in range(1, 21)]
    assert len(steps) == 32

    panels = [f"figure1/{kind}_{layer}" for kind in ("style", "content") for layer in STYLE_LAYERS]
    panels += [f"figure2/style{n}" for n in (1, 2)]
    panels += [f"figure3/row{row}_column{column}" for row in range(1, 6) for column in range(1, 5)]
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {f"figure{n}.png" for n in (1, 2, 3)}
    assert found == {f"{panel}{suffix}" for panel in panels for suffix in (".png", ".json")} | figures | {"index.html"}
    assert page == folder / "index.html"
    assert [str(panel.path.relative_to(folder)) for panel in made.cells] == [f"{panel}.png" for panel in panels]
    assert {str(path.relative_to(folder)) for path in made.figures} == figures
    assert (made.recipe, made.size) == (made.cells[10].recipe, (26, 32))

    text = page.read_text("utf-8")
    links = set(re.findall(r'(?:src|href)="([^"]+)"', text))
    assert links == figures
    assert all((folder / link).is_file() for link in links)
    assert text.count("<svg") == 3
    assert text.count("<polyline") == 10 + 4 + 20
    assert impasto.read_image(folder / "figure3.png").shape[-2] > 5 * 26

    steps.clear()
    (folder / "figure2.png").unlink()
    again = reproduce_paper(content, styles, folder, **how)
    assert again.page == page
    assert [panel.path for panel in again.cells] == [panel.path for panel in made.cells]
    assert [panel.seconds for panel in again.cells] == [panel.seconds for panel in made.cells]
    assert steps == []
    assert page.read_text("utf-8") == text
    assert (folder / "figure2.png").is_file()


def test_panels_are_what_the_paper_says(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    folder = tmp_path / "paper"
    reproduce_paper(*pictures, folder, **FAST)

    def recipe_of(panel: str) -> impasto.Recipe:
        metadata = impasto.read_metadata(folder / panel)
        assert metadata is not None
        return impasto.Recipe.from_dict(metadata["recipe"])  # type: ignore[arg-type]

    kept = recipe_of("figure1/content_conv4_1.png")
    assert (kept.content_layers, kept.style_layers, kept.pooling, kept.init) == (("conv4_1",), (), "max", "noise")
    style = recipe_of("figure1/style_conv3_1.png")
    assert (style.content_layers, style.style_layers) == ((), ("conv1_1", "conv2_1", "conv3_1"))
    pastiche = recipe_of("figure2/style2.png")
    assert (pastiche.pooling, pastiche.content_layers) == ("average", ("conv4_2",))
    assert (pastiche.content_weight, pastiche.style_weight) == (1e-3, 1.0)
    first, last = recipe_of("figure3/row1_column1.png"), recipe_of("figure3/row5_column4.png")
    assert (first.style_layers, first.content_weight) == (("conv1_1",), 1e-5)
    assert (last.style_layers, last.content_weight) == (STYLE_LAYERS, 1e-2)


def test_a_stop_keeps_what_is_finished(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    seen: list[int] = []

    def stop_in_the_third(event: impasto.StepEvent) -> str | None:
        seen.append(event.step)
        return "stop" if len(seen) == 3 else None

    with pytest.raises(KeyboardInterrupt):
        reproduce_paper(*pictures, tmp_path / "paper", **FAST, on_step=stop_in_the_third)
    assert len(list((tmp_path / "paper" / "figure1").glob("*.png"))) == 2
    assert not (tmp_path / "paper" / "index.html").exists()
    seen.clear()
    reproduce_paper(*pictures, tmp_path / "paper", **FAST, on_step=lambda e: seen.append(e.step))
    assert len(seen) == 30


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"size": 15}, ImageSizeError, "conv5_1 needs at least 16"),
        ({"size": (32, 32)}, RecipeError, "keeps the photograph's aspect"),
        ({"steps": 0}, RecipeError, "steps is 0"),
        ({"seed": -1}, RecipeError, "seed is -1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    changes: dict[str, Any], error: type[Exception], words: str, tmp_path: Path, pictures: tuple[Path, list[Path]]
) -> None:
    with pytest.raises(error, match=words):
        reproduce_paper(*pictures, tmp_path / "paper", **{**FAST, **changes})
    assert not (tmp_path / "paper").exists()


def test_missing_pictures_are_refused_even_where_their_panels_are(
    tmp_path: Path, pictures: tuple[Path, list[Path]]
) -> None:
    content, styles = pictures
    with pytest.raises(RecipeError, match="no style image"):
        reproduce_paper(content, [], tmp_path / "paper", **FAST)
    with pytest.raises(ImageReadError, match="nowhere.png"):
        reproduce_paper(content, [styles[0], tmp_path / "nowhere.png"], tmp_path / "paper", **FAST)
    assert not (tmp_path / "paper").exists()
    reproduce_paper(content, styles, tmp_path / "paper", **FAST)
    styles[0].unlink()
    with pytest.raises(ImageReadError, match="1.png"):
        reproduce_paper(content, styles, tmp_path / "paper", **FAST)


def test_no_figure_or_panel_replaces_an_input(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    content, styles = pictures
    folder = tmp_path / "paper"
    reproduce_paper(content, styles, folder, **FAST)
    made = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(made) == 2 * (10 + 2 + 20) + 4
    before = {path: path.read_bytes() for path in made}
    for path in made:
        for how in ({"content": path}, {"styles": [styles[0], path]}, {"weights": str(path)}):
            given = {"content": content, "styles": styles, **FAST, **how}
            with pytest.raises(OutputError, match=f"{path.name}' is the input .* Choose another -o"):
                reproduce_paper(given.pop("content"), given.pop("styles"), folder, **given)
    assert {path: path.read_bytes() for path in made} == before


def test_a_figures_folder_that_is_a_file_is_refused(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "figure3").touch()
    with pytest.raises(OutputError, match="figure3' is not a folder"):
        reproduce_paper(*pictures, tmp_path / "paper", **FAST)
    assert [path.name for path in (tmp_path / "paper").iterdir()] == ["figure3"]

"""The notebooks of examples/ run: the first in Jupyter's own kernel, the others cell by cell, at small size."""

import base64
import io
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


def read(name: str) -> Any:
    """Return a notebook, which must come without outputs."""
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are left out of the repository"
    return notebook


def run(name: str, steps: int, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the cells of a notebook in a folder, at 48 px. Returns its names."""
    patch.chdir(folder)
    names: dict[str, Any] = {}
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert [cell.metadata.get("tags") for cell in cells].count(["parameters"]) == 1
    for cell in cells:
        small = f'SIZE, STEPS, WEIGHTS = 48, {steps}, "tiny"'
        exec(small if cell.metadata.get("tags") else cell.source, names)
    return names


@pytest.mark.slow
def test_the_first_notebook_runs_in_jupyter(tmp_path: Path) -> None:
    notebook = read("first_picture.ipynb")
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    making, showing, last = (cell.outputs for cell in notebook.cells if cell.cell_type == "code" and cell.outputs)
    printed = "".join(output.text for output in making)
    assert printed.count("\n") == 0 and printed.split("\r")[-1] == "step 6 of 6"
    assert "total" in showing[0].text
    picture = Image.open(io.BytesIO(base64.b64decode(last[-1].data["image/png"])))
    assert picture.size == (64, 48)


@pytest.mark.slow
def test_the_figures_of_the_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("paper_figures.ipynb", 2, tmp_path, monkeypatch)
    assert len(names["inside"]) == len(names["textures"]) == 5
    assert (tmp_path / "figure3.png").exists() and len(names["figure3"].cells) == 3
    torch.testing.assert_close(names["by_hand"], names["ours"])  # eq. 4 as printed, and as the program has it


def test_a_training_loop_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("training_loop.ipynb", 20, tmp_path, monkeypatch)
    assert min(names["trace"][-5:]) < names["trace"][0]
    left, right, photograph, _ = names["vectors"].values()
    assert (left - right).norm() < (left - photograph).norm()


def test_every_notebook_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.ipynb")} == {
        "first_picture.ipynb",
        "paper_figures.ipynb",
        "training_loop.ipynb",
    }

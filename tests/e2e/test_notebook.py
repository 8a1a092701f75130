"""examples/first_picture.ipynb runs in Jupyter's own kernel: no error, the picture shown, progress on one line."""

import base64
import io
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_picture.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are left out of the repository"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    making, showing, last = (cell.outputs for cell in notebook.cells if cell.cell_type == "code" and cell.outputs)
    printed = "".join(output.text for output in making)
    assert printed.count("\n") == 0 and printed.split("\r")[-1] == "step 6 of 6"
    assert "total" in showing[0].text
    picture = Image.open(io.BytesIO(base64.b64decode(last[-1].data["image/png"])))
    assert picture.size == (64, 48)

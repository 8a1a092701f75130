"""A run in figures, whatever state it is in."""

from pathlib import Path

from impasto.runs.record import RECORD_NAME
from impasto.runs.summary import summarize_run


def test_a_damaged_run_has_an_error_and_its_size(tmp_path: Path) -> None:
    (tmp_path / RECORD_NAME).write_text("{", "ascii")
    values = summarize_run(tmp_path)
    assert (values["name"], values["state"], values["bytes"]) == (tmp_path.name, "damaged", 1)
    assert RECORD_NAME in values["error"] or tmp_path.name in values["error"]

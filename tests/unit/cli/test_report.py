"""Lines for people, objects for scripts, exit codes."""

import json
import logging
import warnings

import pytest

from impasto.cli.report import describe_losses, name_options, print_json, print_line, report_error, warnings_as_lines
from impasto.errors import DiskError, RecipeError


def test_an_error_is_one_line_whatever_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(RecipeError("bad\nthing \x1b[31m.", "Correct it."), as_json=False, debug=False) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "impasto: bad thing  [31m. Correct it.\n")


def test_with_json_it_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(DiskError("full.", "Free space."), as_json=True, debug=False) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "full.", "hint": "Free space."}


def test_an_interruption_and_lack_of_memory_are_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(KeyboardInterrupt(), as_json=False, debug=False) == 130
    assert report_error(MemoryError(), as_json=False, debug=False) == 1
    err = capsys.readouterr().err
    assert "fault" not in err
    assert err.startswith("impasto: stopped; no picture was written. Run the command again to start over.\n")


def test_warnings_become_single_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings_as_lines():
        warnings.simplefilter("always")
        warnings.warn("first\nof all", UserWarning, stacklevel=1)
        logging.getLogger("impasto.somewhere").warning("second %d", 2)
        logging.getLogger("impasto.somewhere").info("not shown")
    assert capsys.readouterr().err == "impasto: warning: first of all\nimpasto: warning: second 2\n"
    logging.getLogger("impasto.somewhere").info("handler is gone")


def test_infinity_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"losses": {"total": float("inf")}, "list": [float("nan"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"losses": {"total": None}, "list": [None, 1.5]}


def test_a_file_name_of_any_bytes_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(b"caf\xe9.png".decode("utf-8", "surrogateescape"))
    assert capsys.readouterr().out == "caf\\udce9.png\n"


def test_losses_in_words() -> None:
    assert describe_losses({"content": 1.0, "style": 1234567.0, "total": 1234568.0}) == (
        "1.23e+06 (content 1, style 1.23e+06)"
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("only 'sky' does not exist", "--only 'sky' does not exist"),
        ("content_mask 1 'a.png' is empty", "--content-mask 1 'a.png' is empty"),
        ("first_scale is 1; expected more", "--first-scale is 1; expected more"),
        ("weights file 'a.pth' is damaged", "weights file 'a.pth' is damaged"),
        ("only two of them", "only two of them"),
        ("content_image 'a.png' does not exist", "content_image 'a.png' does not exist"),
        ("the size is wrong", "the size is wrong"),
    ],
)
def test_messages_name_options_as_they_are_typed(
    message: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert name_options(message) == shown
    report_error(RecipeError(message, "Do."), as_json=False, debug=False)
    with warnings_as_lines():
        logging.getLogger("impasto.somewhere").warning(message)
    assert capsys.readouterr().err == f"impasto: {shown} Do.\nimpasto: warning: {shown}\n"

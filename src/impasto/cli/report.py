"""Output of commands: the result on stdout, as text or one JSON object; errors and warnings as single lines."""

import contextlib
import errno
import json
import logging
import math
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from impasto.cli.installer import name_installer
from impasto.errors import ImpastoError
from impasto.recipe.recipe import field_names

STOPPED = 130
"""Exit code of a command that Ctrl-C, SIGTERM or a hangup ended."""


_OPTIONS = (
    *("only", "protect", "content_mask", "style_mask", "fine_style", "device", "threads", "precision", "max_memory"),
    *("max_pixels", "run_dir", "recipe", "workers", "morph", "passes", "start", "duration", "every"),
)
"""Options beside those of the recipe that messages name as Python does."""


def print_line(text: str, *, file: TextIO | None = None) -> None:
    """Print one line on stdout, or on `file`, unbuffered; characters that the terminal cannot show are escaped."""
    file = file if file is not None else sys.stdout
    file.write(_to_printable(text, file) + "\n")
    file.flush()


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> None:
    """Print a table on stdout, whose rows have as many cells as the head. numbers: align the second column right.

    The first column, which has names that are typed elsewhere, is never broken; the others are where there is no room.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(head):
        name_width = max(map(len, [title, *(row[0] for row in rows)])) if index == 0 else None
        table.add_column(
            _to_printable(title, sys.stdout),
            justify="right" if numbers and index == 1 else "left",
            overflow="fold",
            no_wrap=index == 0,
            min_width=name_width,
        )
    for row in rows:
        table.add_row(*(_to_printable(cell, sys.stdout) for cell in row))
    Console(file=sys.stdout, markup=False, highlight=False).print(table)


def print_json(values: Mapping[str, Any]) -> None:
    """Print the values as one JSON object on stdout; infinity and NaN become null."""
    print_line(json.dumps(_to_finite(values), allow_nan=False))


def describe_losses(losses: Mapping[str, float]) -> str:
    """Return the losses in a few words: `1.23e+06 (content 2.1e+05, style 1.02e+06)`."""
    terms = ", ".join(f"{name} {value:.3g}" for name, value in losses.items() if name != "total")
    return f"{losses['total']:.3g}" + (f" ({terms})" if terms else "")


def report_error(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Print an error and its hint in one line on stderr. Returns the exit code.

    as_json: also print an object on stdout. debug: also print the traceback.
    """
    text, hint, exit_code = _explain(error)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    print_line(f"impasto: {text} {hint}", file=sys.stderr)
    if as_json:
        with contextlib.suppress(OSError):  # stdout itself may be what cannot be written
            print_json({"error": text, "hint": hint})
    return exit_code


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print the package's log records and Python's warnings as single lines on stderr, within the block."""
    handler = _LineHandler(level=logging.WARNING)
    logger = logging.getLogger("impasto")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *rest, **more: _print_warning(str(message))
            yield
    finally:
        logger.removeHandler(handler)


class _LineHandler(logging.Handler):
    """Prints each warning once: a film has the same one for every frame."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if (message := record.getMessage()) not in self._printed:
            self._printed.add(message)
            _print_warning(message)


def _print_warning(message: str) -> None:
    text = name_installer(name_options(" ".join(message.split())))
    print_line(f"impasto: warning: {text}", file=sys.stderr)


def name_options(text: str) -> str:
    """Return a message with the option of the command line where it begins with the name that Python has for it."""
    found = re.match(r"([a-z_0-9]+)(?=( \d+)? (['\[]|is |has |names ))", text)
    if found is None or found[1] not in (*field_names(), *_OPTIONS):
        return text
    return f"--{found[1].replace('_', '-')}{text[found.end() :]}"


def _explain(error: BaseException) -> tuple[str, str, int]:
    if isinstance(error, ImpastoError):
        return name_options(error.error), name_installer(error.hint), error.exit_code
    if isinstance(error, KeyboardInterrupt) and error.args:
        return str(error), "Run the command again to continue.", STOPPED
    if isinstance(error, KeyboardInterrupt):
        return "stopped; no picture was written.", "Run the command again to start over.", STOPPED
    if isinstance(error, MemoryError):
        return "out of memory.", "Lower --size, give smaller pictures, or close other programs.", 1
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # of stdout: `impasto weights > file`
        return "the disk is full (No space left on device); expected room for the output.", "Free some space.", 1
    # Usage errors: Typer has its own copy of Click's exceptions or uses Click's, depending on the version.
    if hasattr(error, "format_message"):
        return _explain_usage(error)
    text = f"this is a bug in impasto: {type(error).__name__}: {' '.join(str(error).split())}."
    return text, "Please report it; --debug shows the traceback.", 1


def _explain_usage(error: Any) -> tuple[str, str, int]:
    message = str(getattr(error, "message", "") if getattr(error, "possibilities", None) else error.format_message())
    text = " ".join(message.split()).rstrip(".")
    nearest = f"Did you mean {error.possibilities[0]}? " if getattr(error, "possibilities", None) else ""
    context = getattr(error, "ctx", None)
    lines = str(getattr(getattr(context, "command", None), "help", "") or "").splitlines()
    if text.startswith("Missing ") and (examples := [line for line in lines if line.startswith("impasto ")]):
        nearest = f"Example: {examples[0]}. "
    command = context.command_path if context is not None else "impasto"
    return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else '.'}", f"{nearest}See `{command} --help`.", 2


def _to_printable(text: str, file: TextIO) -> str:
    line = "".join(letter if letter.isprintable() or "\ud800" <= letter <= "\udfff" else " " for letter in text)
    encoding = file.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def _to_finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _to_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_finite(item) for item in value]
    return value

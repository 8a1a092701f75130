"""The words of a command line before they are parsed: home folders, addresses, and a command that was left out."""

import os
import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.system.disk import is_address, path_hint

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".gif", ".bmp")

_NO_FILES = ("--license", "--ray")
"""Options whose value may be an address."""


def read_words(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Return the words with home folders in place of ~, which a shell leaves in quotes and behind an =.

    commands: the names of all commands. Raises ImpastoError for an address, and for files without a command.
    """
    read = [_expand(word) for word in words]
    for before, word in zip(["", *read], read, strict=False):
        name, value = _split(word)
        options = {before, name.rstrip("=")}
        if is_address(value) and not options & {*_NO_FILES} and not os.path.lexists(value):
            is_output = options & {"-o", "--output"}
            hint = "Write a file, then upload it." if is_output else path_hint(value, "")
            raise ImpastoError(f"{value!r} is an address; expected a file.", hint)
    if read and read[0] not in commands and not {*read} & {"--help", "-h", "--version"}:
        meant = guess_command(read)
        if meant is not None:
            raise ImpastoError(f"{read[0]!r} is no command.", f"Did you mean: {meant}")
    return read


def guess_command(words: Sequence[str]) -> str | None:
    """Return the command line that was meant by one without a command; None if it does not begin with a file.

    Words that begin with an option are taken for one if they name a picture.
    """
    files = [word for word in words if not word.startswith("-") and _is_file_name(word)]
    if not files or (files[0] != words[0] and not words[0].startswith("-")):
        return None
    first, line = Path(files[0]), shlex.join(words)
    folder = "" if {"-o", "--output"} & {*words} else " -o out"
    if (first / "run.json").is_file():
        return f"impasto resume {line}"
    if first.is_dir():
        return f"impasto batch {line}{' PAINTINGS' if len(files) == 1 else ''}{folder}"
    if first.suffix.lower() == ".toml":
        return f"impasto recipe show {line}"
    if first.suffix.lower() in (".csv", ".jsonl"):
        return f"impasto batch --from {line}{folder}"
    return f"impasto stylize {line}{' PAINTING' if len(files) == 1 else ''}"


def _expand(word: str) -> str:
    name, value = _split(word)
    is_home = value.startswith("~") and not os.path.lexists(value)
    return name + os.path.expanduser(value) if is_home else word


def _split(word: str) -> tuple[str, str]:
    """Return an option with its "=", or "", and its value: "--only=", "~/mask.png"."""
    found = re.match(r"-o=?|--[a-z-]+=", word)
    name = found[0] if found else ""
    return name, word[len(name) :]


def _is_file_name(word: str) -> bool:
    try:
        return Path(word).suffix.lower() in _PICTURES or Path(word).exists()
    except (OSError, ValueError):  # no name that a file can have
        return False

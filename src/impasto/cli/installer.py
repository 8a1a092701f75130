"""Install commands in messages, in the words of the program that installed impasto: pip, pipx or uv."""

import sys
from pathlib import Path


def name_installer(text: str) -> str:
    """Return a message with a command for this installation in place of `pip install`.

    A tool of pipx or uv has an environment of its own, which a plain `pip install` does not change; uv's has no pip.
    """
    folder = Path(sys.prefix)
    if (folder / "pipx_metadata.json").is_file():
        return text.replace("pip install ", f"pipx runpip {folder.name} install ")
    if (folder / "uv-receipt.toml").is_file():
        return text.replace("pip install ", f'uv pip install --python "{folder}" ')
    return text

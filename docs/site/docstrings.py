"""Docstrings as Markdown: `name: text` of an argument becomes an item of a list, `Raises ...` a paragraph."""

import re
from typing import Any

import griffe

ARGUMENT = re.compile(r"^(\w+(?:, \w+)*): (?=\S)", re.MULTILINE)
PARAGRAPH = re.compile(r"^(?=Raises? |Returns? )", re.MULTILINE)


def to_markdown(docstring: str) -> str:
    """Return a docstring with lists and paragraphs where it has lines; examples, which are indented, stay."""
    listed = ARGUMENT.sub(lambda match: f"\n- **{match[1].replace(', ', '**, **')}**: ", docstring)
    return PARAGRAPH.sub("\n", listed)


class Docstrings(griffe.Extension):
    """Rewrites every docstring when it was read."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)

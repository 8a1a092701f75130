"""The house in one picture: which folder of src/impasto/ imports from which, drawn from the code as SVG."""

import ast
from collections import defaultdict
from pathlib import Path

import impasto

SOURCE = Path(impasto.__file__).parent
CELL, LABEL, TOP = 22, 210, 92
"""Pixels: edge of a cell; width of the names on the left; height of the names above."""


def count_imports() -> dict[tuple[str, str], int]:
    """Return how many imports lead from one folder to another. They differ."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for path in SOURCE.rglob("*/*.py"):
        folder = path.relative_to(SOURCE).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("impasto."):
                other = str(node.module).split(".")[1]
                if other != folder and (SOURCE / other).is_dir():
                    counts[folder, other] += 1
    return counts


def draw_house(folders: list[str]) -> str:
    """Return an SVG: a row for each folder, a dot for each one that it imports from, larger for more imports."""
    counts = count_imports()
    width, height = LABEL + CELL * len(folders), TOP + CELL * len(folders)
    parts = [f'<svg class="house" role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">']
    parts += ["<title>Which folder imports from which</title>"]
    for row, folder in enumerate(folders):
        middle = TOP + CELL * row + CELL / 2
        files = sum(1 for _ in (SOURCE / folder).rglob("*.py"))
        lines = sum(len(path.read_text("utf-8").splitlines()) for path in (SOURCE / folder).rglob("*.py"))
        size = f"{files} files, {lines} lines"
        across = LABEL + CELL * row + CELL / 2
        parts += [
            f'<text x="4" y="{middle + 4}">{folder}/</text>',
            f'<text x="{LABEL - 12}" y="{middle + 4}" text-anchor="end" opacity=".7">{size}</text>',
            f'<text x="{across}" y="{TOP - 8}" transform="rotate(-60 {across} {TOP - 8})">{folder}</text>',
            f'<line x1="{LABEL}" x2="{across}" y1="{middle}" y2="{middle}" opacity=".2"/>',
            f'<rect x="{across - 7}" y="{middle - 7}" width="14" height="14" rx="3" opacity=".3"/>',
        ]
        for column, other in enumerate(folders):
            count = counts.get((folder, other), 0)
            if count:
                radius = min(2.5 + count**0.5, CELL / 2 - 1)
                title = f"{folder} imports from {other}: {count}"
                dot = f'<circle cx="{LABEL + CELL * column + CELL / 2}" cy="{middle}" r="{radius:.1f}">'
                parts += [f"{dot}<title>{title}</title></circle>"]
    return "".join([*parts, "</svg>"])

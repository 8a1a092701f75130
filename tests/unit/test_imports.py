"""The folders are the data flow: a module imports only from stages to its left."""

import ast
from pathlib import Path

import pytest

import impasto

SOURCE = Path(impasto.__file__).parent
STAGES = (
    *("errors", "process", "fields", "recipe", "images", "cookbook", "features", "losses", "optimize", "coloring"),
    "result",
    *("masking", "reuse", "sizes", "strokes", "regions", "how", "planning", "runs", "painting", "preparation"),
    *("morphing", "transfer", "resuming", "repeating"),
    *("evolution", "demo", "panel", "sweep", "page", "paper", "quality", "compare", "backbone", "batch", "cli"),
)
FREE = {"__init__", "__main__"}  # the package's own face, which points to every stage
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem not in FREE)


def stage_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_stages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        found |= {name.split(".")[1] for name in names if name.startswith("impasto.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_its_left(path: Path) -> None:
    place = STAGES.index(stage_of(path))
    assert {name for name in imported_stages(path) if STAGES.index(name) > place} == set()


def test_every_module_is_reached() -> None:
    assert {stage_of(path) for path in MODULES} == set(STAGES)


def test_public_names_are_importable_and_explicit() -> None:
    assert sorted(impasto.__all__) == impasto.__all__
    for name in impasto.__all__:
        assert getattr(impasto, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        impasto.nonsense  # noqa: B018

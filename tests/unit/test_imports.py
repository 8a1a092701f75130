"""The folders are the data flow: a module imports only from folders to its left."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import impasto

SOURCE = Path(impasto.__file__).parent
FOLDERS = (
    *("errors", "system", "recipe", "images", "features", "losses", "tiles", "optimize", "cost", "control", "runs"),
    *("painting", "training", "fast", "transfer", "experiments", "backbone", "workers", "batch", "video", "studio"),
    "cli",
)
ROOT = {"__init__", "__main__"}  # the package's own face, which points to every folder
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem not in ROOT)


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports: absolutely, relatively, or by import_module with a plain string."""
    package = ("impasto", *path.relative_to(SOURCE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            # `from impasto import x` names a folder, `from impasto import Recipe` the package's face.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "impasto" else [module]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [ast.literal_eval(arg) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        else:
            continue
        yield from (name for name in names if name.startswith("impasto."))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_its_left(path: Path) -> None:
    place = FOLDERS.index(path.relative_to(SOURCE).parts[0].removesuffix(".py"))
    imported = {name.split(".")[1] for name in imported_modules(path)}
    assert [name for name in imported if name not in FOLDERS[: place + 1] and name in FOLDERS] == []


def test_no_modules_import_each_other() -> None:
    graph = {module_name(path): set(imported_modules(path)) for path in MODULES}

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for other in graph.get(name, ()):
                walk(other, (*above, name))
            done.add(name)

    done: set[str] = set()
    for name in graph:
        walk(name, ())


def test_every_folder_has_modules_and_nothing_else_lies_at_the_root() -> None:
    assert {path.name.removesuffix(".py") for path in SOURCE.glob("*") if is_source(path)} == set(FOLDERS) | ROOT


def test_public_names_are_importable_and_explicit() -> None:
    assert sorted(impasto.__all__) == impasto.__all__
    for name in impasto.__all__:
        assert getattr(impasto, name) is not None
    assert set(impasto.__all__) <= set(dir(impasto)) and {"errors", "__version__"} <= set(dir(impasto))
    assert not {"Any", "import_module", "TYPE_CHECKING"} & set(dir(impasto))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        impasto.nonsense  # noqa: B018


def module_name(path: Path) -> str:
    return ".".join(("impasto", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def is_source(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))

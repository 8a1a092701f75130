"""An object is complete when its constructor returns, and nobody else sets its attributes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import impasto

SOURCE = Path(impasto.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
CONSTRUCTORS = {"__init__", "__post_init__", "__new__"}

FOREIGN = {
    *("grad", "fp32_precision", "intra_op_num_threads", "__signature__", "__annotations__"),
    *("pts", "dts", "duration", "time_base", "stream", "thread_type"),
}
"""Attributes of tensors, of torch's and onnxruntime's settings, of functions, and of PyAV's packets and frames, all of
them no classes of ours."""


def targets(node: ast.AST) -> Iterator[ast.Attribute]:
    """The attributes that a statement sets, inside tuples and lists too."""
    match node:
        case ast.Assign(targets=found):
            pass
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            found = [target]
        case ast.Delete(targets=found):
            pass
        case ast.withitem(optional_vars=ast.expr() as target):
            found = [target]
        case ast.NamedExpr(target=target):
            found = [target]
        case _:
            return
    for each in found:
        parts = (part for part in ast.walk(each) if isinstance(part, ast.Attribute))
        yield from (part for part in parts if isinstance(part.ctx, (ast.Store, ast.Del)))


def is_own(attribute: ast.Attribute) -> bool:
    return isinstance(attribute.value, ast.Name) and attribute.value.id == "self"


def outside_names(tree: ast.Module) -> set[str]:
    """Names that a module imports from other packages: their settings, such as Pillow's size limit, are not ours."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not (node.module or "impasto").startswith("impasto"):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def late_attributes(tree: ast.Module) -> Iterator[str]:
    """Attributes that methods set and the constructor did not."""
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        methods = [node for node in cls.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        own = {
            method.name: {each.attr for node in ast.walk(method) for each in targets(node) if is_own(each)}
            for method in methods
        }
        complete = {name for method in CONSTRUCTORS for name in own.get(method, ())}
        if any("dataclass" in ast.unparse(decorator) for decorator in cls.decorator_list):
            complete |= {
                node.target.id
                for node in cls.body
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
            }
        for method, names in own.items():
            yield from (f"{cls.name}.{method} sets {name}" for name in sorted(names - complete))


def set_from_outside(tree: ast.Module) -> Iterator[str]:
    """Attributes set of another object than `self`, and the ways around."""
    foreign = outside_names(tree)
    for node in ast.walk(tree):
        for each in targets(node):
            root: ast.expr = each
            while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
                root = root.func if isinstance(root, ast.Call) else root.value
            # What an autograd function keeps for its gradient is set on the `ctx` that torch gives it.
            if not is_own(each) and each.attr not in FOREIGN and root_name(root) not in foreign | {"ctx"}:
                yield f"line {each.lineno} sets {ast.unparse(each)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr":
            yield f"line {node.lineno} calls setattr"
        if isinstance(node, ast.Call) and ast.unparse(node) in ("copy.copy(self)", "copy(self)"):
            yield f"line {node.lineno} copies self"
        if isinstance(node, ast.Attribute) and node.attr == "__dict__" and not is_pickling(tree, node):
            yield f"line {node.lineno} uses __dict__"
    allowed = {
        id(call)
        for method in ast.walk(tree)
        if isinstance(method, ast.FunctionDef) and method.name == "__post_init__"
        for call in ast.walk(method)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "object.__setattr__" and id(node) not in allowed:
            yield f"line {node.lineno} calls object.__setattr__"


def root_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def is_pickling(tree: ast.Module, wanted: ast.Attribute) -> bool:
    """Whether it is in a `__reduce__`, which reads what `pickle` sets again."""
    methods = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__reduce__")
    return any(node is wanted for method in methods for node in ast.walk(method))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_objects_are_complete_when_built(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    found = [*late_attributes(tree), *set_from_outside(tree)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def __init__(self): self.a = 1\n    def go(self): self.b = 2",
        "class A:\n    def go(self, other): other.b = 2",
        "def go(a):\n    (a.b, c) = 1, 2",
        "def go(a):\n    a.b += 1",
        "def go(a):\n    with open(a) as a.b: pass",
        "def go(a): setattr(a, 'b', 1)",
        "def go(a): object.__setattr__(a, 'b', 1)",
        "def go(a): a.__dict__['b'] = 1",
        "import copy\nclass A:\n    def go(self): return copy.copy(self)",
    ],
)
def test_what_is_looked_for_is_found(text: str) -> None:
    tree = ast.parse(text)
    assert [*late_attributes(tree), *set_from_outside(tree)] != []

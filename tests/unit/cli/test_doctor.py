"""What doctor finds, and what it reports where the system gives no answer."""

from pathlib import Path

import pytest

from impasto.cli.doctor import find_extras, find_memory, find_version


def test_memory_is_in_bytes() -> None:
    memory = find_memory()
    assert memory["total"] is None or memory["total"] > 2**20


def test_memory_without_proc_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Path, encoding: str = "") -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", absent)
    memory = find_memory()
    assert memory["free"] is None
    monkeypatch.delattr("os.sysconf")
    assert find_memory() == {"total": None, "free": None}


def test_a_missing_package_has_no_version() -> None:
    assert find_version("no-such-package-here") is None


def test_a_missing_extra_has_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["torch>=2.6", 'no-such-package>=1; extra == "deep"', "pytest>=8; extra == 'test'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    deep, test = find_extras()
    assert deep == {"name": "deep", "missing": ["no-such-package"], "install": 'pip install "impasto[deep]"'}
    assert (test["name"], test["missing"]) == ("test", [])

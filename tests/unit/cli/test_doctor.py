"""What doctor finds, and what it reports where the system gives no answer."""

import json
from pathlib import Path

import pytest

from impasto.cli.app import main
from impasto.cli.doctor import find_extras, find_memory, find_version
from impasto.errors import WeightsError
from impasto.features import weights


def test_memory_is_in_bytes() -> None:
    memory = find_memory()
    assert memory["total"] is None or memory["total"] > 2**20


def test_memory_without_proc_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Path, *how: str) -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", absent)
    memory = find_memory()
    assert memory["total"] is not None and memory["free"] == memory["total"] // 2
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


@pytest.mark.parametrize("has_home", [True, False])
def test_without_weights_all_rows_are_there(
    has_home: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> Path:
        raise WeightsError("the network's weights are missing.", "Install them.")

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(weights, "packaged_file", missing)
    if not has_home:
        monkeypatch.setattr(weights, "cache_folder", homeless)
    assert main(["doctor"]) == 0
    rows = {line[:20].strip(): line[20:] for line in capsys.readouterr().out.splitlines()}
    assert {"python", "torch", "device", "CPU", "memory", "weights torchvision", "extra deep"} <= rows.keys()
    assert rows["weights oxford"] == f"missing; run {weights.INSTALL}"
    assert "weights are missing" in rows["one evaluation"]
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["weights"][0]["present"] is False
    assert "missing" in facts["evaluation"]["error"] and facts["evaluation"]["seconds"] == {}
    assert main(["weights"]) == 0
    assert "missing; run" in capsys.readouterr().out

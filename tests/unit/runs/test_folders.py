"""Where runs are and may begin."""

import sys
from pathlib import Path

import pytest

from impasto.errors import OutputError, RunError
from impasto.runs import folders
from impasto.runs.folders import check_run_dir, find_run, is_users, list_runs, new_folder, runs_folder
from impasto.runs.record import RECORD_NAME
from impasto.system.disk import data_folder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_names_are_found_and_near_ones_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_folder("2026-11-21T10:15:05+00:00", "My photo (2).JPG")
    second = new_folder("2026-11-21T10:15:05+00:00", "My photo (2).JPG")
    assert (first.name, second.name) == ("20261121-101505-My-photo-2", "20261121-101505-My-photo-2-2")
    assert list_runs(runs_folder()) == []
    (first / RECORD_NAME).touch()
    assert list_runs(runs_folder()) == [first]
    assert find_run(first.name) == first.resolve()
    monkeypatch.chdir(tmp_path)
    assert find_run(Path("data/runs") / first.name) == first.resolve()
    with pytest.raises(RunError, match=r"Did you mean '20261121-101505-My-photo-2'") as caught:
        find_run("20261121-101505-My-photo")
    assert caught.value.exit_code == 2
    for name in ("nothing", "\0", "a" * 300):
        with pytest.raises(RunError, match="runs list"):
            find_run(name)


def test_a_run_begins_in_a_new_or_empty_folder(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path / "deep" / "er", tmp_path):
        assert check_run_dir(folder) == folder
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        check_run_dir(tmp_path / "file")
    with pytest.raises(OutputError, match="is not empty"):
        check_run_dir(tmp_path)
    with pytest.raises(OutputError, match="is not a folder"):
        check_run_dir(tmp_path / "file" / "below")
    (tmp_path / RECORD_NAME).touch()
    with pytest.raises(RunError, match="holds a run already.*impasto resume"):
        check_run_dir(tmp_path)


def test_without_a_home_there_are_no_runs_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("IMPASTO_DATA")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(RunError, match="Set IMPASTO_DATA"):
        runs_folder()
    assert not is_users(tmp_path)
    with pytest.raises(RunError, match="is not there"):
        find_run("first")


def test_the_users_data_are_where_the_system_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMPASTO_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert data_folder() == tmp_path / "xdg" / "impasto"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert data_folder() == tmp_path / ".local" / "share" / "impasto"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert data_folder() == tmp_path / "Library" / "Application Support" / "impasto"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert data_folder() == tmp_path / "local" / "impasto"


def test_a_path_needs_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(folders, "data_folder", homeless)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / RECORD_NAME).touch()
    assert find_run(tmp_path / "run") == (tmp_path / "run").resolve()
    with pytest.raises(RunError, match="'other' is not there"):
        find_run("other")


def test_a_name_in_a_given_folder_is_never_one_elsewhere(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (data / "runs" / "same", tmp_path / "mine" / "same", tmp_path / "same", data / "runs" / "users"):
        folder.mkdir(parents=True)
        (folder / RECORD_NAME).touch()
    assert find_run("same", tmp_path / "mine") == (tmp_path / "mine" / "same").resolve()
    with pytest.raises(RunError, match="'users' is not there"):
        find_run("users", tmp_path / "mine")

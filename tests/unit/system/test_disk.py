"""Places on the disk, by the rules of each system; files replaced in one move."""

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from impasto.errors import DiskError, OutputError
from impasto.system.disk import (
    cache_folder,
    check_file_place,
    check_folder,
    data_folder,
    find_name_fault,
    fold_name,
    is_address,
    is_folder,
    path_hint,
    quote,
    replace_file,
)


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "real.png"
    target.parent.mkdir()
    for there in (True, False):
        target.unlink(missing_ok=True)
        if there:
            target.write_bytes(b"old")
        link = tmp_path / f"link{there}.png"
        link.symlink_to(target)
        replace_file(link, b"new")
        assert link.is_symlink() and target.read_bytes() == b"new"
    assert sorted(path.name for path in target.parent.iterdir()) == ["real.png"]


def test_a_link_into_a_missing_folder_is_refused_before_slow_work(tmp_path: Path) -> None:
    for target, is_fine in (("there.png", True), ("gone/there.png", False)):
        link = tmp_path / f"link{is_fine}.png"
        link.symlink_to(tmp_path / target)
        if is_fine:
            check_file_place(link, "output")
        else:
            with pytest.raises(OutputError, match="gone' does not exist"):
                check_file_place(link, "output")


def test_a_full_disk_leaves_the_old_file_and_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "recipe.toml"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"recipe\.toml' was not written .*expected room for 1,500 bytes") as caught:
        replace_file(path, bytes(1500))
    assert "picture" not in str(caught.value) and "Free some space" in caught.value.hint
    assert path.read_bytes() == b"old" and len([*tmp_path.iterdir()]) == 1


def test_folders_of_the_user_follow_each_systems_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("IMPASTO_CACHE", "IMPASTO_DATA", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = {
        "linux": (".cache/impasto", ".local/share/impasto"),
        "freebsd14": (".cache/impasto", ".local/share/impasto"),
        "darwin": ("Library/Caches/impasto", "Library/Application Support/impasto"),
        "win32": ("AppData/Local/impasto/cache", "AppData/Local/impasto"),
    }
    for system, places in expected.items():
        monkeypatch.setattr(sys, "platform", system)
        assert (cache_folder(), data_folder()) == tuple(tmp_path / place for place in places)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache_folder() == tmp_path / "local" / "impasto" / "cache"
    monkeypatch.setenv("IMPASTO_CACHE", "mine")
    assert cache_folder() == Path("mine")


BAD_ON_WINDOWS = {
    "con.png": "the device's name 'con'",
    "AUX": "the device's name 'AUX'",
    "Lpt1.tar.gz": "the device's name 'Lpt1'",
    "nul .png": "the device's name 'nul'",
    "trailing.": "the last letter '.'",
    "trailing.png ": "the last letter ' '",
    "10:30.png": "the letter ':'",
    "what?.png": "the letter '?'",
    "a\\b.png": r"the letter '\\'",
    "line\nbreak.png": r"the letter '\n'",
}


@pytest.mark.parametrize("name", BAD_ON_WINDOWS)
def test_a_name_that_windows_cannot_hold_is_refused_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_name_fault(name) == ""
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_name_fault(name) == BAD_ON_WINDOWS[name]
    with pytest.raises(OutputError, match="Windows has no files with the ") as caught:
        is_folder(tmp_path / name, "output 'it'")
    assert "Choose another name" in caught.value.hint


@pytest.mark.parametrize("name", ["console.png", "com.png", "a.con", ".", "..", "é (1).png", ".hidden", ""])
def test_other_names_are_good_on_windows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_name_fault(name) == ""


def test_names_of_one_file_are_equal_where_the_system_ignores_case(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("IMG_1.JPG", "img_1.jpg"), ("caf\u00e9.png", "cafe\u0301.png")]
    monkeypatch.setattr(sys, "platform", "linux")
    assert all(fold_name(a) != fold_name(b) for a, b in pairs)
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        assert all(fold_name(a) == fold_name(b) for a, b in pairs)
        assert fold_name("a.png") != fold_name("b.png")


def test_a_command_in_a_hint_is_quoted_for_the_systems_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert quote("my run") == "'my run'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert (quote("my run"), quote(r"C:\runs\one")) == ('"my run"', r"C:\runs\one")
    with pytest.raises(OutputError, match="does not exist") as caught:
        check_folder(tmp_path / "not there", "output 'it'")
    assert caught.value.hint == f'Make it first: mkdir "{tmp_path / "not there"}"'


def busy(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """`os.replace` fails as on Windows while another program has the file open."""
    really, failures = os.replace, iter([True] * times)

    def replace(source: Path, target: Path) -> None:
        if next(failures, False):
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        really(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def test_a_file_that_is_open_for_a_moment_is_replaced_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    busy(monkeypatch, times=3)
    replace_file(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.parametrize(("system", "hint"), [("win32", "Close the program"), ("linux", "Check the disk")])
def test_a_file_that_stays_open_is_reported(
    system: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(sys, "platform", system)
    busy(monkeypatch, times=4 if system == "win32" else 1)
    with pytest.raises(DiskError, match="was not written") as caught:
        replace_file(tmp_path / "a.png", b"new")
    assert hint in caught.value.hint
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("https://example.org/a.jpg", "Addresses are not read; download it first."),
        (Path("https://example.org/a.jpg"), "Addresses are not read; download it first."),
        ("S3://bucket/a.jpg", "Addresses are not read; download it first."),
        ("data:image/png;base64,iVBO", "Addresses are not read; download it first."),
        ("file:///tmp/a%20b.jpg", "Addresses are not read; give the path: '/tmp/a b.jpg'."),
        (Path("file:///tmp/a.jpg"), "Addresses are not read; give the path: '/tmp/a.jpg'."),
        ("~/a.jpg", "Only a shell replaces ~ by the home folder; give '/home/ann/a.jpg'."),
        ("C:/photos/a.jpg", "Check the path."),
        ("a:b.jpg", "Check the path."),
        ("photos/a~b.jpg", "Check the path."),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths have backslashes there")
def test_addresses_and_the_home_folder_get_a_hint_of_their_own(
    path: str | Path, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert path_hint(path, "Check the path.") == hint
    assert is_address(path) == hint.startswith("Addresses")


def test_an_address_to_write_to_is_refused() -> None:
    with pytest.raises(OutputError, match="then upload it"):
        check_folder(Path("https://example.org"), "output 'https:/example.org/a.png'")

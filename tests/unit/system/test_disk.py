"""Files replaced in one move."""

import errno
import os
from pathlib import Path

import pytest

from impasto.errors import DiskError
from impasto.system.disk import replace_file


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

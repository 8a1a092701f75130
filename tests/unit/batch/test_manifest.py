"""The manifest: what is done survives every end, and belongs to one process at a time."""

import errno
import json
import os
from pathlib import Path

import pytest

from impasto.batch.manifest import NAME, Done, Manifest
from impasto.errors import BatchError, DiskError


def done(output: str, key: str = "00000000000000aa") -> dict[str, object]:
    return {"event": "done", "output": output, "job": key}


def test_the_last_event_of_a_picture_counts(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        assert manifest.done.find_key("a.png") is None
        manifest.begin(3)
        for event in (done("a.png"), done("b.png"), {**done("b.png"), "event": "failed"}, done("a.png", "f" * 16)):
            manifest.add(event)
    with Manifest(tmp_path) as manifest:
        assert [manifest.done.find_key(name) for name in ("a.png", "b.png", "c.png")] == ["f" * 16, None, None]
    assert Done(tmp_path / "none.jsonl").find_key("a.png") is None


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_was_cut_short_counts_for_nothing(cut: int, tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.add(done("a.png"))
        manifest.add(done("b.png"))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[:-cut])
    with Manifest(tmp_path) as manifest:
        assert manifest.done.find_key("a.png") is not None and manifest.done.find_key("b.png") is None
        manifest.add(done("c.png"))
    with Manifest(tmp_path) as manifest:
        assert manifest.done.find_key("a.png") is not None and manifest.done.find_key("c.png") is not None


def test_a_first_line_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"format": "impa')
    with Manifest(tmp_path) as manifest:
        manifest.add(done("a.png"))
    with Manifest(tmp_path) as manifest:
        assert manifest.done.find_key("a.png") is not None


def test_another_batch_learns_who_paints_into_the_folder(tmp_path: Path) -> None:
    with Manifest(tmp_path), pytest.raises(BatchError, match=f"is being painted into by process {os.getpid()} on "):
        Manifest(tmp_path)
    with Manifest(tmp_path):
        pass


def test_on_a_disk_without_locks_a_batch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("filelock.lock_descriptor", flock)
    with Manifest(tmp_path) as manifest:
        manifest.add(done("a.png"))
    assert len(caplog.records) == 1 and "has no locks" in caplog.text


def test_a_file_of_others_or_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    for text, told in (
        ("mine\n", "does not begin as one of impasto's"),
        ("mine", "does not begin as one of impasto's"),
        ("[" * 100_000, "does not begin as one of impasto's"),
        ('{"format": "mine"}', "does not begin as one of impasto's"),
        ('{"format": "impasto batch", "format_version": 2}\n', "format_version 2; this impasto reads up to 1"),
    ):
        (tmp_path / NAME).write_text(text)
        with pytest.raises(BatchError, match=told):
            Manifest(tmp_path)
        assert (tmp_path / NAME).read_text() == text


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, manifest._descriptor)
        os.close(full)
        with pytest.raises(DiskError, match="No space left") as caught:
            manifest.add(done("a.png"))
    assert "continues where it stopped" in caught.value.hint


def test_odd_names_are_kept(tmp_path: Path) -> None:
    name = "b\udcffä\n.png"
    with Manifest(tmp_path) as manifest:
        manifest.add(done(name))
    assert all(json.loads(line) for line in (tmp_path / NAME).read_text("ascii").splitlines())
    with Manifest(tmp_path) as manifest:
        assert manifest.done.find_key(name) is not None


def test_lines_end_alike_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a file opened without O_BINARY gets two letters for each line's end. The flag has a stand-in here."""
    used: list[int] = []
    really = os.open

    def spy(path: Path, flags: int, mode: int) -> int:
        used.append(flags)
        return really(path, flags, mode)

    monkeypatch.setattr(os, "O_BINARY", os.O_CLOEXEC, raising=False)
    monkeypatch.setattr(os, "open", spy)
    with Manifest(tmp_path) as manifest:
        manifest.begin(1)
    assert used[0] & os.O_CLOEXEC


def test_a_key_of_too_many_digits_is_left_out(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        for event in (done("a.png"), done("b.png", "f" * 17), done("b.png", "-1"), done("c.png")):
            manifest.add(event)
    with Manifest(tmp_path) as manifest:
        found = [manifest.done.find_key(name) for name in ("a.png", "b.png", "c.png")]
    assert found == ["00000000000000aa", None, "00000000000000aa"]

"""The studio's folder: closed to others, held by one server, left by no link."""

from pathlib import Path

import pytest

from impasto.errors import OutputError
from impasto.studio.folder import child, claim_folder
from impasto.studio.refusal import Refusal


def test_the_folder_is_made_for_its_owner_alone_and_held(tmp_path: Path) -> None:
    claim = claim_folder(tmp_path / "a" / "studio")
    assert claim.path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(OutputError, match="in use by process"):
        claim_folder(claim.path)
    claim.path.chmod(0o755)
    claim.release()
    again = claim_folder(claim.path)
    assert claim.path.stat().st_mode & 0o777 == 0o700
    again.release()


def test_a_folder_with_files_of_somebody_else_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="no studio's"):
        claim_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755 and [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(OutputError, match="cannot be used"):
        claim_folder(tmp_path / "letter.txt")


@pytest.mark.parametrize("name", ["pictures", "lock"])
def test_a_link_inside_is_refused(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    claim_folder(tmp_path / "studio").release()
    elsewhere.mkdir()
    place = tmp_path / "studio" / name
    if name == "lock":
        place.unlink()
    else:
        place.rmdir()
    place.symlink_to(elsewhere)
    with pytest.raises(OutputError, match="a link as"):
        claim_folder(tmp_path / "studio")
    assert list(elsewhere.iterdir()) == []


def test_a_path_below_has_no_link_and_does_not_climb(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    assert child(tmp_path, "a", "b.png") == tmp_path / "a" / "b.png"
    for names in (("..", "x"), ("a/b",), ("a\\b",), ("C:",), ("",), (".",), ("a\0",), ("link", "passwd"), ("link",)):
        with pytest.raises(Refusal) as caught:
            child(tmp_path, *names)
        assert caught.value.status == 404

"""Words of a command line: home folders, addresses, and pictures where a command is expected."""

import shlex
from pathlib import Path

import pytest

from impasto.cli.app import main
from impasto.cli.words import guess_command, read_words
from impasto.errors import ImpastoError

COMMANDS = ("stylize", "texture", "batch", "recipe", "backbone")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder and home, with photographs, a run and a list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("photos", "paintings", "run"):
        Path(name).mkdir()
    for name in ("odd", "run/run.json", "mine.toml", "list.csv"):
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("photo.jpg painting.jpg", "stylize photo.jpg painting.jpg"),
        ("'my photo.HEIC' painting.jpg -o out.png", "stylize 'my photo.HEIC' painting.jpg -o out.png"),
        ("-o out.png photo.jpg painting.jpg", "stylize -o out.png photo.jpg painting.jpg"),
        ("--size 512 photo.jpg painting.jpg", "stylize --size 512 photo.jpg painting.jpg"),
        ("photo.jpg", "stylize photo.jpg PAINTING"),
        ("odd", "stylize odd PAINTING"),
        ("photos paintings", "batch photos paintings -o out"),
        ("photos paintings -o there", "batch photos paintings -o there"),
        ("photos", "batch photos PAINTINGS -o out"),
        ("list.csv", "batch --from list.csv -o out"),
        ("run", "resume run"),
        ("mine.toml", "recipe show mine.toml"),
    ],
)
def test_files_without_a_command_are_answered_with_it(given: str, meant: str, folder: Path) -> None:
    assert guess_command(shlex.split(given)) == f"impasto {meant}"
    with pytest.raises(ImpastoError, match="is no command") as caught:
        read_words(shlex.split(given), COMMANDS)
    assert caught.value.hint == f"Did you mean: impasto {meant}"


@pytest.mark.parametrize("given", ["stilize photo.jpg painting.jpg", "--version", "--help photo.jpg", "nothing", ""])
def test_other_words_are_left_to_the_parser(given: str, folder: Path) -> None:
    assert read_words(shlex.split(given), COMMANDS) == shlex.split(given)


def test_the_answer_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.jpg", "painting.jpg"]) == 2
    expected = "impasto: 'photo.jpg' is no command. Did you mean: impasto stylize photo.jpg painting.jpg\n"
    assert capsys.readouterr().err == expected


def test_the_home_folder_is_expanded(folder: Path) -> None:
    words = ["stylize", "~/a.jpg", "--style=~/b.jpg", "-o~/c.png", "--only", "~/d.png", "a~b.jpg", "~nobody_/a.jpg"]
    home = str(folder)
    assert read_words(words, COMMANDS) == [
        *("stylize", f"{home}/a.jpg", f"--style={home}/b.jpg", f"-o{home}/c.png", "--only", f"{home}/d.png"),
        *("a~b.jpg", "~nobody_/a.jpg"),
    ]


def test_a_folder_called_tilde_is_that_folder(folder: Path) -> None:
    Path("~").mkdir()
    Path("~/a.jpg").touch()
    assert read_words(["stylize", "~/a.jpg"], COMMANDS) == ["stylize", "~/a.jpg"]


@pytest.mark.parametrize(
    ("words", "address", "hint"),
    [
        ("stylize https://example.org/a.jpg b.jpg", "https://example.org/a.jpg", "download it first"),
        ("stylize a.jpg HTTP://example.org/a.jpg", "HTTP://example.org/a.jpg", "download it first"),
        ("stylize a.jpg b.jpg --only=s3://bucket/a.png", "s3://bucket/a.png", "download it first"),
        ("stylize a.jpg b.jpg --recipe ftp://host/a.toml", "ftp://host/a.toml", "download it first"),
        ("stylize file:///tmp/a%20b.jpg b.jpg", "file:///tmp/a%20b.jpg", "give the path: '/tmp/a b.jpg'"),
        ("stylize data:image/png;base64,iVBO b.jpg", "data:image/png;base64,iVBO", "download it first"),
        ("stylize a.jpg b.jpg -o https://example.org/c.png", "https://example.org/c.png", "Write a file, then upload"),
        ("stylize a.jpg b.jpg --output=gs://b/c.png", "gs://b/c.png", "Write a file, then upload"),
        ("batch https://example.org/photos paintings", "https://example.org/photos", "download it first"),
        ("recipe show https://example.org/a.png", "https://example.org/a.png", "download it first"),
        ("https://example.org/a.jpg b.jpg", "https://example.org/a.jpg", "download it first"),
    ],
)
def test_addresses_are_refused(words: str, address: str, hint: str) -> None:
    with pytest.raises(ImpastoError) as caught:
        read_words(words.split(), COMMANDS)
    assert caught.value.error == f"{address!r} is an address; expected a file."
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "words",
    [
        "batch a b --ray ray://host:10001",
        "batch a b --ray=ray://host:10001",
        "backbone train data -o run --license https://creativecommons.org/licenses/by/4.0/",
        "stylize C:/photos/a.jpg b.jpg",
        "sweep a.jpg b.jpg --rows statistic=gram:0.5,nearest:1",
    ],
)
def test_texts_with_a_colon_are_no_addresses(words: str) -> None:
    assert read_words(words.split(), COMMANDS) == words.split()

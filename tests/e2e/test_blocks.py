"""Every command and every Python block of README and pages runs at 64 px, and prints what its page shows."""

import re
import shlex
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from films import write_film
from torch import Tensor

import impasto
from impasto.cli.app import main
from impasto.cli.batch import fill_ray
from impasto.cli.interrupt import Interrupt
from impasto.images.io import write_image
from impasto.runs.folders import find_run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "site"))

import reference  # noqa: E402 - docs/site is no package

COMMANDS = {words.removeprefix("impasto "): command for words, command in reference.list_commands()}
OPTIONS = {
    name: {text for param in command.params for text in (*param.opts, *param.secondary_opts)}
    for name, command in COMMANDS.items()
}
SMALL = {"--weights": "tiny", "--size": "64", "--steps": "1", "--first-scale": "0", "--frames": "2"}
"""Added to a command, where the later option wins. --frames: only where it is given."""

SMALL_TRAINING = {"--crop": "64", "--batch-size": "1"}
SMALL_NETWORK = {"--width": "4", "--blocks": "1"}

ELSEWHERE = {
    "impasto demo": "test_cli.py",
    "impasto doctor": "test_cli.py",
    "impasto studio": "test_studio.py",
    "impasto backbone": "test_backbone.py",
    "--ray": "test_batch.py",
    "examples/texture_classes.py": "test_backbone.py",
    "examples/studio_client.py": "test_studio.py",
    "examples/browser/serve.py": "test_browser_example.py",
}
"""Parts of commands that a test of their own runs: here their options alone are checked."""

NOT_RUN = {
    "pip install": "installs programs; the extra is checked",
    "make": "builds or tests all of it; the target is checked",
    "python benchmarks/": "takes minutes; the file is checked",
    "ray": "needs a cluster",
    "curl": "needs a server; tests/e2e/test_studio.py sends the same requests",
    "S=": "an address, for the lines after it",
    "CONTENT=": "needs a server",
    "STYLE=": "needs a server",
    "JOB=": "needs a server",
}
"""Beginnings of lines that are not run, with the reason."""

SLOW = {"start/teacher.md", "gallery.md", "guides/looks.md", "python.md", "control.md", "regions.md", "runs.md"}

MASK = re.compile(r"sky|ground|mask|background|dahlia")


@dataclass(frozen=True)
class Block:
    """A block of a page. kind: "sh", "python", "list" (of a batch), or another word where nothing is run."""

    kind: str
    text: str
    is_marked: bool

    def lines(self) -> list[str]:
        """The commands, each in one line, without what is said beside them."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        return [re.split(r"\s{4,}|\s+#", line)[0].strip() for line in joined.splitlines() if line.strip()]


    def is_left_out(self) -> bool:
        """Whether no test runs any of it."""
        is_command = self.kind == "sh"
        return self.is_marked or self.kind == "bibtex" or (is_command and all(map(is_left_out, self.lines())))


FENCED = re.compile(r"(?P<mark><!-- not run: [^>]+ -->\n *)?```(?P<kind>\w*)[^\n]*\n(?P<text>.*?)\n *```", re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?P<text>(?: {4}[^\n]*\n)+)")
PROGRAMS = ("impasto ", "$ impasto ", "make ", "pip ", "python ", "ray ", "S=http")


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page: fenced ones, and indented ones by what they begin with, in their order."""
    text = path.read_text("utf-8")
    fenced = list(FENCED.finditer(text))
    found = [(match.start(), _to_block(match)) for match in fenced]
    spans = [match.span() for match in fenced]
    for match in INDENTED.finditer(text):
        inner = textwrap.dedent(match["text"]).strip()
        if not any(start <= match.start() < end for start, end in spans):
            is_python = re.search(r"^(?!impasto )\w.*\bimpasto\.\w+\(", inner, flags=re.MULTILINE)
            kind = "sh" if inner.startswith(PROGRAMS) else "python" if is_python else "text"
            found.append((match.start(), Block("list" if inner.startswith("content,style") else kind, inner, False)))
    yield from (block for _, block in sorted(found, key=lambda pair: pair[0]))


def _to_block(match: re.Match[str]) -> Block:
    kind = "sh" if match["kind"] in ("sh", "console", "powershell") else match["kind"] or "text"
    return Block(kind, textwrap.dedent(match["text"]), bool(match["mark"]))


PAGES = {
    path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix(): list(read_blocks(path))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
    if not path.name.endswith(".zh.md")
}
"""The blocks of each page."""


def is_elsewhere(line: str) -> bool:
    """Return whether a test of its own runs this command."""
    return any(line.startswith(part) or f" {part}" in line for part in ELSEWHERE)


def is_left_out(line: str) -> bool:
    """Return whether no test runs this line."""
    return line.startswith(tuple(NOT_RUN))


def pages_with(kind: str) -> list[object]:
    """Return the names of the pages that have a block of this kind, as parameters of a test."""
    names = [name for name, blocks in PAGES.items() if any(block.kind == kind for block in blocks)]
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


MakeInputs = Callable[[str], None]


@pytest.fixture
def make_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Tensor]) -> MakeInputs:
    """make_inputs(text): the pictures and masks that a text names and that are not there yet, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
        for seed, name in enumerate(("cat", "dog")):
            write_image(picture(64, 64, seed + len(folder)), tmp_path / folder / f"{name}.jpg")

    def make(text: str) -> None:
        for name in re.findall(r"(?<![\w./-])(?<!-o )(?:photos/|paintings/)?\w+\.(?:jpg|png|tif)", text):
            if not Path(name).exists():
                image = picture(42 if "60cm" in text else 64, 64, len(name) % 7)  # prints are of 3:2
                if MASK.search(name):
                    image = image.new_zeros(1, 3, 64, 64)
                    image[..., slice(32, 64) if "ground" in name else slice(0, 32), :] = 1
                write_image(image, name)
        if "film.mp4" in text and not Path("film.mp4").exists():
            write_film(Path("film.mp4"), times=[Fraction(second) for second in range(7)])

    return make


def shrink(words: list[str], options: set[str]) -> list[str]:
    """Return a command that paints 64 px in a step; one that paints nothing is left as it is."""
    if "--dry-run" in words:
        return [*words, *(["--weights", "tiny"] if "--weights" in options else [])]
    added = {name: value for name, value in SMALL.items() if name in options and words[0] != "apply"}
    if "--frames" not in words:
        added.pop("--frames", None)
    if words[0] == "video" and "--with" in words:  # a network has no steps
        added = {"--size": "64"}
    if words[0] == "train":
        added |= SMALL_TRAINING if "--init" in words else SMALL_TRAINING | SMALL_NETWORK
    words = ["mask.png" if word == "faces" else word for word in words]  # the pictures are waves
    return [*words, *(word for pair in added.items() for word in pair)]


def find_name(words: list[str]) -> str:
    """Return the name of the command, which may be two words."""
    return " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0]


def run_command(line: str, *, is_stopped: bool) -> int:
    """Run a command at 64 px; stopped by Ctrl-C after the second step where the page says so. Returns its exit code."""
    words = [str(find_run("pastiche.png")) if word == "RUN" else word for word in shlex.split(line)[1:]]
    words = shrink(words, OPTIONS[find_name(words)])
    if not is_stopped:
        return main(words)
    with pytest.MonkeyPatch.context() as patch:
        follow = Interrupt.on_step

        def press(event: impasto.StepEvent) -> None:
            if event.step == 2:
                signal.raise_signal(signal.SIGINT)

        patch.setattr(Interrupt, "on_step", lambda self, *readers: follow(self, *readers, press))
        return main([*words, "--first-scale", "32", "--steps", "4"])


def to_shape(text: str) -> str:
    """Return a text without its numbers."""
    return re.sub(r"\d+(\.\d+)?", "#", text)


@pytest.mark.usefixtures("instant_package")
@pytest.mark.parametrize("page", pages_with("sh"))
def test_commands_run(
    page: str, make_inputs: MakeInputs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done: set[str] = set()
    for block in PAGES[page]:
        if block.kind == "list":
            make_inputs(block.text)
            (tmp_path / "list.csv").write_text(block.text, "utf-8")
    for block in PAGES[page]:
        lines = block.lines() if block.kind == "sh" and not block.is_marked else []
        shown = ""
        for line, following in zip(lines, [*lines[1:], ""], strict=False):
            line = line.removeprefix("$ ")
            if not line.startswith("impasto "):
                answer = is_left_out(line) or is_elsewhere(line) or line == "^C" or to_shape(line) in to_shape(shown)
                assert answer, f"{page}: neither a command nor the answer to one, which was: {shown}\n{line}"
                continue
            shape = " ".join(word for word in line.split() if word.startswith("--") or word in COMMANDS)
            # The gallery's commands differ in pictures and values; test_gallery.py builds the recipe of each.
            if is_elsewhere(line) or (page == "gallery.md" and shape in done):
                words = fill_ray(shlex.split(line)[1:])
                name = find_name(words)
                COMMANDS[name].make_context(name, words[len(name.split()) :])
                continue
            done.add(shape)
            make_inputs(line)
            is_stopped = following == "^C"
            code = run_command(line, is_stopped=is_stopped)
            shown = "".join(capsys.readouterr())
            assert code == (130 if is_stopped else 0), f"{page}: {line}: {shown}"


@pytest.mark.usefixtures("instant_package")
@pytest.mark.parametrize("page", pages_with("python"))
def test_python_runs(page: str, make_inputs: MakeInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    small: dict[str, object] = {"weights": "tiny", "size": 64, "steps": 2, "first_scale": 0}
    preset = impasto.Recipe.preset
    monkeypatch.setattr(impasto.Recipe, "preset", lambda name, **changes: preset(name, **{**small, **changes}))
    names: dict[str, object] = {"impasto": impasto}
    for block in PAGES[page]:
        if block.kind == "python" and not block.is_marked:
            make_inputs(" ".join(re.findall(r"\"\w+\.jpg\"|film\.mp4|masks=\[[^\]]*\]", block.text)))
            exec(block.text.replace("frames=24", "frames=2"), names)


def test_few_blocks_are_not_run() -> None:
    """At most one in ten, but for the page that installs programs."""
    found = [block for page, blocks in PAGES.items() if page != "start/artist.md" for block in blocks]
    found = [block for block in found if block.kind in ("sh", "python", "bibtex")]
    left = [block for block in found if block.is_left_out()]
    assert len(left) <= len(found) / 10, left


def test_what_is_not_run_is_there() -> None:
    makefile, project = ((ROOT / name).read_text("utf-8") for name in ("Makefile", "pyproject.toml"))
    for blocks in PAGES.values():
        for line in (line for block in blocks if block.kind == "sh" for line in block.lines()):
            for target in line.split()[1:] if line.startswith("make ") else ():
                assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), line
            for extra in re.findall(r"\[([\w,]+)\]", line) if line.startswith(("pip ", "uv ")) else ():
                assert all(re.search(rf"^{name} = \[", project, flags=re.MULTILINE) for name in extra.split(",")), line
            for script in re.findall(r"(?:benchmarks|examples)/[\w/]+\.py", line):
                assert (ROOT / script).exists(), line
    for part, test in ELSEWHERE.items():
        assert part.split()[-1].rpartition("/")[2] in (ROOT / "tests" / "e2e" / test).read_text("utf-8"), part


@pytest.mark.parametrize("page", PAGES)
def test_options_beside_a_command_exist(page: str) -> None:
    path = ROOT / page if page in ("README.md", "CONTRIBUTING.md") else DOCS / page
    for code in re.findall(r"`impasto ([^`]+)`", path.read_text("utf-8")):
        name = find_name(code.split())
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+[a-z]", code) if name in COMMANDS else ():
            assert option in OPTIONS[name] | {"--help", "--help-all"}, f"{page}: impasto {code}"


@pytest.mark.parametrize("page", [page for page in PAGES if (DOCS / page.replace(".md", ".zh.md")).exists()])
def test_the_chinese_page_has_the_same_blocks(page: str) -> None:
    chinese = list(read_blocks(DOCS / page.replace(".md", ".zh.md")))
    blocks = [[block for block in found if block.kind != "text"] for found in (PAGES[page], chinese)]
    for english, other in zip(*blocks, strict=True):
        assert english.lines() == other.lines() and english.is_marked == other.is_marked

"""The gallery: paint the pictures of gallery.toml that are missing or older than today's recipes, and write its pages.

    python docs/site/gallery.py DATA [NAME...] [--all]    DATA has content/ and paintings/; `make gallery DATA=...`

A picture's age is read from the version and the recipe inside it. Called again, it goes on where it was stopped.
"""

import argparse
import importlib.util
import itertools
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import __version__
from impasto.cli.options import build_recipe
from impasto.cli.texture import WRAPS
from impasto.images.formats.metadata import add_metadata, find_metadata
from impasto.recipe.recipe import Recipe, field_names, format_toml

DOCS = Path(__file__).resolve().parents[1]
FOLDER = DOCS / "gallery"
LIST = Path(__file__).with_suffix(".toml")
MADE = FOLDER / "made.json"
"""Seconds of each picture, by name."""

QUALITY, ROW_QUALITY = 85, 70
"""Of the JPEGs, about 60 kB at 384 pixels; and of frames in a row."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the gallery. note: beside the names of its photograph and painting, in English and Chinese."""

    name: str
    command: str
    note: tuple[str, str] = ("", "")
    words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", shlex.split(self.command))

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.jpg"

    @property
    def inputs(self) -> list[str]:
        """The files that it is painted from, by name."""
        outputs = {self.words[i + 1] for i, word in enumerate(self.words) if word == "-o"}
        return [word for word in self.words if word.endswith((".png", ".jpg")) and word not in outputs]

    @property
    def has_recipe(self) -> bool:
        """Whether it is painted by a recipe, and not in one pass."""
        return self.words[0] not in ("apply", "instant")


def read_list() -> tuple[dict[str, list[str]], dict[str, list[str]], list[tuple[list[str], list[Picture]]]]:
    """Return the page's texts, what each file shows, and the groups: titles and pictures. Texts in both languages."""
    tables = tomllib.loads(LIST.read_text("utf-8"))
    groups = [(group["title"], [Picture(**picture) for picture in group["picture"]]) for group in tables["group"]]
    return tables["page"], tables["names"], groups


def list_pictures() -> list[Picture]:
    """Return every picture, the first of each group first, so that a stopped call has some of each."""
    turns = itertools.zip_longest(*(pictures for _, pictures in read_list()[2]))
    return [picture for turn in turns for picture in turn if picture is not None]


def expected_recipe(picture: Picture) -> dict[str, Any]:
    """Return the fields that the recipe inside the picture has if its command paints it today."""
    options = {
        word[2:].replace("-", "_"): value
        for word, value in zip(picture.words, [*picture.words[1:], ""], strict=True)
        if word.startswith("--")
    }
    texts = {name: text for name, text in options.items() if name in field_names()}
    if "tileable" in options:
        texts["padding"] = WRAPS["xy"]
    default = picture.words[0] if picture.words[0] in ("texture", "reconstruct") else "standard"
    recipe = build_recipe(options.get("preset"), None, dict(texts), default=default).to_dict()
    return recipe if picture.has_recipe else {name: recipe[name] for name in texts}


def is_current(picture: Picture) -> bool:
    """Return whether the picture is there, painted by this version and by today's recipe."""
    metadata: dict[str, Any] = (find_metadata(picture.path, picture.name) if picture.path.exists() else None) or {}
    inside = metadata.get("recipe", {})
    expected = expected_recipe(picture)
    return metadata.get("version") == __version__ and all(inside.get(name) == value for name, value in expected.items())


def find_inputs(picture: Picture, data: Path) -> list[Path]:
    """Return the files that a picture is painted from: of DATA, masks of the gallery, photographs of scikit-image."""
    skimage = importlib.util.find_spec("skimage")
    more = [Path(place) / "data" for place in (skimage.submodule_search_locations if skimage else None) or []]
    folders = [data / "content", data / "paintings", FOLDER, *more]
    found = {name: next((path for f in folders if (path := f / name).exists()), None) for name in picture.inputs}
    if missing := [name for name, path in found.items() if path is None]:
        raise FileNotFoundError(f"{picture.name}: {', '.join(missing)} in none of {', '.join(map(str, folders))}")
    return [path for path in found.values() if path is not None]


def paint(picture: Picture, data: Path) -> float:
    """Paint a picture into the gallery, frames of a morph in a row. Returns its seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in find_inputs(picture, data):
            shutil.copy(path, scratch)
        own = ["-o", "painted.png", "--json", "--quiet", *(["--run-dir", "none"] if picture.has_recipe else [])]
        command = [sys.executable, "-m", "impasto", *picture.words, *own]
        done = subprocess.run(command, cwd=scratch, stdout=subprocess.PIPE, check=True, text=True)
        paths = sorted(Path(scratch).glob("painted*.png"))
        metadata = find_metadata(paths[0], picture.name) or {}
        write_jpeg([Image.open(path).convert("RGB") for path in paths], picture.path, metadata)
    return float(json.loads(done.stdout)["seconds"])


def write_jpeg(pictures: list[Image.Image], path: Path, metadata: dict[str, Any]) -> None:
    """Write pictures of one size in a row as a JPEG with metadata inside, in one move."""
    width, height = pictures[0].size
    row = Image.new("RGB", (len(pictures) * (width + 4) - 4, height), "white")
    for index, picture in enumerate(pictures):
        row.paste(picture, (index * (width + 4), 0))
    quality = QUALITY if len(pictures) == 1 else ROW_QUALITY
    options = add_metadata({"quality": quality, "subsampling": 0, "optimize": True}, "JPEG", metadata)
    row.save(path.with_suffix(".part"), "JPEG", **options)
    path.with_suffix(".part").replace(path)


def page(language: int) -> str:
    """Return the page in English (0) or Chinese (1): groups, and for each picture its command, seconds and recipe."""
    texts, names, groups = read_list()
    words = {key: pair[language] for key, pair in texts.items()}
    made = json.loads(MADE.read_text("utf-8"))
    groups = [(titles, [picture for picture in pictures if picture.path.exists()]) for titles, pictures in groups]
    count = sum(len(pictures) for _, pictures in groups)
    lines = [f"# {words['title']}", "", words["intro"].strip().format(count=count), ""]
    lines += [words["machine"].format(machine=made["machine"][language]), ""]
    for titles, pictures in groups:
        anchor = f" {{#{titles[0].lower().replace(' ', '-')}}}" if language else ""
        lines += [f"## {titles[language]}{anchor}", "", '<div class="gallery" markdown>']
        for picture in pictures:
            shown = [names[name][language] for name in picture.inputs if name in names]
            caption = words["between"].join(text[0].upper() + text[1:] for text in shown) + words["stop"]
            facts = words["seconds"].format(seconds=round(made["seconds"].get(picture.name, 0)))
            link = words["recipe"].format(path=f"gallery/{picture.name}.toml") if picture.has_recipe else ""
            note = f" {picture.note[language]}" if picture.note[language] else ""
            lines += ["<div markdown>", "", f"![{caption}](gallery/{picture.name}.jpg)", ""]
            lines += ["```sh", f"impasto {picture.command}", "```", ""]
            lines += [f"{caption}{note} *{facts}{link}*", "", "</div>"]
        lines += ["</div>", ""]
    lines += [f"## {words['pictures']} {{#pictures}}", "", words["end"].strip(), ""]
    lines += [words["files"], "|---|---|", *(f"| `{name}` | {text[language]} |" for name, text in names.items())]
    masks = sorted(path.name for path in FOLDER.glob("*.png"))
    return "\n".join([*lines, *(f"| [{name}](gallery/{name}) | {words['mask']} |" for name in masks), ""])


def write_pages() -> None:
    """Write the recipe files and both pages; pictures that are in the list no more, and their recipes, are removed."""
    names = {picture.name for picture in list_pictures()}
    made = json.loads(MADE.read_text("utf-8"))
    made["seconds"] = {name: seconds for name, seconds in made["seconds"].items() if name in names}
    MADE.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    for path in [*FOLDER.glob("*.jpg"), *FOLDER.glob("*.toml")]:
        if path.stem not in names:
            path.unlink()
    for picture in list_pictures():
        if picture.has_recipe and picture.path.exists():
            inside: Any = (find_metadata(picture.path, picture.name) or {})["recipe"]
            toml = format_toml(Recipe.from_dict(inside).to_dict())
            picture.path.with_suffix(".toml").write_text(f"# {picture.command}\n{toml}", "utf-8")
    for language, name in enumerate(("gallery.md", "gallery.zh.md")):
        (DOCS / name).write_text(page(language), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", help="pictures to paint; default: all that are not current")
    parser.add_argument("--all", action="store_true", help="paint every picture again")
    given = parser.parse_args()
    made = json.loads(MADE.read_text("utf-8"))
    asked = [
        picture
        for picture in list_pictures()
        if picture.name in given.names or (not given.names and (given.all or not is_current(picture)))
    ]
    for picture in asked:
        seconds = paint(picture, given.data)
        made["seconds"][picture.name] = round(seconds, 1)
        MADE.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        print(f"{picture.name}: {seconds:.1f} s", flush=True)
    write_pages()


if __name__ == "__main__":
    main()

"""Make sheets without names: for each pair the pictures of several tools or recipes, in shuffled order, under letters.

    python benchmarks/blind/sheet.py DATA ROUND NAME NAME ... [--kind main] [--pairs A,B] [--seed 0]

Sheets go to sheets/ROUND/PAIR.jpg: the photograph and the painting above, small, then the pictures as A, B, C ... at
their own size. The key goes to keys/ROUND.json, which readers never see. A reader gets the sheets alone, in an empty
folder, and `question.txt`.
"""

import argparse
import json
import random
from pathlib import Path

from pairs import FOLDER, KINDS, PICTURES, Pair, read_pairs
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGH"
GAP, HEAD, SMALL = 12, 34, 220


def make_sheet(pair: Pair, names: list[str]) -> Image.Image:
    """Return the sheet of a pair: the pictures of `names` as A, B, C ..., below photograph and painting."""
    pictures = [Image.open(PICTURES / name / f"{pair.name}.jpg").convert("RGB") for name in names]
    width, height = pictures[0].size
    columns = min(len(pictures), 3 if width > height else 4)
    rows = -(-len(pictures) // columns)
    top = HEAD + SMALL + GAP
    wide = max(columns * (width + GAP), 2 * (SMALL * 2 + GAP))
    sheet = Image.new("RGB", (wide, top + rows * (HEAD + height + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    left = 0
    for label, path in (("photograph", pair.content), ("painting", pair.style)):
        small = Image.open(path).convert("RGB")
        small.thumbnail((SMALL * 2, SMALL))
        sheet.paste(small, (left, HEAD))
        draw.text((left, 4), label, fill="black", font=font)
        left += small.width + GAP
    for index, picture in enumerate(pictures):
        x, y = index % columns * (width + GAP), top + index // columns * (HEAD + height + GAP)
        draw.text((x, y + 4), LETTERS[index], fill="black", font=font)
        sheet.paste(picture, (x, y + HEAD))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("round")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--kind", choices=KINDS, default="main")
    parser.add_argument("--pairs", help="names, separated by commas; default: all of that kind")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    folder = FOLDER / "sheets" / given.round
    folder.mkdir(parents=True, exist_ok=True)
    key: dict[str, dict[str, str]] = {}
    for pair in read_pairs(given.data):
        names = [name for name in given.names if (PICTURES / name / f"{pair.name}.jpg").exists()]
        asked = pair.name in given.pairs.split(",") if given.pairs else KINDS[given.kind](pair)
        if not asked or len(names) < 2:
            continue
        draw.shuffle(names)
        make_sheet(pair, names).save(folder / f"{pair.name}.jpg", quality=88)
        key[pair.name] = dict(zip(LETTERS, names, strict=False))
    keys = FOLDER / "keys"
    keys.mkdir(exist_ok=True)
    (keys / f"{given.round}.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    print(f"{len(key)} sheets in {folder}")


if __name__ == "__main__":
    main()

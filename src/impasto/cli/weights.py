"""`impasto weights`: where the network's weights come from."""

from typing import Any

from impasto.cli.options import Debug, Json
from impasto.cli.report import print_json, print_line


def weights(json: Json = False, debug: Debug = False) -> None:
    """List the network weights: input, license, source, hash, and whether they are on this machine."""
    from impasto.features.weights import RECORDS

    rows = [describe_record(name) for name in RECORDS]
    if json:
        print_json({"weights": rows})
        return
    for row in rows:
        print_line(f"{row['name']}")
        for key in ("architecture", "input", "license", "source", "sha256", "present"):
            print_line(f"  {key + ':':<14}{row[key] if key != 'present' else describe_presence(row)}")
    print_line("A file of your own: --weights PATH (.pth state dict of a VGG-16 or VGG-19, or impasto's .safetensors).")


def describe_record(name: str) -> dict[str, Any]:
    """A weights record as JSON values, with its `path`, whether it is `present` and whether its hash is right.

    `intact` is None where there is no file to look at.
    """
    from impasto.errors import WeightsError
    from impasto.features.weights import PACKAGED, RECORDS, cached_file, file_sha256, packaged_file

    record = RECORDS[name]
    path = None
    if record.sha256:
        try:
            path = packaged_file() if record is PACKAGED else cached_file(record)
        except WeightsError:
            path = None
    present = not record.sha256 or (path is not None and path.is_file())
    intact = file_sha256(path).startswith(record.sha256) if path is not None and present else None
    return {
        "name": record.name,
        "architecture": record.architecture,
        "input": describe_input(name),
        "license": record.license,
        "source": record.source,
        "sha256": record.sha256,
        "present": present,
        "intact": intact,
        "path": str(path) if path is not None and present else None,
    }


def describe_input(name: str) -> str:
    """What the network of that record expects: `BGR, 0..255, minus (103.939, 116.779, 123.68)`."""
    from impasto.features.weights import RECORDS

    wanted = RECORDS[name].preprocessing
    mean = ", ".join(f"{value:g}" for value in wanted.mean)
    text = f"{wanted.order.upper()}, 0..{wanted.scale:g}, minus ({mean})"
    if set(wanted.std) != {1.0}:
        text += f", divided by ({', '.join(f'{value:g}' for value in wanted.std)})"
    return text


def describe_presence(row: dict[str, Any]) -> str:
    """Whether the weights of a row are there, in words."""
    if not row["present"]:
        return "no; --weights downloads them" if row["source"].startswith("https:") else "no"
    if row["path"] is None:
        return "yes, made on the spot"
    return f"yes, {row['path']}" if row["intact"] else f"yes, but damaged: {row['path']}"

"""`impasto weights`: the known network weights, and those in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.options import Debug, Json
from impasto.cli.report import print_json, print_line

if TYPE_CHECKING:
    from impasto.features.weights import WeightsRecord


def weights(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="files to describe instead of the known names", show_default=False),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the networks that can be used: license, source, whether they are here.

    impasto weights my.safetensors VGG_ILSVRC_16_layers.caffemodel
    """
    from impasto.features.weights import RECORDS

    rows = [describe_file(path) for path in files] if files else [describe_record(name) for name in RECORDS]
    if json:
        print_json({"weights": rows})
        return
    for row in rows:
        print_line(f"{row['name']}")
        for key in ("architecture", "width", "input", "license", "source", "trained_by", "sha256", "present"):
            value = describe_presence(row) if key == "present" else row[key]
            if value != "":
                print_line(f"  {key.replace('_', ' ') + ':':<14}{value}")
    if not files:
        print_line("A file of your own: --weights PATH (.safetensors, .pth, .mat, .h5 or .caffemodel of a VGG).")


def describe_record(name: str) -> dict[str, Any]:
    """Return a weights record as JSON values, with its `path`, whether it is `present` and whether its hash is right.

    `intact` is None if there is no file.
    """
    from impasto.errors import WeightsError
    from impasto.features.weights import PACKAGED, RECORDS, cached_file, packaged_file
    from impasto.system.disk import file_sha256

    record = RECORDS[name]
    path = None
    if record.sha256:
        try:
            path = packaged_file() if record is PACKAGED else cached_file(record)
        except (WeightsError, RuntimeError):  # not installed; no home for a cache
            path = None
    present = not record.sha256 or (path is not None and path.is_file())
    intact = file_sha256(path).startswith(record.sha256) if path is not None and present else None
    return _to_row(record, path if present else None, present=present, intact=intact)


def describe_file(path: Path) -> dict[str, Any]:
    """Return the record of a weights file as `describe_record` does. Raises WeightsError."""
    from impasto.features.weights import load_weights

    return _to_row(load_weights(str(path)).record, path, present=True, intact=True)


def describe_presence(row: dict[str, Any]) -> str:
    """Return in words whether the weights of a row are on this machine."""
    from impasto.features.weights import INSTALL

    if not row["present"]:
        return "no; --weights downloads them" if row["source"].startswith("https:") else f"missing; run {INSTALL}"
    if row["path"] is None:
        return "yes, generated"
    return f"yes, {row['path']}" if row["intact"] else f"yes, but damaged: {row['path']}"


def _to_row(record: "WeightsRecord", path: Path | None, *, present: bool, intact: bool | None) -> dict[str, Any]:
    return {
        "name": record.name,
        "architecture": record.architecture,
        "width": record.width,
        "input": record.preprocessing.describe(),
        "license": record.license,
        "source": record.source,
        "trained_by": record.trained_by,
        "classes": list(record.classes),
        "sha256": record.sha256,
        "present": present,
        "intact": intact,
        "path": str(path) if path is not None else None,
    }

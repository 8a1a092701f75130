"""A network from one container into another, with what it expects of its input set right on the way."""

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from impasto.errors import DiskError, OutputError, WeightsError
from impasto.features.containers.content import Write
from impasto.features.containers.kinds import Container, choose_container
from impasto.features.preprocessing import Preprocessing, build_preprocessing
from impasto.features.weights import RECORDS, Weights, load_weights, read_weights
from impasto.system.disk import check_folder, check_not_input, file_sha256

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """What a user says of the input that a network expects; None: as its file says. Units as in `Preprocessing`."""

    order: Literal["rgb", "bgr"] | None = None
    scale: float | None = None
    mean: Three | None = None
    std: Three | None = None

    def complete(self) -> Preprocessing | None:
        """The input, where all is said; std may be left out for 1. Raises WeightsError for numbers that cannot be."""
        if self.order is None or self.scale is None or self.mean is None:
            return None
        return _build(self.order, self.scale, self.mean, self.std or (1.0, 1.0, 1.0))

    def change(self, told: Preprocessing) -> Preprocessing:
        """The input that a file tells, with what is said here changed. Raises WeightsError as `complete`."""
        return _build(
            self.order or told.order,
            told.scale if self.scale is None else self.scale,
            told.mean if self.mean is None else self.mean,
            told.std if self.std is None else self.std,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was written: where, as which container, and the weights; expects: the input that the file's kernels take."""

    output: Path
    container: str
    weights: Weights
    expects: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        """All but the numbers, as JSON values."""
        record = self.weights.record
        return {
            "output": str(self.output),
            "container": self.container,
            "architecture": record.architecture,
            "width": record.width,
            "layers": [*self.weights.layers],
            "classifier": [*self.weights.classifier],
            "classes": list(record.classes),
            "input": self.expects.describe(),
            "license": record.license,
            "source": record.source,
            "sha256": file_sha256(self.output),
            "bytes": self.output.stat().st_size,
        }


def convert(
    source: str,
    output: Path,
    *,
    to: str | None = None,
    drop_classifier: bool = False,
    given: GivenInput | None = None,
    license: str | None = None,
) -> Converted:
    """Writes the network of a file, or of a known name, into another container, in one atomic move.

    to: the container; by the suffix of `output` if left out. given: the input, where the file does not tell or tells it
    wrong. license: instead of what the file tells. Raises WeightsError, OutputError, MissingExtraError, DiskError.
    """
    container = choose_container(output, to)
    _check_output(output, source)
    weights = _read(source, given or GivenInput(), classifier=not drop_classifier)
    if license is not None:
        weights = replace(weights, record=replace(weights.record, license=license))
    _replace(output, container.write, weights)
    expects = _as_written(container, weights.record.preprocessing)
    return Converted(output=output, container=container.name, weights=weights, expects=expects)


def _read(source: str, given: GivenInput, *, classifier: bool) -> Weights:
    if source in RECORDS or not Path(source).is_file():
        weights = load_weights(source)
    else:
        weights = read_weights(Path(source), preprocessing=given.complete() or "auto", classifier=classifier)
    told = given.change(weights.record.preprocessing)
    return replace(weights, record=replace(weights.record, preprocessing=told))


def _build(order: Literal["rgb", "bgr"], scale: float, mean: Three, std: Three) -> Preprocessing:
    try:
        return build_preprocessing(order, scale, mean, std)
    except ValueError as error:
        raise WeightsError(
            f"the input is given as {error}; expected finite numbers, scale and std above 0.",
            "Give --scale 1 or 255, and --mean and --std in its units.",
        ) from error


def _as_written(container: Container, wanted: Preprocessing) -> Preprocessing:
    """The input in the order of the channels that all networks in such containers have."""
    if container.usual is None or container.usual.order == wanted.order:
        return wanted
    (m0, m1, m2), (s0, s1, s2) = wanted.mean, wanted.std
    return build_preprocessing(container.usual.order, wanted.scale, (m2, m1, m0), (s2, s1, s0))


def _check_output(output: Path, source: str) -> None:
    label = f"output {str(output)!r}"
    if output.is_dir():
        raise OutputError(f"{label} is a folder; expected a file.", "Choose another name.")
    check_folder(output.parent, label)
    check_not_input(output, label, [source])


def _replace(output: Path, write: Write, weights: Weights) -> None:
    temporary = output.with_name(f".impasto-{secrets.token_hex(8)}.tmp")  # same folder, so that the move is atomic
    try:
        write(weights.to_content(), temporary)
        os.replace(temporary, output)
    except OSError as error:
        if isinstance(error, WeightsError):
            raise
        raise DiskError(
            f"output {str(output)!r} was not written ({error.strerror or error}).",
            "Look after the disk, or write it elsewhere.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)

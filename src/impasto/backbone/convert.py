"""A network from one container into another, with what it expects of its input set right on the way."""

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from impasto.errors import OutputError, WeightsError
from impasto.features.containers.kinds import choose_container
from impasto.features.preprocessing import Preprocessing, build_preprocessing
from impasto.features.weights import RECORDS, Weights, load_weights, read_weights
from impasto.system.disk import check_folder, check_not_input, file_sha256, replace_file

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
    """A file that was written, the name of its container, and its weights."""

    output: Path
    container: str
    weights: Weights

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
            "input": record.preprocessing.describe(),
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
    container, encode = choose_container(output, to)
    _check_output(output, source)
    weights = _read(source, given or GivenInput(), classifier=not drop_classifier)
    if license is not None:
        weights = replace(weights, record=replace(weights.record, license=license))
    replace_file(output, BytesIO(encode(weights.layers | weights.classifier, weights.to_metadata())))
    return Converted(output=output, container=container, weights=weights)


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


def _check_output(output: Path, source: str) -> None:
    label = f"output {str(output)!r}"
    if output.is_dir():
        raise OutputError(f"{label} is a folder; expected a file.", "Choose another name.")
    check_folder(output.parent, label)
    check_not_input(output, label, [source])

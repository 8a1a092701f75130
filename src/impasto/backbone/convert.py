"""Conversion of weights files: a network is read from one kind of file and written as another."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from impasto.errors import OutputError, WeightsError
from impasto.features.containers.kinds import choose_container
from impasto.features.preprocessing import OXFORD, Preprocessing, build_preprocessing
from impasto.features.weights import RECORDS, Weights, load_weights, read_weights
from impasto.system.disk import check_folder, check_not_input, file_sha256, replace_file

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """The input of a network as the user gives it, in the units of `Preprocessing`. None: as its file says."""

    order: Literal["rgb", "bgr"] | None = None
    scale: float | None = None
    mean: Three | None = None
    std: Three | None = None

    def complete(self) -> Preprocessing | None:
        """Return the input if it is given completely; std is 1 by default. Raises WeightsError for invalid numbers."""
        if self.order is None or self.scale is None or self.mean is None:
            return None
        return self.override(OXFORD)

    def override(self, stored: Preprocessing) -> Preprocessing:
        """Return the input that a file describes, changed by what is given. Raises WeightsError as `complete`."""
        try:
            return build_preprocessing(
                self.order or stored.order,
                stored.scale if self.scale is None else self.scale,
                stored.mean if self.mean is None else self.mean,
                stored.std if self.std is None else self.std,
            )
        except ValueError as error:
            raise WeightsError(
                f"the input is given as {error}; expected finite numbers, scale and std above 0.",
                "Give --scale 1 or 255, and --mean and --std in its units.",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A file that was written, the name of its container, and its weights."""

    output: Path
    container: str
    weights: Weights

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the numbers, as JSON values."""
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
    """Write the network of a file, or of a known name, as another kind of file, in one atomic move.

    to: the kind; by the suffix of `output` if left out. given, license: instead of what the file says.
    Raises WeightsError, OutputError, MissingExtraError, DiskError.
    """
    container, encode = choose_container(output, to)
    label = f"output {str(output)!r}"
    if output.is_dir():
        raise OutputError(f"{label} is a folder; expected a file.", "Choose another name.")
    check_folder(output.parent, label)
    check_not_input(output, label, [source])
    weights = _read(source, given or GivenInput(), classifier=not drop_classifier)
    if license is not None:
        weights = replace(weights, record=replace(weights.record, license=license))
    replace_file(output, encode(weights.layers | weights.classifier, weights.to_metadata()))
    return Converted(output=output, container=container, weights=weights)


def _read(source: str, given: GivenInput, *, classifier: bool) -> Weights:
    if source in RECORDS or not Path(source).is_file():
        weights = load_weights(source)
    else:
        weights = read_weights(Path(source), preprocessing=given.complete() or "auto", classifier=classifier)
    expected = given.override(weights.record.preprocessing)
    return replace(weights, record=replace(weights.record, preprocessing=expected))

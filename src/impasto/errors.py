"""The classes of all errors: one root, one child for each cause a caller might catch.

Every error has two parts: `error` says what was wrong, with the value, and what was expected;
`hint` says what to do about it. `str()` gives both in one line.
"""

from typing import Any


class ImpastoError(Exception):
    """Root of all errors that impasto raises on purpose.

    error: what was wrong, with the value, and what was expected.
    hint: how to put it right.
    exit_code: what the command line exits with: 2 for the user's mistake, 1 for ours or the machine's.
    """

    exit_code = 2

    def __init__(self, error: str, hint: str) -> None:
        super().__init__(f"{error} {hint}")
        self.error = error
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        # By itself an exception is pickled by its text alone, and a worker's could not be read.
        return type(self), (self.error, self.hint), self.__dict__


class ImageReadError(ImpastoError, OSError):
    """A picture is missing, damaged, empty or of a kind that cannot be opened."""


class VideoReadError(ImpastoError, OSError):
    """A film is missing, damaged from its first picture on, has no pictures, or is of a kind that cannot be opened."""


class ImageSizeError(ImpastoError, ValueError):
    """A picture is too small for the network, or too large for `max_pixels`."""


class ImageRangeError(ImpastoError, ValueError):
    """An array or tensor does not hold an image: shape, type or range."""


class MaskError(ImpastoError, ValueError):
    """A mask is empty, there are too many or too few, a region of the photograph has no style, or no face is found."""


class OutputError(ImpastoError, OSError):
    """A picture cannot be written where it was asked for."""


class RecipeError(ImpastoError, ValueError):
    """A recipe field is unknown, malformed, out of range or contradicts another."""


class KeywordError(RecipeError, TypeError):
    """A function or a recipe was given a keyword that it does not have."""


class WeightsError(ImpastoError, OSError):
    """A weights file is missing, damaged, or not what it says it is."""


class DeviceError(ImpastoError, ValueError):
    """A device was asked for that this machine does not have."""


class MissingExtraError(ImpastoError, ImportError):
    """An optional package is needed and not installed."""


class OutOfMemoryError(ImpastoError, MemoryError):
    """The machine ran out of memory during a run."""

    exit_code = 1


class MemoryLimitError(ImpastoError, MemoryError):
    """A memory limit is malformed, or too small for what is asked. enough: bytes that would do; 0 where not known."""

    def __init__(self, error: str, hint: str, enough: int = 0) -> None:
        super().__init__(error, hint)
        self.enough = enough


class RunError(ImpastoError, ValueError):
    """A run's folder is not there, not ours, damaged, of a newer version, or its inputs are not what they were."""


class RunLockedError(RunError):
    """Another process is writing in the run's folder."""


class DiskError(ImpastoError, OSError):
    """The disk failed or filled up: no room for a finished picture, or for what waits on disk meanwhile."""

    exit_code = 1


class DataSetError(ImpastoError, OSError):
    """Training pictures, or the LMDB made of them, are missing, damaged or too few."""


class CheckpointError(ImpastoError, OSError):
    """A training run's folder holds another run than the one asked for, or is damaged."""


class BatchError(ImpastoError, ValueError):
    """A batch cannot be planned: its inputs, list, names or manifest."""


class ClusterError(ImpastoError, ConnectionError):
    """There is no Ray cluster where one was asked for, or none on which pictures can be painted."""

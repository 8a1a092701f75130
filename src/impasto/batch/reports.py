"""What a worker, wherever it is, is given and tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from impasto.batch.jobs import Job


@dataclass(frozen=True, slots=True)
class Painted:
    """A finished picture: its file's bytes, and its size, steps, seconds, losses, peak_bytes and end as JSON values."""

    job: Job
    picture: bytes
    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A picture that cannot be painted, with the two parts of the message."""

    job: Job
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker ended before its picture did: killed, out of memory, or its machine is gone."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """How far a picture is."""

    job: Job
    scale: int
    step: int
    steps: int


Report = Painted | Failed | Lost | Stepped


class Crew(Protocol):
    """Some workers, each of which paints one picture at a time."""

    @property
    def idle(self) -> int:
        """Workers that are ready and have nothing to do."""
        ...

    def begin(self, job: Job) -> None:
        """Gives the job to an idle worker."""
        ...

    def wait(self, timeout_s: float) -> Sequence[Report]:
        """What came in until now, or first comes in; nothing after so many seconds.

        Raises the ImpastoError by which workers cannot start at all.
        """
        ...

    def close(self) -> None:
        """Ends all workers at once."""
        ...

"""Checkpoints of a training: networks, optimizers and generators, in one file that is replaced atomically.

Those of a picture's run, which grow with the history of L-BFGS, are in `runs/checkpoint.py`.
"""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from impasto.errors import CheckpointError
from impasto.system.disk import replace_file

Parts = Mapping[str, nn.Module | torch.optim.Optimizer | torch.Generator]
"""Whatever changes in a step, by name."""


def write_checkpoint(path: Path, parts: Parts, step: int, seconds: float) -> None:
    """Write the state of all parts, the steps done and the seconds they took. Raises DiskError."""
    states = {
        name: part.get_state() if isinstance(part, torch.Generator) else part.state_dict()
        for name, part in parts.items()
    }
    file = io.BytesIO()
    torch.save({**states, "step": step, "seconds": seconds}, file)
    replace_file(path, file.getbuffer())


def restore_checkpoint(path: Path, parts: Parts) -> tuple[int, float]:
    """Set the parts to the state of a checkpoint and return its step and seconds; (0, 0.0) if there is no file.

    Raises CheckpointError if the file is damaged, or of other parts than these.
    """
    if not path.exists():
        return 0, 0.0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"checkpoint {str(path)!r} is damaged ({type(error).__name__}).",
            "Delete it to begin anew, or choose another -o.",
        ) from error
    try:
        for name, part in parts.items():
            if isinstance(part, torch.Generator):
                part.set_state(state[name])
            else:
                part.load_state_dict(state[name])
        return int(state["step"]), float(state["seconds"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"checkpoint {str(path)!r} is of another network or optimizer than this recipe's.",
            f"Choose another -o, or delete {path.name} to begin anew.",
        ) from error

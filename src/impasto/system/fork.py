"""Whether this process was forked after torch was loaded: it then lacks torch's threads, and waits for them forever.

The package imports this module first, since a hook sees only forks after it was registered.
"""

import os
import sys

_forked: set[int] = set()
"""Ids of processes; a forked process also has its parent's."""


def was_forked() -> bool:
    """Return whether this process was forked after torch was loaded."""
    return os.getpid() in _forked


def _note_fork() -> None:
    if "torch" in sys.modules:
        _forked.add(os.getpid())


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_note_fork)

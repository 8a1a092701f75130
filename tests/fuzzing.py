"""Mutations of files and of JSON values, and the limits that a reader of them must keep."""

import contextlib
import json
import math
import os
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impasto.errors import ImpastoError
from impasto.system.device import peak_bytes

pytest.importorskip("resource", reason="fuzzing needs the limits of Linux or macOS")

MAX_SECONDS = 10.0
MAX_GROWTH = 2 * 10**9
"""Bytes by which the process may grow beyond its largest size so far."""



def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: the test gets `random`, a generator, for as many examples, the same ones each time.

    FUZZ_EXAMPLES in the environment multiplies their number.
    """
    count = examples * int(os.environ.get("FUZZ_EXAMPLES", "1"))
    limits = settings(max_examples=count, derandomize=True, deadline=None, database=None)
    silent = settings(limits, suppress_health_check=list(HealthCheck))
    return lambda test: pytest.mark.slow(silent(given(random=st.integers(0, 2**32).map(Random))(test)))


WORDS = (b"\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80", b"\n", b'"', b"1e999", b"-1")


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Return the bytes with one to four changes: bits, words, cuts, insertions, repetitions, exchanged parts."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        # Headers decide more than pixels do.
        reach = len(changed) if random.random() < 0.5 else min(len(changed), 256)
        place = random.randrange(reach) if reach else 0
        size = random.choice((1, 2, 4, 16, 256))
        match random.randrange(7):
            case 0 if changed:
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                word = random.choice(WORDS)
                changed[place : place + len(word)] = word
            case 2:
                del changed[place : place + size]
            case 3:
                changed[place:place] = random.randbytes(size)
            case 4:
                changed[place:place] = changed[place : place + size]
            case 5:
                del changed[place:]
            case 6:
                other = random.randrange(len(changed)) if changed else 0
                changed[place : place + size], changed[other : other + size] = (
                    changed[other : other + size],
                    changed[place : place + size],
                )
    return bytes(changed)


def repair_png(data: bytes) -> bytes:
    """Return a PNG with the right checksum behind every chunk, so that a change reaches what reads the chunk."""
    repaired, place = bytearray(data), 8
    while place + 12 <= len(repaired):
        end = place + 8 + int.from_bytes(repaired[place : place + 4], "big")
        repaired[end : end + 4] = zlib.crc32(repaired[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(repaired)


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**31, 2**70, -0.5, 1e308, math.inf, math.nan),
    *("", "a", "../../x", "\0", "\ud800", "content", "conv9_9", "9" * 5000, "x" * 300, "1e999"),
    *([], {}, [[]], [None], {"": None}, ["conv1_1", 1], [1, 2, 3], {"a": [{}]}),
)


def mutate_value(random: Random, tree: Any) -> Any:
    """Return the JSON value with one of its values or names replaced, removed or repeated."""
    if isinstance(tree, dict) and tree and random.random() < 0.9:
        name = random.choice(sorted(tree))
        rest = {key: value for key, value in tree.items() if key != name}
        match random.randrange(8):
            case 0:
                return rest
            case 1:
                return {**rest, random.choice(("", name + "x", "format_version")): tree[name]}
            case _:
                return {**tree, name: mutate_value(random, tree[name])}
    if isinstance(tree, list) and tree and random.random() < 0.9:
        index = random.randrange(len(tree))
        match random.randrange(6):
            case 0:
                return tree[:index] + tree[index + 1 :]
            case 1:
                return [*tree, tree[index]]
            case _:
                return [*tree[:index], mutate_value(random, tree[index]), *tree[index + 1 :]]
    return random.choice(ODD_VALUES)


def mutate_json(random: Random, data: bytes) -> bytes:
    """Return a JSON text with changed values, or with changed bytes."""
    if random.random() < 0.3:
        return mutate_bytes(random, data)
    tree = json.loads(data)
    for _ in range(random.randint(1, 2)):
        tree = mutate_value(random, tree)
    return json.dumps(tree).encode()


def survive(call: Callable[[], object]) -> ImpastoError | None:
    """Call, and return the error of ours that it raises, if any; any other exception passes.

    Fails where it takes more than `MAX_SECONDS` or `MAX_GROWTH`.
    """
    before, started = peak_bytes(torch.device("cpu")), time.monotonic()
    found = None
    with _alarm():
        try:
            call()
        except ImpastoError as error:
            found = error
    seconds = time.monotonic() - started
    growth = peak_bytes(torch.device("cpu")) - before
    assert seconds < MAX_SECONDS, f"took {seconds:.1f} s"
    assert growth < MAX_GROWTH, f"took {growth:,} bytes"
    if found is not None:
        assert found.error and found.hint and "\n" not in str(found)
    return found


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    """Raise TimeoutError in a block that takes longer than `MAX_SECONDS`."""

    def ring(*given: object) -> None:
        raise TimeoutError(f"took more than {MAX_SECONDS:g} s")

    handler = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)

"""The settings of torch while impasto computes, whatever the caller has set: dtype, device, rounding, threads."""

import contextlib
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch

from impasto.errors import DeviceError, ImpastoError, OutOfMemoryError
from impasto.system.device import is_out_of_memory
from impasto.system.fork import was_forked

logger = logging.getLogger(__name__)

Precision = Literal["float32", "bfloat16"]

MOST_THREADS = 1024
"""CPU threads that a run may be given; torch starts them all, and crashes where the system has no more."""


class _Process:
    """Torch's settings that all threads of a process share: its defaults while any thread is inside, then the caller's.

    threads: CPU threads of the caller.
    """

    def __init__(self) -> None:
        self.threads = 0
        self._lock = threading.Lock()
        self._depths = Counter[int]()  # how often each thread has entered
        self._dtype = torch.float32
        self._formats: list[str] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_forked)

    def enter(self) -> None:
        with self._lock:
            if not self._depths:
                self.threads, self._dtype = torch.get_num_threads(), torch.get_default_dtype()
                self._formats = [place.fp32_precision for place in _products()]
                torch.set_default_dtype(torch.float32)
                for place in _products():
                    place.fp32_precision = "ieee"
            self._depths[threading.get_ident()] += 1
        if was_forked():
            torch.set_num_threads(1)

    def leave(self) -> None:
        thread = threading.get_ident()
        with self._lock:
            self._depths[thread] -= 1
            if self._depths[thread]:
                return
            del self._depths[thread]
            torch.set_num_threads(self.threads)
            if not self._depths:
                torch.set_default_dtype(self._dtype)
                for place, value in zip(_products(), self._formats, strict=True):
                    place.fp32_precision = value

    def _begin_forked(self) -> None:
        thread = threading.get_ident()
        self._lock = threading.Lock()
        self._depths = Counter({thread: self._depths[thread]} if thread in self._depths else {})


def _products() -> list[Any]:
    """Return where torch keeps how far products of float32 may be rounded; empty before torch 2.9."""
    cpu: Any = torch.backends.mkldnn
    gpu: Any = torch.backends.cudnn
    return [cpu.matmul, cpu.conv, gpu.conv, gpu.rnn, torch.backends.cuda.matmul] if hasattr(cpu, "matmul") else []


_process = _Process()


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Run the body with torch's own settings, whatever the caller has set, and restore the caller's after it.

    They are: default dtype and device, autocast, grad and inference mode, the rounding of float32 products, and the
    number of threads. float32 is float32 on a GPU too, where torch would let convolutions round to ten bits; the fast
    format is bfloat16. Several threads may be inside, and each may enter again.
    """
    _process.enter()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            for kind in ("cpu", "cuda", "mps"):
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device() != torch.device("cpu"):  # the block makes every call a little slower
                stack.enter_context(torch.device("cpu"))
            yield
    finally:
        _process.leave()


class _Products:
    """The format of a CPU's float32 matrix products, which the threads of a process share: others wait their turn."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._users = 0
        self._precision: Precision = "float32"
        self._before = ""

    @contextlib.contextmanager
    def computed_in(self, precision: Precision) -> Iterator[None]:
        matmul = getattr(torch.backends.mkldnn, "matmul", None)  # since torch 2.9
        if matmul is None:
            yield
            return
        with self._turn:
            self._turn.wait_for(lambda: not self._users or self._precision == precision)
            if not self._users:
                self._precision, self._before = precision, matmul.fp32_precision
                matmul.fp32_precision = "bf16" if precision == "bfloat16" else self._before
            self._users += 1
        try:
            yield
        finally:
            with self._turn:
                self._users -= 1
                if not self._users:
                    matmul.fp32_precision = self._before
                    self._turn.notify_all()


_shared_products = _Products()


def products_in(precision: Precision) -> contextlib._GeneratorContextManager[None]:
    """With "bfloat16", let a CPU compute float32 matrix products from bfloat16, the format of the features anyway.

    It sums in float32: of features in bfloat16 the products are the same to 1e-6, and take half the time
    (docs/experiments.md, "Matrix products"). Torch has one such setting for all threads. So that a thread's products
    are never another's, it waits until nobody computes in the other format, and everything that multiplies matrices
    outside an evaluation is within `products_in("float32")`. Do not enter one format within the other.
    """
    return _shared_products.computed_in(precision)


def default_threads() -> int:
    """Return the CPU threads of a run that names none: the caller's. Call it within `torch_defaults`."""
    if was_forked():
        logger.warning(
            "this process was forked after torch was loaded, so it computes in one thread. For all of them, start "
            "processes with multiprocessing.get_context('spawn')."
        )
        return 1
    return _process.threads


@contextlib.contextmanager
def running(
    device: torch.device, threads: int | None, advice: str, others: Sequence[torch.device] = ()
) -> Iterator[None]:
    """Run the body in `torch_defaults`, with denormal numbers flushed to zero and `threads` CPU threads.

    Denormals make the late steps of a reconstruction ten times as slow on a CPU. On GPUs, those of `others` too,
    `peak_bytes` restarts.
    Raises OutOfMemoryError, with the advice as its hint, if the body runs out of memory, and DeviceError in a forked
    process, which has no threads of torch and no GPU.
    """
    if was_forked() and threads is not None and threads > 1:
        raise _forked_error(f"{threads} threads", "threads=1")
    with torch_defaults():
        before, flushed = torch.get_num_threads(), float(torch.tensor(1e-40) * 1) == 0
        if threads is not None:
            torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        try:
            for gpu in (each for each in (device, *others) if each.type == "cuda"):
                _restart_peak(gpu)
            yield
        except ImpastoError:
            raise
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(f"out of memory on {device} ({error}).", advice) from error
        finally:
            torch.set_flush_denormal(flushed)
            torch.set_num_threads(before)


def _restart_peak(gpu: torch.device) -> None:
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # where nothing has used CUDA yet, there is no peak
    except RuntimeError as error:
        if was_forked():
            raise _forked_error(str(gpu), 'device="cpu"') from error
        raise
    torch.cuda.reset_peak_memory_stats(gpu)


def _forked_error(asked: str, instead: str) -> DeviceError:
    return DeviceError(
        f"{asked} is asked for in a process that was forked after torch was loaded; expected {instead}.",
        "Start processes with multiprocessing.get_context('spawn') instead of fork.",
    )

"""The program that calls: whatever state of torch it has set, the bytes are the same, and its state is as before."""

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import DeviceError

Picture = Callable[..., Tensor]

TINY: Any = {"weights": "tiny", "size": 48, "steps": 2, "first_scale": 24, "threads": 1}


@contextlib.contextmanager
def setting(begin: Callable[[], object], end: Callable[[], object]) -> Iterator[None]:
    begin()
    try:
        yield
    finally:
        end()


def default_dtype(dtype: torch.dtype) -> AbstractContextManager[None]:
    return setting(lambda: torch.set_default_dtype(dtype), lambda: torch.set_default_dtype(torch.float32))


STATES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "another device": lambda: setting(
        lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None)
    ),
    "device block": lambda: torch.device("meta"),
    "autocast bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", torch.float16),
    "no grad": torch.no_grad,
    "inference": torch.inference_mode,
    "not deterministic": lambda: setting(
        lambda: torch.use_deterministic_algorithms(False), lambda: torch.use_deterministic_algorithms(True)
    ),
    "coarse products": lambda: setting(
        lambda: torch.set_float32_matmul_precision("medium"), lambda: torch.set_float32_matmul_precision("highest")
    ),
    "denormals": lambda: setting(lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False)),
    "two threads": lambda: setting(lambda: torch.set_num_threads(2), lambda: torch.set_num_threads(1)),
}

RECIPES: list[dict[str, Any]] = [
    {"init": "noise", "statistic": ("sliced",)},
    {"init": "#8040ff", "statistic": ("nearest",), "color": "oklab", "recolor": 1},
    {"precision": "bfloat16", "color": "histogram"},
]


def state() -> list[Any]:
    """What a caller can see of the state of torch."""
    denormal = torch.tensor(1e-40, dtype=torch.float32, device="cpu")
    return [
        *(torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()),
        *(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        *(torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32, float(denormal * 1)),
        torch.are_deterministic_algorithms_enabled(),
    ]


def paint(folder: Path, picture: Picture, **changes: Any) -> bytes:
    """The bytes of a file painted with the arguments; reading, painting, resuming and writing included."""
    path = folder / "pastiche.png"
    folder.mkdir(exist_ok=True)
    stop = impasto.stylize(
        "photo.png", "painting.png", **TINY, **changes, run_dir=folder / "run", on_step=lambda event: "stop"
    )
    assert stop.end == "stopped"
    impasto.resume(folder / "run").save(path)
    return path.read_bytes()


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("changes", RECIPES)
@pytest.mark.usefixtures("folder")
def test_any_state_of_torch_gives_the_same_bytes_and_is_restored(
    name: str, changes: dict[str, Any], tmp_path: Path, picture: Picture
) -> None:
    expected = paint(tmp_path / "plain", picture, **changes)
    with STATES[name]():
        before = state()
        assert paint(tmp_path / "other", picture, **changes) == expected
        assert state() == before


def test_tensors_of_inference_mode_are_pictures(picture: Picture) -> None:
    expected = impasto.stylize(picture(), picture(seed=1), **TINY).pastiche
    with torch.inference_mode():
        inputs = [picture(), picture(seed=1)]
    result = impasto.stylize(*inputs, **TINY)
    assert torch.equal(result.pastiche, expected) and not result.pastiche.is_inference()


def test_two_threads_paint_the_same_and_restore_what_they_found(picture: Picture) -> None:
    """Both precisions at once, as products of float32 are a setting of the whole process."""
    kinds: list[Any] = [{"precision": "float32"}, {"precision": "bfloat16"}] * 3
    recipe: Any = {**TINY, "steps": 8, "statistic": ("wasserstein", "gram")}

    inputs = picture(), picture(seed=1)

    def stylize(kind: dict[str, Any]) -> Tensor:
        return impasto.stylize(*inputs, **recipe, **kind).pastiche

    expected = [stylize(kind) for kind in kinds]
    with default_dtype(torch.float64), ThreadPoolExecutor(2) as pool:
        before = state()
        assert all(map(torch.equal, pool.map(stylize, kinds), expected))
        assert state() == before
        assert torch.get_num_threads() == pool.submit(torch.get_num_threads).result()


def test_an_asyncio_program_paints_two_pictures_while_its_loop_runs(picture: Picture) -> None:
    stylize = partial(impasto.stylize, picture(), picture(seed=1), **{**TINY, "steps": 8})
    expected = stylize(seed=3, init="noise").pastiche

    async def paint_two() -> tuple[list[impasto.Result], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticker = asyncio.create_task(tick())
        results = await asyncio.gather(*(asyncio.to_thread(stylize, seed=3, init="noise") for _ in range(2)))
        ticker.cancel()
        return list(results), ticks

    results, ticks = asyncio.run(paint_two())
    assert all(torch.equal(result.pastiche, expected) for result in results)
    assert ticks > 2, "the loop stood still"


@pytest.mark.slow
def test_a_spawned_pool_of_two_paints_the_same(tmp_path: Path, picture: Picture) -> None:
    inputs = []
    for seed in (0, 1):
        inputs.append(str(tmp_path / f"{seed}.png"))
        impasto.write_image(picture(seed=seed), inputs[-1])
    stylize = partial(impasto.stylize, **{**TINY, "weights": "oxford"}, run_dir=None)
    expected = stylize(*inputs).pastiche
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(stylize, *inputs) for _ in range(2)]
        assert all(torch.equal(each.result(timeout=120).pastiche, expected) for each in waiting)


def test_a_run_inside_the_callback_of_another_leaves_it_alone(picture: Picture) -> None:
    def paint_inside(event: impasto.StepEvent) -> None:
        impasto.stylize(picture(), picture(seed=2), **{**TINY, "threads": 2})
        assert torch.get_num_threads() == 1

    with setting(lambda: torch.set_num_threads(2), lambda: torch.set_num_threads(1)):
        plain = impasto.stylize(picture(), picture(seed=1), **TINY)
        result = impasto.stylize(picture(), picture(seed=1), **TINY, on_step=paint_inside)
        assert torch.equal(result.pastiche, plain.pastiche) and torch.get_num_threads() == 2


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_forked_process_ends_or_is_told_what_to_do(threads: int | None, picture: Picture) -> None:
    """The parent has painted with two threads, which the child lacks and would wait for."""
    how = {**TINY, "size": 128, "first_scale": 0, "steps": 1, "threads": threads}
    inputs = picture(128, 128), picture(128, 128, seed=1)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def stylize() -> None:
        try:
            sender.send(impasto.stylize(*inputs, **how).pastiche.numpy())
        except impasto.ImpastoError as error:
            sender.send(error)

    with setting(lambda: torch.set_num_threads(2), lambda: torch.set_num_threads(1)):
        impasto.stylize(*inputs, **{**how, "threads": 2})
        process = context.Process(target=stylize)
        process.start()
        try:
            assert receiver.poll(60), "it hangs"
            answer = receiver.recv()
        finally:
            process.kill()
    if threads == 2:
        assert isinstance(answer, DeviceError)
        assert "2 threads is asked for" in str(answer) and "'spawn'" in answer.hint
    else:
        expected = impasto.stylize(*inputs, **{**how, "threads": 1}).pastiche
        assert torch.equal(torch.from_numpy(answer), expected)


def test_a_callback_that_is_none_is_refused_and_leaves_no_run(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(impasto.ImpastoError, match="on_step is 'stop'; expected a function"):
        impasto.stylize(picture(), picture(), **TINY, on_step="stop", run_dir=tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_a_resume_whose_save_fails_releases_the_run(
    tmp_path: Path, folder: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The errors are held, as an interactive Python holds the last traceback."""
    from impasto.painting.recorder import start_recorder

    job = impasto.prepare_pastiche("photo.png", "painting.png", **TINY, run_dir=tmp_path / "run")
    (tmp_path / "gone").mkdir()
    recorder = start_recorder(job, {"output": str(tmp_path / "gone" / "out.png")})
    assert impasto.paint(job, recorder, lambda event: "stop").end == "stopped"
    (tmp_path / "gone").rmdir()
    errors = []
    for _ in range(2):
        with pytest.raises(impasto.errors.OutputError, match="gone") as caught:
            impasto.resume(tmp_path / "run")
        errors.append(caught.value)
    (tmp_path / "gone").mkdir()
    impasto.resume(tmp_path / "run")
    assert (tmp_path / "gone" / "out.png").is_file()
    assert threading.active_count() < 20 and len(errors) == 2

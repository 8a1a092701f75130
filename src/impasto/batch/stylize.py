"""Paint many photographs in many styles by one call: here, or in several processes."""

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from impasto.batch.jobs import Job, Setup
from impasto.batch.manifest import NAME
from impasto.batch.naming import NameTemplate
from impasto.batch.pairs import Pairs
from impasto.batch.plan import check_jobs
from impasto.batch.run import BatchEvent, OnBatch, Tally, build_painter, paint_batch
from impasto.errors import BatchError, ImpastoError, OutputError
from impasto.painting.inputs import check_given, to_list
from impasto.painting.options import PaintFields, RunOptions, check_callback, choose_recipe, split_fields
from impasto.recipe.fields import shown, to_plain
from impasto.recipe.recipe import Recipe
from impasto.system.disk import to_path
from impasto.workers.pool import READY, Factory, Finished, Item, Share, WorkerPool, perform_item
from impasto.workers.processes import ProcessPool

Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A folder, a pattern such as "photos/*.jpg", a file, or a list of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """A finished batch. pictures: the files painted now or before, in the order in which they were finished.

    manifest: the JSON lines file with size, seconds and losses of each. failures: content, style, output, error and
    hint of pictures that could not be painted, the first of them. tally: counts of all.
    """

    pictures: tuple[Path, ...]
    manifest: Path
    failures: tuple[Mapping[str, Any], ...]
    tally: Tally


def stylize_batch(
    contents: Files,
    styles: Files,
    folder: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    pairs: str = "all",
    name_template: str = "{content}_{style}.png",
    jobs: int = 1,
    on_event: OnBatch | None = None,
    **fields: Unpack[PaintFields],
) -> BatchResult:
    """Paint every photograph in every style into a folder; called again, only what is missing, changed or failed.

    contents, styles: each a folder, a pattern, a file, or a list of these. pairs: "zip" paints the first photograph in
    the first style, and so on. name_template: names of the pictures, with content, style, index and fields of the
    recipe in braces. jobs: pictures at a time; with more than one, each in a process of its own, so that a program
    needs `if __name__ == "__main__":`. on_event: called with a `BatchEvent` after each change of a picture.
    fields: as for `stylize`; of the run options device, threads, precision, max_pixels and max_memory.
    A picture that cannot be painted is among the failures, and the others continue.
    Raises BatchError, OutputError, RecipeError, and the ImpastoError by which none can be painted.
    """
    own = ("recipe", "pairs", "name_template", "jobs", "on_event")
    changes, run, _ = split_fields("stylize_batch", fields, own, tuple(Setup.__dataclass_fields__))
    check_callback("on_event", on_event)
    recipe, options, folder = choose_recipe(recipe, "standard", changes), RunOptions(**run), to_path(folder, "folder")
    if not isinstance(jobs := to_plain(jobs), int) or isinstance(jobs, bool) or jobs < 1:
        raise BatchError(f"jobs is {shown(jobs)}; expected a whole number of at least 1.", "Or leave it out.")
    names = _to_names("photograph", contents), _to_names("style image", styles)
    planned = Pairs(names[0], names[1], pairs, NameTemplate(name_template), recipe, folder)
    setup = Setup(**{name: getattr(options, name) for name in Setup.__dataclass_fields__})
    count = check_jobs(planned, folder)
    pictures: list[Path] = []

    def start_pool(first: Job) -> WorkerPool[Any]:
        factory = partial(build_painter, setup, first)
        return ProcessPool(factory, min(jobs, count)) if jobs > 1 else _ThisProcess(factory)

    def record(event: BatchEvent) -> None:
        if event.kind in ("kept", "done"):
            pictures.append(folder / event.job.output)
        if on_event is not None:
            on_event(event)

    tally = paint_batch(planned, count, folder, start_pool, record)
    return BatchResult(pictures=tuple(pictures), manifest=folder / NAME, failures=tally.failures, tally=tally)


def _to_names(noun: str, files: Any) -> list[str]:
    check_given(noun, files)
    sources: list[Any] = to_list(files)
    try:
        return [os.fspath(file) for file in sources if to_path(file, noun)]
    except OutputError as error:
        raise BatchError(
            f"a {noun} of a batch is {shown(files)}; expected a folder, a pattern, a file, or a list of these.",
            "Write it into a file first; impasto.stylize paints single pictures that a program holds.",
        ) from error


class _ThisProcess(WorkerPool[int]):
    """The calling process as the only worker: nothing is started, and a program needs no guard against spawning."""

    def __init__(self, factory: Factory) -> None:
        self._perform = factory(Share())
        self._messages = deque[Any]()
        super().__init__(1, 1)

    def stop(self) -> None:
        pass

    def _start(self, number: int) -> int:
        self._messages.append(READY)
        return number

    def _send(self, worker: int, item: Item) -> None:
        outcome = perform_item(self._perform, item, lambda progress: None)
        if isinstance(outcome, Finished):
            if outcome.result.facts["end"] == "stopped":  # by Ctrl-C, after which a single picture is worth saving
                raise KeyboardInterrupt
            outcome = Finished(outcome.result)  # its warnings were logged here already
        self._messages.append(outcome)

    def _receive(self, timeout_s: float) -> Sequence[tuple[int, Any]]:
        return [(0, self._messages.popleft())] if self._messages else []

    def _start_error(self, reason: str) -> ImpastoError:
        raise AssertionError("the calling process cannot be lost")

"""The painter of the studio: a process of its own, in which one job after the other is painted."""

import math
import os
import queue
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from impasto.errors import DiskError, ImpastoError
from impasto.studio.process import end_with_parent
from impasto.studio.refusal import error_body
from impasto.system.process import settle_process

PREVIEW_EDGE = 1024
"""Longest edge of the live preview, in pixels."""

PREVIEW_S = 1.0
"""Least seconds between two live previews after the first ones."""

FIRST_PREVIEWS = 8
"""Previews that are written without that wait: small pictures are painted quickly."""

KEPT = "kept.png"
"""The best picture so far of a paused job."""

FRAMES = 60
"""Frames of the evolution, closer together at the start, where most happens."""

NICENESS = 10
"""How much the painter gives way to the server on the same cores."""

Send = Callable[[str, Mapping[str, Any]], None]
Order = Mapping[str, Any]
"""What the server sends of a job: folder, kind, recipe, paths of pictures."""


def run_painter(connection: Connection, options: Mapping[str, Any]) -> None:
    """Paint the jobs that come in, until the parent is gone. options: `RunOptions` that hold for all jobs."""
    settle_process()
    with suppress(AttributeError, OSError):
        os.nice(max(0, NICENESS - os.nice(0)))
    if options["device"] == "cpu":
        limit_data(options.get("max_memory"))
    control = Control()
    end_with_parent(connection, control.take)

    def send(kind: str, values: Mapping[str, Any]) -> None:
        try:
            connection.send((kind, dict(values)))
        except OSError:
            os._exit(0)

    import impasto.transfer.pastiche  # noqa: F401 (the slow imports, before the first job)
    from impasto.painting.cache import Cache

    send("ready", {})
    shared = {**options, "cache": Cache()}
    while True:
        order = control.next_order()
        try:
            send("end", paint_order(order, shared, control, send))
        except Exception as error:
            send("end", describe_failure(error))


def limit_data(max_memory: int | None) -> None:
    """Let this process have no more memory than the machine has, or than max_memory, where the system can limit it.

    Beyond it, as by a film made for that, painting fails, and neither the machine nor the server comes to a standstill.
    """
    from impasto.system.memory import total_bytes

    if sys.platform != "linux" or (total := total_bytes()) is None:
        return
    import resource

    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (max(total, max_memory or 0), hard))


class Control:
    """What the server asks for: jobs, and while one is painted a wish: pause, stop, close, disk."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[int, Order]] = queue.SimpleQueue()
        self._wishes: dict[int, str] = {}
        self._current = 0

    @property
    def wish(self) -> str:
        """What is asked for the job that is painted, "" where it is nothing."""
        return self._wishes.get(self._current, "")

    def take(self, message: tuple[str, int, Any]) -> None:
        """Take a message of the server: ("paint", turn, order) or ("wish", turn, text); a wish may come first."""
        kind, turn, value = message
        if kind == "wish":
            self._wishes[turn] = value
        else:
            if value["wish"]:
                self._wishes.setdefault(turn, value["wish"])
            self._orders.put((turn, value))

    def next_order(self) -> Order:
        """Wait for the next job."""
        self._wishes.pop(self._current, None)
        self._current, order = self._orders.get()
        return order


def describe_failure(error: Exception) -> dict[str, Any]:
    """Return how a job ended by an error: "failed", or "paused" where the disk is full."""
    if isinstance(error, ImpastoError):
        body = error_body(error)
        message = {"text": body["error"], **{name: body[name] for name in ("hint", "key", "values")}}
        return {"state": "paused" if isinstance(error, DiskError) else "failed", "message": message}
    text = f"painting failed ({type(error).__name__}: {error})."
    message = {"text": text[:500], "hint": "Please report it.", "key": "painting-failed", "values": {}}
    return {"state": "failed", "message": message}


def paint_order(order: Order, options: Mapping[str, Any], control: Control, send: Send) -> dict[str, Any]:
    """Paint a job, or go on with its run; return how it ended: state, outcome, message."""
    from impasto.painting.paint import paint
    from impasto.runs.record import RECORD_NAME, Record

    folder = Path(order["folder"])
    run = folder / "run"
    if order["kind"] == "film":
        from impasto.studio.film import paint_film

        return paint_film(order, options, control, send)
    if (run / RECORD_NAME).is_file() and (finished := Record.read(run).finished) is not None:
        return {"state": "done", "outcome": to_outcome(finished)}
    (folder / KEPT).unlink(missing_ok=True)
    job, recorder = _prepare(order, run, options)
    watcher = Watcher(folder, control, send)
    result = paint(job, recorder, watcher.on_step)
    if result.end == "stopped" and control.wish != "stop":
        if control.wish == "pause":  # it may be stopped later, without a painter
            with suppress(ImpastoError, OSError):
                result.save(folder / KEPT)
                watcher.finish(result.pastiche)
        return {"state": "paused"}
    if result.end == "stopped" and recorder.run is not None:
        recorder.run.finish(result, None)
    finished = Record.read(run).finished
    if finished is None:
        raise DiskError("the finished picture was not written; expected room for it.", "Free some space, then resume.")
    watcher.finish(result.pastiche)
    return {"state": "stopped" if result.end == "stopped" else "done", "outcome": to_outcome(finished)}


def _prepare(order: Order, run: Path, options: Mapping[str, Any]) -> Any:
    from impasto.painting.recorder import start_recorder
    from impasto.runs.record import RECORD_NAME
    from impasto.runs.run import remove_run
    from impasto.transfer.resume import prepare_resume

    if (run / RECORD_NAME).is_file():
        return prepare_resume(run)
    remove_run(run)  # what a server that was killed had begun
    job = prepare_order(order, {**options, "run_dir": run})
    return job, start_recorder(job)


def prepare_order(order: Order, options: Mapping[str, Any]) -> Any:
    """Return the library's job of an order. options: of `RunOptions`. Raises what `stylize` raises."""
    from impasto.painting.inputs import read_inputs
    from impasto.painting.job import prepare
    from impasto.painting.options import RunOptions
    from impasto.recipe.recipe import Recipe
    from impasto.transfer.instant import paint_start
    from impasto.transfer.pastiche import check_pastiche
    from impasto.transfer.texture import check_texture, prepare_sampled

    recipe, run_options = Recipe.from_dict(order["recipe"]), RunOptions(**options)
    pictures: dict[str, Any] = {name: order.get(name) for name in ("fine_style", "only", "protect", "init")}
    if order["kind"] == "texture":
        check_texture(recipe)
        inputs = read_inputs(recipe, run_options, style_images=order["styles"], init=pictures["init"])
        return prepare_sampled(recipe, inputs, run_options)
    check_pastiche(recipe)
    parts = [mask or _whole(order["styles"][number]) for number, mask in enumerate(order["style_masks"])]
    masks = {"content_masks": order["content_masks"], "style_masks": parts}
    inputs = read_inputs(recipe, run_options, order["content"], order["styles"], **masks, **pictures)
    return paint_start(prepare(recipe, inputs, run_options))


def _whole(style: str) -> Any:
    """Return a white mask of a painting's size, a PIL picture."""
    from PIL import Image

    with Image.open(style) as painting:
        return Image.new("L", painting.size, 255)


def to_outcome(finished: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a finished run."""
    size = finished["size"]
    return {
        "width": size["width"],
        "height": size["height"],
        "step": finished["steps"],
        "steps": finished["steps"],
        "seconds": finished.get("seconds"),
        "losses": finished["losses"],
        "end": finished.get("end"),
    }


class Watcher:
    """Sends what happens at each step, and writes live previews and the frames of the evolution."""

    def __init__(self, folder: Path, control: Control, send: Send) -> None:
        from impasto.cost.pace import Pace

        self._folder, self._control, self._send = folder, control, send
        self._pace = Pace()
        self._previews, self._preview_s = 0, -math.inf

    def on_step(self, event: Any) -> str | None:
        """Report the step; return "stop" where the server wants it."""
        self._pace.on_step(event)
        is_frame = self._is_frame(event)
        now = time.monotonic()
        if is_frame or self._previews < FIRST_PREVIEWS or now - self._preview_s >= PREVIEW_S:
            self._preview_s = now
            self._write_preview(event, is_frame)
        scales = [*dict.fromkeys(scale for scale, _ in event.plan)] or [event.scale]
        values = {"step": event.step, "steps": event.steps, "scale": event.scale, "scales": scales}
        values |= {"height": event.size[0], "width": event.size[1], "seconds_left": self._pace.left_s}
        values |= {"losses": {name: loss for name, loss in event.losses.items() if math.isfinite(loss)}}
        self._send("step", {**values, "share": self._pace.share, "previews": self._previews})
        return "stop" if self._control.wish else None

    def finish(self, pastiche: Any) -> None:
        """Write the thumbnail and the evolution of the finished picture; a full disk costs these alone."""
        from impasto.images.formats.animation import to_frame, write_animation
        from impasto.images.io import read_image

        with suppress(ImpastoError, OSError):
            self._write(pastiche, "thumbnail.jpg", 256)
            frames = [to_frame(read_image(path)) for path in sorted((self._folder / "frames").glob("*.jpg"))]
            write_animation([*frames, to_frame(pastiche)], self._folder / "evolution.webp")

    def _is_frame(self, event: Any) -> bool:
        """Whether it is one of the evolution's: step s lies at sqrt(s / steps) of it."""
        frame, before = (math.floor(FRAMES * math.sqrt(step / event.steps)) for step in (event.step, event.step - 1))
        return frame > before

    def _write_preview(self, event: Any, is_frame: bool) -> None:
        image = event.pastiche
        with suppress(ImpastoError, OSError):
            self._write(image, "preview.jpg", PREVIEW_EDGE)
            self._previews += 1
            if is_frame:
                (self._folder / "frames").mkdir(exist_ok=True)
                self._write(image, f"frames/{event.step:06d}.jpg", 512)

    def _write(self, image: Any, name: str, edge: int) -> None:
        from impasto.images.io import write_image
        from impasto.images.resize import fit_long_edge, resize_image

        height, width = image.shape[-2:]
        size = fit_long_edge(height, width, min(edge, max(height, width)))
        write_image(resize_image(image, size), self._folder / name)

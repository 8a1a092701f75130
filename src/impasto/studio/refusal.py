"""A refusal: the error of a request, with its HTTP status and a key by which the page translates it."""

from collections.abc import Mapping
from typing import Any

from impasto.errors import DiskError, ImpastoError
from impasto.recipe.recipe import field_names


class Refusal(ImpastoError):
    """A request that is refused. status: HTTP. key: of the message. field: of the request that is wrong."""

    def __init__(
        self,
        error: str,
        hint: str,
        *,
        status: int = 422,
        key: str = "",
        field: str | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(error, hint)
        self.status, self.key, self.field, self.values = status, key, field, dict(values or {})


def error_body(error: ImpastoError) -> dict[str, Any]:
    """Return the JSON of the answer."""
    body: dict[str, Any] = {"error": error.error, "hint": error.hint, "key": type(error).__name__}
    word = error.error.partition(" ")[0]  # messages about a field of the recipe begin with its name
    body |= {"field": word if word in field_names() else None, "values": {}}
    if isinstance(error, Refusal):
        body |= {"key": error.key, "field": error.field, "values": error.values}
    return body


def error_status(error: ImpastoError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, Refusal):
        return error.status
    return 507 if isinstance(error, DiskError) else 422 if error.exit_code == 2 else 500

"""The bodies of requests, as the API's description has them. What they say is checked where it is used."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""The id of a job."""


class Body(BaseModel):
    """A body without unknown fields."""

    model_config = ConfigDict(extra="forbid")


class FilmRequest(Body):
    """How a film is painted."""

    method: str = Field("instant", description='"instant", "optimize", or a style of /api/status')
    start_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    duration_s: float | None = Field(None, gt=0, allow_inf_nan=False, description="null: to its end")
    morph: bool = Field(False, description="from the first painting through all to the last")


class JobRequest(Body):
    """A picture to paint. Pictures are ids of uploads or samples."""

    kind: Literal["stylize", "texture", "film"] = "stylize"
    content: str | None = Field(None, description="the photograph, or a still of the film; none for a texture")
    styles: list[str] = Field(default_factory=list, description="one or more paintings")
    preset: str | None = None
    recipe: dict[str, Any] = Field(default_factory=dict, description="fields beside the preset's, see /api/recipe")
    only: str | None = Field(None, description="a mask, outside which the photograph stays")
    protect: str | None = Field(None, description='a mask in which structure stays, or "faces"')
    content_masks: list[str] = Field(default_factory=list)
    style_masks: list[str | None] = Field(default_factory=list, description="null for a whole painting")
    fine_style: str | None = None
    film: FilmRequest | None = None
    name: str | None = None


class SweepRequest(JobRequest):
    """Several pictures that differ in one field."""

    field: str
    values: list[Any]


class AgainRequest(Body):
    """Changes of a job that is painted again; what is left out stays."""

    content: str | None = None
    styles: list[str] | None = None
    preset: str | None = None
    recipe: dict[str, Any] | None = Field(None, description="changes; null sets a field to the preset's value")
    only: str | None = None
    protect: str | None = None
    content_masks: list[str] | None = None
    style_masks: list[str | None] | None = None
    fine_style: str | None = None
    film: FilmRequest | None = None
    name: str | None = None


class InstantRequest(Body):
    """An instant picture."""

    content: str
    styles: list[str] = Field(
        default_factory=list, max_length=8, description="one or more paintings; none with a network"
    )
    style_blend: list[float] | None = None
    strength: float | None = None
    style_scale: float | None = Field(None, ge=0.1, le=10, allow_inf_nan=False)
    color: str | None = None
    recolor: float | None = None
    placement: float | None = None
    size: int | None = None
    network: str | None = Field(None, description="a style of /api/status, instead of paintings")


class QueueRequest(Body):
    """The order of the waiting jobs."""

    order: list[Id]


class DeleteRequest(Body):
    """Jobs to delete: these, or all."""

    ids: list[Id] = Field(default_factory=list)
    all: bool = False


class StillRequest(Body):
    """A time of a film."""

    time_s: float = Field(ge=0, allow_inf_nan=False)


class CropRequest(Body):
    """A part of a picture, in its pixels."""

    left: int
    top: int
    width: int
    height: int


class NameRequest(Body):
    """A job's new name."""

    name: str = Field(max_length=200)

"""A page of figures with captions and loss curves: one HTML file beside its pictures."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.runs.curves import Plot, draw_plots

_STYLE = """
body { font: 17px/1.55 Georgia, serif; color: #222; max-width: 60rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 3rem; }
img { max-width: 100%; height: auto; } figure { margin: 0; } figcaption { color: #444; max-width: 44rem; }
svg { max-width: 100%; height: auto; } details { margin-top: 1rem; }
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A heading, a picture beside the page, a caption, and the values of losses, one a step, by name."""

    heading: str
    picture: str
    caption: str
    curves: Mapping[str, Sequence[float]]


def write_page(path: Path, title: str, figures: Sequence[Figure]) -> Path:
    """Write the page and return its path."""
    body = "".join(_figure(figure) for figure in figures)
    path.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>\n",
        "utf-8",
    )
    return path


def _figure(figure: Figure) -> str:
    curves = {name: list(enumerate(values, 1)) for name, values in figure.curves.items()}
    losses = Plot(title=f"Losses of {figure.heading}", curves=curves)
    return (
        f"<h2>{html.escape(figure.heading)}</h2><figure>"
        f'<a href="{html.escape(figure.picture)}"><img src="{html.escape(figure.picture)}" '
        f'alt="{html.escape(figure.heading)}"></a>'
        f"<figcaption><p>{html.escape(figure.caption)}</p></figcaption></figure>"
        f"<details open><summary>Losses by step</summary>{draw_plots(losses)}</details>"
    )

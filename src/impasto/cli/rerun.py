"""`impasto rerun`: a picture painted again from the recipe inside it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import Delivery, Output, default_name
from impasto.cli.estimate import report_estimate
from impasto.cli.options import ContentMasks, FineStyle, Only, PaintingOptions, Protect, StyleMasks, takes_changes
from impasto.cli.progress import show_steps
from impasto.cli.signatures import takes_options

NOUNS = {"texture": "texture", "reconstruct": "reconstruction"}
"""Kinds of jobs in the names of their pictures."""

Picture = Annotated[
    Path, typer.Argument(metavar="PICTURE", help="a picture painted by impasto", show_default=False)
]
Content = Annotated[
    Path | None, typer.Option("--content", metavar="FILE", help="another photograph", show_default=False)
]
Styles = Annotated[
    list[Path] | None,
    typer.Option("--style", metavar="FILE", help="another painting; repeat it for several", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", metavar="", help="accept inputs that have changed since")]


@takes_options
@takes_changes
def rerun(
    context: typer.Context,
    picture: Picture,
    changes: dict[str, Any],
    output: Output = None,
    content: Content = None,
    style: Styles = None,
    fine_style: FineStyle = None,
    content_mask: ContentMasks = None,
    style_mask: StyleMasks = None,
    only: Only = None,
    protect: Protect = None,
    force: Force = False,
    *,
    options: PaintingOptions,
) -> None:
    """Paint a picture again from the recipe inside it.

    impasto rerun pastiche.png --content other.jpg
    impasto rerun draft.png -o large.png --size 2048

    Its inputs are searched by name and SHA-256 in this folder, beside PICTURE, and where its run
    found them. Recipe options replace fields of the recipe. If nothing is
    replaced, OUT has the same bytes. A PICTURE painted with --strip does not name its inputs: give
    each of them; whether they are the same cannot be checked.
    """
    from impasto.transfer.rerun import prepare_rerun

    masks = {"content_masks": content_mask or (), "style_masks": style_mask or (), "only": only, "protect": protect}
    others: Any = {**masks, "fine_style": fine_style}
    with show_steps(quiet=options.quiet):
        job = prepare_rerun(
            picture, content=content, styles=style or [], force=force, **changes, **others, **options.keywords()
        )
    pictures = [each.name or role for role, each in job.inputs.by_role() if role in ("content", "style")]
    named = pictures if job.kind == "stylize" else [*pictures, NOUNS[job.kind]]
    delivery = Delivery(output, job.inputs.paths, job.recipe, options, default=default_name(named))
    estimate = report_estimate(job, options, dry_run=options.dry_run)
    delivery.paint(job, context.obj, options, estimate=estimate)

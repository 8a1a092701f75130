"""`impasto rerun`: a picture of ours painted again, from the recipe inside it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import Delivery, EvolutionOptions, Output, paint_and_deliver
from impasto.cli.estimate import DryRun, tell_estimate
from impasto.cli.options import Report, RunMachine, takes_changes
from impasto.cli.signatures import takes_options


@takes_options
@takes_changes
def rerun(
    context: typer.Context,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="painted by impasto", show_default=False)],
    output: Output,
    changes: dict[str, Any],
    content: Annotated[
        Path | None, typer.Option("--content", metavar="FILE", help="another photograph", show_default=False)
    ] = None,
    style: Annotated[
        list[Path] | None,
        typer.Option("--style", metavar="FILE", help="another painting; repeated, for several", show_default=False),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="take an input of the right name, even if it has changed")
    ] = False,
    *,
    evolution: EvolutionOptions,
    machine: RunMachine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Paint a picture of ours again, from the recipe inside it; with nothing replaced, to the byte.

    impasto rerun pastiche.png -o again.png --content other.jpg

    Its inputs are looked for by name and SHA-256 here, beside it, and where a run had them.
    Every recipe option replaces what the recipe says.
    """
    from impasto.transfer.rerun import prepare_rerun

    painting = prepare_rerun(
        picture, content=content, styles=style or [], changes=changes, force=force, **machine.how()
    )
    delivery = Delivery(output, painting.inputs.paths, painting.recipe, evolution)
    tell_estimate(painting, dry_run=dry_run, report=report)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, report)

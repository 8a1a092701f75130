"""`impasto resume`: a run that was stopped, gone on with exactly."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Delivery, EvolutionOptions, paint_and_deliver
from impasto.cli.options import Report
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe


@takes_options
def resume(
    context: typer.Context,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="its folder, or its name in `impasto runs list`", show_default=False),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="the picture, elsewhere than first said")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="go on even if an input has changed since")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="another device than the run's; then not exact", rich_help_panel="Machine"),
    ] = None,
    *,
    report: Report,
) -> None:
    """Go on with a run that was stopped or killed: the picture is the same as if it had not been.

    impasto resume 20261121-101505-photo

    It goes on from the last checkpoint, some seconds before the end, with the tiles, precision and threads that it
    began with.
    """
    from impasto.runs.places import find_run
    from impasto.runs.record import Record
    from impasto.transfer.resume import describe_end, prepare_resume

    folder = find_run(run)
    record = Record.read(folder)
    if record.finished is not None:
        if report.json:
            print_json({**record.finished, "run_dir": str(folder)})
        else:
            print_line(f"run {folder.name} is finished: {describe_end(folder, record)}")
        return
    known, files = record.delivery, record.files.values()
    places = {name: Path(known[name]) if known.get(name) else None for name in ("snapshot_dir", "animation")}
    delivery = Delivery(
        output or Path(record.output or folder / "result.png"),
        [*(Path(each.path) for each in record.sources if each.path), *(Path(each["path"]) for each in files)],
        Recipe(depth=record.recipe.get("depth")),  # its files are among those above, wherever they are now
        EvolutionOptions(snapshot_every=known.get("snapshot_every"), **places),
    )
    painting = prepare_resume(folder, force=force, device=device)
    assert painting.keeping.run is not None
    painting.keeping.run.deliver_to(delivery.options)
    if not report.quiet:
        print_line(f"going on after step {painting.keeping.step} of {painting.plan.steps}", file=sys.stderr)
    paint_and_deliver(painting, delivery, context.obj, report)

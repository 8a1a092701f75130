"""`impasto resume`: the rest of a run that was stopped."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Delivery
from impasto.cli.options import Evolution, Report
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cli.runs import StoppedName
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="OUT", help="the picture; default: the OUT of the run")
]
Force = Annotated[
    bool, typer.Option("--force", metavar="", help="resume even if an input has changed since")
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="another device than before; the result may then differ", rich_help_panel="Machine"
    ),
]


@takes_options
def resume(
    context: typer.Context,
    run: StoppedName = None,
    output: Output = None,
    force: Force = False,
    device: Device = None,
    *,
    report: Report,
) -> None:
    """Finish a picture that was stopped.

    impasto resume
    impasto resume pastiche.png

    It resumes from the last checkpoint, some seconds before the stop, with the same tiles, precision
    and threads. On a CPU the picture is the same, byte by byte, as without the stop.
    """
    from impasto.runs.folders import find_run
    from impasto.runs.record import Record
    from impasto.runs.summary import find_stopped
    from impasto.transfer.resume import describe_end, prepare_resume

    folder = find_run(run) if run is not None else find_stopped()
    record = Record.read(folder)
    if record.finished is not None:
        if report.json:
            print_json({**record.finished, "run_dir": str(folder)})
        else:
            print_line(f"run {folder.name} is finished: {describe_end(folder, record)}")
        return
    known = record.delivery
    places = {name: Path(known[name]) if known.get(name) else None for name in ("snapshot_dir", "animation")}
    place = Path(record.output or folder / "result.png")
    delivery = Delivery(
        output if output is not None or known.get("is_default") else place,
        record.paths,
        Recipe(depth=record.recipe.get("depth")),  # its files are among the inputs above
        Evolution(snapshot_every=known.get("snapshot_every"), **places),
        default=place,
    )
    with show_steps(quiet=report.quiet):
        job, recorder = prepare_resume(folder, force=force, device=device)
    assert recorder.run is not None
    recorder.run.deliver_to(delivery.record)
    if not report.quiet:
        if run is None:
            print_line(f"resuming {folder.name}; `impasto runs list` lists all runs", file=sys.stderr)
        print_line(f"resuming after step {recorder.step} of {job.plan.steps}", file=sys.stderr)
    delivery.paint(job, context.obj, report, recorder)

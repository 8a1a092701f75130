"""`impasto demo`: see it work, offline."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import describe_result
from impasto.cli.estimate import report_estimate
from impasto.cli.options import (
    Devices,
    MaxMemory,
    PrecisionOption,
    Report,
    Threads,
    complete,
    read_memory,
)
from impasto.cli.progress import show_steps
from impasto.cli.report import STOPPED, print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe, parse_field

EXPLANATION = (
    "Why it looks so: the pastiche began as the photograph, and its pixels were changed until a network trained to "
    "recognize things saw two things in it at once.",
    "Its deep layer still answers as it does to the photograph, so the shapes stay where they were; and in all its "
    "layers the same answers occur together as for the painting, so colors and strokes are the painting's.",
    "evolution.webp shows it happen, the coarse picture first, then the finer ones.",
)


@takes_options
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="folder for the pictures")
    ] = Path("impasto-demo"),
    picture: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="photograph: chelsea (a cat), coffee, rocket or astronaut",
            autocompletion=complete(("chelsea", "coffee", "rocket", "astronaut")),
        ),
    ] = "chelsea",
    size: Annotated[str, typer.Option(metavar="N", help="long edge of the pastiche in pixels")] = "384",
    steps: Annotated[
        str | None, typer.Option(metavar="N", help="optimizer updates; default: the preset's")
    ] = None,
    weights: Annotated[str, typer.Option(metavar="NAME|FILE", help="network weights")] = "oxford",
    device: Devices = "auto",
    threads: Threads = None,
    precision: PrecisionOption = "auto",
    max_memory: MaxMemory = None,
    *,
    report: Report,
) -> None:
    """Paint an example, offline, to see that it works.

    Writes content, style, pastiche, all three side by side, and an animation.
    """
    texts = {"size": size, "steps": steps, "weights": weights}
    recipe = Recipe().replace(**{name: parse_field(name, text) for name, text in texts.items() if text is not None})

    from impasto.experiments.demo import prepare_demo, write_demo
    from impasto.painting.paint import paint
    from impasto.runs.evolution import Evolution
    from impasto.transfer.pastiche import prepare_pastiche

    prepared = prepare_demo(output, picture)
    evolution = Evolution(animate=True)
    with show_steps(quiet=report.quiet):
        job = prepare_pastiche(
            prepared.content,
            prepared.style,
            recipe,
            device=device,
            threads=threads,
            precision=precision,
            max_memory=read_memory(max_memory),
        )
    estimate = report_estimate(job, report)
    with show_steps(quiet=report.quiet, estimate=estimate) as progress:
        result = paint(job, on_step=context.obj.on_step(progress.on_step, evolution.on_step))
    context.obj.start_saving()
    files = write_demo(prepared, result, evolution)
    pastiche = output / "pastiche.png"
    if report.json:
        print_json({"output": str(pastiche), **result.to_dict(), "files": [str(path) for path in files]})
    else:
        print_line(describe_result(result, pastiche, result.seconds))
        for line in (f"Pictures in {output.resolve()}: {', '.join(path.name for path in files)}", *EXPLANATION):
            print_line(line)
    raise typer.Exit(STOPPED if context.obj.stop_requested else 0)

"""`impasto train`: a network that paints in the styles of some paintings, from photographs."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.backbone import Workers
from impasto.cli.estimate import describe_gib
from impasto.cli.options import PANELS, STYLIZE_FIELDS, Device, PrecisionOption, Report, Threads, takes_recipe
from impasto.cli.progress import show_progress
from impasto.cli.report import describe_losses, print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.cost.pace import describe_seconds
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.fast.plan import TrainingEstimate
    from impasto.fast.recipe import TrainingRecipe
    from impasto.fast.train import PainterEvent

Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="paintings, each a style", show_default=False)]
Photos = Annotated[str, typer.Option(metavar="DIR", help="photographs: a folder, or a pattern in quotes")]
ModelOutput = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="the network: a .safetensors")]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="name of a style, one a STYLE; default: that of its file"),
]
AddTo = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL", help="a trained network that gets these styles too: only their own parameters are trained"
    ),
]

_PANEL = "Training"
Steps = Annotated[int, typer.Option(min=1, metavar="N", help="updates of the network", rich_help_panel=_PANEL)]
WarmUp = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="the first updates, by which only the photograph in the style's colors is learned, in less time each",
        rich_help_panel=_PANEL,
    ),
]
Crop = Annotated[
    int, typer.Option(metavar="N", help="edge of the windows of the photographs, in pixels", rich_help_panel=_PANEL)
]
BatchSize = Annotated[int, typer.Option(metavar="N", help="windows a step, of all processes", rich_help_panel=_PANEL)]
Width = Annotated[
    int, typer.Option(metavar="N", help="channels of the network at full size", rich_help_panel=_PANEL)
]
Blocks = Annotated[int, typer.Option(metavar="N", help="residual blocks of the network", rich_help_panel=_PANEL)]
Init = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="network at the start: random, or instant, that of `impasto instant` for these paintings",
        rich_help_panel=_PANEL,
    ),
]
Rate = Annotated[
    float, typer.Option(metavar="NUMBER", help="learning rate at the start; falls to 0", rich_help_panel=_PANEL)
]
TemporalWeight = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="NUMBER",
        help="weight of what differs between two pictures of a photograph that moves; lowers flicker in films; try 10",
        rich_help_panel=_PANEL,
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="N", help="seed of weights, order and windows", rich_help_panel=_PANEL)
]
CheckpointEvery = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="between checkpoints", rich_help_panel="Machine")
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="folder of checkpoint, losses and samples; default: OUT's name and _run",
        rich_help_panel="Machine",
    ),
]

DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        metavar="",
        help="check everything, report time and memory by two steps, and train nothing",
        rich_help_panel="Report",
    ),
]

WITHOUT = (
    *STYLIZE_FIELDS,
    *("style_blend", "init", "seed", "strip", "depth", "dpi", "keep_profile"),
    *PANELS["Optimization"],
)
"""Recipe fields that mean nothing to a training, or something else."""


@takes_options
@takes_recipe("network", without=WITHOUT)
def train(
    context: typer.Context,
    style_images: Styles,
    photos: Photos,
    output: ModelOutput,
    recipe: Recipe,
    name: Names = None,
    add_to: AddTo = None,
    steps: Steps = 2000,
    warm_up: WarmUp = 0,
    crop: Crop = 256,
    batch_size: BatchSize = 4,
    width: Width = 16,
    blocks: Blocks = 5,
    init: Init = "random",
    learning_rate: Rate = 2e-3,
    temporal_weight: TemporalWeight = 0.0,
    seed: Seed = 0,
    run_dir: RunDir = None,
    precision: PrecisionOption = "auto",
    device: Device = "auto",
    threads: Threads = None,
    workers: Workers = None,
    checkpoint_every: CheckpointEvery = 60.0,
    dry_run: DryRun = False,
    *,
    report: Report,
) -> None:
    """Train a network that paints in the styles of paintings, for `impasto apply`.

    impasto train starry_night.jpg --photos photos -o starry.safetensors
    impasto train scream.jpg --photos photos --add-to starry.safetensors -o both.safetensors

    Run again with the same options, it resumes where it was stopped or killed, to the same network.
    Several devices: torchrun --nproc-per-node 2 -m impasto train ...
    """
    from impasto.fast.recipe import TrainingRecipe
    from impasto.fast.train import estimate_training, train_painter
    from impasto.training.peers import is_first_process

    training = TrainingRecipe(
        look=recipe,
        crop=crop,
        steps=steps,
        warm_up=warm_up,
        batch_size=batch_size,
        width=width,
        blocks=blocks,
        init=init,
        learning_rate=learning_rate,
        temporal_weight=temporal_weight,
        precision=precision,
        seed=seed,
    )
    if dry_run:
        estimate = estimate_training(
            *(style_images, photos, output, training),
            names=name or (),
            add_to=add_to,
            run_dir=run_dir,
            device=device,
            threads=threads,
        )
        if report.json:
            values = dataclasses.asdict(estimate)
            print_json({**values, "recipe": training.to_dict()})
        else:
            print_line(_describe(estimate, training))
        return
    with show_progress(quiet=report.quiet or not is_first_process()) as progress:

        def tell(estimate: "TrainingEstimate") -> None:
            progress.print(_describe(estimate, training))

        def show(event: "PainterEvent") -> None:
            left = describe_seconds(event.seconds / event.step * (event.steps - event.step))
            progress.update("training", event.step, event.steps, f"loss {event.losses['total']:.3g}, {left} left")

        trained = train_painter(
            style_images,
            photos,
            output,
            training,
            names=name or (),
            add_to=add_to,
            run_dir=run_dir,
            device=device,
            threads=threads,
            workers=workers,
            checkpoint_every_s=checkpoint_every,
            on_event=context.obj.on_step(show),
            on_estimate=None if report.quiet else tell,
        )
    if not is_first_process():
        return
    if report.json:
        print_json(
            {
                "output": str(trained.path),
                "run_dir": str(trained.run_dir),
                "steps": trained.steps,
                "seconds": round(trained.seconds, 3),
                "losses": dict(trained.losses),
                "precision": trained.precision,
                "photos": trained.photos,
                "broken": [{"path": path, "reason": reason} for path, reason in trained.broken.items()],
                "recipe": training.to_dict(),
            }
        )
        return
    skipped = f", {len(trained.broken)} of them skipped" if trained.broken else ""
    print_line(
        f"{trained.path}: loss {describe_losses(trained.losses)}; {trained.steps} steps, "
        f"{describe_seconds(trained.seconds)}; {trained.photos} photographs{skipped}; samples in {trained.run_dir}"
    )


def _describe(estimate: "TrainingEstimate", training: "TrainingRecipe") -> str:
    """Return the estimate in one line: `2000 steps of 4 windows: about 1 h 40 min, needs 1.9 GiB`."""
    return (
        f"{estimate.steps} steps of {training.batch_size} windows: about {describe_seconds(estimate.seconds)}, needs "
        f"{describe_gib(estimate.peak_bytes)}"
    )

"""`impasto backbone`: train a VGG, from pictures to weights, and evaluate it."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from impasto.cli.options import Debug, Device, Json, Quiet, Threads
from impasto.cli.progress import show_progress
from impasto.cli.report import print_json, print_line
from impasto.cost.pace import describe_seconds

if TYPE_CHECKING:
    from impasto.backbone.train import TrainingEvent

backbone = typer.Typer(name="backbone", add_completion=False, rich_markup_mode="rich")

Workers = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="processes that read pictures ahead", rich_help_panel="Machine")
]
NAMED = 10
"""Broken pictures that are named; the others are counted."""


@backbone.callback()
def describe() -> None:
    """Train, test, convert and compare networks (VGG) of your own.

    impasto backbone prepare pictures -o data, then impasto backbone train data -o run, then --weights
    run/backbone.safetensors.
    """


@backbone.command()
def prepare(
    context: typer.Context,
    images: Annotated[
        Path,
        typer.Argument(metavar="IMAGES", help="a folder of class folders, or a list: path,class", show_default=False),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DATA", help="the folder of the data set")],
    size: Annotated[int, typer.Option(metavar="N", help="edge of the stored squares, in pixels")] = 256,
    store: Annotated[
        str, typer.Option(metavar="NAME", help="jpeg (quality 95), or raw: exact, larger, faster to read")
    ] = "jpeg",
    validation: Annotated[float, typer.Option(metavar="SHARE", help="share of each class that is held out")] = 0.1,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Prepare a data set for training: pictures resized to squares in an LMDB.

    impasto backbone prepare pictures -o data

    A list has a path, a tab or a comma, and a class a line. Run again, it resumes where it was stopped.
    """
    from impasto.backbone import prepare as stage
    from impasto.errors import RecipeError

    if store not in ("jpeg", "raw"):
        raise RecipeError(f"store is {store!r}; expected jpeg or raw.", "Leave --store out for jpeg.")
    kind: Literal["jpeg", "raw"] = "raw" if store == "raw" else "jpeg"
    start_s = time.monotonic()
    with show_progress(quiet=quiet) as progress:
        show = context.obj.on_step(
            lambda counts: progress.update("pictures", counts[0], counts[1], f"{counts[2]} broken")
        )
        made = stage.prepare(
            images,
            output,
            size=size,
            kind=kind,
            validation=validation,
            workers=threads,
            on_progress=lambda *counts: show(counts),
        )
    about = made.about
    values = {
        "output": str(output),
        "classes": list(about.classes),
        "pictures": made.pictures,
        "train": len(about.train),
        "validation": len(about.validation),
        "broken": [{"path": name, "reason": reason} for name, reason in made.broken],
        "mean": list(about.mean),
        "std": list(about.std),
        "seconds": round(time.monotonic() - start_s, 3),
    }
    if json:
        print_json(values)
        return
    for name, reason in made.broken[:NAMED]:
        print_line(f"broken: {name}: {reason}", file=sys.stderr)
    if len(made.broken) > NAMED:
        print_line(f"broken: {len(made.broken) - NAMED} more; --json names all", file=sys.stderr)
    print_line(
        f"{output}: {len(about.train)} pictures to train on, {len(about.validation)} held out, {len(made.broken)} "
        f"broken; {len(about.classes)} classes"
    )


@backbone.command()
def train(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="made by prepare", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="the folder of the run")],
    preset: Annotated[str, typer.Option(metavar="NAME", help="report-2015 or modern", show_default=True)] = "modern",
    arch: Annotated[str | None, typer.Option(metavar="NAME", help="vgg11, vgg13, vgg16 or vgg19, the default")] = None,
    width: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="factor of all layers' channels; 1: VGG's own")
    ] = None,
    batch_norm: Annotated[
        bool | None, typer.Option("--batch-norm", metavar="", help="normalize; merged into the weights at the end")
    ] = None,
    crop: Annotated[int | None, typer.Option(metavar="N", help="edge of the input, in pixels")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="passes over all pictures")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="pictures a step, of all processes")] = None,
    learning_rate: Annotated[float | None, typer.Option(metavar="NUMBER", help="highest learning rate")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="seed of weights, order and augmentation")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="NAME", help="auto, float32 or bfloat16", rich_help_panel="Machine")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    workers: Workers = None,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="between checkpoints", rich_help_panel="Machine")
    ] = 60.0,
    license: Annotated[
        str | None, typer.Option(metavar="TEXT", help="license to write into the weights", rich_help_panel="Report")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a VGG on a prepared data set; writes RUN/backbone.safetensors for --weights.

    impasto backbone train data -o run --arch vgg16 --width 0.25 --batch-norm

    Run again with the same options, it resumes where it was stopped or killed, to the same weights.
    Several devices: torchrun --nproc-per-node 2 -m impasto backbone train ...
    """
    from impasto.backbone import train as stage
    from impasto.backbone.export import LICENSE
    from impasto.backbone.recipes import TrainingRecipe
    from impasto.training.peers import is_first_process

    changes = {
        "arch": arch,
        "width": width,
        "batch_norm": batch_norm,
        "crop": crop,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "precision": precision,
    }
    recipe = TrainingRecipe.named(preset, changes)
    with show_progress(quiet=quiet or not is_first_process()) as progress:

        def show(event: "TrainingEvent") -> None:
            top_1 = "" if event.top_1 is None else f", top-1 {event.top_1:.1%}"
            left = describe_seconds(event.seconds / event.step * (event.steps - event.step))
            note = f"epoch {event.epoch}/{event.epochs}, loss {event.loss:.3f}{top_1}, {left} left"
            progress.update("training", event.step, event.steps, note)

        trained = stage.train(
            data,
            output,
            recipe,
            device=device,
            threads=threads,
            workers=workers,
            checkpoint_every_s=checkpoint_every,
            license=LICENSE if license is None else license,
            on_event=context.obj.on_step(show),
        )
    if not is_first_process():
        return
    if json:
        print_json(
            {
                "output": str(trained.path),
                "top_1": trained.top_1,
                "top_5": trained.top_5,
                "steps": trained.steps,
                "seconds": round(trained.seconds, 3),
                "precision": trained.precision,
                "recipe": recipe.to_dict(),
            }
        )
    else:
        print_line(
            f"{trained.path}: top-1 {trained.top_1:.1%}, top-5 {trained.top_5:.1%} of held-out pictures; "
            f"{trained.steps} steps, {describe_seconds(trained.seconds)}"
        )


@backbone.command()
def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|FILE", help="a run's folder, or its .safetensors", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="made by prepare", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PNG", help="picture of which class is taken for which")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Evaluate a trained network on the held-out pictures: top-1, top-5, and a picture of its mistakes.

    impasto backbone evaluate run data
    """
    from impasto.backbone import evaluate as stage
    from impasto.backbone.confusion import draw_confusion
    from impasto.backbone.export import BACKBONE, read_backbone
    from impasto.errors import OutputError
    from impasto.images.io import check_output

    file = run / BACKBONE if run.is_dir() else run
    picture = output if output is not None else file.with_name("confusion.png")
    if picture.suffix.lower() != ".png":
        raise OutputError(f"output is {str(picture)!r}; expected a .png.", f"Give -o {picture.with_suffix('.png')}")
    trained = read_backbone(file)
    check_output(picture, inputs=[file])
    evaluation = stage.evaluate(trained, data, device=device, threads=threads, workers=workers)
    draw_confusion(evaluation.confusion, trained.record.classes, picture)
    mistakes = stage.most_confused(evaluation, trained.record.classes)
    if json:
        values: dict[str, Any] = {
            "output": str(picture),
            "top_1": evaluation.top_1_share,
            "top_5": evaluation.top_5_share,
            "loss": evaluation.loss,
            "pictures": evaluation.pictures,
            "classes": list(trained.record.classes),
            "confusion": evaluation.confusion.tolist(),
        }
        print_json(values)
        return
    print_line(
        f"top-1 {evaluation.top_1_share:.1%}, top-5 {evaluation.top_5_share:.1%} "
        f"of {evaluation.pictures} pictures held out"
    )
    for true, predicted, count in mistakes:
        print_line(f"  {true} taken for {predicted}: {count}")
    print_line(f"{picture}: a row a true class, a column a predicted one")

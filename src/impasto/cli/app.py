"""The command line: all commands, and the handling of errors, warnings, signals and exit codes."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from impasto import __version__
from impasto.cli.apply import apply
from impasto.cli.backbone import backbone
from impasto.cli.backbone_compare import compare_backbones
from impasto.cli.backbone_convert import convert
from impasto.cli.batch import batch, fill_ray
from impasto.cli.compare import compare
from impasto.cli.demo import demo
from impasto.cli.doctor import doctor
from impasto.cli.export import export
from impasto.cli.help import Command
from impasto.cli.instant import instant
from impasto.cli.interrupt import Interrupt
from impasto.cli.paper import paper
from impasto.cli.recipe import recipe
from impasto.cli.reconstruct import reconstruct
from impasto.cli.report import print_line, report_error, warnings_as_lines
from impasto.cli.rerun import rerun
from impasto.cli.resume import resume
from impasto.cli.runs import runs
from impasto.cli.studio import studio
from impasto.cli.styles import styles
from impasto.cli.stylize import stylize
from impasto.cli.sweep import sweep
from impasto.cli.texture import texture
from impasto.cli.train import train
from impasto.cli.video import video
from impasto.cli.weights import weights
from impasto.cli.words import read_words
from impasto.system.process import settle_process

PANELS = {
    "Pictures": (
        *("stylize", "instant", "apply", "styles", "video", "batch", "resume", "rerun", "runs", "recipe", "studio"),
    ),
    "More": ("demo", "texture", "train", "export", "doctor"),
    "Research": ("sweep", "compare", "reconstruct", "paper", "weights", "backbone"),
}
"""The commands by their panel in the help, in the order shown."""


class _Group(TyperGroup):
    """All commands, in the order of their panels."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for names in PANELS.values() for name in names]


app = typer.Typer(
    name="impasto",
    cls=_Group,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _panel(name: str) -> str:
    return next(panel for panel, names in PANELS.items() if name in names)


for command in (
    *(stylize, instant, apply, styles, train, export, texture, reconstruct, sweep, paper, compare),
    *(video, batch, resume, rerun, demo, doctor, weights, studio),
):
    app.command(cls=Command, rich_help_panel=_panel(command.__name__))(command)
app.add_typer(recipe, rich_help_panel=_panel("recipe"))
app.add_typer(backbone, rich_help_panel=_panel("backbone"))
backbone.command()(convert)
backbone.command("compare", cls=Command)(compare_backbones)
app.add_typer(runs, rich_help_panel=_panel("runs"))


def _print_version(is_given: bool) -> None:
    if is_given:
        print_line(f"impasto {__version__}")
        raise typer.Exit


@app.callback()
def impasto(
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Repaint a photograph in the style of a painting (neural style transfer).

    Try: impasto demo, then impasto stylize photo.jpg painting.jpg -o picture.png
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default that of this process, and return its exit code."""
    settle_process()
    group: Any = typer.main.get_command(app)
    if "_IMPASTO_COMPLETE" in os.environ:  # a shell asks for completions
        group.main(prog_name="impasto")
    words = fill_ray(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    # Read here, because these options also apply to the report of a command line that cannot be parsed.
    options = words[: words.index("--")] if "--" in words else words
    as_json, debug = "--json" in options, "--debug" in options
    with warnings_as_lines(), Interrupt() as interrupt:
        try:
            with group.make_context("impasto", read_words(words, group.commands), obj=interrupt) as context:
                context.command.invoke(context)
        except typer.Exit as done:
            return done.exit_code
        except BrokenPipeError:  # stdout is closed, as in `impasto weights | head -1`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (Exception, KeyboardInterrupt) as error:
            # While torch is imported a signal may surface as any error. A command may have its own text for it.
            has_text = isinstance(error, KeyboardInterrupt) and error.args
            is_stop = interrupt.stop_requested and interrupt.is_before_first_step() and not has_text
            return report_error(KeyboardInterrupt() if is_stop else error, as_json=as_json, debug=debug)
    return 0

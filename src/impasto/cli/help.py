"""The help of commands: with --help the options that most people need, with --help-all every one."""

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand

from impasto.cli.signatures import option

FREQUENT = (
    *("output", "preset", "size", "strength", "style_scale", "color", "only", "protect"),
    *("jobs", "device", "dry_run"),
)
"""Options that --help shows, in this order; beside them it shows the command's own, which are in no panel."""


class Command(TyperCommand):
    """A command whose --help leaves out options that few people need, if it has --help-all."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help with few options."""
        if any(param.name == "help_all" for param in self.params):
            self._print_short_help(ctx)
        else:
            super().format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words after the command in its usage: its arguments, and the options that it needs."""
        pieces = ["[OPTIONS]"]
        for param in self.params:
            if isinstance(param, TyperArgument):
                name = str(param.metavar).strip("[].")
                name += "..." if param.nargs == -1 and " " not in name else ""
                pieces.append(name if param.required or " " in name else f"[{name}]")
        needed = [param for param in self.params if param.required and not isinstance(param, TyperArgument)]
        return [*pieces, *(f"{min(param.opts, key=len)} {param.metavar}" for param in needed)]

    def format_all_help(self, ctx: Any) -> None:
        """Print the help with all options."""
        super().format_help(ctx, ctx.make_formatter())

    def _print_short_help(self, ctx: Any) -> None:
        from rich.console import Console
        from rich.padding import Padding
        from rich.panel import Panel

        params = [param for param in self.params if param.name != "help_all"]
        arguments = [param for param in params if isinstance(param, TyperArgument)]
        own = [param for param in params if getattr(param, "rich_help_panel", None) is None]
        frequent = {param.name: param for param in params}
        options = [frequent[name] for name in FREQUENT if name in frequent]
        options += [param for param in own if param not in (*arguments, *options)]
        console = Console(highlight=False)
        console.print(Padding(self.get_usage(ctx), 1), style="bold", markup=False)
        paragraphs = map(_join_lines, inspect.cleandoc(self.help or "").split("\n\n"))
        console.print(Padding("\n\n".join(paragraphs), (0, 1, 1, 1)))
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                console.print(Panel(_to_table(rows), title=title, title_align="left", border_style="dim"))
        console.print(f" {ctx.command_path} --help-all shows all {len(params) - len(arguments)} options.", style="dim")


def help_all_parameter() -> inspect.Parameter:
    """Return the parameter --help-all of a command with many options."""
    help = "Show all options and exit."
    help_all = typer.Option("--help-all", metavar="", callback=_show_all, is_eager=True, help=help)
    return option("help_all", Annotated[bool, help_all], default=False)


def _show_all(context: typer.Context, is_given: bool) -> None:
    if is_given:
        assert isinstance(context.command, Command)
        context.command.format_all_help(context)
        raise typer.Exit


def _join_lines(paragraph: str) -> str:
    """Return a paragraph as one line; examples stay one a line."""
    return paragraph if paragraph.startswith("impasto ") else " ".join(paragraph.split())


def _to_table(params: list[Any]) -> Any:
    """Return names, placeholder and help of each parameter in a row. Help texts are in rich markup."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    for style in ("bold cyan", "yellow"):
        table.add_column(style=style, no_wrap=True)
    table.add_column()
    for param in params:
        is_argument = isinstance(param, TyperArgument)
        fact = "required" if param.required and not is_argument else ""
        if not is_argument and param.show_default and param.default not in (None, False):
            fact = f"default: {param.default}"
        name = param.metavar if is_argument else " ".join(sorted(param.opts, key=len))
        help = f"{param.help} [dim]\\[{fact}][/dim]" if fact else param.help
        table.add_row(name.replace("[", r"\["), "" if is_argument else param.metavar.replace("[", r"\["), help)
    return table

"""Options that commands share stand where their parameter stood, and come back as one value."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from impasto.cli.signatures import Options, takes_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Size(Options):
    width: Annotated[int, typer.Option(help="pixels")] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Box(Size):
    height: Annotated[int | None, typer.Option("--tall", min=1)] = None


def test_a_parameter_of_options_becomes_an_option_a_field() -> None:
    app, seen = typer.Typer(), list[object]()

    @app.command()
    @takes_options
    def draw(context: typer.Context, name: str, first: bool = False, *, box: Box, last: bool = False) -> None:
        seen.append((name, first, box, last))

    command = typer.main.get_command(app)
    assert [item.name for item in command.params][:5] == ["name", "first", "width", "height", "last"]
    assert CliRunner().invoke(app, ["wall"]).exit_code == 0
    assert CliRunner().invoke(app, ["door", "--tall", "2", "--width", "1", "--last"]).exit_code == 0
    assert CliRunner().invoke(app, ["door", "--tall", "0"]).exit_code == 2
    assert seen == [("wall", False, Box(), False), ("door", False, Box(width=1, height=2), True)]

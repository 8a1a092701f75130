"""`impasto backbone`: a VGG of one's own."""

import typer

backbone = typer.Typer(name="backbone", add_completion=False, rich_markup_mode="rich")


@backbone.callback()
def describe() -> None:
    """A VGG of one's own: convert it, compare what it paints."""

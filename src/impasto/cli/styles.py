"""`impasto styles`: the styles that come with impasto."""

from impasto.cli.options import Debug, Json
from impasto.cli.report import print_json, print_line


def styles(json: Json = False, debug: Debug = False) -> None:
    """List the styles that come with impasto, for `impasto apply`.

    impasto apply starry-night photo.jpg
    """
    from impasto.recipe.shipped import shipped_styles

    shipped = shipped_styles()
    if json:
        print_json({"styles": [style.to_dict() for style in shipped.values()]})
        return
    for name, style in shipped.items():
        print_line(f"{name:<18}{style.describe()}")

"""The presets: recipes by name, as TOML files in this folder."""

from importlib import resources


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets."""
    return tuple(sorted(preset_texts()))


def describe_preset(name: str) -> str:
    """Return the purpose of a preset in a sentence: the first line of its file."""
    return preset_texts()[name].partition("\n")[0].removeprefix("# ")


def preset_texts() -> dict[str, str]:
    """Return the TOML texts of the presets by name."""
    files = [path for path in resources.files(__name__).iterdir() if path.name.endswith(".toml")]
    return {path.name.removesuffix(".toml"): path.read_text("utf-8") for path in files}

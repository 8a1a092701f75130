"""Decorators that replace a parameter of a command by several options. They rewrite the signature that Typer reads."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

Command = Callable[..., None]


class Options:
    """Base of dataclasses whose fields are options: annotated and with a default, as parameters are."""


def takes_options(command: Command) -> Command:
    """Replace every parameter of a command that is annotated with a subclass of `Options` by an option per field."""
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        kind = parameter.annotation
        if isinstance(kind, type) and issubclass(kind, Options):
            hints = get_type_hints(kind, include_extras=True)
            fields = dataclasses.fields(kind)  # type: ignore[arg-type]
            options = [option(field.name, hints[field.name], field.default) for field in fields]
            command = replace_parameter(command, name, options, lambda given, kind=kind: kind(**given))  # type: ignore[misc]
    return command


def replace_parameter(
    command: Command, name: str, options: Sequence[inspect.Parameter], build: Callable[[Mapping[str, Any]], Any]
) -> Command:
    """Return the command with options in place of a parameter. build: makes its value from theirs, by name."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        added = options if parameter.name == name else [parameter]
        parameters += [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in added]

    @functools.wraps(command)
    def replaced(**given: Any) -> None:
        taken = {item.name: given.pop(item.name) for item in options}
        command(**given, **{name: build(taken)})

    replaced.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    replaced.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return replaced


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """Return a keyword-only parameter, annotated for Typer."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

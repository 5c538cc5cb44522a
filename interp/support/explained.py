"""The text of a public function with its parameters, by group: what `help` shows, from the table of parameters."""

from collections.abc import Callable, Iterator
from inspect import cleandoc, signature
from typing import Any, TypeVar

from interp.support.parameters import GROUPS

Function = TypeVar("Function", bound=Callable[..., Any])

HEADING = "Parameters, by group:"


def entries() -> Iterator[tuple[str, str, str, str]]:
    """Every entry of the table: function ("" for all others), name, group, sentence."""
    for group, told in GROUPS.items():
        for key, sentence in told.items():
            functions, _, name = key.rpartition(".")
            yield from ((function, name, group, sentence) for function in functions.split("|"))


_TOLD = {(function, name): (group, sentence) for function, name, group, sentence in entries()}


def told(function: str, name: str) -> tuple[str, str] | None:
    """Group and sentence of a parameter of a function (`probe_grid`, `Positions.at`); None if the table lacks it."""
    return _TOLD.get((function, name)) or _TOLD.get(("", name))


def by_group(function: Callable[..., Any]) -> dict[str, dict[str, str]]:
    """The parameters of a function, as `help` shows them, with their sentences, under the groups that they are of."""
    found: dict[str, dict[str, str]] = {}
    for name in signature(function).parameters:
        if entry := told(function.__qualname__, name):
            found.setdefault(entry[0], {})[name] = entry[1]
    return {group: found[group] for group in GROUPS if group in found}


def explained(function: Function) -> Function:
    """The function, with its parameters by group at the end of its text; what stood there of that kind is replaced."""
    text = cleandoc(function.__doc__ or "").partition(f"\n\n{HEADING}\n")[0]
    lines = []
    for group, parameters in by_group(function).items():
        lines += [f"    {group}", *(f"        {name}: {sentence}" for name, sentence in parameters.items())]
    function.__doc__ = "\n".join([f"{text}\n", HEADING, *lines]) if lines and text else function.__doc__
    return function

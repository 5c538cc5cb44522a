"""What every public name is under: a call that does not fit ends in a sentence, `help` explains the parameters."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, isclass, isfunction, signature
from typing import Any, TypeVar

from interp.errors import DataError
from interp.support.arguments import known_options
from interp.support.explained import explained

Thing = TypeVar("Thing", bound=Callable[..., Any])
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def public(thing: Thing) -> Thing:
    """A function, or a class with its methods, whose calls are checked against what `help` shows of it.

    A misspelt option raises DataError that names the nearest right one, a missing or surplus argument one that says
    which there are. Python's TypeError would say neither. Its text ends with its parameters, by group.
    """
    if not isclass(thing):
        return _checked(thing, thing.__qualname__)
    for name, member in list(vars(thing).items()):
        inner = getattr(member, "__func__", member)  # of a class method
        if isfunction(inner) and (name == "__init__" or not name.startswith("_")):
            shown = thing.__name__ if name == "__init__" else f"{thing.__name__}.{name}"
            checked = _checked(inner, shown)
            setattr(thing, name, checked if inner is member else type(member)(checked))
    return thing


def _checked(function: Callable[..., Any], name: str) -> Any:
    takes = signature(function)

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            takes.bind(*arguments, **options)
        except TypeError as error:
            raise _refused(name, takes, options, error) from None
        return function(*arguments, **options)

    return explained(call)


def _refused(name: str, takes: Signature, options: dict[str, Any], error: TypeError) -> DataError:
    named = [one for one in takes.parameters.values() if one.name not in ("self", "cls")]
    if not any(one.kind is Parameter.VAR_KEYWORD for one in named):
        try:
            known_options(name, options, [one.name for one in named])
        except DataError as unknown:
            return unknown
    by_position = ", ".join(one.name for one in named if one.kind in _POSITIONAL) or "nothing"
    return DataError(f"{name}: {error}; by position it takes {by_position}")

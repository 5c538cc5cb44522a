"""The signature that `help` and an editor show of a function with `**options`: every option, its type, its default."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any, TypeVar, get_type_hints

from interp.support.explained import explained

Function = TypeVar("Function", bound=Callable[..., Any])


def defaults_of(function: Callable[..., Any]) -> dict[str, object]:
    """What a function's parameters are where they are not given."""
    return {name: one.default for name, one in signature(function).parameters.items()}


def shows_options(options: type, default: Mapping[str, object]) -> Callable[[Function], Function]:
    """Show the entries of a TypedDict in place of `**options`, with their defaults (None where there is none)."""

    def shown(function: Function) -> Function:
        own = signature(function).parameters.values()
        kinds = get_type_hints(options, include_extras=True)
        added = [Parameter(n, Parameter.KEYWORD_ONLY, default=default.get(n), annotation=k) for n, k in kinds.items()]
        kept = [one for one in own if one.kind is not Parameter.VAR_KEYWORD]
        function.__signature__ = signature(function).replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
        return explained(function)

    return shown

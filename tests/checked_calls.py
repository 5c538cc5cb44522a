"""The types of every call, checked by the tests: beartype for every signature, in jaxtyping's scope where it names shapes."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

from beartype import BeartypeConf
from jaxtyping import AbstractArray, TypeCheckError, config, jaxtyped

RAISING = BeartypeConf(violation_type=TypeCheckError)
"""A TypeError, as jaxtyping's own: what is read from a file is checked by trying, too."""


def check_calls(*, typechecker: Callable) -> Callable:
    """As `jaxtyping.jaxtyped`, which checks parameters twice and binds the arguments of every call, shapes or none."""

    def decorate(thing: Any) -> Any:
        # Functions inside others are made anew at every call, and compiling checks for them takes longer than most tests.
        if "<locals>" in thing.__qualname__:
            return thing
        if not inspect.isclass(thing):
            return checked(thing, typechecker)
        # A public class takes more than it holds (a list for a tuple), and says itself what it does not take (`public`).
        made = "__dataclass_params__" in vars(thing) and thing.__dataclass_params__.init
        if made and not hasattr(thing.__init__, "__wrapped__"):
            thing.__init__ = checked(thing.__init__, typechecker)
        return thing

    return decorate


def checked(function: Callable, typechecker: Callable) -> Callable:
    """The function with its checks, which `jaxtyping.config` can turn off."""
    written = function.__annotations__
    function.__annotations__ = {name: resolved(hint, function.__globals__) for name, hint in written.items()}
    named = [shape for hint in function.__annotations__.values() for shape in shapes(hint)]
    # A size may be worked out from the arguments ("{width}"), and what a generator yields is made when its call is over.
    if inspect.isgeneratorfunction(function) or any("{" in shape for shape in named):
        plain, scope = jaxtyped(function, typechecker=typechecker), None
    else:
        plain, scope = typechecker(function, conf=RAISING), jaxtyped("context") if named else None
    function.__annotations__ = written

    @functools.wraps(function)
    def call(*args, **options):
        __tracebackhide__ = True
        if config.jaxtyping_disable:
            return function(*args, **options)
        if scope is None:
            return plain(*args, **options)
        with scope:
            return plain(*args, **options)

    return call


def resolved(hint: Any, names: dict[str, Any]) -> Any:
    """What a written annotation means, any value where its names are not there yet (a method that returns its class)."""

    def value(): ...

    value.__annotations__ = {"value": hint}
    try:
        return get_type_hints(value, names, include_extras=True)["value"]
    except Exception:
        return Any


def shapes(hint: Any) -> Iterator[str]:
    """What an annotation says of shapes, wherever it stands in it."""
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        yield hint.dim_str
    for part in hint if isinstance(hint, list) else get_args(hint):
        yield from shapes(part)

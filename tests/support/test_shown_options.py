"""Signatures that show their options: parameters, defaults and types as `inspect` sees them, calls as before."""

import inspect
from typing import Annotated, TypedDict

import pytest

from interp.support.shown_options import defaults_of, shows_options


class Options(TypedDict, total=False):
    """Options of `forwarded`."""

    folds: int
    probe: Annotated[str, "a name"]


def target(x: int, *, folds: int = 5, other: str = "a") -> tuple:
    """Takes the options."""
    return x, folds, other


@shows_options(Options, defaults_of(target))
def forwarded(x: int, *rest: int, own: bool = False, **options: object) -> tuple:
    """Hands them on."""
    return x, rest, own, options


def test_defaults_are_those_of_the_signature():
    assert defaults_of(target) == {"x": inspect.Parameter.empty, "folds": 5, "other": "a"}


def test_every_option_is_shown_in_place_of_the_rest():
    shown = inspect.signature(forwarded)
    assert [(one.name, one.kind.name, one.default, one.annotation) for one in shown.parameters.values()] == [
        ("x", "POSITIONAL_OR_KEYWORD", inspect.Parameter.empty, int),
        ("rest", "VAR_POSITIONAL", inspect.Parameter.empty, int),
        ("own", "KEYWORD_ONLY", False, bool),
        ("folds", "KEYWORD_ONLY", 5, int),
        ("probe", "KEYWORD_ONLY", None, Annotated[str, "a name"]),  # which the target does not have
    ]
    assert shown.return_annotation is tuple


def test_calls_name_and_text_are_as_before():
    assert forwarded(1, 2, folds=3) == (1, (2,), False, {"folds": 3})
    assert forwarded(1, unknown=0)[-1] == {"unknown": 0}  # what is wrong is the function's own to say
    assert forwarded.__name__ == "forwarded" and inspect.getdoc(forwarded).startswith(
        "Hands them on.\n\nParameters, by"
    )


def test_an_option_that_the_function_has_already_is_an_error():
    with pytest.raises(ValueError, match="duplicate parameter name"):

        @shows_options(Options, {})
        def twice(folds: int, **options: object) -> None: ...

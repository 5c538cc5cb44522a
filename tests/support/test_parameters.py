"""Every parameter of the public functions is told of once, in its group, and `help` shows it."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interp
from interp.support.explained import HEADING, by_group, entries, explained, told
from interp.support.parameters import GROUPS
from interp.support.public import public
from interp.support.shown_options import shows_options


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, and every public method of a public class."""
    for name in interp.__all__:
        value = getattr(interp, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for method, held in vars(value).items():
                inner = getattr(held, "__func__", held)
                if inspect.isfunction(inner) and not method.startswith("_"):
                    yield f"{name}.{method}", inner


PUBLIC = dict(functions())


def parameters(name: str) -> list[str]:
    return [one for one in inspect.signature(PUBLIC[name]).parameters if one not in ("self", "cls")]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_in_the_table_and_in_help(name: str) -> None:
    assert [one for one in parameters(name) if told(name, one) is None] == []
    shown = inspect.getdoc(PUBLIC[name]) or ""
    groups = by_group(PUBLIC[name])
    assert sorted(one for entry in groups.values() for one in entry) == sorted(parameters(name))
    for group, entry in groups.items():
        block = shown.partition(f"{HEADING}\n")[2].partition(f"    {group}\n")[2]
        lines = [f"        {one}: {sentence}" for one, sentence in entry.items()]
        assert block.splitlines()[: len(lines)] == lines


def test_nothing_in_the_table_is_stale() -> None:
    taken = {(told(name, one), one) for name in PUBLIC for one in parameters(name)}
    assert [
        (function, name)
        for function, name, group, sentence in entries()
        if ((group, sentence), name) not in taken or (function and name not in parameters(function))
    ] == []


def test_a_function_of_many_parameters_shows_several_groups() -> None:
    many = {name: by_group(PUBLIC[name]) for name in PUBLIC if len(parameters(name)) > 8}
    assert len(many) > 10  # else this test says nothing
    for name, groups in many.items():
        assert len(groups) >= 3, name
        assert max(map(len, groups.values())) <= 13, name


def test_a_sentence_is_one_and_stands_once() -> None:
    keys = [(function, name) for function, name, _, _ in entries()]
    assert len(keys) == len(set(keys))
    for _, name, _, sentence in entries():
        assert sentence and "\n" not in sentence and not sentence.endswith("."), name


def test_an_exception_says_something_else_than_the_rule() -> None:
    for function, name, group, sentence in entries():
        assert not function or told("", name) != (group, sentence), (function, name)


@public
def probed(y: list[int], *, C: float = 1.0, colour: str = "") -> None:
    """Probes.

    Raises nothing.
    """


@shows_options(type("Options", (), {"__annotations__": {"seed": int}}), {"seed": 0})
@public
def forwarded(y: list[int], **options: int) -> None:
    """Hands on."""


def test_help_ends_with_the_parameters_that_are_known() -> None:
    assert inspect.getdoc(probed) == "\n".join(
        [
            "Probes.\n\nRaises nothing.\n\nParameters, by group:",
            "    labels and exact answers",
            f"        y: {GROUPS['labels and exact answers']['y']}",
            "    the probe",
            f"        C: {GROUPS['the probe']['C']}",
        ]
    )


def test_options_that_are_shown_later_are_explained_too() -> None:
    text = inspect.getdoc(forwarded) or ""
    assert text.count(HEADING) == 1 and "        seed: " in text and "        y: " in text
    assert inspect.getdoc(explained(forwarded)) == text


def test_of_a_function_without_text_or_known_names_nothing_changes() -> None:
    def bare(y: int) -> None: ...

    def other(colour: str) -> None:
        """Colours."""

    assert explained(bare).__doc__ is None and explained(other).__doc__ == "Colours."

"""The options that are handed on to `generate_answers` are its own: every name, every type."""

import inspect
from typing import get_type_hints

from interp.labelling.answer_options import AnswerOptions
from interp.labelling.generate_answers import generate_answers
from interp.models.memory import Splits

OF_A_RUN = {"model", "rows", "seed"}
"""What is given beside the options."""


def test_names_and_types_are_those_of_the_function():
    taken = get_type_hints(generate_answers, localns={"Splits": Splits}, include_extras=True)
    parameters = inspect.signature(generate_answers).parameters
    assert set(AnswerOptions.__annotations__) == set(parameters) - OF_A_RUN
    for name, kind in get_type_hints(AnswerOptions, include_extras=True).items():
        assert kind == taken[name], name


def test_none_of_them_has_to_be_given():
    assert AnswerOptions.__required_keys__ == frozenset()
    parameters = inspect.signature(generate_answers).parameters
    assert all(parameters[name].default is not inspect.Parameter.empty for name in AnswerOptions.__annotations__)

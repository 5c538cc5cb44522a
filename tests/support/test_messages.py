"""What a message shows of a value, and which name it takes for the one that was meant."""

import pandas as pd
import torch

from interp.data.record import CsvText
from interp.support.messages import nearest, shown


def test_the_beginning_of_a_single_name_is_near_it():
    assert nearest("Exact", ("exact_answer", "all")) == "; did you mean 'exact_answer'?"
    assert nearest("ex", ("exact_answer_first", "exact_answer_last")) == nearest("", ("all",)) == ""


def test_large_values_are_named_not_printed():
    assert shown(torch.zeros(3, 4)) == "Tensor of shape (3, 4)"
    assert shown(pd.DataFrame({"a": [1]})) == "DataFrame of shape (1, 1)"
    assert len(shown("x" * 1000)) < 100 and len(shown([["x" * 1000] * 1000] * 1000)) <= 100
    assert shown(CsvText("yes")) == "'yes'" and shown([CsvText("yes")]) == "['yes']"
    assert len(shown(CsvText("x" * 1000))) < 100
    assert "\n" not in shown([pd.DataFrame({"a": [1, 2]})])

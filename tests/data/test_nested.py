"""Rows inside other records, contexts of several parts, and what a solution puts into a box."""

import pytest

from interp import load_rows
from interp.data.nested import boxed, opened, passage

ROW = {"question": "Where?", "answer": "there"}


@pytest.mark.parametrize("around", [{"row_idx": 0, "row": ROW, "truncated_cells": []}, {"train": ROW}, ROW], ids=str)
def test_a_row_inside_another_record_is_the_row(around):
    assert opened(around) == ROW
    assert load_rows([around])[0].answers == ("there",)


@pytest.mark.parametrize(
    "record", [{"train": {"text": "x"}}, {"row": 3, "answer": "x"}, {"requested_rewrite": "x"}], ids=str
)
def test_other_mappings_stay_as_they_are(record):
    assert opened(record) == record


def test_a_fact_to_be_rewritten_is_its_sentence():
    rewrite = {
        "prompt": "{} speaks",
        "subject": "Ana {x}",
        "target_true": {"str": "French"},
        "target_new": {"str": "Thai"},
    }
    (row,) = load_rows([{"case_id": 3, "requested_rewrite": rewrite, "paraphrase_prompts": ["x"]}])
    assert (row.prompt, row.answers, row.wrong_answer) == ("Ana {x} speaks", ("French",), "Thai")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([["Oker", ["It is a river.", " It is long."]], ["Harz", ["Hills."]]], "It is a river.\nIt is long.\nHills."),
        ({"title": ["Oker"], "sentences": [["It is a river."]]}, "It is a river."),
        ({"contexts": ["One.", "Two."], "labels": ["A", "B"]}, "One.\nTwo."),
        ([{"idx": 0, "title": "T", "paragraph_text": "One."}, {"idx": 1, "paragraph_text": "Two."}], "One.\nTwo."),
        (["One.", "Two."], "One.\nTwo."),
        ([], None),
        ({"title": ["T"]}, None),
        (3, None),
    ],
    ids=str,
)
def test_a_context_of_several_parts_is_one_text(value, text):
    assert passage(value) == text


@pytest.mark.parametrize(
    ("solution", "inside"),
    [
        (r"So $x = \boxed{4}$.", "4"),
        (r"Not \boxed{1}, but \boxed{\frac{3}{4}}.", r"\frac{3}{4}"),
        (r"\fbox{1} and \boxed {2}", "2"),
        (r"\boxed{", None),
        (r"\boxed{}", None),
        ("4", None),
    ],
)
def test_the_last_box_counts_with_its_braces_paired(solution, inside):
    assert boxed(solution) == inside

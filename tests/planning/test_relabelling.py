"""How answers are to be labelled may be said anew; how they were asked may not."""

import re
from pathlib import Path

import numpy as np
import pytest

from interp.errors import DataError
from interp.planning.relabelling import RELABELLING, lost_answers, relabelled, with_another_method
from interp.reporting.progress_words import way_on
from interp.runs.identity import ANSWERING, answering_identity
from interp.runs.settings import Settings

BEGAN = Settings(model="m", data="d", exact_answer="candidates", candidates=("a",), max_new_tokens=7)


def test_a_new_method_takes_the_place_of_all_three():
    assert relabelled(BEGAN, {}) == BEGAN
    changed = relabelled(BEGAN, {"answer_pattern": "(x)"})
    assert (changed.exact_answer, changed.candidates, changed.answer_pattern) == (None, None, "(x)")
    assert relabelled(BEGAN, {"population": "all"}).candidates == ("a",)
    assert relabelled(BEGAN, {"correct": "numeric", "exact_answer": None}).correct == "numeric"
    with pytest.raises(DataError, match="exact_answer: expected one of"):
        relabelled(BEGAN, {"exact_answer": "firstline"})


def test_what_is_labelled_anew_is_no_part_of_what_was_answered():
    rest = {"versions": {}, "model": {}, "data": {}}
    record = {"settings": BEGAN.to_json(), **rest}
    for name, value in {"exact_answer": "first_line", "population": "all", "correct": "numeric"}.items():
        assert name in RELABELLING and name not in ANSWERING
        assert answering_identity({**record, "settings": BEGAN.to_json() | {name: value}}) == answering_identity(record)
    for name in ANSWERING:
        assert name not in RELABELLING and name in BEGAN.to_json()
        assert answering_identity({**record, "settings": BEGAN.to_json() | {name: "x"}}) != answering_identity(record)


@pytest.mark.parametrize(
    ("settings", "given", "labels", "located", "said"),
    [
        (BEGAN, (), [True, False, False, None], [1, 0, 0, 0], "2 wrong and 0 right .* `interp resume 'a run' --exact-answer first_line`"),
        (BEGAN, ("data",), [True, False], [1, 0], r"`interp.resume\('a run', data=…, exact_answer='first_line'\)`"),
        (Settings(model="m", data="d", exact_answer="first_line"), (), [False, True], [0, 1], "--exact-answer extract`"),
        (BEGAN, (), [True, None], [1, 0], "Every labelled answer was located"),
    ],
)  # fmt: skip
def test_the_way_on_is_another_method_where_one_can_help(settings, given, labels, located, said):
    lost = lost_answers(labels, np.array(located, dtype=bool))
    another = with_another_method(Path("a run"), settings, given)
    assert re.search(said, way_on(lost, settings.exact_answer, another))


def test_every_setting_is_of_answers_labels_or_grids():
    grids = {"sites", "roles", "folds", "C", "probe", "permutations", "controls"}
    assert {*ANSWERING, *RELABELLING} | grids == set(BEGAN.to_json())

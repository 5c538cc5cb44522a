"""Labels of an axis found among others: `list.index` as the oracle, and every refusal word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import DataError
from interp.support.axes import places, some

LABELS = st.lists(st.one_of(st.integers(-9, 9), st.text("ab-1", max_size=3)), unique=True, min_size=1, max_size=12)


@given(LABELS, st.data())
def test_places_are_those_of_list_index(there, data):
    wanted = data.draw(st.lists(st.sampled_from(there), unique=True, min_size=1))
    found = places("layers", iter(wanted), there, where="the data")
    assert found.tolist() == [there.index(label) for label in wanted]
    assert [there[place] for place in found] == wanted and found.dtype == "int64"


@pytest.mark.parametrize(
    ("wanted", "remedy", "sentence"),
    [
        ([7, 0, 8], "", "layers: 2 of 3 are not in the run, first 7; there are 0, 1, 2"),
        (["0"], "give ints", "layers: 1 of 1 are not in the run, first '0'; there are 0, 1, 2; give ints"),
        ([1, 0, 1], "", "layers: expected different ones of 0, 1, 2, each once, got 1, 0, 1"),
        ([], "", "layers: expected different ones of 0, 1, 2, each once, got none"),
    ],
)
def test_what_is_not_there_or_there_twice_is_one_sentence(wanted, remedy, sentence):
    with pytest.raises(DataError) as error:
        places("layers", wanted, [0, 1, 2], where="the run", remedy=remedy)
    assert str(error.value) == sentence


def test_only_the_first_eight_labels_are_shown():
    assert some(range(8)) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert some(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
    assert some([]) == "none"

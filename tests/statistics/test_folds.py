"""Population, groups and folds against scikit-learn and by property."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from interp.errors import DataError
from interp.statistics.folds import assign_folds, make_folds, normalise_question, question_groups, read_labels


def sample(n: int = 120, n_groups: int = 40) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, n), [f"question {g}" for g in rng.integers(0, n_groups, n)]


def test_folds_are_those_of_scikit_learn_with_groups_as_strings() -> None:
    y, groups = sample()
    expected = np.empty(len(y), dtype=int)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=3)
    for number, (_, held_out) in enumerate(splitter.split(y, y, np.array(groups))):
        expected[held_out] = number
    assert (assign_folds(y, groups, seed=3) == expected).all()


def test_without_groups_every_sample_is_its_own() -> None:
    y, _ = sample()
    expected = np.empty(len(y), dtype=int)
    for number, (_, held_out) in enumerate(
        StratifiedGroupKFold(5, shuffle=True, random_state=0).split(y, y, np.arange(len(y)))
    ):
        expected[held_out] = number
    assert (assign_folds(y) == expected).all()


def test_no_group_stands_on_both_sides_of_a_fold() -> None:
    y, groups = sample()
    fold = assign_folds(y, groups)
    assert all(len({int(f) for f, g in zip(fold, groups, strict=True) if g == name}) == 1 for name in set(groups))


def test_folds_do_not_depend_on_samples_outside_the_population() -> None:
    """Unlabelled samples and samples without an exact answer are left out before the folds are drawn, and counted."""
    y, groups = sample()
    labels = [None if i % 7 == 0 else int(label) for i, label in enumerate(y)]
    has = np.arange(len(y)) % 5 != 0
    made = make_folds(labels, groups, has_exact_answer=has)
    inside = has & (np.arange(len(y)) % 7 != 0)
    assert (made.member == inside).all()
    assert (made.fold[inside] == assign_folds(y[inside], [g for g, i in zip(groups, inside, strict=True) if i])).all()
    assert (made.y[inside] == y[inside]).all() and (made.y[~inside] == -1).all()
    assert made.excluded == {"unlabelled": 18, "no_exact_answer": int((~has & (np.arange(len(y)) % 7 != 0)).sum())}
    everyone = make_folds(labels, groups, has_exact_answer=has, population="all")
    assert everyone.member.sum() == len(y) - 18 and everyone.excluded["no_exact_answer"] == 0


def test_labels_may_be_tensors_bools_or_none() -> None:
    expected = [1.0, 0.0, np.nan]
    for labels in (
        [True, False, None],
        np.array([1, 0, np.nan]),
        torch.tensor([1.0, 0.0, float("nan")]),
        np.array([1, 0, None], dtype=object),
    ):
        np.testing.assert_array_equal(read_labels(labels), expected)


@pytest.mark.parametrize("labels", [[0, 1, 2], [0.5, 1, 0], ["yes", "no", "no"], np.zeros((3, 2)), "101", 7])
def test_labels_other_than_0_and_1_are_refused(labels: object) -> None:
    with pytest.raises(DataError, match="labels: expected"):
        read_labels(labels)


def test_a_bad_label_is_named_by_its_sample() -> None:
    with pytest.raises(DataError, match="got 2 at sample paris"):
        read_labels([0, 1, 2], ["rome", "oslo", "paris"])


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ([1] * 20, None, "all 20 samples of the population are correct"),
        ([0] * 20, None, "all 20 samples of the population are wrong"),
        ([0, 1] * 10, ["a", "b", "c", "d"] * 5, "4 distinct groups for 5 folds"),
        ([None] * 20, None, "none of 20 samples has both a label and an exact answer"),
        ([0, 1, 1], None, "3 distinct groups for 5 folds"),
        ([0, 1] * 10, ["a"] * 3, "groups: expected one entry per label"),
    ],
)
def test_what_cannot_be_folded_is_explained(labels: list, groups: list | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_folds(labels, groups)


def test_a_class_smaller_than_the_number_of_folds_is_folded_all_the_same() -> None:
    """Its cells are undefined, with the count as the reason; that is not an error of the folds."""
    fold = assign_folds(np.array([1] * 20 + [0] * 3))
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]


def test_groups_are_the_rows_own_or_the_normalised_question() -> None:
    questions = ["Where is  PARIS?", "where is paris?", "Where ｉｓ Paris?\n", "Where is Straße"]
    assert question_groups(questions) == ["where is paris?"] * 3 + ["where is strasse"]
    assert question_groups(questions, [None, "own", None, None])[1] == "own"


@given(st.text())
def test_normalising_ignores_case_and_surrounding_white_space_and_is_stable(text: str) -> None:
    once = normalise_question(text)
    assert normalise_question(f" \t{text}\n ") == once
    assert normalise_question(once.upper()) == normalise_question(once.upper().lower())
    assert "  " not in once and once == once.strip()


@pytest.mark.parametrize("kind", [np.array, tuple, pd.Series, pd.Index, pd.Categorical, xr.DataArray])
def test_groups_labels_and_ids_are_read_by_order_whatever_index_they_bring(kind) -> None:
    """A pandas index that is a permutation of 0 … n-1 must not decide which sample has which group."""
    y, groups = sample()
    expected = make_folds(y, groups)
    shuffled = np.random.default_rng(1).permutation(len(y))
    given = [kind(groups), kind(y)]
    if kind is pd.Series:
        given = [pd.Series(values, index=shuffled) for values in (groups, y)]
    made = make_folds(given[1], given[0], ids=given[0])
    assert (made.fold == expected.fold).all() and (made.y == expected.y).all() and made.group == expected.group


def test_a_missing_value_of_pandas_is_no_label_but_no_group() -> None:
    labels = pd.Series([1, None, 0, pd.NA], dtype="Int64", index=[7, 0, 1, 2])
    np.testing.assert_array_equal(read_labels(labels), [1.0, np.nan, 0.0, np.nan])
    y, groups = sample()
    for missing in (None, np.nan, pd.NA):
        with pytest.raises(DataError, match="1 of 120 samples have no group, first number 3"):
            make_folds(y, [*groups[:3], missing, *groups[4:]])


def test_labels_that_are_no_list_are_refused() -> None:
    for wrong in ("0101", 1, {0: 1}, None):
        with pytest.raises(
            DataError, match="labels: expected (one value per sample, in order|an array of numbers), got"
        ):
            read_labels(wrong)


def test_as_many_groups_and_samples_of_a_class_as_folds_are_enough() -> None:
    y = np.array([0, 1, 0, 1])
    assert sorted(set(assign_folds(y, ["a", "a", "b", "b"], folds=2).tolist())) == [0, 1]
    assert sorted(set(assign_folds(y, folds=2).tolist())) == [0, 1]
    with pytest.raises(DataError, match="2 distinct groups for 3 folds"):
        assign_folds(y, ["a", "a", "b", "b"], folds=3)


def test_a_population_without_samples_says_what_to_do() -> None:
    with pytest.raises(DataError, match="nothing can be probed: give accepted answers"):
        make_folds([None, None], has_exact_answer=np.array([True, True]))
    with pytest.raises(DataError, match=r"2 are labelled\); nothing can be probed: choose another exact-answer method"):
        make_folds([0, 1], has_exact_answer=np.array([False, False]))


def test_a_group_for_every_question() -> None:
    with pytest.raises(ValueError, match="zip"):
        question_groups(["a", "b"], [None])

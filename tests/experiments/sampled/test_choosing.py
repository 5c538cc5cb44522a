"""Choices among answers: perfect is the oracle, constant is random exactly, and pandas counts the rest again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampled_answers import RIGHT, capture_of, drawn_answers

import interp
from interp.errors import DataError
from interp.experiments.choosing.rules import highest, majority
from interp.grids.probes import probe_grid


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(3)
    places = np.array([RIGHT, "Rome", "Oslo", "Bonn"], dtype=object)
    weights = [rng.dirichlet([1.2, 1, 0.5, 0.3]) for _ in range(80)]
    answers = drawn_answers(
        [rng.choice(places, 6, p=w).tolist() for w in weights], greedy=[str(places[w.argmax()]) for w in weights]
    )
    logprobs = [rng.normal(-0.5, 0.2, int(k)).tolist() for k in rng.integers(3, 9, len(answers))]
    answers = replace(answers, logprobs=logprobs)
    cap = capture_of(answers, 1.5 * np.array(answers.correct))
    return answers, cap, probe_grid(cap, answers)


def test_a_perfect_scorer_is_the_oracle_and_a_constant_one_is_random_exactly(drawn) -> None:
    answers, _, grid = drawn
    perfect = {name: float(right) for name, right in zip(answers.id, answers.correct, strict=True)}
    scores = {"perfect": perfect, "constant": lambda answers, cap: np.zeros(len(answers))}
    found = interp.choose_answers(answers, grid, scores=scores)
    right = found.right.to_pandas()
    assert (right["perfect"] == right["oracle"]).all() and (right["constant"] == right["random"]).all()
    same = found.sel(by="constant", reference="random", type="all")
    assert same.delta == same.delta_low == same.delta_high == 0 and same.p == 1
    assert found.accuracy.sel(by="perfect", type="all") > found.accuracy.sel(by="random", type="all")


def test_every_rule_as_pandas_counts_it(drawn) -> None:
    answers, _, grid = drawn
    found = interp.choose_answers(answers, grid, cell=(1, "exact_answer_last"))
    score = grid.score.sel(layer=1, token="exact_answer_last").to_pandas()
    table = answers.table().assign(score=score.reindex(answers.id).values)
    table["sum"], table["mean"] = table["logprobs"].map(np.sum), table["logprobs"].map(np.mean)
    wanted = {}
    for row, group in table[table["draw"].notna()].groupby("row"):
        right = group["correct"].astype(float)
        counts = group["exact_answer"].value_counts()
        modal = counts.index[counts == counts.max()]
        wanted[row] = {
            "probe": right[group["score"].idxmax()],
            "most_probable": right[group["sum"].idxmax()],
            "most_probable_mean": right[group["mean"].idxmax()],
            "greedy": float(table.set_index("id").loc[f"{row}#greedy", "correct"]),
            "random": right.mean(),
            "majority": right[group["exact_answer"].isin(modal)].mean(),
            "oracle": right.max(),
        }
    wanted = pd.DataFrame(wanted).T
    wanted.index = wanted.index.astype(object)
    pd.testing.assert_frame_equal(
        found.right.to_pandas()[wanted.columns],
        wanted,
        check_names=False,
        check_like=True,
        check_index_type=False,
        check_column_type=False,
    )
    assert found.accuracy.sel(type="all").to_pandas().to_dict() == pytest.approx(wanted.mean().to_dict())
    members = [
        name for name, types in zip(found.question.values, found.question_subtypes.values, strict=True) if "B" in types
    ]
    assert found.accuracy.sel(type="B", by="greedy").item() == pytest.approx(wanted.loc[members, "greedy"].mean())


def test_the_nested_probe_scores_by_folds_that_never_saw_the_question(drawn) -> None:
    answers, _, grid = drawn
    found = interp.choose_answers(answers, grid)
    assert found.delta_low.sel(type="all", by="probe", reference="random") > 0
    split = grid.assign_coords(fold=("sample", np.arange(grid.sizes["sample"]) % 5))
    with pytest.raises(DataError, match="their probe saw the question"):
        interp.choose_answers(answers, split)
    noise = probe_grid(capture_of(answers, np.zeros(len(answers)), seed=8), answers)
    none = interp.choose_answers(answers, noise).sel(type="all", by="probe", reference="random")
    assert none.delta_low < 0 < none.delta_high


def test_ties_are_shared_and_what_has_no_score_is_chosen_last() -> None:
    nan = float("nan")
    assert highest(np.array([1.0, 2, 2, nan])).tolist() == [False, True, True, False]
    assert highest(np.array([nan, nan])).all()
    assert majority(["a", "b", "a", "b", "c", "", "", ""]).tolist() == [True] * 4 + [False] * 4
    assert majority(["", ""]).all()


def test_what_has_no_label_is_counted_and_never_chosen(drawn) -> None:
    answers, _, _ = drawn
    correct = list(answers.correct)
    greedy, first = answers.id.index("r0#greedy"), answers.id.index("r1#0")
    for name in ("r0#greedy", "r1#0"):
        correct[answers.id.index(name)] = None
    for draw in range(6):
        correct[answers.id.index(f"r2#{draw}")] = None
    found = interp.choose_answers(replace(answers, correct=correct))
    assert found.attrs["n_left_out"] == 2 and found.attrs["n_unlabelled"] == 7 and greedy < first
    assert found.question_n.sel(question="r1") == 5 and "probe" not in found.by.values
    assert "greedy" in found.reference.values
    few = interp.choose_answers(answers[:50])
    assert few.sel(type="all").reason.sel(by="random").item() == "7 questions, at least 10 needed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": (9, "last_q")}, "9"),
        ({"scores": {"probe": {}}}, "a method of its own"),
        ({"scores": {"mine": {"nobody": 1.0}}}, "none of the samples' ids"),
        ({"scores": {"mine": lambda answers, cap: [1.0]}}, "one score a sample"),
    ],
)
def test_what_does_not_fit_is_one_sentence(drawn, options, words) -> None:
    answers, _, grid = drawn
    with pytest.raises(DataError, match=words):
        interp.choose_answers(answers, grid, **options)
    with pytest.raises(DataError, match="at least two needed"):
        interp.choose_answers(answers[:7], grid)

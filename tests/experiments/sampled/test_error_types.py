"""Planted error types are recovered, probed where a cell knows them, and refused where there are too few."""

from dataclasses import replace

import numpy as np
import pytest
from sampled_answers import RIGHT, capture_of, drawn_answers

import interp
from interp.errors import DataError
from interp.grids.probes import probe_grid

PLANTED = {
    "A": [None] * 6 + ["Rome", "Oslo", RIGHT, "Bonn"],
    "B": [RIGHT] * 9 + ["Rome"],
    "C": ["Rome"] * 8 + ["Oslo"] * 2,
    "D": [RIGHT] * 5 + ["Rome"] * 5,
    "E": ["Rome", "Oslo", "Bonn", "Bern", "Riga", "Kyiv", "Lima", "Doha", RIGHT, "Rome"],
}
"""Of ten draws; D is, by the paper's thresholds, consistently right and wrong too."""
EACH = 14


@pytest.fixture(scope="module")
def planted_types():
    rng = np.random.default_rng(0)
    kinds = [kind for kind in PLANTED for _ in range(EACH)]
    said = [list(rng.permutation(np.array(PLANTED[kind], dtype=object))) for kind in kinds]
    answers = drawn_answers(said, greedy=[str(rng.choice([RIGHT, "Rome"])) for _ in kinds])
    kind_of = {f"r{i}": kind for i, kind in enumerate(kinds)}
    signal = np.array([4.0 * (kind_of[row] in "AE") for row in answers.row])
    return kinds, answers, capture_of(answers, signal)


@pytest.fixture(scope="module")
def found(planted_types):
    return interp.error_types(planted_types[1], planted_types[2], permutations=99)


def test_planted_types_are_recovered(planted_types, found) -> None:
    kinds, answers, _ = planted_types
    is_type = found.is_type.to_pandas()
    for row, kind in zip(is_type.index, kinds, strict=True):
        types = {name for name in is_type.columns if is_type.loc[row, name] == 1}
        assert types == {"D": {"B", "C", "D"}}.get(kind, {kind} | ({"E"} if kind == "A" else set()))
    assert found.question_n.values.tolist() == [10] * len(kinds)
    # Counted again, straight from the table of the answers.
    table = answers.table().query("draw.notna()")
    right = table.groupby("row", sort=False)["correct"].sum()
    wrong = table[~table["correct"].astype(bool)].fillna({"exact_answer": "none"})
    assert found.question_n_right.to_pandas().tolist() == right.reindex(is_type.index).tolist()
    distinct = wrong.groupby("row")["exact_answer"].nunique().reindex(is_type.index) + (right > 0)
    assert found.question_n_distinct.to_pandas().tolist() == distinct.tolist()
    assert found.share.sel(type="A").item() == 14 / 70 and found.attrs["n_untyped"] == 0
    assert found.attrs["n_several"] == 2 * EACH


def test_the_cell_that_knows_a_type_tells_it_and_its_grid_is_probe_grids_own(planted_types, found) -> None:
    _, answers, cap = planted_types
    assert found.attrs["probed"] == "greedy answers" and found.attrs["n_probed"] == 70
    best = found.sel(type="E")
    assert best.best_token.item() == "exact_answer_last" and best.best_layer.item() == 1 and best.best_low > 0.5
    assert best.p_corrected.sel(layer=1, token="exact_answer_last") == 0.01
    own = [
        None if d is not None else int(found.is_type.sel(question=r, type="E"))
        for r, d in zip(answers.row, answers.draw, strict=True)
    ]
    grid = probe_grid(cap, own, answers.group)
    for name in ("auc", "low", "high", "n"):
        np.testing.assert_array_equal(found[name].sel(type="E").values, grid[name].values)
    assert np.isfinite(found.control_auc.sel(type="E", control="answer_identity"))


def test_merged_types_are_the_union_of_theirs(planted_types) -> None:
    _, answers, cap = planted_types
    apart = interp.error_types(answers, cap, merged=False, permutations=0)
    assert apart.type.values.tolist() == ["A", "B1", "B2", "C1", "C2", "D", "E1", "E2"]
    assert "0 questions of this type" in apart.best_reason.sel(type="B1").item()
    assert np.isnan(apart.p_corrected).all()
    assert apart.n_of_type.sel(type=["C1", "C2"]).values.tolist() == [EACH, EACH]


def test_types_of_another_run_are_found_by_its_rows(planted_types, found) -> None:
    _, answers, cap = planted_types
    at = [i for i, d in enumerate(answers.draw) if d is None]
    alone = replace(answers[at], id=[answers.row[i] for i in at], row=None, draw=None)
    mine = replace(
        cap,
        sites={k: v[at] for k, v in cap.sites.items()},
        embed=cap.embed[at],
        attention={},
        valid=cap.valid[at],
        index=cap.index[at],
        id=tuple(alone.id),
    )
    other = interp.error_types(alone, mine, sampled=answers[::-1], permutations=0)
    np.testing.assert_array_equal(other.auc.values, found.auc.values)
    assert other.attrs["probed"] == "all samples"
    stranger = replace(alone, id=[f"x{i}" for i in range(len(alone))])
    with pytest.raises(DataError, match="none of its 70 rows is among the answers"):
        interp.error_types(stranger, mine, sampled=answers)


def test_too_few_questions_are_a_sentence() -> None:
    same = drawn_answers([[RIGHT] * 4] * 12)
    found = interp.error_types(same, capture_of(same, np.zeros(len(same))), permutations=0)
    assert found.share.sel(type="B").item() == 1.0 and found.share_low.sel(type="B") > 0.7
    assert np.isnan(found.auc).all()
    assert (
        found.best_reason.sel(type="B").item() == "12 questions of this type and 0 others, at least 10 of each needed"
    )
    one = drawn_answers([["Rome"] * 4])
    with pytest.raises(DataError, match="one question only"):
        interp.error_types(one, capture_of(one, np.zeros(4)))
    nobody = replace(same, correct=[None] * len(same))
    with pytest.raises(DataError, match="no question has two labelled answers"):
        interp.error_types(nobody, capture_of(same, np.zeros(len(same))))

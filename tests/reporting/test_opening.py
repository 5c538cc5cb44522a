"""The first sentence of a run claims no more than its controls leave: the issue's case, planted, and a property."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from synthetic_grids import make_scores

from interp.capturing.roles import ROLES
from interp.comparing.against_controls import LOGPROBS, against_controls
from interp.comparing.best_cell import describe_best
from interp.controls.control_table import TITLES
from interp.reporting.verdict import verdict
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

LAYERS, PRESENT = 18, 9
RIGHT, ASKED = 23, 60


def small_run(*, token_tells: bool):
    """Sixty questions, 23 right; six of fifteen columns are absent. The token itself tells as much, or one cell does."""
    rng = np.random.default_rng(2)
    y = rng.permutation(np.arange(ASKED) < RIGHT).astype(np.int64)
    fold, sample = np.arange(ASKED) % 5, np.arange(ASKED)
    noise = rng.standard_normal((ASKED, LAYERS + 1, len(ROLES)))
    score = noise + 0.5 * rng.standard_normal((ASKED, 1, len(ROLES)))
    if token_tells:
        score += 3.2 * y[:, None, None]
    else:
        score[:, 8, 3] += 6 * y
    score[:, :, PRESENT:] = np.nan
    cells = [
        [estimate_auc(score[:, layer, role], Samples(y, fold, sample)) for role in range(len(ROLES))]
        for layer in range(LAYERS + 1)
    ]
    own = ("layer", "token")
    table = {
        "auc": np.array([[cell.value for cell in row] for row in cells]),
        "low": np.array([[cell.low for cell in row] for row in cells]),
        "high": np.array([[cell.high for cell in row] for row in cells]),
        "n": np.array([[cell.n for cell in row] for row in cells]),
        "n_correct": np.array([[cell.n_correct for cell in row] for row in cells]),
        "reason": np.array([[cell.reason for cell in row] for row in cells], dtype=object),
    }
    grid = xr.Dataset(
        {
            **{name: (own, values[1:]) for name, values in table.items()},
            **{f"embed_{name}": ("token", values[0]) for name, values in table.items()},
            "score": (("sample", *own), score[:, 1:]),
            "embed_score": (("sample", "token"), score[:, 0]),
            "p_corrected": (own, np.where(np.isfinite(table["auc"][1:]), 0.01, np.nan)),
        },
        coords={
            "layer": np.arange(LAYERS),
            "token": np.array(ROLES, dtype=object),
            "sample": np.array([f"s{i}" for i in sample], dtype=object),
            "y": ("sample", y),
            "fold": ("sample", fold),
            "group": ("sample", np.array([f"g{i}" for i in sample], dtype=object)),
        },
        attrs={"probe": "logistic", "min_per_class": 10},
    )
    return grid, {"best": {"probe": describe_best(grid)}, "against_controls": against_controls(grid, {})}


def test_a_small_run_whose_token_tells_as_much_claims_nothing() -> None:
    """108 of 270 cells undefined, nearly all others above chance, and the embedding as high as the best cell."""
    grid, comparison = small_run(token_tells=True)
    first, *others = verdict(grid, comparison)
    assert int(grid["auc"].isnull().sum()) == 108 and comparison["best"]["probe"]["nested"]["low"] > 0.8
    assert any(sentence.startswith("162 of 162 defined cells lie above chance") for sentence in others)
    assert first.startswith(("Undecided what the states add:", "A control tells more than the states:"))
    assert "the strongest control, embedding row at " in first and "the best cell minus it: " in first
    assert first.endswith("23 of 60 samples are right (the smaller class: 23), 108 of 270 cells undefined.")


def test_a_small_run_that_tells_more_than_its_token_says_so() -> None:
    first = verdict(*small_run(token_tells=False))[0]
    assert first.startswith("Internal states tell more than the strongest control: the best cell separates")
    assert "layer 7, exact_answer_before_first" in first and "embedding row at " in first


def interval(low: float, high: float) -> dict[str, float]:
    return {"value": (low + high) / 2, "low": low, "high": high}


numbers = st.tuples(st.floats(-0.5, 0.5), st.floats(0, 0.4)).map(lambda pair: interval(pair[0], pair[0] + pair[1]))
missing = {"value": None, "low": None, "high": None}
row = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["embed", *TITLES]),
        "token": st.sampled_from(["all", "-1"]),
        "value": st.floats(0, 1),
        "low": st.floats(0, 1),
        "high": st.floats(0, 1),
        "difference": st.just(missing) | numbers.map(lambda gain: {**gain, "p": 0.5}),
    }
)
PROBE = make_scores(signal=2.5)


@given(
    st.lists(row, max_size=6, unique_by=lambda one: one["name"]),
    st.floats(0.3, 0.9).map(lambda low: interval(low, low + 0.1)),
    st.none() | st.booleans(),
)
def test_no_first_sentence_claims_more_than_the_strongest_control_leaves(rows, nested, tested) -> None:
    """`tested`: whether a permutation test found a signal; None: there was none, and the interval decides."""
    probe = PROBE if tested is None else PROBE.assign(p_corrected=PROBE["auc"] * 0 + (0.01 if tested else 0.4))
    best = {"cell": {"layer": 3, "token": "-1"}, "nested": {**nested, "n": 70, "n_correct": 50, "reason": ""}}
    first = verdict(probe, {"best": {"probe": best}, "against_controls": rows})[0]

    shortcuts = [one for one in rows if one["name"] not in LOGPROBS]
    strongest = max(shortcuts, key=lambda one: one["value"], default=None)
    low, high = (
        (strongest or {"difference": missing})["difference"]["low"],
        ((strongest or {"difference": missing})["difference"]["high"]),
    )
    claim = first.split(":")[0]
    if claim.startswith("Internal states tell more than the strongest control"):
        assert low is not None and low > 0 and nested["low"] > 0.5 and tested is not False
        told = [one for one in rows if one["name"] in LOGPROBS]
        gain = max(told, key=lambda one: one["value"])["difference"]["low"] if told else 1.0
        assert ("the model's own confidence" in claim) == (gain is None or gain <= 0)
    elif claim == "A control tells more than the states":
        assert high is not None and high < 0
    else:
        assert claim in ("Undecided", "Undecided what the states add")
    if strongest is not None:
        name = "embedding row" if strongest["name"] == "embed" else TITLES[strongest["name"]]
        assert f"the strongest control, {name[0].lower()}{name[1:]}" in first
    assert first.endswith("50 of 70 samples are right (the smaller class: 20), 6 of 24 cells undefined.")


def test_what_cannot_be_scored_says_why() -> None:
    best = {"cell": None, "nested": {"value": None, "reason": "fewer than 10 of either class"}}
    first = verdict(PROBE, {"best": {"probe": best}})[0]
    assert first.startswith("Undecided: no cell can be chosen (fewer than 10 of either class); 40 of 80 samples")
    nowhere = verdict(PROBE.assign(auc=PROBE["auc"] * np.nan), {})[0]
    (reason,) = {str(reason) for reason in PROBE["reason"].values.ravel() if reason}
    assert nowhere.startswith(f"No cell of the probe grid is defined ({reason}); ")
    assert nowhere.endswith("24 of 24 cells undefined.")


@pytest.mark.parametrize(
    ("right", "words"),
    [(29, "Only 29 right answers are"), (30, ""), (51, "Only 29 wrong answers are"), (79, "Only 1 wrong answer is")],
)
def test_a_class_below_thirty_is_warned_of(right: int, words: str) -> None:
    from interp.reporting.opening import small_class_note

    best = {"nested": {"value": 0.9, "n": 80, "n_correct": right}}
    notes = small_class_note(PROBE, {"best": {"probe": best}})
    assert [note.split(" behind")[0] for note in notes] == ([words] if words else [])


def test_few_groups_are_said_where_there_are_enough_samples() -> None:
    from interp.reporting.opening import small_class_note

    y = np.arange(200) % 2
    of = {"of its own": np.arange(200), "thirty": np.arange(200) // 2 % 30, "one": np.where(y == 1, 0, np.arange(200))}
    notes = {
        name: small_class_note(
            xr.Dataset(coords={"sample": range(200), "y": ("sample", y), "group": ("sample", group)}), {}
        )
        for name, group in of.items()
    }
    assert notes["of its own"] == notes["thirty"] == []
    assert notes["one"][0].startswith("The right answers are of 1 group only") and "fewer than 30" in notes["one"][0]

"""Data that do not fit: each is refused in one sentence, or left out, counted and named; nothing is imputed or 0.5."""

import numpy as np
import pytest
import torch
import xarray as xr

from interp.comparing.compare import compare_grids
from interp.comparing.run_differences import compare_runs
from interp.errors import DataError
from interp.grids.join import join_grids
from interp.grids.probes import probe_grid
from interp.statistics.folds import make_folds


def cell(n: int = 60, width: int = 6, layers: int = 1, roles: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return rng.standard_normal((n, layers, roles, width)) + 0.5 * y[:, None, None, None], y


@pytest.mark.parametrize("label", [0, 1])
def test_one_class(label: int) -> None:
    x, _ = cell()
    kind = "correct" if label else "wrong"
    with pytest.raises(DataError, match=f"all 60 samples of the population are {kind}; a probe needs both"):
        probe_grid(x, np.full(60, label))


def test_a_class_of_three() -> None:
    x, _ = cell()
    y = np.zeros(60, dtype=int)
    y[[5, 25, 45]] = 1
    grid = probe_grid(x, y)
    assert np.isnan(grid["auc"].item()) and (grid["n"].item(), grid["n_correct"].item()) == (60, 3)
    assert grid["reason"].item() == "3 correct and 57 wrong samples, at least 10 of each needed"
    few = probe_grid(x, y, min_per_class=3)  # who wants it all the same gets it, over the folds that have pairs
    assert few["reason"].item() == "" and 0 <= few["auc"].item() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_features_that_are_not_finite_are_as_if_the_sample_lacked_the_cell(value: float, dtype: torch.dtype) -> None:
    x, y = cell(layers=2)
    spoiled = torch.from_numpy(x).to(dtype)
    spoiled[[3, 8], 1, 0, 2] = value
    fold = np.arange(60) // 2 % 5
    grid = probe_grid(spoiled, y, fold=fold)
    assert grid["n"].values.ravel().tolist() == [60, 58] and grid["n_nonfinite"].values.ravel().tolist() == [0, 2]
    assert grid.attrs["nonfinite"] == "layer 1, 0: 3, 8"
    there = np.delete(np.arange(60), [3, 8])
    without = probe_grid(torch.from_numpy(x[there]).to(dtype), y[there], fold=fold[there])
    found, expected = grid["score"].values[there, 1, 0], without["score"].values[:, 1, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)  # without them both layers are solved together
    assert np.isnan(grid["score"].values[[3, 8], 1, 0]).all()


def test_many_samples_that_are_not_finite_are_counted_and_the_first_named() -> None:
    x, y = cell()
    x[:9, 0, 0, 0] = np.nan
    assert probe_grid(x, y).attrs["nonfinite"] == "layer 0, 0: 0, 1, 2, 3, 4 and 4 more"


def test_a_column_that_is_constant_for_some_and_nan_for_others() -> None:
    x, y = cell()
    x[..., 0] = 5.0
    without = probe_grid(x[..., 1:], y)["score"].values
    np.testing.assert_allclose(probe_grid(x, y)["score"].values, without, rtol=0, atol=1e-9)
    x[:, 0, 0] = 2.5
    assert str(probe_grid(x, y)["reason"].item()).startswith("no column varies in the training part")


def test_no_columns_at_all() -> None:
    _, y = cell()
    grid = probe_grid(np.zeros((60, 1, 1, 0)), y)
    assert grid["reason"].item() == "no feature is finite for every sample of the cell"


def test_fewer_groups_than_folds() -> None:
    x, y = cell()
    with pytest.raises(DataError, match="4 distinct groups for 5 folds; give more questions, fewer folds or finer"):
        probe_grid(x, y, [f"g{i % 4}" for i in range(60)])
    assert probe_grid(x, y, [f"g{i // 2 % 4}" for i in range(60)], folds=4)["reason"].item() == ""


@pytest.mark.parametrize(
    ("label", "located", "hint"),
    [(None, True, "give accepted answers"), (0, False, "choose another exact-answer method, or population='all'")],
)
def test_an_empty_population_says_what_to_do(label: int | None, located: bool, hint: str) -> None:
    with pytest.raises(DataError, match=f"nothing can be probed: {hint}"):
        make_folds([label] * 20, has_exact_answer=np.full(20, located))


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([1, 2] * 30, "2"),
        ([-1, 1] * 30, "-1"),
        ([0.5, 1] * 30, "0.5"),
        (["yes", "no"] * 30, "'yes'"),
        ([[0], [1]] * 30, r"\[0\]"),
    ],
)
def test_labels_that_are_not_zero_or_one(labels: list, shown: str) -> None:
    x, _ = cell()
    with pytest.raises(DataError, match=f"expected 0 .wrong., 1 .correct. or None, got {shown} at sample"):
        probe_grid(x, labels)


def test_labels_of_any_type_that_are_zero_and_one_are_the_same() -> None:
    x, y = cell()
    expected = probe_grid(x, y)["score"]
    for same in (y.astype(bool), y.astype(float), torch.from_numpy(y), y.tolist(), [bool(label) for label in y]):
        assert probe_grid(x, same)["score"].equals(expected)


@pytest.mark.parametrize("join", [join_grids, compare_grids, lambda a, b: compare_runs({"a": a, "b": b})])
@pytest.mark.parametrize("axis", ["layer", "token"])
def test_grids_whose_layers_or_roles_do_not_match_are_an_error(join, axis: str) -> None:
    """xarray alone would take the intersection: twelve layers times eleven silently gives eleven."""
    x, y = cell(layers=3, roles=3)
    whole = probe_grid(x, y)
    part = whole.isel({axis: slice(0, 2)})
    assert (whole["auc"] - part["auc"]).sizes[axis] == 2  # what must not happen
    renamed = whole.assign_coords({axis: [7, 8, 9] if axis == "layer" else ["a", "b", "c"]})
    for other in (part, renamed):
        with pytest.raises(DataError, match=f"{axis} labels"):
            join(whole, other)
    join(whole, whole.isel({axis: slice(None, None, -1)}))  # the same labels in another order are found by name


@pytest.mark.parametrize("name", ["y", "fold", "group"])
def test_grids_that_disagree_about_a_sample_are_an_error(name: str) -> None:
    x, y = cell()
    one = probe_grid(x, y)
    values = one[name].values.copy()
    values[17] = "elsewhere" if name == "group" else 1 - values[17]
    other = one.assign_coords({name: ("sample", values)})
    with pytest.raises(DataError, match=f"{name} differs at 1 samples, first '17'"):
        compare_grids(one, other)


def test_what_is_no_grid_is_refused() -> None:
    with pytest.raises(DataError, match="missing auc, low, high"):
        compare_runs({"a": xr.Dataset(), "b": xr.Dataset()})

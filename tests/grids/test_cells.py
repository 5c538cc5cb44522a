"""Which samples a grid is made of: read by order from whatever holds them, and no group on both sides of a fold."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from interp.errors import DataError
from interp.grids.cells import Population, choose_samples
from interp.grids.features import read_features

N = 60
Y = np.arange(N) % 2
GROUPS = [f"q{i // 3}" for i in range(N)]
IDS = [f"s{i}" for i in range(N)]
FOLD = np.arange(N) // 3 % 5


def series(values: object) -> pd.Series:
    """With an index that names the samples in another order."""
    return pd.Series(values, index=np.random.default_rng(0).permutation(N))


def same(a: Population, b: Population) -> bool:
    return (a.groups, a.samples.ids, a.excluded) == (b.groups, b.samples.ids, b.excluded) and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for one, other, names in ((a, b, ("index",)), (a.samples, b.samples, ("y", "fold", "group", "signs")))
        for name in names
    )


@pytest.mark.parametrize("kind", [series, np.array, xr.DataArray])
@pytest.mark.parametrize("fold", [None, FOLD])
def test_samples_are_read_by_order(kind, fold) -> None:
    expected = choose_samples(N, Y.tolist(), GROUPS, fold=fold, ids=IDS)
    given = choose_samples(N, kind(Y), kind(GROUPS), fold=None if fold is None else kind(fold), ids=kind(IDS))
    assert same(given, expected)


def test_no_group_of_a_shuffled_table_stands_on_both_sides_of_a_fold() -> None:
    table = pd.DataFrame({"y": Y, "group": GROUPS}).sample(frac=1, random_state=0)
    found = choose_samples(N, table["y"], table["group"])
    assert found.groups == tuple(table["group"].tolist()) and found.samples.y.tolist() == table["y"].tolist()
    numbers = pd.DataFrame({"group": found.groups, "fold": found.samples.fold}).groupby("group")["fold"].nunique()
    assert (numbers == 1).all()


def test_given_folds_that_split_a_group_are_refused() -> None:
    fold = FOLD.copy()
    fold[[4, 9]] = [3, 0]  # of q1, in fold 1, and q3, in fold 3
    with pytest.raises(DataError, match=r"fold: 2 of 20 groups are split over folds, first 'q1' \(folds 1, 3\)"):
        choose_samples(N, Y, GROUPS, fold=fold)
    assert choose_samples(N, Y, None, fold=fold).samples.fold.tolist() == fold.tolist()  # every sample its own group
    fold[[4, 9]] = -1  # outside the population: on neither side
    assert choose_samples(N, Y, GROUPS, fold=fold).excluded == {"no_fold": 2}


def test_an_xarray_of_features_is_its_values_by_order() -> None:
    x = np.random.default_rng(0).standard_normal((N, 2, 3, 4)).astype(np.float32)
    features = read_features(
        xr.DataArray(x, dims=["sample", "layer", "token", "d"]), ids=pd.Series(IDS, index=IDS[::-1])
    )
    some = np.array([5, 1, 8])  # an xarray, indexed by arrays, takes their outer product
    np.testing.assert_array_equal(features.column(some, 1, 2), x[some, 1, 2])
    assert features.ids == tuple(IDS) and features.used(some).all()
    with pytest.raises(
        DataError, match=r"expected a Capture or an array `sample layer role width`, got DataArray of shape \(60, 2\)"
    ):
        read_features(xr.DataArray(x[:, :, 0, 0]))
    assert read_features(torch.tensor(x).bfloat16()).values.dtype == torch.bfloat16

"""Two grids of the same samples: brought into one order, and joined exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.errors import DataError
from interp.grids.grid import check_grid
from interp.grids.variables import JOINED_GRIDS, returns
from interp.support.arguments import several_texts
from interp.support.axes import some
from interp.support.messages import shown
from interp.support.public import public


def aligned(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """The second grid with its layers, roles and samples in the order of the first one's.

    Raises DataError unless both have the same ones, and the same labels, folds and groups of every sample.
    """
    for grid in (first, second):
        check_grid(grid)
    for name in ("layer", "token", "sample"):
        a, b = first.indexes[name], second.indexes[name]
        if not a.sort_values().equals(b.sort_values()):
            only_a, only_b = [x for x in a if x not in set(b)], [x for x in b if x not in set(a)]
            raise DataError(
                f"grids: their {name} labels differ ({len(a)} and {len(b)}; only in the first: {some(only_a)}; "
                f"only in the second: {some(only_b)}); compute both on the same samples and axes"
            )
    second = reordered(second, {name: first.indexes[name] for name in ("layer", "token", "sample")})
    for name in ("y", "fold", "group"):
        differ = np.flatnonzero(first[name].values != second[name].values)
        if len(differ):
            raise DataError(
                f"grids: {name} differs at {len(differ)} samples, first {first['sample'].values[differ[0]]!r}; "
                "give both grids the same labels, groups, folds and seed"
            )
    return second


def reordered(grid: xr.Dataset, order: Mapping[str, pd.Index]) -> xr.Dataset:
    """The grid with the labels of some axes in this order; itself where they are."""
    return grid.isel(
        {name: grid.indexes[name].get_indexer(to) for name, to in order.items() if not grid.indexes[name].equals(to)}
    )


def two_names(names: Any) -> tuple[str, str]:
    """What two grids are called. Raises DataError unless these are two different texts."""
    found = several_texts("names", names, one=False)
    if len(found) != 2 or found[0] == found[1]:
        raise DataError(f"names: expected two different names, got {shown(names)}")
    return found[0], found[1]


@returns(JOINED_GRIDS, "Returns an xarray Dataset, of a probe grid and an attention grid:")
@public
def join_grids(probe: xr.Dataset, attn: xr.Dataset, *, names: tuple[str, str] = ("probe", "attention")) -> xr.Dataset:
    """Both grids under a new leading dim `grid`, for the variables they share; the others keep their own axes.

    Layers, roles and samples are matched by name. They, labels, folds and groups must agree exactly: DataError
    otherwise, never an inner join.
    Attributes that differ are kept under `<name>_<attribute>`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> joined = interp.join_grids(interp.probe_grid(cap, answers.correct), interp.attention_grid(cap, answers.correct))
    >>> joined.auc.dims, joined.grid.values.tolist()
    (('grid', 'layer', 'token'), ['probe', 'attention'])
    """
    names = two_names(names)
    probe, attn = xr.align(probe, aligned(probe, attn), join="exact")
    shared = [name for name in probe.data_vars if name in attn.data_vars]
    own = [grid[[name for name in grid.data_vars if name not in shared]] for grid in (probe, attn)]
    both = xr.concat(
        [probe[shared], attn[shared]],
        dim=xr.Variable("grid", np.asarray(names, dtype=object)),
        join="exact",
        coords="minimal",
        compat="equals",
        combine_attrs="drop",
    )
    joined = xr.merge([both, *own], join="exact", compat="equals", combine_attrs="drop")
    for key in dict.fromkeys([*probe.attrs, *attn.attrs]):
        values = {name: grid.attrs[key] for name, grid in zip(names, (probe, attn), strict=True) if key in grid.attrs}
        if len(values) == 2 and len(set(map(str, values.values()))) == 1:
            joined.attrs[key] = values[names[0]]
        else:
            joined.attrs.update({f"{name}_{key}": value for name, value in values.items()})
    return joined

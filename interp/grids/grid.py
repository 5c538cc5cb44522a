"""Grids as xarray datasets: built in one place, joined exactly, saved to netCDF4 and read back unchanged.

dims `layer` (int), `token` (role), `sample` (id); on (layer, token) `auc`, `low`, `high`, `n`, `n_correct`, `reason`;
`score` (sample, layer, token) holds out-of-fold decision values; `y`, `fold`, `group` are coordinates of `sample`;
`choice_auc` (sample, layer, token) is a cell's AUC without the sample's fold, by which the best cell is chosen;
`training` (sample, layer, token; bytes, see `fold_values`) how the folds' errors depend on each other (`cross_fold`).
The control row `embed` has the same under `embed_…`, without the layer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from interp.errors import DataError
from interp.grids.accessor import Cells
from interp.grids.cells import Fitted, Population
from interp.grids.fold_values import AXES, at_samples, of_folds, packed, unpacked, without_own_dims
from interp.grids.hdf5_check import check_hdf5
from interp.statistics.auc import Estimate
from interp.statistics.cross_fold import Sketch
from interp.statistics.samples import DIRECTIONS, Samples, group_codes
from interp.support.arrays import read_whole_numbers
from interp.support.atomic import write_chunks
from interp.support.messages import shown
from interp.support.version import __version__

xr.register_dataset_accessor("cells")(Cells)  # here, since no grid is made or read without this module

JSON = "texts_as_json"
"""The attribute of a file that names the variables whose texts stand in it as JSON."""
CELL_VARIABLES = ("auc", "low", "high", "n", "n_correct", "reason")
DIMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(CELL_VARIABLES, ("layer", "token")),
    **dict.fromkeys(("y", "fold", "group"), ("sample",)),
    "score": ("sample", "layer", "token"),
    "position": ("sample", "token"),
    "position_first": ("sample", "token"),
    "embed_score": ("sample", "token"),
    "embed_auc": ("token",),
}
"""The axes of what the functions of grids read."""


@dataclass(frozen=True)
class GridArrays:
    """The arrays behind a grid, for the functions of `inference`, `resampling` and `contrast`."""

    score: Float[np.ndarray, "sample layer role"]
    samples: Samples
    auc: Float[np.ndarray, "layer role"]
    training: Float[np.ndarray, "sample layer role side direction"] | None = None
    choice: Float[np.ndarray, "fold layer role"] | None = None
    """`choice_auc` of every fold that has a sample, in increasing order; None if the grid knows of none."""

    @property
    def y(self) -> Int[np.ndarray, " sample"]:
        """Labels."""
        return self.samples.y

    @property
    def fold(self) -> Int[np.ndarray, " sample"]:
        """Folds."""
        return self.samples.fold

    @property
    def group(self) -> Int[np.ndarray, " sample"]:
        """Codes of the groups."""
        return self.samples.group

    @property
    def defined(self) -> Bool[np.ndarray, "layer role"]:
        """Cells that have an AUC."""
        return np.isfinite(self.auc)

    def trained(self, layer: int, role: int) -> Sketch:
        """A cell's `training_sketch`; zeros, as for scores that were not trained here, where the grid knows of none."""
        if self.training is None:
            return np.zeros((len(self.y), 2, DIRECTIONS))
        return self.training[:, layer, role].astype(np.float64)


def grid_arrays(grid: xr.Dataset) -> GridArrays:
    """Plain arrays of a checked grid."""
    check_grid(grid)
    grid = without_own_dims(grid)
    values = {name: grid[name].transpose(*AXES).values for name in ("score", "training", "choice_auc") if name in grid}
    fold = grid["fold"].values.astype(np.int64)
    return GridArrays(
        score=values["score"],
        samples=Samples(grid["y"].values.astype(np.int64), fold, group_codes(grid["group"].values.tolist())),
        auc=grid["auc"].transpose("layer", "token").values,
        training=unpacked(values["training"]) if "training" in values else None,
        choice=of_folds(values["choice_auc"], fold) if "choice_auc" in values else None,
    )


def estimate_variables(
    estimates: Sequence[Estimate], dims: Sequence[str], shape: Sequence[int], *, prefix: str = ""
) -> dict[str, tuple[Sequence[str], np.ndarray]]:
    """`auc`, `low`, `high`, `n`, `n_correct`, `reason` of the estimates as variables of a dataset."""
    values = {
        "auc": np.array([e.value for e in estimates]),
        "low": np.array([e.low for e in estimates]),
        "high": np.array([e.high for e in estimates]),
        "n": np.array([e.n for e in estimates], dtype=np.int64),
        "n_correct": np.array([e.n_correct for e in estimates], dtype=np.int64),
        "reason": np.array([e.reason for e in estimates], dtype=object),
    }
    return {f"{prefix}{name}": (dims, value.reshape(tuple(shape))) for name, value in values.items()}


def make_grid(
    fitted: Fitted, population: Population, *, layers: Sequence[int], roles: Sequence[str], attrs: Mapping[str, Any]
) -> xr.Dataset:
    """Scores and estimates under their labels; only samples of the population are in a grid.

    Where C was chosen, `chosen_C` (sample, layer, token) is that of the probe that scored the sample; the attribute `C`
    is then the folds' median, which permutations and controls use instead of choosing anew each time.
    """

    by_fold = {name: v for name, v in (("choice_auc", fitted.choice), ("chosen_C", fitted.C)) if v is not None}
    if fitted.C is not None:
        attrs = {**attrs, "C": float(np.nanquantile(fitted.C, 0.5, method="lower")), "C_choice": "inner folds"}
    samples = population.samples
    excluded = {f"excluded_{reason}": count for reason, count in population.excluded.items()}
    grid = xr.Dataset(
        data_vars={
            **estimate_variables(fitted.estimates, ("layer", "token"), (len(layers), len(roles))),
            "score": (AXES, fitted.score),
            **{name: (AXES, at_samples(values, samples.fold)) for name, values in by_fold.items()},
            **({} if fitted.training is None else {"training": (AXES, packed(fitted.training))}),
        },
        coords={
            "layer": np.asarray(layers, dtype=np.int64),
            "token": np.asarray(roles, dtype=object),
            "sample": np.asarray(samples.ids, dtype=object),
            "y": ("sample", samples.y),
            "fold": ("sample", samples.fold),
            "group": ("sample", np.asarray(population.groups, dtype=object)),
        },
        attrs={**attrs, **excluded, "unconverged": fitted.unconverged, "interp_version": __version__},
    )
    check_grid(grid)
    return grid


def check_grid(grid: Any) -> None:
    """Raise DataError unless `grid` has the variables, coordinates and unique labels of a grid."""
    if not isinstance(grid, xr.Dataset):
        raise DataError(f"grid: expected the whole grid, an xarray Dataset, got {shown(grid)}")
    missing = [name for name in (*CELL_VARIABLES, "score", "y", "fold", "group") if name not in grid.variables]
    if missing:
        raise DataError(f"grid: missing {', '.join(missing)}; a grid comes from probe_grid or attention_grid")
    for name in ("layer", "token", "sample"):
        if name not in grid.indexes or not grid.indexes[name].is_unique:
            raise DataError(f"grid: the labels of {name} must exist and be unique")
    for name, dims in DIMS.items():
        if name in grid and set(grid[name].dims) != set(dims):
            found = ", ".join(map(str, grid[name].dims))
            raise DataError(f"grid: expected {name!r} on ({', '.join(dims)}), got ({found}); choose cells by lists")
    if not all(grid.sizes[axis] for axis in ("layer", "token", "sample")):
        raise DataError(f"grid: expected at least one layer, token and sample, got {dict(grid.sizes)}")
    if not np.isin(grid["y"].values, (0, 1)).all():
        raise DataError("grid: expected labels `y` of 0 and 1")
    read_whole_numbers("grid: fold", grid["fold"].values)


def save_grids(grids: Mapping[str | None, xr.Dataset], path: str | Path) -> None:
    """Write grids as one netCDF4 file, whole or not at all, by the names of their groups (None: the root).

    `load_grid` gives back the same values and labels. Raises RunError if the file cannot be written.
    """
    from h5netcdf import File
    from xarray.backends import H5NetCDFStore

    buffer = BytesIO()  # HDF5 on a full disk leaves half a file and tracebacks of its own
    with File(buffer, "w") as file:
        for group, grid in grids.items():
            _without_nul(grid).dump_to_store(H5NetCDFStore(file, group=group))
    write_chunks(Path(path), [buffer.getbuffer()])


def save_grid(grid: xr.Dataset, path: str | Path) -> None:
    """`save_grids` of one, in the root."""
    save_grids({None: grid}, path)


def _without_nul(grid: xr.Dataset) -> xr.Dataset:
    """Texts that hold a NUL (ids, say), which no netCDF file can, as JSON; and which variables these are."""
    texts = {str(name): one.values.flat for name, one in grid.variables.items() if one.dtype == object}
    held = [name for name, values in texts.items() if any("\0" in str(value) for value in values)]
    changed = grid.assign({name: _each(json.dumps, grid[name]) for name in held})
    return changed.assign_attrs({JSON: held}) if held else grid


def _with_nul(grid: xr.Dataset) -> xr.Dataset:
    """The inverse."""
    held = np.atleast_1d(grid.attrs.pop(JSON, [])).tolist()
    return grid.assign({name: _each(json.loads, grid[name]) for name in held})


def _each(function: Callable[[str], str], texts: xr.DataArray) -> xr.DataArray:
    return texts.copy(data=np.array([function(text) for text in texts.values.flat], dtype=object).reshape(texts.shape))


def load_grid(path: str | Path, *, group: str | None = None) -> xr.Dataset:
    """Read a grid that `save_grid` wrote; raises DataError for anything that is not a netCDF4 file."""
    try:
        check_hdf5(Path(path))
        with xr.open_dataset(path, engine="h5netcdf", group=group) as grid:
            return without_own_dims(_with_nul(grid.load()))
    except Exception as error:  # of HDF5 and its readers, which know many: to the user it is one sentence
        raise DataError(f"{path}: expected a grid written by interp (netCDF4), got {error}") from error

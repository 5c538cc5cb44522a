"""Compare two grids on the same samples: where they differ, whether they look alike, and where each has its peak."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.comparing.best_cell import describe_best
from interp.comparing.comparison_html import comparison_html
from interp.comparing.delta import delta_grid, differences
from interp.comparing.observations import observation_table, observations
from interp.errors import DataError, NoSuchName, RunError
from interp.grids.grid import GridArrays, grid_arrays
from interp.grids.grid_table import grid_table
from interp.grids.join import aligned, two_names
from interp.grids.of_run import GridLike, grid_of
from interp.grids.variables import DIFFERENCE, returns
from interp.statistics.auc import MIN_PER_CLASS
from interp.statistics.resampling import split_halves
from interp.support.arguments import mapping, one_of
from interp.support.arguments import path as path_of
from interp.support.atomic import plain
from interp.support.later import later
from interp.support.public import public
from interp.support.stored import read_json
from interp.support.tabular import Tabular
from interp.support.units import decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
@dataclass(frozen=True, eq=False)
class Comparison(Mapping[str, Any], Tabular):
    """Two grids of the same samples, side by side.

    Also a mapping that cannot be changed: of a run's comparison over all of `comparison.json`, where `controls`,
    `against_controls`, `matched_width`, `gain` and `for_use` stand beside it; of any other over `to_dict`.

    >>> comparison = interp.open_run("demo-run").comparison  # the folder of `interp demo`
    >>> comparison.names, "for_use" in comparison
    (('probe', 'attention'), True)
    """

    names: tuple[str, str]
    """Of the first and the second grid."""
    delta_auc: xr.Dataset
    """On (layer, token): `delta` = first grid minus second, `low`, `high`, `p`, `q`, `n`, `n_correct`, `reason`."""
    correlation: dict[str, Any]
    """`raw` and `centred` (row and column means removed): `between`, and each grid's own ceiling `within_1/2`."""
    profiles: xr.Dataset
    """Mean AUC over the cells defined in both: `layer_profile` (grid, layer), `token_profile` (grid, token)."""
    best: dict[str, dict[str, Any]]
    """Each grid's best cell, its AUC when chosen on other folds, and the set of cells that may hold the peak."""

    observations: pd.DataFrame
    """The observations of the heatmap's description on the first grid (`interp.observations`)."""
    stored: Mapping[str, Any] | None = None
    """What the file held that the comparison was read from; None: it was computed."""

    @property
    def differences(self) -> dict[str, Any]:
        """The comparison in numbers: how many cells differ at q < 0.05, and in which direction."""
        return differences(self.delta_auc, self.names)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Comparison":
        """What `to_dict` gave, or `comparison.json` holds, as a Comparison again: every number as it was.

        Raises DataError for anything else.
        """
        mapping("comparison", stored, "{name: value}, as `to_dict` gives or comparison.json holds it")
        needed = ("names", "delta_auc", "profiles", "correlation", "best", "observations")
        if lacking := [name for name in needed if name not in stored]:
            raise DataError(f"comparison: expected what `to_dict` gave; it lacks {', '.join(lacking)}")
        try:
            return cls(
                names=two_names(stored["names"]),
                delta_auc=_dataset(stored["delta_auc"]),
                profiles=_dataset(stored["profiles"]),
                observations=observation_table(stored["observations"]),
                correlation=stored["correlation"],
                best=stored["best"],
                stored=stored,
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise DataError(f"comparison: not as `to_dict` gives it: {error}") from error

    @classmethod
    def read(cls, path: Path) -> "Comparison":
        """`comparison.json` of a run. Raises RunError if it is damaged."""
        path = path_of("comparison", path, error=RunError)
        try:
            return cls.from_dict(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, DataError) as error:
            raise RunError(f"{path} does not hold a run's comparison ({error}); restore it or run again") from error

    def __getitem__(self, key: str) -> Any:
        """A part of it by name. Raises DataError, which is a KeyError too, for a name that it lacks."""
        return self._mapping[one_of("comparison", key, self._mapping, error=NoSuchName)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)

    def __repr__(self) -> str:
        """In one line: what is compared, and how many cells differ."""
        first, second = self.names
        found, sizes = self.differences, self.delta_auc.sizes
        mean = "" if found["mean_delta"] is None else f", mean ΔAUC {decimal(found['mean_delta'], sign=True)}"
        return (
            f"Comparison({first} − {second}: {sizes['layer']} layers, {sizes['token']} tokens; of {found['cells']} "
            f"cells {found[f'{first}_higher']} are higher, {found[f'{second}_higher']} lower (q < 0.05){mean})"
        )

    def _repr_html_(self) -> str:
        """In a notebook: the cells that differ, the best cells, and how alike the grids are."""
        return comparison_html(self)

    @cached_property
    def _mapping(self) -> Mapping[str, Any]:
        return self.to_dict() if self.stored is None else self.stored

    def table(self) -> pd.DataFrame:
        """`delta_auc` as a tidy table, a row per layer and token (`interp.grid_table`)."""
        return grid_table(self.delta_auc)

    def to_xarray(self) -> xr.Dataset:
        """`delta_auc`: the difference of every cell, with its interval, p and q, on (layer, token)."""
        return self.delta_auc

    def plot(
        self, *, ax: "Axes | None" = None, title: str | None = None, width: float | int | str | None = None
    ) -> "Axes":
        """The differences as a heat map. `interp.plot_comparison` draws the two grids beside them, and marks q < 0.05.

        >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
        >>> run.comparison.plot().get_ylabel()
        'Layer'
        """
        heading = " − ".join(self.names) if title is None else title
        options = {"ax": ax, "title": heading, "width": width}
        drawn: Axes = later("reporting.plotting.plot_grid")(self.delta_auc, value="delta", **options)
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, ready for JSON; undefined numbers are None."""
        return {
            "names": list(self.names),
            "delta_auc": _dataset_dict(self.delta_auc),
            "correlation": self.correlation,
            "profiles": _dataset_dict(self.profiles),
            "best": self.best,
            "differences": self.differences,
            "observations": plain(self.observations.to_dict("records")),
        }


@returns(DIFFERENCE, "`delta_auc` of what it returns is an xarray Dataset:")
@public
def compare_grids(probe: GridLike, attn: GridLike, *, names: tuple[str, str] | None = None) -> Comparison:
    """First grid minus second, cell by cell and as a whole (definitions: ΔAUC, best cell, where it is, alike).

    Any two grids of the same samples, layers and roles, in whatever order: probe and attention, two sites, two models,
    two estimators; of a run its probe grid. `names` defaults to the grids' kinds. Raises DataError if layers, roles,
    samples, labels, folds or groups differ.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> probe, attention = interp.probe_grid(cap, answers.correct), interp.attention_grid(cap, answers.correct)
    >>> comparison = interp.compare_grids(probe, attention)
    >>> comparison.best["probe"]["cell"]
    {'layer': 1, 'token': 'exact_answer_last'}
    """
    probe = grid_of(probe)
    attn = aligned(probe, grid_of(attn))
    names = grid_names(probe, attn) if names is None else two_names(names)
    first, second = grid_arrays(probe), grid_arrays(attn)
    min_per_class = int(max(grid.attrs.get("min_per_class", MIN_PER_CLASS) for grid in (probe, attn)))
    seed = int(probe.attrs.get("seed", 0))
    both = first.defined & second.defined
    coords = {"layer": probe["layer"], "token": probe["token"]}
    halves = split_halves(first.score, second.score, first.samples, both, seed=seed)
    return Comparison(
        names=names,
        delta_auc=delta_grid(probe, attn),
        correlation={name: plain(asdict(half)) for name, half in halves.items()},
        profiles=_profiles(first, second, both, names).assign_coords(coords),
        best={
            name: describe_best(grid, seed=seed, min_per_class=min_per_class)
            for name, grid in zip(names, (probe, attn), strict=True)
        },
        observations=observations(probe),
    )


def grid_names(first: xr.Dataset, second: xr.Dataset) -> tuple[str, str]:
    """What two grids are called: their kinds, numbered where these are the same."""
    one, two = (str(grid.attrs.get("kind", "grid")) for grid in (first, second))
    return (one, two) if one != two else (f"{one}_1", f"{two}_2")


def _profiles(first: GridArrays, second: GridArrays, both: np.ndarray, names: tuple[str, str]) -> xr.Dataset:
    """Means over the cells defined in both grids, so that they speak of the same cells."""
    stacked = np.ma.masked_array(np.stack([first.auc, second.auc]), np.broadcast_to(~both, (2, *both.shape)))
    return xr.Dataset(
        {
            "layer_profile": (("grid", "layer"), stacked.mean(2).filled(np.nan)),
            "token_profile": (("grid", "token"), stacked.mean(1).filled(np.nan)),
        },
        coords={"grid": np.asarray(names, dtype=object)},
    )


def _dataset_dict(dataset: xr.Dataset) -> dict[str, Any]:
    return {str(name): plain(dataset[name].values) for name in [*dataset.coords, *dataset.data_vars]}


def _dataset(stored: Mapping[str, Any]) -> xr.Dataset:
    """The inverse of `_dataset_dict`."""
    dims = {"layer_profile": ("grid", "layer"), "token_profile": ("grid", "token")}
    axes = {"layer": np.int64, "token": object, "grid": object}
    kinds = {"n": np.int64, "n_correct": np.int64, "reason": object}
    return xr.Dataset(
        {
            name: (dims.get(name, ("layer", "token")), np.array(values, dtype=kinds.get(name, np.float64)))
            for name, values in stored.items()
            if name not in axes
        },
        coords={name: np.array(values, dtype=axes[name]) for name, values in stored.items() if name in axes},
    )

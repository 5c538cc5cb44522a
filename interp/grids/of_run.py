"""An opened run wherever a grid, or a Capture with its labels, is taken.

Runs are opened in a later step than this one; what that step gives back is a `RunLike`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from os.path import isfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

import numpy as np
import pandas as pd
import xarray as xr

from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.errors import DataError, RunError
from interp.fitting.estimators import TUNABLE
from interp.grids.grid import load_grid
from interp.labelling.answers import Answers
from interp.support.arguments import path as path_of
from interp.support.stored import check_inside
from interp.support.tabular import Tabular

Taken = ParamSpec("Taken")
Result = TypeVar("Result", covariant=True)


class RunLike(Tabular, ABC):
    """An opened run, as far as it stands for grids, or for a Capture with labels, groups and folds."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the run is called: its folder."""

    @property
    @abstractmethod
    def record(self) -> dict[str, Any]:
        """`run.json`, of which `settings` is one entry."""

    @property
    @abstractmethod
    def samples(self) -> list[dict[str, Any]]:
        """`samples.jsonl`."""

    @property
    @abstractmethod
    def answers(self) -> Answers:
        """What the model was given and produced."""

    @property
    @abstractmethod
    def capture(self) -> Capture:
        """The activations."""

    @property
    @abstractmethod
    def probe(self) -> xr.Dataset:
        """The probe grid."""

    @property
    @abstractmethod
    def attention(self) -> xr.Dataset:
        """The attention grid."""

    @property
    @abstractmethod
    def comparison(self) -> Mapping[str, Any]:
        """Both grids compared."""

    @property
    @abstractmethod
    def positions(self) -> Positions:
        """Token positions of every sample, also of those that were not captured."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """All that the run computed, a row per layer, token and metric."""

    def argument(self, name: str, given: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """What the run's own grids were made with, by the name of a parameter of `probe_grid` and its kin.

        Its C is that of its own estimator: beside another that is `given` and has none, C is 1.
        """
        if name == "C" and given.get("probe") is not None and given["probe"] not in TUNABLE:
            return 1.0
        if name in ("data", "cap"):
            return self.capture
        if name == "grid":
            return self.probe
        if name == "y":
            return self.answers.correct
        if name == "groups":
            return self.answers.group
        if name == "fold":
            return np.array([-1 if line["fold"] is None else line["fold"] for line in self.samples])
        if name == "site":
            return self.record["settings"]["sites"][0]
        return getattr(self, name) if name in ("answers", "attention") else self.record["settings"][name]


GridLike = xr.Dataset | RunLike | str | Path
"""A grid, an opened run, or the folder of a finished one."""


def grid_of(data: object) -> xr.Dataset:
    """The grid itself, or the probe grid of a run. Raises DataError for anything else, RunError for another folder."""
    if isinstance(data, xr.Dataset):
        return data
    if isinstance(data, RunLike):
        return data.probe
    if isinstance(data, str | Path):
        return load_grid(file_of_run(data, "grid.nc"), group="probe")
    raise DataError(
        f"grid: expected the whole grid, an xarray Dataset, got {type(data).__name__}; an opened run, or the folder of "
        "a finished one, will do too"
    )


def file_of_run(folder: str | Path, name: str) -> Path:
    """A file that every finished run has. Raises RunError, which says how to find out more, if it is not there."""
    path = path_of("run", folder, error=RunError) / name
    check_inside(path.parent)
    if not isfile(path):  # no error where the folder may not be read
        raise RunError(
            f"{folder}: there is no {name}, as in the folder of a finished run; `interp status {folder}` says how far "
            "it is, `interp resume` goes on"
        )
    return path


@runtime_checkable
class TakesRun(Protocol[Taken, Result]):
    """A function that takes what it took, or a run in place of that."""

    @overload
    def __call__(self, run: RunLike, /, **options: Any) -> Result: ...

    @overload
    def __call__(self, *args: Taken.args, **options: Taken.kwargs) -> Result: ...


def takes_run(*names: str) -> Callable[[Callable[Taken, Result]], TakesRun[Taken, Result]]:
    """A function whose first argument may be an opened run: it brings the arguments `names` that are not given."""

    def decorate(function: Callable[Taken, Result]) -> TakesRun[Taken, Result]:
        takes = signature(function)

        @wraps(function)
        def call(*args: Any, **options: Any) -> Result:
            if not args or not isinstance(args[0], RunLike):
                return function(*args, **options)
            try:
                given = takes.bind_partial(*args, **options).arguments
            except TypeError:
                return function(*args, **options)  # which says what is wrong
            run = given.pop(next(iter(takes.parameters)))
            brought = {name: run.argument(name, given) for name in names if name not in given}
            return function(**given | brought)  # type: ignore[call-arg]

        return call  # type: ignore[return-value]

    return decorate

"""A run as an object: what `run`, `resume` and `open_run` return."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.capturing.activations import Capture
from interp.capturing.ledger import read_ledger
from interp.capturing.positions import Positions, positions_at
from interp.capturing.role_text import pooling_of
from interp.comparing.best import BestCell, best_cell
from interp.comparing.compare import Comparison
from interp.errors import RunError
from interp.grids.grid import load_grid
from interp.grids.join import join_grids
from interp.grids.of_run import RunLike
from interp.grids.tidy import read_tidy
from interp.labelling.answers import Answers
from interp.reporting.comparison_plot import plot_comparison
from interp.reporting.summary import summary_lines
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder, going_on, read_run_json, read_samples
from interp.runs.run_html import run_html
from interp.runs.run_model import RunModel
from interp.runs.run_sample import GRIDS, RunSample
from interp.runs.sample_lines import read_answers, read_tokens
from interp.runs.status import status
from interp.storing.remote import ShardPath
from interp.storing.shard_files import finished_shards, verify_shards
from interp.storing.shard_io import ShardReader
from interp.storing.stored_capture import read_padded, stored_capture
from interp.support.arguments import instance, one_of
from interp.support.later import later
from interp.support.public import public
from interp.support.sample_key import place_of
from interp.support.stored import as_written

if TYPE_CHECKING:
    from interp.reporting.explore_widget import Explorer

Some = TypeVar("Some", Path, ShardPath)
_CAPTURED = ("probing", "reporting", "done")
"""States of a run whose activations are all there."""


@public
@dataclass(frozen=True)
class Run(RunLike):
    """A finished (or unfinished) run, read from its folder.

    What a run has not come to yet is a RunError that says how to go on. Functions that take a grid, or a Capture with
    its labels, take a run too.

    >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
    >>> run.capture.resid[:4, 3].shape  # four samples, layer 3: read from the disk, nothing else is
    torch.Size([4, 15, 64])
    """

    folder: RunFolder
    """Which file holds what; made by `open_run`."""

    def __post_init__(self) -> None:
        instance("run", self.folder, RunFolder, "a run is opened by interp.open_run(path)", error=RunError)

    @property
    def name(self) -> str:
        """The path of its folder, as it was given."""
        return str(self.folder.path)

    @cached_property
    def record(self) -> dict[str, Any]:
        """`run.json`: what was asked (its entry `settings`), on what, and what became of every sample."""
        return read_run_json(self.folder)

    @property
    def settings(self) -> dict[str, Any]:
        """The older name of `record`."""
        return self.record

    @cached_property
    def samples(self) -> list[dict[str, Any]]:
        """`samples.jsonl`."""
        self._reached(self.folder.samples)
        return read_samples(self.folder)

    @cached_property
    def answers(self) -> Answers:
        """What the model was given and produced."""
        with as_written(self.folder.path):
            return read_answers(self.samples, span_uses_gold=bool(self.record.get("span_uses_gold")))

    @cached_property
    def probe(self) -> xr.Dataset:
        """The probe grid."""
        return self._grid("probe")

    @cached_property
    def attention(self) -> xr.Dataset:
        """The attention grid."""
        return self._grid("attention")

    @cached_property
    def comparison(self) -> Comparison:
        """Both grids compared; as a mapping all of `comparison.json`, the controls among it."""
        return Comparison.read(self._reached(self.folder.comparison, "done"))

    def table(self) -> pd.DataFrame:
        """`grid.csv`: every grid and control, tidy, with numbers as numbers (its columns: `interp.grid_table`)."""
        return read_tidy(self._reached(self.folder.grid_csv, "done"))

    def to_xarray(self) -> xr.Dataset:
        """Both grids as one Dataset with a leading axis `grid` (`interp.join_grids`)."""
        return join_grids(self.probe, self.attention)

    def best(self, grid: str = "probe") -> BestCell:
        """The best cell of one of its grids, `probe` or `attention`, as `grid.cells.best()` gives it.

        >>> interp.open_run("demo-run").best().token in (None, *interp.ROLES)  # None: no cell is defined
        True
        """
        return best_cell(getattr(self, one_of("grid", grid, GRIDS)))

    def plot(self, *, title: str | None = None, width: float | int | str | None = None) -> np.ndarray:
        """Both grids and their difference in one row (`interp.plot_comparison`); returns the three Axes.

        >>> len(interp.open_run("demo-run").plot())  # the folder of `interp demo`
        3
        """
        return plot_comparison(self, title=title, width=width)

    def explore(self) -> "Explorer":
        """`interp.explore` of the run: the report's linked grids in a notebook.

        Raises DataError where the extra `notebook` is missing.
        """
        widget: Explorer = later("running.explore.explore")(self)
        return widget

    def sample(self, sample: int | str) -> RunSample:
        """One sample, by its place or its id: in a notebook its text with the roles marked, and its scores by layer.

        Raises DataError for a sample that there is none of, RunError if the run has not answered yet.

        >>> interp.open_run("demo-run").sample(0).id  # the folder of `interp demo`
        'q0000'
        """
        return RunSample(self, place_of(sample, self.answers.id), self._model)

    @cached_property
    def _model(self) -> RunModel:
        return RunModel(self)

    @cached_property
    def positions(self) -> Positions:
        """Token positions of every sample, as they were resolved when it was answered."""
        if not self.samples:
            raise RunError(f"{self.folder.samples} holds no sample; is {self.folder.path} the folder of a run?")
        with as_written(self.folder.path):
            roles = tuple(self.samples[0]["positions"])
            index = [list(map(read_tokens, line["positions"].values())) for line in self.samples]
            pooling = pooling_of(self.record["settings"]["roles"])
            path = self.folder.positions
            ledger = read_ledger(path, self.answers.id, len(roles)) if path.exists() else None
            return positions_at(self.answers, index, roles, ledger, tuple(pooling.get(role, "") for role in roles))

    @cached_property
    def capture(self) -> Capture:
        """The activations; vectors stay on disk until a layer is asked for."""
        folder = self._reached(self.folder.activations, *_CAPTURED)
        with as_written(self.folder.path):
            return stored_capture(folder, tuple(self.answers.id), self.positions, run=run_identity(self.record))

    def activations(self, *, layer: int, role: str, site: str = "resid_post") -> Float[Tensor, "sample width"]:
        """Vectors of one cell, in the order of the samples (NaN: the sample lacks the role); nothing else is loaded.

        Raises RunError for a site, layer or role that was not captured.

        >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
        >>> run.activations(layer=4, role="exact_answer_last").shape
        torch.Size([24, 64])
        """
        reader = ShardReader(self._reached(self.folder.activations, *_CAPTURED), run=run_identity(self.record))
        return read_padded(reader, site, layer, tuple(self.answers.id), role=role)

    def status(self) -> str:
        """How far the run is, and how to go on."""
        return status(self.folder)

    def verify(self) -> list[str]:
        """One sentence for every shard that is damaged, missing or foreign; none if all is well."""
        problems = verify_shards(self.folder.activations, run=run_identity(self.record))
        if problems or self.record["state"] not in _CAPTURED:
            return problems
        captured = {sample for shard in finished_shards(self.folder.activations) for sample in shard.sample_ids}
        tokens = zip(self.answers.prompt_ids, self.answers.completion_ids, strict=True)
        lacking = [
            id
            for id, status, ids in zip(self.answers.id, self.answers.status, tokens, strict=True)
            if status != "too_long" and any(ids) and id not in captured
        ]
        if not lacking:
            return []
        return [
            f"{self.folder.activations}: no shard holds sample {lacking[0]!r} and {len(lacking) - 1} more; "
            "capture them with `interp resume`"
        ]

    def summary(self) -> str:
        """What the run found, in a few lines of text."""
        with as_written(self.folder.path):
            lines = summary_lines(self.record, self.samples, self.probe, self.comparison)
        return "\n".join([*lines, f"Report: {self.folder.report}"])

    def _grid(self, group: str) -> xr.Dataset:
        return load_grid(self._reached(self.folder.grid_nc, "done"), group=group)

    def _reached(self, path: Some, *states: str) -> Some:
        """`path`, if the run is in one of `states` (none: in any) and the file is there; else RunError."""
        record = read_run_json(self.folder)  # as it is now: the run may have gone on since it was opened
        if path.exists() and record["state"] in (states or (record["state"],)):
            return path
        if record["state"] == "done":
            raise RunError(f"{path} is missing, though the run is finished: restore it, or run again in another folder")
        raise RunError(
            f"{self.folder.path} is not finished ({record['state']}): {path.name} is not there yet; go on with "
            f"`{going_on(record, self.folder.path)}`"
        )

    def __repr__(self) -> str:
        """In one line: where it is, and how far."""
        return f"Run({str(self.folder.path)!r}, state={self.record.get('state')!r})"

    def _repr_html_(self) -> str:
        """In a notebook: what it found, or how to go on; no activation is read."""
        return run_html(self)

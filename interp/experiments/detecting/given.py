"""What a detector is given, and what it is: one score per sample, higher where the answer is more likely right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.grids.grid import GridArrays, grid_arrays
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.labelling.token_statistics import with_token_statistics
from interp.statistics.auc import MIN_PER_CLASS
from interp.statistics.cross_fold import Sketch
from interp.statistics.samples import Samples
from interp.support.axes import places

REMEDY = "give the answers and the capture that the grid was made of"


@dataclass(frozen=True)
class Given:
    """The samples of a probe grid: answers, activations and labels in one order, which is the grid's, matched by id."""

    answers: Answers
    capture: Capture
    samples: Samples
    """Label, fold and group: a detector that is trained scores every sample by what the other folds taught it."""
    grid: xr.Dataset
    site: str
    C: float
    seed: int = 0
    load: Callable[[], Any] | None = field(default=None, repr=False)
    """Loads the model that answered; None: there is none at hand."""
    chat: bool | None = None
    """Whether questions to the model are turns of a chat; None: where its tokenizer has a chat template."""
    all_answers: Answers | None = field(default=None, repr=False)
    """Also those that stand in no grid, as other answers to the same question may; None: no others are known."""

    @classmethod
    def of(
        cls,
        answers: Answers,
        capture: Capture,
        grid: xr.Dataset,
        *,
        site: str | None = None,
        C: float | None = None,
        seed: int | None = None,
        load: Callable[[], Any] | None = None,
        chat: bool | None = None,
    ) -> "Given":
        """Of the grid's samples; site, C and seed are those that it was made with, where nobody says.

        Raises DataError for a sample of the grid that answers or capture lack.
        """
        arrays = grid_arrays(grid)
        ids = grid["sample"].values.tolist()
        at = {
            name: places("samples", ids, there, where=f"the {name}", remedy=REMEDY).tolist()
            for name, there in (("answers", answers.id), ("capture", capture.id))
        }
        samples = Samples.named(arrays.y, arrays.fold, grid["group"].values.tolist(), ids)
        own = grid.attrs
        return cls(
            answers[at["answers"]],
            capture[at["capture"]],
            samples,
            grid,
            site=own.get("site", "resid_post") if site is None else site,
            C=float(own.get("C", 1.0)) if C is None else C,
            seed=int(own.get("seed", 0)) if seed is None else seed,
            load=load,
            chat=chat,
            all_answers=answers,
        )

    @classmethod
    def of_run(cls, run: RunLike, *, load: Callable[[], Any] | None = None) -> "Given":
        """Of a finished run."""
        return cls.of(run.answers, run.capture, run.probe, load=load, chat=run.record["settings"].get("chat"))

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def arrays(self) -> GridArrays:
        """The grid's scores, choices and sketches as arrays."""
        return grid_arrays(self.grid)

    @property
    def min_per_class(self) -> int:
        """Fewer samples of a class give no AUC."""
        return int(self.grid.attrs.get("min_per_class", MIN_PER_CLASS))

    @cached_property
    def model(self) -> Any:
        """The model that answered, loaded when a detector first asks for it. DataError where there is none."""
        if self.load is None:
            raise DataError("the model that answered is needed and not at hand: give it as model=…")
        return self.load()

    @cached_property
    def scored_answers(self) -> Answers:
        """The answers with log-probability and entropy of every token, computed by the model where they lack some."""
        return with_token_statistics(self.model, self.answers)


Score = Callable[[Given], Float[np.ndarray, " sample"]]


@dataclass(frozen=True)
class Detector:
    """A rule that gives every sample a score; what is higher is fixed by its definition, never by looking at labels.

    NaN where a sample has none. `score` raises DataError, which says why, where no sample can have one.
    """

    name: str
    family: str
    """Detectors of one family stand together: `log-probability`, `entropy`, `P(True)`, `probe` …"""
    score: Score = field(repr=False)
    trained: bool = False
    """Whether labels of other folds were used; what was not trained is a *baseline*, of which the best is chosen."""
    training: Callable[[Given], Sketch | None] | None = field(default=None, repr=False)
    """Its `training_sketch` (`cross_fold`), by which an interval knows what the folds share; None: it is not known."""

    def __call__(self, given: Given) -> Float[np.ndarray, " sample"]:
        """The scores, in the order of the samples."""
        return self.score(given)

"""One sample of a run: its tokens and what roles name them, its held-out scores, what its tokens attend to."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from interp.capturing.attention_rows import attention_rows
from interp.capturing.positions import Positions
from interp.errors import DataError
from interp.grids.join import aligned
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.models.loading import model_info
from interp.runs.attention_html import TokenAttention
from interp.runs.run_model import RunModel
from interp.runs.sample_attention import MEAN, absent, attention_array, check_axis
from interp.runs.sample_html import sample_html
from interp.runs.sample_tokens import sample_tokens
from interp.support.accepted import HookedModel
from interp.support.arguments import one_of, several_texts
from interp.support.public import public
from interp.support.stored import as_written
from interp.support.tabular import Tabular

GRIDS = ("probe", "attention")


@public
class RunSample(Tabular):
    """One sample of a run (`run.sample(3)`, `run.sample("q12")`); in a notebook its text with the roles marked.

    >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
    >>> sample = run.sample(0)
    >>> sample.table()[["text", "part"]].tail(3)["part"].tolist()
    ['completion', 'completion', 'completion']
    >>> sample.scores.dims, sample.attention("exact_answer_last").dims
    (('grid', 'layer', 'token'), ('layer', 'position'))
    """

    def __init__(self, run: RunLike, place: int, model: RunModel) -> None:
        self.run, self.place = run, place
        self._model = model
        self._rows: dict[str, Float[np.ndarray, "layer head token"]] = {}

    @cached_property
    def answers(self) -> Answers:
        """The sample, as Answers of one."""
        return self.run.answers[[self.place]]

    @cached_property
    def positions(self) -> Positions:
        """Its positions, as Positions of one."""
        return self.run.positions[[self.place]]

    @property
    def id(self) -> str:
        """Its name."""
        return self.answers.id[0]

    @property
    def text(self) -> str:
        """The completion."""
        return self.answers.text[0]

    @property
    def correct(self) -> bool | None:
        """The label; None: there is none."""
        return self.answers.correct[0]

    @property
    def record(self) -> dict[str, Any]:
        """All that the run's Answers say of it, {field: value}."""
        return self.answers[0]

    @cached_property
    def scores(self) -> xr.DataArray:
        """Held-out score of every cell on (grid, layer, token), grid `probe` and `attention`; `auc`: that of the cell.

        Positive: more like a right answer, by the probe that was fitted without the sample's fold. NaN: the cell has no
        score of it; everywhere, if the sample is in no grid. Raises RunError if the run is not finished.
        """
        probe = self.run.probe
        grids = (probe, aligned(probe, self.run.attention))
        cells = [_of_sample(grid, self.id) for grid in grids]
        auc = [grid["auc"].transpose("layer", "token").values for grid in grids]
        return xr.DataArray(
            np.stack(cells),
            dims=("grid", "layer", "token"),
            coords={
                "grid": np.asarray(GRIDS, dtype=object),
                "layer": probe["layer"].values,
                "token": probe["token"].values,
                "auc": (("grid", "layer", "token"), np.stack(auc)),
            },
            name="score",
        )

    @property
    def why_no_tokens(self) -> str:
        """Why `table` knows no texts; empty where it does."""
        return self._model.decode()[1]

    @property
    def attended(self) -> tuple[str, ...]:
        """The roles whose attention was computed; the notebook shows it."""
        return tuple(self._rows)

    def table(self) -> pd.DataFrame:
        """A row per token of `prompt_ids + completion_ids`, in order.

        Columns: `position`, `token_id`, `text` (the characters that it adds; "" for a token that ends inside a
        character, which stands at the next; None where the run's tokenizer cannot be read), `part` (`prompt` or
        `completion`), `exact_answer` (whether it is of it), `roles` (a tuple of those that name it).
        """
        return sample_tokens(self.answers, self.positions, self._model.decode()[0])

    def attention(
        self,
        role: str | Sequence[str],
        *,
        layer: int | str | None = None,
        head: int | str | None = MEAN,
        model: HookedModel = None,
    ) -> xr.DataArray:
        """What the token of a role attends to: the pattern's row at it, on (layer, position), from one forward pass.

        A run keeps metrics only, so its model is loaded again, once (`model=`: the one that it was given in Python).
        `role`: one, or several, which are then the axis `token`; of a pooled role its tokens' rows, pooled alike.
        `layer`, `head`: a number, `mean`, or None, all of them on an axis of that name. `position` counts in
        `prompt_ids + completion_ids` and has `text`, `token_id` and `part` beside it. Positions that the token cannot
        see hold 0; NaN: a layer without pattern, or one of several roles that the sample lacks.

        Raises RunError or ModelError if the run's model is not there or has changed, DataError for a sample that lacks
        every role asked for, or that the model cannot read.

        >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
        >>> weights = run.sample(0).attention("exact_answer_last", layer=4)
        >>> round(float(weights.sum()), 4)
        1.0
        """
        roles = several_texts("role", role)
        for name in roles:
            one_of("role", name, self.positions.roles)
        there = dict(zip(self.positions.roles, self.positions.valid[0].tolist(), strict=True))
        if not any(there[name] for name in roles):
            raise absent(self.id, roles, self.reasons) if roles else DataError("role: expected at least one")
        hooked = self._model.hooked(model)
        info = model_info(hooked)
        layer, head = check_axis("layer", layer, info.n_layers), check_axis("head", head, info.n_heads)
        if new := [name for name in roles if name not in self._rows]:
            (found,) = attention_rows(hooked, self.answers, self.positions, new)
            if found is None:
                raise DataError(f"sample {self.id!r} has no token, or more than the model's context: it has no pass")
            self._rows |= dict(zip(new, found.numpy(), strict=True))
        asked = {name: self._rows[name] for name in roles}
        return attention_array(asked, self.table(), layer=layer, head=head, one=isinstance(role, str))

    def show_attention(
        self, role: str, *, layer: int | str = MEAN, head: int | str = MEAN, model: HookedModel = None
    ) -> TokenAttention:
        """`attention` over the text, in colours; without `layer` and `head` the mean over them.

        Raises what `attention` raises.

        >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
        >>> run.sample(0).show_attention("exact_answer_last", layer=4)
        TokenAttention(sample 'q0000', exact_answer_last, layer 4, mean over heads)
        """
        role = one_of("role", role, self.positions.roles)
        layer, head = (MEAN if value is None else value for value in (layer, head))
        weights = self.attention(role, layer=layer, head=head, model=model)
        return TokenAttention(self.id, role, layer, head, weights, self.table())

    @property
    def reasons(self) -> dict[str, str]:
        """Why it lacks the roles that it lacks, in words: {role: reason}."""
        table = self.positions.table()
        lacking = table[~table["valid"]]
        return dict(zip(lacking["role"], lacking["reason"], strict=True))

    def __repr__(self) -> str:
        """In one line: which sample, and what became of it."""
        label = {True: "correct", False: "wrong", None: "no label"}[self.correct]
        return f"RunSample({self.id!r}, {label}, {self.answers.status[0]}: {self.text[:60]!r})"

    def _repr_html_(self) -> str:
        """In a notebook: the text with its roles marked, the scores, the attention that was computed."""
        with as_written(Path(self.run.name)):
            return sample_html(self)


def _of_sample(grid: xr.Dataset, id: str) -> Float[np.ndarray, "layer role"]:
    score = grid["score"].transpose("sample", "layer", "token")
    return score.sel(sample=id).values if id in grid.indexes["sample"] else np.full(score.shape[1:], np.nan)

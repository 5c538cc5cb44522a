"""What a run's model answers while one layer is pushed: how many answers change, and become right or wrong."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np
import xarray as xr
from torch import Tensor

from interp.data.row import QARow
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.directions import MEANS, PROBE, RANDOM, directions
from interp.experiments.run_model import loader_of_run
from interp.labelling.generate_answers import generate_answers
from interp.models.backends.kinds import backend_of
from interp.models.hooked import hook_name
from interp.models.loading import HookedModel
from interp.runs.labelling_models import labelling_models
from interp.runs.opened_run import Run
from interp.runs.rows import read_rows
from interp.runs.settings import Settings
from interp.statistics.group_bootstrap import share_interval
from interp.statistics.samples import group_codes

COUNTED = ("changed", "became_right", "became_wrong")


def steered_answers(
    run: Run,
    *,
    cell: tuple[int, str],
    doses: Sequence[float] = (-4.0, 4.0),
    questions: int = 40,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Greedy answers to some of a run's questions with a step added at every token of a layer.

    The step is a dose along the direction of `cell` (layer, role), in standard deviations of the samples' projection:
    the probe's, the difference of means (each found without the question's fold), and one random direction with steps
    as long. Questions are the first `questions` samples in an order drawn by `default_rng([seed, 12])`; they are
    answered again without a step too, so that nothing but the step differs.

    Returns on (direction, dose) `changed`, the share whose text is another, `became_right` of those that were wrong,
    `became_wrong` of those that were right, each with `_low`, `_high` (Wilson, by group) and `_n`. Raises DataError for
    a run of which a question no longer is among the rows.
    """
    layer, role = cell
    load = loader_of_run(run, None)
    given = Given.of_run(run, load=load)
    named, blind = directions(given, layer, role, draws=1, seed=seed)
    chosen = {one.name: one for one in (*named, *blind) if not one.name.startswith("arbitrary")}
    folds = np.unique(given.samples.fold)
    order = np.random.default_rng([seed, 12]).permutation(len(given))[:questions].tolist()
    ask = _Asker(run, given)
    plain = ask([given.answers.id[i] for i in order], nullcontext())
    names = [PROBE, MEANS, RANDOM]
    shares = {name: np.full((3, len(doses), 4), np.nan) for name in COUNTED}
    for d, direction in enumerate(chosen.values()):
        for e, dose in enumerate(doses):
            steered: dict[str, tuple[str, bool | None]] = {}
            for at, fold in enumerate(folds.tolist()):
                ids = [given.answers.id[i] for i in order if given.samples.fold[i] == fold]
                if ids:
                    step = dose * direction.spread[at] * direction.unit[at]
                    steered |= ask(ids, _pushed(given.model, layer, given.site, step))
                    if progress is not None:
                        progress(len(ids))
            for name, row in _counted(plain, steered, given).items():
                shares[name][d, e] = row
    dims = ("direction", "dose")
    columns = {
        f"{name}{suffix}": (dims, values[..., k])
        for name, values in shares.items()
        for k, suffix in enumerate(("", "_low", "_high", "_n"))
    }
    return xr.Dataset(
        columns,
        coords={"direction": np.array(names, dtype=object), "dose": np.array(doses, dtype=float)},
        attrs={"n_questions": len(order), "layer": layer, "role": role, "seed": seed},
    )


class _Asker:
    """Answers a run's questions as the run did, greedily; what was said and whether it is right, by id."""

    def __init__(self, run: Run, given: Given) -> None:
        self.settings, self.model = Settings.from_json(run.record["settings"]), given.model
        rows = {row.id: row for row in read_rows(self.settings)}
        own = given.answers.id if given.answers.row is None else given.answers.row
        missing = [row for row in own if row not in rows]
        if missing:
            raise DataError(f"the run's data no longer hold row {missing[0]!r}, which a sample answers: give them back")
        if unlabelled := [row for row in own if not rows[row].answers]:
            raise DataError(
                f"row {unlabelled[0]!r} brings a label and no accepted answer: no other answer can be judged"
            )
        self.rows = {name: _asked_anew(rows[row], name) for name, row in zip(given.answers.id, own, strict=True)}
        self.labelling = labelling_models(self.settings, self.model, {})

    def __call__(self, ids: Sequence[str], pushed: AbstractContextManager[None]) -> dict[str, tuple[str, bool | None]]:
        """What the model says inside the block, judged outside of it: the judge may be the same model."""
        rows, generation = [self.rows[name] for name in ids], {**self.settings.generation, "temperature": 0.0}
        with pushed:
            said = generate_answers(self.model, rows, **generation)
        done = [replace(row, completion_ids=tuple(own)) for row, own in zip(rows, said.completion_ids, strict=True)]
        found = generate_answers(self.model, done, **generation, **self.labelling)
        return dict(zip(ids, zip(found.text, found.correct, strict=True), strict=True))


def _asked_anew(row: QARow, name: str) -> QARow:
    """Without the answer and the label that it brings."""
    return replace(row, id=name, completion=None, completion_ids=None, exact_answer=None, correct=None)


def _pushed(model: HookedModel, layer: int, site: str, step: Tensor) -> AbstractContextManager[None]:
    def push(hidden: Tensor) -> Tensor:
        return hidden + step.to(hidden).reshape(hidden.shape[2:])

    return backend_of(model).attached({hook_name(site, layer): push})


def _counted(
    plain: dict[str, tuple[str, bool | None]], steered: dict[str, tuple[str, bool | None]], given: Given
) -> dict[str, tuple[float, float, float, int]]:
    group = dict(zip(given.answers.id, given.grid["group"].values.tolist(), strict=True))
    pairs = [(plain[name], steered[name], group[name]) for name in plain]
    cases = {
        "changed": [(before[0] != after[0], of) for before, after, of in pairs],
        "became_right": [(after[1] is True, of) for before, after, of in pairs if before[1] is False],
        "became_wrong": [(after[1] is False, of) for before, after, of in pairs if before[1] is True],
    }
    out = {}
    for name, some in cases.items():
        if not some:
            out[name] = (np.nan, np.nan, np.nan, 0)
            continue
        member = np.array([one for one, _ in some])
        share = share_interval(member, group_codes([of for _, of in some]))
        out[name] = (share.value, share.low, share.high, len(some))
    return out

"""`interp.detectors`: every detector on the samples of a run, or of a Capture with its answers and grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.detecting.compared import compared
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.meanings import entailment as model_entails
from interp.experiments.detecting.own import own_detectors
from interp.experiments.detecting.p_true import TEMPLATE, p_true_detectors
from interp.experiments.detecting.probe import fixed_cell, probe_detectors
from interp.experiments.detecting.registry import DETECTORS
from interp.experiments.detecting.semantic_entropy import semantic_detectors
from interp.experiments.run_model import loader_of_run
from interp.grids.grid import check_grid
from interp.grids.of_run import RunLike
from interp.grids.variables import DETECTED, returns
from interp.labelling.answers import Answers
from interp.models.loading import load_model
from interp.support.accepted import CaptureOrRun, DetectorFunctions, ModelSource
from interp.support.arguments import instance, one_text, several_texts
from interp.support.messages import nearest
from interp.support.public import public


@returns(DETECTED)
@public
def detectors(
    cap: CaptureOrRun,
    answers: Answers | None = None,
    grid: xr.Dataset | None = None,
    *,
    only: Sequence[str] | None = None,
    detectors: DetectorFunctions | None = None,
    model: ModelSource | bool | None = None,
    chat: bool | None = None,
    cell: tuple[int, str] | None = None,
    p_true_prompt: str = TEMPLATE,
    entailment: str | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """Detectors of wrong answers on a probe grid's samples and folds (definitions: detectors).

    `cap`: a finished Run; or a Capture, with its `answers` and the probe `grid` made of them (matched by id). `only`
    names the built-in detectors wanted (all: `interp.experiments.detecting.registry.DETECTORS`); `detectors` adds your
    own {name: function}, each called with the answers and the Capture of the grid's samples, which returns a score for
    each, in their order or by id, higher where the answer is more likely right. `cell` (layer, role) is that of
    `probe_fixed_cell`, by default the exact answer's last token in the grid's middle layer.

    P(True), and what was not kept of tokens, need the model: a run's own is loaded (`model=False`: not), for parts give
    it. Without it they have a `reason` instead of an AUC; where they were asked for by name, it is raised.
    `p_true_prompt` has the fields {question}, {answer}, {first}, {second}; `chat`: whether it is a turn of a chat.
    `entailment` names a model of natural language inference (or its folder): semantic entropy by it joins them, as
    `semantic_entropy_nli` and `semantic_entropy_weighted_nli`, whatever `only` names.

    Source: Orgad et al. 2025, section 3; P(True): Kadavath et al. 2022. Raises DataError for names that are unknown or
    taken, scores that do not fit, or a detector of `only` that cannot be computed; RunError for an unfinished run.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.probe_grid(cap, answers)
    >>> found = interp.detectors(cap, answers, grid, detectors={"length": lambda answers, cap: map(len, answers.text)})
    >>> found.auc.sel(detector=["logprob_mean", "length", "probe"]).round(2).values.tolist()
    [0.5, 0.5, 0.95]
    """
    if isinstance(cap, RunLike):
        if answers is not None or grid is not None:
            raise DataError("detectors: a run brings its answers and its grid; leave them out")
        grid = cap.probe  # first: an unfinished run is refused in a sentence
        load, chat = loader_of_run(cap, model), cap.record["settings"].get("chat") if chat is None else chat
        given = Given.of(cap.answers, cap.capture, grid, seed=seed, load=load, chat=chat)
    else:
        instance("cap", cap, Capture, "or give a finished Run")
        instance("answers", answers, Answers, "those that the Capture was made of")
        check_grid(grid)
        load = None if model is None or isinstance(model, bool) else lambda: load_model(model)
        given = Given.of(answers, cap, grid, seed=seed, load=load, chat=chat)  # type: ignore[arg-type]
    if cell is not None:
        fixed_cell(given, cell)
    known = DETECTORS | {one.name: one for one in (*p_true_detectors(p_true_prompt), *probe_detectors(cell))}
    chosen = known if only is None else {name: known[name] for name in _names(only, known)}
    asked = frozenset(chosen if only is not None else ())
    if entailment is not None:
        judged = semantic_detectors(model_entails(one_text("entailment", entailment)))
        chosen, asked = chosen | {one.name: one for one in judged}, asked | {one.name for one in judged}
    own = {} if detectors is None else own_detectors(detectors, known | chosen)
    if not chosen | own:
        raise DataError("detectors: none is asked for; leave `only` out for all")
    found = compared(given, chosen | own, strict=asked | set(own))
    return found if entailment is None else found.assign_attrs(entailment=entailment)


def _names(only: Any, known: Mapping[str, Any]) -> list[str]:
    names = list(dict.fromkeys(several_texts("only", only)))
    if unknown := [name for name in names if name not in known]:
        hint = nearest(unknown[0], list(known)) or f"; there are {', '.join(known)}"
        raise DataError(f"only: there is no detector {unknown[0]!r}{hint}")
    return names

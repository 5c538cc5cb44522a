"""`patch_grid`: what the model says of a sample when states of another sample stand in the place of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from interp.experiments.intervening.attributed import attributed
from interp.experiments.intervening.effects import ALIKE, CONTROLS, DONOR, NOISE, SCRAMBLED, Change, causal_grid
from interp.experiments.intervening.outcome import ANSWER, QUESTION
from interp.experiments.intervening.pairs import MATCHES, matched_pairs
from interp.experiments.intervening.patched import outcomes
from interp.experiments.intervening.read import patched_runs, read_cells, read_given, read_head
from interp.experiments.intervening.states import States
from interp.experiments.intervening.variables import CAUSAL_GRID
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.models.loading import model_info
from interp.models.scrambled import scrambled
from interp.models.sites import check_sites
from interp.support.accepted import CaptureOrRun, ModelSource, Outcome
from interp.support.arguments import one_of, progress_function, seed_number, several_texts, whole_number
from interp.support.public import public

EXACT, ATTRIBUTION = "exact", "attribution"
METHODS = (EXACT, ATTRIBUTION)
SITES = ("resid_post", "attn_out", "mlp_out", "z")


@returns(CAUSAL_GRID)
@public
def patch_grid(
    cap: CaptureOrRun,
    answers: Answers | None = None,
    grid: xr.Dataset | None = None,
    *,
    model: ModelSource | None = None,
    site: str = "resid_post",
    head: int | None = None,
    method: str = EXACT,
    outcome: Outcome = ANSWER,
    question: str | None = None,
    pairs: int | None = 64,
    match: str = "offsets",
    controls: Sequence[str] = CONTROLS,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    flips: int = 10_000,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Which cells the outcome hangs on: states of right samples in wrong ones and the reverse (definitions: patching).

    `cap`: a finished Run; or a Capture, with its `answers`, the probe `grid` made of them and the `model`. `pairs`
    (None: all there are) right and wrong samples of one question template, with the same tokens between their roles
    (`match="roles"`: with the same roles), each in one pair; in every cell the state of each takes the place of the
    other's at `site`: `resid_post`, `attn_out`, `mlp_out`, or `z` (the heads' outputs, all together or one `head`).

    `outcome`: `answer`, ln P(the right sample's exact answer) − ln P(the wrong one's), all of their tokens, for cells
    before the exact answer; `judgement`, the logit of Yes − No behind the sample's text and `question`, for all cells;
    or a function of the logits (sample, d_vocab) behind them that returns a number for each.

    `effect` is Σ change / Σ difference of the two samples' own outcomes. `auc` says how well what a donor does, less
    what a donor of the recipient's own label does, tells right donors from wrong: the unit and the samples of the probe
    grid, so that `compare_grids` and `plot_grid` take it. `controls`: `same_label`, that other donor;
    `random_direction`, noise as far from the recipient's state as the donor's; `scrambled_weights`, the same with a
    model that has learned nothing. `method="attribution"` takes every change to first order from one gradient a run:
    the fast first look, which an exact grid carries beside it (`attributed`). `progress` is called with 1 for every
    sample that is run.

    Raises DataError for parts that do not fit, unknown names, or where no pair can be made; ModelError for a site that
    the architecture lacks; RunError for an unfinished run.

    >>> from interp.demo import answered
    >>> model, answers = answered(60)
    >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
    >>> grid = interp.probe_grid(cap, answers, min_per_class=5)
    >>> found = interp.patch_grid(cap, answers, grid, model=model, pairs=12, layers=[3], controls=["same_label"])
    >>> found.effect.sel(direction="both", layer=3, token="exact_answer_first").isnull().item()  # it comes too late
    True
    """
    given = read_given("patch_grid", cap, answers, grid, model)
    site, match, method = (
        one_of("site", site, SITES),
        one_of("match", match, MATCHES),
        one_of("method", method, METHODS),
    )
    controls = tuple(one_of("controls", one, CONTROLS) for one in several_texts("controls", controls))
    pairs = None if pairs is None else whole_number("pairs", pairs, 1)
    seed, flips, progress = seed_number(seed), whole_number("flips", flips, 99, 1_000_000), progress_function(progress)
    hooked, cells = given.model, read_cells(given.capture, layers, roles)
    info = model_info(hooked)
    head = read_head(head, site, info.n_heads)
    check_sites(hooked, [site])
    found = matched_pairs(given, match=match, most=pairs, seed=seed)
    name, runs = patched_runs(given, found, cells, outcome, question)

    run, states = outcomes if method == EXACT else attributed, States.of(given, found, site, cells, head)

    def changes(*wanted: str, states: States = states, run: Any = run) -> dict[str, Change]:
        every = {
            DONOR: states.put(found.donor),
            ALIKE: states.put(found.alike),
            NOISE: states.noise(found.donor, seed),
        }
        puts = {one: every[one] for one in every if one in wanted}
        base, moved = run(hooked, runs, site, cells.layer, list(puts.values()), progress=progress)
        return {one: Change(base, moved[k] - base[:, None, None]) for k, one in enumerate(puts)}

    made = changes(DONOR, *controls)
    if SCRAMBLED in controls:
        with scrambled(hooked, seed=seed):
            made[SCRAMBLED] = changes(DONOR, states=States.of(given, found, site, cells, head))[DONOR]
    first_look = changes(DONOR, run=attributed)[DONOR] if method == EXACT else None
    grid = causal_grid(given, found, made, runs, cells, first_look=first_look, outcome=name, flips=flips, seed=seed)
    return grid.assign_attrs(
        kind="patching",
        method=method,
        site=site,
        head=-1 if head is None else head,
        question="" if name == ANSWER else question or QUESTION,
        match=match,
        model=info.name,
    )

"""The probe grid: one cross-fitted probe per layer and role, as AUC of telling right answers from wrong ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Int
from typing_extensions import Unpack

from interp.errors import DataError, visible
from interp.fitting.estimators import PCA_WIDTH, ProbeSpec
from interp.grids.attention_probe import attention_grid
from interp.grids.cells import Fitted, choose_samples, fit_cells, probe_attrs
from interp.grids.features import Features, read_features
from interp.grids.fold_values import packed
from interp.grids.grid import check_grid, estimate_variables, make_grid
from interp.grids.of_run import takes_run
from interp.grids.probe_options import SitedOptions
from interp.grids.variables import MATCHED_GRID, PROBE_GRID, returns
from interp.statistics.auc import MIN_PER_CLASS
from interp.support.accepted import FeatureSource, FoldNumbers, GroupSource, LabelSource, Mask, Probe
from interp.support.arguments import flag, job_count, progress_function, whole_number
from interp.support.arrays import read_whole_numbers
from interp.support.axes import places
from interp.support.messages import shown
from interp.support.public import public
from interp.support.shown_options import defaults_of, shows_options

__all__ = ["attention_grid", "matched_width_grid", "probe_grid"]


@returns(PROBE_GRID)
@takes_run("data", "y", "groups", "fold", "seed", "C", "probe", "site")
@public
def probe_grid(
    data: FeatureSource,
    y: LabelSource,
    groups: GroupSource | None = None,
    valid: Mask | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    C: float | str | Sequence[float] = 1.0,
    probe: Probe = "logistic",
    components: int | Int[np.ndarray, "layer role"] | xr.DataArray = PCA_WIDTH,
    site: str = "resid_post",
    population: str = "exact_answer",
    fold: FoldNumbers | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    embed: bool = True,
    nested: bool = True,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC of a linear probe in every (layer, role) cell, with interval and scores (definitions: the two grids).

    `data`: a Capture, whose `site` is probed; a Run, which brings its Capture, labels, groups, folds, estimator, C,
    seed and site as far as they are not given; or a bare array or tensor `sample layer role width` (float16, bfloat16
    or float32; fifteen roles are named as in `ROLES`, others "0", "1", …, unless `roles` names them). `y`: an Answers,
    whose labels and groups are matched by id, or 1 correct, 0 wrong, None no label, by order. `groups`: samples of one
    group share a fold; None: every sample its own, or those of the Answers. `valid`: bool `sample role`, which samples
    have the role. `layers`, `roles` and `ids` name the axes of a bare array; of a Capture `layers` and `roles` are
    chosen by name, in the order given (which is then that of `valid`). `probe`: a name (see
    `interp.fitting.estimators.PROBES`) or any scikit-learn classifier or regressor (a `random_state` that is None, of a
    pipeline's step too, becomes `seed`); `components` is the width of `pca-lr`, one for all cells or one per cell (a
    DataArray on (layer, token) is read by label).

    The site `sae:FOLDER` is the features of a SAE that SAELens stored in the folder, or of one for each layer in its
    subfolders: they are computed of the Capture's vectors at the SAE's hook point, whose layers are the grid's.

    The population of a Capture is its labelled samples with an exact answer (`population="all"`: every labelled one),
    of a bare array its labelled samples; `fold` (-1: outside) replaces both population and folds. Samples with
    non-finite features are left out of that cell, counted in `n_nonfinite` and named in the attribute `nonfinite`;
    `nonfinite_samples` and `nonfinite_wrong` count those left out of any cell, and the wrong ones among them.
    `C="cv"`, or several C, lets every training part choose its own by inner grouped folds (`chosen_C`: that of the
    probe that scored the sample).
    `embed=False` leaves out the control row, `nested=False` what the best cell is chosen by (`choice_auc`).
    `progress` is called with the number of cells just finished.

    Raises DataError for labels other than 0/1, a single class, fewer groups than folds, or shapes that do not fit.

    >>> import numpy as np
    >>> rng, y = np.random.default_rng(0), np.arange(120) % 2
    >>> vectors = rng.standard_normal((120, 3, 2, 8))  # sample layer role width
    >>> vectors[:, 1, 0, 0] += 2 * y  # layer 1, first role: right and wrong lie two units apart
    >>> grid = interp.probe_grid(vectors, y, roles=("first", "last"))
    >>> grid.auc.round(2).to_pandas()
    token  first  last
    layer
    0       0.50  0.42
    1       0.91  0.54
    2       0.59  0.52
    """
    embed, nested, n_jobs = flag("embed", embed), flag("nested", nested), job_count(n_jobs)
    min_per_class, progress = whole_number("min_per_class", min_per_class, 1), progress_function(progress)
    features = read_features(data, valid, site=site, layers=layers, roles=roles, ids=ids)
    chosen = choose_samples(
        len(features.ids),
        y,
        groups,
        fold=fold,
        has_exact_answer=features.has_exact_answer,
        population=population,
        folds=folds,
        seed=seed,
        ids=features.ids,
    )
    spec = ProbeSpec(probe, C=C, seed=seed, inner_folds=chosen.n_folds)
    shape = (len(features.layers), len(features.roles))
    width = _per_cell(components, features)
    if (width < 0).any():
        raise DataError(f"components: expected whole numbers from 0, got {shown(components)}")
    width = np.broadcast_to(width, shape)

    def fit(part: Features) -> tuple[Bool[np.ndarray, "sample layer role"], Fitted]:
        used = part.used(chosen.index)
        return used, fit_cells(
            partial(part.column, chosen.index),
            used,
            chosen.samples,
            lambda layer, role: replace(spec, components=max(1, int(width[layer, role]))),
            min_per_class=min_per_class,
            n_jobs=n_jobs,
            size=int(used.sum()) * part.values.shape[-1],
            nested=nested and part is features,
            progress=progress,
        )

    used, fitted = fit(features)
    grid = make_grid(
        fitted,
        chosen,
        layers=features.layers,
        roles=features.roles,
        attrs={"kind": "probe", "site": site, **probe_attrs(spec, chosen, min_per_class)},
    )
    lacking = features.valid[chosen.index, None, :] & ~used
    grid["n_nonfinite"] = (("layer", "token"), lacking.sum(0))
    grid.attrs["nonfinite"] = describe_nonfinite(lacking, chosen.samples.ids, features.layers, features.roles)
    left_out = lacking.any((1, 2))
    grid.attrs["nonfinite_samples"] = int(left_out.sum())
    grid.attrs["nonfinite_wrong"] = int((chosen.samples.y[left_out] == 0).sum())
    if embed and (control := features.control()) is not None:
        row = fit(control)[1]
        grid = grid.assign(estimate_variables(row.estimates, ("token",), shape[1:], prefix="embed_"))
        grid["embed_score"] = (("sample", "token"), row.score[:, 0])
        if row.training is not None:
            grid["embed_training"] = (("sample", "token"), packed(row.training[:, 0]))
    return grid


@returns(MATCHED_GRID)
@takes_run("data", "y", "attention", "groups", "fold", "seed", "C", "site")
@public
@shows_options(SitedOptions, defaults_of(probe_grid))
def matched_width_grid(
    data: FeatureSource,
    y: LabelSource,
    attention: xr.Dataset,
    groups: GroupSource | None = None,
    valid: Mask | None = None,
    **options: Unpack[SitedOptions],
) -> xr.Dataset:
    """The residual probe no wider than the attention probe: training-fold PCA down to its features of each cell.

    A difference between the two grids that this control removes was only one of dimension (definitions: the two grids).
    `attention` is the attention grid, whose cells are found by layer and token; the other arguments and errors are
    those of `probe_grid`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> attention = interp.attention_grid(cap, answers.correct)
    >>> narrow = interp.matched_width_grid(cap, answers.correct, attention)
    >>> int(narrow.n_features.max())  # metrics x heads, and their logarithms
    8
    """
    check_grid(attention)
    if "n_features" not in attention:
        raise DataError("attention: expected the grid of attention_grid, whose cells say how many features they have")
    width = attention["n_features"]
    grid = probe_grid(data, y, groups, valid, probe="pca-lr", components=width, embed=False, nested=False, **options)
    return grid.assign(n_features=width.sel(layer=grid["layer"], token=grid["token"]))


def _per_cell(components: Any, features: Features) -> np.ndarray:
    """One number, or one per cell in the order of the features."""
    if isinstance(components, xr.DataArray):
        if not set(components.dims) == {*components.indexes} == {"layer", "token"}:
            raise DataError(f"components: expected a DataArray with labels on (layer, token), got {components.dims}")
        at = {
            axis: places(axis, wanted, components.indexes[axis].tolist(), where="the grid whose widths are matched")
            for axis, wanted in (("layer", features.layers), ("token", features.roles))
        }
        return read_whole_numbers("components", components.isel(at).transpose("layer", "token"))
    width, shape = read_whole_numbers("components", components), (len(features.layers), len(features.roles))
    if width.shape not in ((), shape):
        raise DataError(f"components: expected one number or shape {shape} (layer, role), got shape {width.shape}")
    return width


def describe_nonfinite(
    lacking: Bool[np.ndarray, "sample layer role"], ids: Sequence[str], layers: Sequence[int], roles: Sequence[str]
) -> str:
    """Which samples were left out of which cells because a feature is NaN or infinite; "" if none."""
    parts = []
    for layer, role in np.argwhere(lacking.any(0)):
        names = [visible(ids[i]) for i in np.flatnonzero(lacking[:, layer, role]).tolist()]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        parts.append(f"layer {layers[layer]}, {roles[role]}: {', '.join(names[:5])}{more}")
    return "; ".join(parts)

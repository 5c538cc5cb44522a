"""Is there signal? Label permutations, the same for every cell and both grids, and what they say of each cell."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int
from joblib import Parallel, delayed
from scipy import stats

from interp.fitting.workers import worker_count
from interp.grids.columns import cell_columns
from interp.grids.grid import grid_arrays
from interp.grids.of_run import takes_run
from interp.grids.variables import PERMUTED, returns
from interp.models.placement import one_device
from interp.statistics.auc import benjamini_hochberg, within_fold_auc
from interp.statistics.rank_sum import concordant_pairs
from interp.statistics.ridge import FoldRidge
from interp.support.accepted import FeatureSource, Ids
from interp.support.arguments import MANY, job_count, one_of, progress_function, seed_number, whole_number
from interp.support.public import public
from interp.support.threads import one_thread

PERMUTATIONS = 1000
STATISTICS = {
    "ridge": "AUC of the ridge classifier (alpha = 1/C) on the same samples, folds and features",
    "logistic": "AUC of the logistic probe, refitted for every permutation",
}


def permute_labels(
    y: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    ids: Sequence[str] | None = None,
) -> tuple[Int[np.ndarray, "permutation sample"], int]:
    """Label vectors under the null, and how many samples could not move (definitions: is there signal).

    Groups exchange whole label vectors, each in the order of its samples' `ids` (None: as given), with groups of equal
    size, by `default_rng([seed, 3])`; a group that is alone with its size stays put.
    """
    rng = np.random.default_rng([seed, 3])
    by_id = np.arange(len(y)) if ids is None else np.argsort(np.argsort(np.asarray(ids, dtype=object)))
    order = np.lexsort((by_id, group))
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    out, unmoved = np.tile(y, (permutations, 1)), 0
    for size in np.unique(sizes[sizes > 0]):
        alike = np.flatnonzero(sizes == size)
        if len(alike) == 1:
            unmoved += int(size)
            continue
        members = order[starts[alike][:, None] + np.arange(size)]
        source = rng.permuted(np.tile(np.arange(len(alike)), (permutations, 1)), axis=1)
        out[:, members] = y[members][source]
    return out, unmoved


def ridge_aucs(
    x: Float[np.ndarray, "sample width"],
    labels: Bool[np.ndarray, "column sample"],
    fold: Int[np.ndarray, " sample"],
    *,
    alpha: float = 1.0,
) -> Float[np.ndarray, " column"]:
    """Within-fold AUC of scikit-learn's `RidgeClassifier(alpha)`, cross-fitted, for many label vectors at once.

    Columns are standardised over all samples. A held-out score is a row of a hat matrix, which no label enters, times
    the labels: one matrix product for all label vectors, in single precision, which moves an AUC by a pair at most.
    """
    ridge = FoldRidge.of(x, fold, alpha=alpha)
    labels = labels[:, ridge.order]
    concordant, pairs = np.zeros((2, len(labels)))
    scores = ridge.scores(labels.astype(np.float32) * 2 - 1, [[f] for f in ridge.parts])
    for at, score in zip(ridge.parts.values(), scores, strict=True):
        part = concordant_pairs(score, labels[:, at])
        concordant += part[0]
        pairs += part[1]
    return np.divide(concordant, pairs, out=np.full(len(labels), np.nan), where=pairs > 0)


@one_thread()
def _cell_aucs(
    column: Callable[[], Float[np.ndarray, "sample width"]],
    labels: Bool[np.ndarray, "column sample"],
    fold: Int[np.ndarray, " sample"],
    statistic: str,
    C: float,
    device: str,
) -> Float[np.ndarray, " column"]:
    """AUC of the statistic's probe for every label vector, each against its own labels."""
    x = np.asarray(column(), dtype=np.float64)
    if statistic == "ridge":
        return ridge_aucs(x, labels, fold, alpha=1 / C)
    from interp.fitting.solver import cross_fit_logistic

    score = cross_fit_logistic(x, labels, fold, C=C, device=device).score[0]
    defined = np.isfinite(score).all(1)
    auc = np.full(len(labels), np.nan)
    auc[defined] = within_fold_auc(score[defined], labels[defined].astype(np.int64), fold)
    return auc


@returns(PERMUTED, "Returns the xarray Dataset that was given, and in it:")
@takes_run("grid", "data", "seed")
@public
def permutation_test(
    grid: xr.Dataset,
    data: FeatureSource,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    statistic: str = "ridge",
    device: str = "cpu",
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    ids: Ids | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """The grid with `z`, `p`, `q` and `p_corrected` on (layer, token) (definitions: is there signal).

    `data` is what the grid was made from: the Capture, or the bare array of `probe_grid` with the `layers`, `roles` and
    `ids` given there. Layers, roles and samples of the grid are found in it by name; it may hold more of them.
    `permutation_test(run)` takes a run's probe grid, Capture and seed. Labels, folds, groups and samples of every cell
    are those of the grid, so that two grids of the same samples and seed meet the same permutations.
    z = (A - mean) / standard deviation (ddof 1) over the cell's permutations, p its
    upper normal tail, q by Benjamini-Hochberg over the grid, `p_corrected` = (1 + #{largest z of a permutation >= z}) /
    (permutations + 1).
    A is `permutation_auc`: of the ridge classifier (`statistic="ridge"`, fast), or of the logistic probe refitted for
    every permutation (`"logistic"`, exact, solved on `device`); the attribute `permutation_statistic` says which.
    Undefined cells are NaN.

    Raises DataError for an unknown statistic, or data that lack a layer, role or sample of the grid.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.permutation_test(interp.probe_grid(cap, answers.correct), cap, permutations=99)
    >>> float(grid.p_corrected.sel(layer=1, token="exact_answer_last"))  # 1 of 100: no permutation has a larger maximum
    0.01
    """
    one_of("statistic", statistic, STATISTICS)
    permutations, seed = whole_number("permutations", permutations, 2, MANY), seed_number(seed)
    device, n_jobs, progress = str(one_device(device)), job_count(n_jobs), progress_function(progress)
    arrays = grid_arrays(grid)
    column = cell_columns(grid, data, layers=layers, roles=roles, ids=ids)
    names = grid["sample"].values.tolist()
    drawn, unmoved = permute_labels(arrays.y, arrays.group, permutations=permutations, seed=seed, ids=names)
    labels = np.concatenate([arrays.y[None], drawn]) == 1
    C = float(grid.attrs.get("C", 1.0))
    cells = np.argwhere(arrays.defined)

    def work(layer: int, role: int) -> Float[np.ndarray, " column"]:
        used = np.isfinite(arrays.score[:, layer, role])
        own = labels if used.all() else labels[:, used]
        return _cell_aucs(partial(column, used, layer, role), own, arrays.fold[used], statistic, C, device)

    aucs = np.full((permutations + 1, *arrays.auc.shape), np.nan)
    # BLAS and sorting let go of the interpreter: threads do, and need no copies of the activations.
    if n_jobs is None:
        n_jobs = worker_count(len(arrays.y) * column.width if len(cells) else 0)
    with one_thread():
        workers = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")
        for (layer, role), values in zip(cells, workers(delayed(work)(*cell) for cell in cells.tolist()), strict=True):
            aucs[:, layer, role] = values
            if progress is not None:
                progress(1)
    z, p, corrected = signal(aucs[0], aucs[1:])
    found = {"z": z, "p": p, "q": benjamini_hochberg(p), "p_corrected": corrected, "permutation_auc": aucs[0]}
    return grid.assign({name: (("layer", "token"), values) for name, values in found.items()}).assign_attrs(
        permutations=permutations,
        permutation_seed=seed,
        permutation_statistic=STATISTICS[statistic],
        permutation_unmoved=unmoved,
    )


def signal(
    auc: Float[np.ndarray, "*cell"], null: Float[np.ndarray, "permutation ..."]
) -> tuple[Float[np.ndarray, "*cell"], Float[np.ndarray, "*cell"], Float[np.ndarray, "*cell"]]:
    """z, p (upper normal tail) and p corrected by the largest z of each permutation; NaN where a cell has no spread."""
    known = np.isfinite(auc) & (np.isfinite(null).sum(0) > 1)
    mean, spread = np.full(auc.shape, np.nan), np.full(auc.shape, np.nan)
    mean[known], spread[known] = np.nanmean(null[:, known], axis=0), np.nanstd(null[:, known], axis=0, ddof=1)
    spread[~(spread > 0)] = np.nan
    z, drawn = (auc - mean) / spread, (null - mean) / spread
    largest = np.where(np.isfinite(drawn), drawn, -np.inf).reshape(len(null), -1).max(1)
    corrected = (1 + (largest >= z[..., None]).sum(-1)) / (len(null) + 1)
    return z, stats.norm.sf(z), np.where(np.isfinite(z), corrected, np.nan)

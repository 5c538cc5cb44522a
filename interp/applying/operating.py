"""What a probe is good for at a threshold: recall at a fixed false-positive rate, and risk against coverage.

Pure functions on arrays. A sample is accepted (its answer believed) if its score lies above the threshold. `weight`
(resample, sample) holds how often each sample occurs in each resample; ones are the sample itself.
"""

import numpy as np
from jaxtyping import Float, Int


def group_weights(
    group: Int[np.ndarray, " sample"], *, resamples: int, seed: int = 0
) -> Float[np.ndarray, "resample sample"]:
    """The sample itself, then bootstrap resamples of whole groups, by `default_rng([seed, 6])`."""
    n_groups = int(group.max()) + 1
    drawn = np.random.default_rng([seed, 6]).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=resamples)
    return np.concatenate([np.ones((1, len(group))), drawn[:, group]])


def false_positive_threshold(
    wrong: Float[np.ndarray, " sample"], rate: float, weight: Float[np.ndarray, "resample sample"] | None = None
) -> Float[np.ndarray, " resample"]:
    """Lowest threshold that a new wrong answer passes with probability at most `rate`, from `n` wrong answers' scores.

    The k-th highest score, k = ⌊rate · (n + 1)⌋: the chance that an exchangeable new score lies above it is at most
    k / (n + 1) (split conformal; Vovk et al. 2005). Infinite where n is too small for any k.
    """
    weight = np.ones((1, len(wrong))) if weight is None else weight
    if len(wrong) == 0:
        return np.full(len(weight), np.inf)
    order = np.argsort(-wrong, kind="stable")
    score, weight = wrong[order], weight[:, order]
    cumulative = np.cumsum(weight, axis=1)
    # Equal scores pass together: count them all.
    last = np.searchsorted(-score, -score, side="right") - 1
    allowed = rate * (cumulative[:, -1:] + 1) * (1 + 1e-12)
    possible = (cumulative[:, last] <= allowed) & (weight > 0)
    place = np.where(possible, np.arange(len(score)), -1).max(1)
    return np.where(place >= 0, score[place], np.inf)


def held_out_rates(
    columns: Float[np.ndarray, "fold sample"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    rate: float,
    weight: Float[np.ndarray, "resample sample"],
) -> tuple[Float[np.ndarray, " resample"], Float[np.ndarray, " resample"]]:
    """Share of correct and of wrong answers accepted when each fold's threshold comes from the other folds.

    Row i of `columns` holds the scores that are used for the i-th fold: of one cell throughout, or of the cell chosen
    without that fold. NaN scores are not used.
    """
    accepted, total = np.zeros((2, len(weight), 2))
    for column, f in zip(columns, np.unique(fold), strict=True):
        used = np.isfinite(column)
        others = np.flatnonzero(used & (fold != f) & (y == 0))
        inside = np.flatnonzero(used & (fold == f))
        threshold = false_positive_threshold(column[others], rate, weight[:, others])
        passes = column[inside] > threshold[:, None]
        for label in (0, 1):
            of_label = y[inside] == label
            part = weight[:, inside[of_label]]
            accepted[:, label] += (part * passes[:, of_label]).sum(1)
            total[:, label] += part.sum(1)
    share = np.divide(accepted, total, out=np.full(total.shape, np.nan), where=total > 0)
    return share[:, 1], share[:, 0]


def risk_coverage(
    confidence: Float[np.ndarray, " sample"],
    y: Int[np.ndarray, " sample"],
    weight: Float[np.ndarray, "resample sample"],
) -> tuple[Float[np.ndarray, "resample sample"], Float[np.ndarray, "resample sample"]]:
    """Coverage and risk after each sample, most confident first: share answered, and share of wrong ones among them.

    Equal confidences are taken in random order, in expectation (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017).
    """
    order = np.argsort(-confidence, kind="stable")
    score, w = confidence[order], weight[:, order]
    wrong = w * (y[order] == 0)
    start = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
    size = np.diff(np.append(start, len(score)))
    block = np.add.reduceat(w, start, axis=1)
    share = np.divide(np.add.reduceat(wrong, start, axis=1), block, out=np.zeros(block.shape), where=block > 0)
    answered = np.cumsum(w, axis=1)
    mistakes = np.cumsum(w * np.repeat(share, size, axis=1), axis=1)
    risk = np.divide(mistakes, answered, out=np.zeros(w.shape), where=answered > 0)
    return answered / answered[:, -1:], risk


def area(
    coverage: Float[np.ndarray, "resample sample"], risk: Float[np.ndarray, "resample sample"]
) -> Float[np.ndarray, " resample"]:
    """Area under the risk-coverage curve: mean risk over all numbers of answers given."""
    return (np.diff(coverage, axis=1, prepend=0) * risk).sum(1)


def oracle_risk(n_correct: int, n: int) -> Float[np.ndarray, " sample"]:
    """Risk after each sample if every correct answer came before every wrong one."""
    given = np.arange(1, n + 1)
    return np.maximum(0, given - n_correct) / given

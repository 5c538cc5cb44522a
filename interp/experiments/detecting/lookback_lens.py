"""Lookback Lens: how much every head looks back to the prompt while the model answers (Chuang et al. 2024)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.fitting.crossfit import CellFit, cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.statistics.cross_fold import Sketch
from interp.support.arguments import one_of, several_texts

METRIC = "lookback"


def lookback_lens(given: Given, *, roles: Sequence[str] | None = None) -> Float[np.ndarray, " sample"]:
    """Out-of-fold score of a logistic regression on the lookback ratios of all heads of all layers.

    Chuang et al. 2024: a head's ratio at a token is A(context) / (A(context) + A(new)), each the mean attention per
    token of the prompt and of the tokens generated so far, that token included: the metric `lookback`. The features are
    the mean of every head's ratio over a window of tokens. The paper takes spans or windows of eight consecutive
    tokens; here the window is the tokens of the completion that were captured, each once however many `roles` name it:
    with the fifteen roles the last eight tokens, the first two and those of the exact answer. `roles=("-8", …, "-1")`
    is a window of eight. The ratios belong to the token that is read, not to the one that it predicts. The mean over
    every token of a long answer is not known from single-token roles.

    Features are standardised in each training part (the paper's are not), C is that of `given`. A head without a ratio
    in some sample (a layer without a pattern, a sliding window that left the prompt) is no feature. NaN for a sample
    without a captured token in its completion.

    Raises DataError for a capture without the metric, a role that was not captured, or where no probe can be fitted.
    """
    fit, used = _fit(given, roles)
    score = np.full(len(given), np.nan)
    score[used] = fit.score
    return score


def _fit(given: Given, roles: Sequence[str] | None = None) -> tuple[CellFit, Bool[np.ndarray, " sample"]]:
    x, used = lookback_features(given, roles=roles)
    spec = ProbeSpec("logistic", C=given.C, seed=given.seed)
    fit = cross_fit(Cell(x[used], given.samples.at(used), spec, given.min_per_class))
    if fit.reason:
        raise DataError(f"lookback_lens: no probe of the lookback ratios: {fit.reason}")
    return fit, used


def _training(given: Given) -> Sketch | None:
    fit, used = _fit(given)
    if fit.training is None:
        return None
    training = np.zeros((len(given), *fit.training.shape[1:]), dtype=fit.training.dtype)
    training[used] = fit.training
    return training


def lookback_features(
    given: Given, *, roles: Sequence[str] | None = None
) -> tuple[Float[np.ndarray, "sample feature"], Bool[np.ndarray, " sample"]]:
    """Mean lookback ratio of every head that has one in every sample, layers outermost; and who has a token for it."""
    cap = given.capture
    if METRIC not in cap.attention:
        raise DataError("lookback_lens: the capture has no attention metric `lookback`; capture the attention pattern")
    chosen = cap.roles if roles is None else several_texts("roles", roles)
    columns = [cap.roles.index(one_of("role", role, cap.roles)) for role in chosen]
    n_prompt = np.array([len(ids) for ids in given.answers.prompt_ids])
    index = cap.index[:, columns].numpy()
    inside = cap.valid[:, columns].numpy() & (index >= n_prompt[:, None])
    weight = (inside & ~_named_before(index, inside)).astype(np.float64)
    used = weight.sum(1) > 0
    means = []
    for layer in range(len(cap.layers)):
        ratio = cap.attention[METRIC][:, layer][:, :, columns].double().numpy()
        ratio = np.where(weight[:, None] > 0, ratio, 0.0)  # NaN is kept where a token of the window has no ratio
        means.append((ratio * weight[:, None]).sum(2) / np.maximum(weight.sum(1), 1)[:, None])
    x = np.concatenate(means, axis=1)
    return x[:, np.isfinite(x[used]).all(0)], used


def _named_before(index: np.ndarray, inside: Bool[np.ndarray, "sample role"]) -> Bool[np.ndarray, "sample role"]:
    """Where an earlier role names the same token."""
    same = (index[:, :, None] == index[:, None, :]) & inside[:, None, :]
    return np.tril(same, -1).any(2)


LOOKBACK = (Detector("lookback_lens", "attention", lookback_lens, trained=True, training=_training),)

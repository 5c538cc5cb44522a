"""The attention grid: per-metric AUC without fitting, the probe on per-head columns, and what is dropped."""

import numpy as np
import pytest
import torch

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.grids.probes import attention_grid, probe_grid
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

ROLES = ("last_q", "exact_answer_first", "-1")


def attentive(n: int = 150, layers: int = 2, heads: int = 3) -> tuple[Capture, np.ndarray]:
    """Head 1 of layer 1 attends more sharply at the exact answer when the answer is right."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    attention = {
        name: torch.from_numpy(rng.uniform(0, 1, (n, layers, heads, 3)).astype(np.float32))
        for name in ("received", "entropy", "to_question")
    }
    attention["entropy"][:, 1, 1, 1] -= 0.8 * torch.from_numpy(y)
    attention["received"][..., 2] = torch.nan  # nothing comes after the last token
    attention["to_question"][5, 0, 2, 0] = torch.nan
    valid = torch.ones((n, 3), dtype=torch.bool)
    valid[::5, 2] = False
    for values in attention.values():
        values.masked_fill_(~valid[:, None, None, :], torch.nan)
    resid = torch.from_numpy(rng.standard_normal((n, layers, 3, 8)).astype(np.float32))
    cap = Capture(
        sites={"resid_post": resid},
        embed=resid[:, 0],
        attention=attention,
        valid=valid,
        index=torch.zeros((n, 3), dtype=torch.int64),
        layers=tuple(range(layers)),
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(n)),
    )
    return cap, y


def test_a_metrics_auc_is_that_of_its_mean_over_heads() -> None:
    cap, y = attentive()
    grid = attention_grid(cap, y)
    fold = grid["fold"].values
    for metric in ("received", "entropy", "to_question"):
        for layer in range(2):
            for role in range(3):
                here = grid.sel(metric=metric, layer=layer, token=ROLES[role])
                score = cap.attention[metric][:, layer, :, role].double().mean(1).numpy()
                expected = estimate_auc(score, Samples(y, fold, np.arange(len(y))))
                np.testing.assert_allclose(
                    [here["metric_auc"], here["metric_low"], here["metric_high"]],
                    [expected.value, expected.low, expected.high],
                )
                assert here["metric_n"] == expected.n == np.isfinite(score).sum()
                np.testing.assert_allclose(here["metric_mean"], np.nanmean(score) if expected.n else np.nan)


def test_lower_when_correct_is_below_a_half_and_found_all_the_same() -> None:
    """Two-sided: the metric's own AUC keeps its direction, the probe on the heads learns it."""
    cap, y = attentive()
    here = attention_grid(cap, y).sel(layer=1, token="exact_answer_first")
    assert here["metric_high"].sel(metric="entropy") < 0.5
    assert here["auc"] > 0.9 and here["low"] > 0.85
    assert here["metric_reason"].sel(metric="entropy").item() == ""


def test_the_attention_probe_is_the_same_estimator_folds_and_samples_on_the_finite_columns() -> None:
    cap, y = attentive()
    attention, probe = attention_grid(cap, y), probe_grid(cap, y)
    np.testing.assert_array_equal(attention["n"], probe["n"])
    np.testing.assert_array_equal(attention["fold"], probe["fold"])
    metrics = torch.cat([cap.attention[metric][:, :, :, 1] for metric in cap.attention], dim=2)
    columns = torch.cat([metrics, metrics.clamp(min=2.0**-126).log()], dim=2)
    np.testing.assert_allclose(
        probe_grid(columns[:, :, None, :], y, groups=None)["score"].values[:, :, 0],
        attention["score"].sel(token="exact_answer_first"),
        atol=1e-6,  # logarithms of single precision
    )


def test_dropped_columns_are_listed_and_their_samples_stay() -> None:
    cap, y = attentive()
    grid = attention_grid(cap, y)
    assert grid["dropped"].values.tolist() == [
        ["to_question (heads 2)", "", "received (all heads)"],
        ["", "", "received (all heads)"],
    ]
    assert grid["n_features"].values.tolist() == [[16, 18, 12], [18, 18, 12]]  # as they are, and their logarithms
    assert grid["n"].sel(layer=0, token="last_q") == len(y)
    reason = grid["metric_reason"].sel(metric="received", layer=0, token="-1").item()
    assert reason == "the metric has no finite value at this position"


def test_a_cell_without_a_finite_column_is_undefined() -> None:
    cap, y = attentive()
    for values in cap.attention.values():
        values[7, 0, :, 0] = torch.nan
    here = attention_grid(cap, y).sel(layer=0, token="last_q")
    assert np.isnan(here["auc"]) and here["n_features"] == 0
    assert here["reason"].item() == "no feature is finite for every sample of the cell"


def test_a_metric_that_never_varies_has_no_auc() -> None:
    cap, y = attentive()
    cap.attention["entropy"][:, 0, :, 0] = 0.25
    here = attention_grid(cap, y).sel(metric="entropy", layer=0, token="last_q")
    assert np.isnan(here["metric_auc"]) and here["metric_reason"].item() == "the metric is the same for all samples"
    assert here["metric_mean"] == 0.25


def test_a_capture_without_attention_is_refused() -> None:
    cap, y = attentive()
    cap.attention.clear()
    with pytest.raises(DataError, match="expected a Capture that holds attention metrics"):
        attention_grid(cap, y)

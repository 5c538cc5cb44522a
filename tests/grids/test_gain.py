"""What attention adds to the vector, and what is left when the vector is as narrow: planted signals and a plain loop."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from interp.capturing.activations import Capture
from interp.comparing.compare import compare_grids
from interp.comparing.delta import delta_grid
from interp.comparing.widths import widths
from interp.errors import DataError
from interp.grids.attention_probe import p_against_half
from interp.grids.gain import gain_grid
from interp.grids.grid_table import run_rows
from interp.grids.probes import attention_grid, matched_width_grid, probe_grid
from interp.statistics.auc import benjamini_hochberg, estimate_auc
from interp.statistics.samples import Samples

ROLES = ("last_q", "exact_answer_first")


def capture(n: int = 200, heads: int = 3, *, in_attention: bool) -> tuple[Capture, np.ndarray]:
    """Half of what tells right from wrong is in the vectors; the other half in a head of layer 1, or nowhere."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, 2, 2, 12)).astype(np.float32)
    x[:, 1, 1, 0] += y
    attention = {
        m: torch.from_numpy(rng.uniform(0, 1, (n, 2, heads, 2)).astype(np.float32)) for m in ("entropy", "received")
    }
    if in_attention:
        attention["entropy"][:, 1, 2, 1] += 0.5 * torch.from_numpy(y)
    attention["received"][3, 1, 0, 1] = torch.nan
    return Capture(
        sites={"resid_post": torch.from_numpy(x)},
        embed=torch.from_numpy(x[:, 0]),
        attention=attention,
        valid=torch.ones(n, 2, dtype=torch.bool),
        index=torch.zeros(n, 2, dtype=torch.int64),
        layers=(0, 1),
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(n)),
    ), y


def out_of_fold(x: np.ndarray, y: np.ndarray, fold: np.ndarray, components: int | None = None) -> np.ndarray:
    score = np.empty(len(y))
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        scaler = StandardScaler().fit(x[train])
        a, b = scaler.transform(x[train]), scaler.transform(x[test])
        if components is not None:
            pca = PCA(components, svd_solver="full").fit(a)
            a, b = pca.transform(a), pca.transform(b)
        score[test] = LogisticRegression(tol=1e-12, max_iter=10_000).fit(a, y[train]).decision_function(b)
    return score


def test_the_gain_probe_reads_vector_and_finite_metrics_together() -> None:
    cap, y = capture(in_attention=True)
    grid = gain_grid(cap, y)
    metrics = np.concatenate([cap.attention[m][:, 1, :, 1].numpy() for m in cap.attention], axis=1)
    metrics = metrics[:, np.isfinite(metrics).all(0)].astype(float)
    logarithms = np.log(np.maximum(metrics, 2.0**-126))
    both = np.concatenate([cap.resid[:, 1, 1].numpy().astype(float), metrics, logarithms], axis=1)
    assert both.shape[1] == 12 + 5 + 5
    expected = out_of_fold(both, y, grid["fold"].values)
    here = grid["score"].sel(layer=1, token="exact_answer_first")
    np.testing.assert_allclose(here, expected, atol=1e-4 * expected.std())
    assert grid.attrs["kind"] == "gain" and "embed_auc" not in grid and (grid["n"] == 200).all()


def test_attention_gains_where_it_holds_something_of_its_own_and_not_elsewhere() -> None:
    cap, y = capture(in_attention=True)
    gain = compare_grids(gain_grid(cap, y), probe_grid(cap, y)).delta_auc
    planted = gain.sel(layer=1, token="exact_answer_first")
    assert planted["low"] > 0.03 and planted["q"] < 0.01
    others = gain["delta"].where(gain["q"] < 0.05).values
    assert np.isfinite(others).sum() == 1
    nothing, y = capture(in_attention=False)
    assert compare_grids(gain_grid(nothing, y), probe_grid(nothing, y)).delta_auc["q"].min() > 0.05


def test_a_probe_of_matched_width_is_pca_and_logistic_regression_by_loop() -> None:
    cap, y = capture(in_attention=False)
    attention = attention_grid(cap, y)
    assert attention["n_features"].values.tolist() == [[12, 12], [12, 10]]
    grid = matched_width_grid(cap, y, attention)
    for layer, role, components in ((0, 0, 12), (1, 1, 10)):
        expected = out_of_fold(cap.resid[:, layer, role].numpy().astype(float), y, grid["fold"].values, components)
        np.testing.assert_allclose(grid["score"][:, layer, role], expected, atol=1e-4 * expected.std())


def test_widths_of_a_run_say_what_dimension_explains() -> None:
    """The vectors know by many small directions: cut to the attention probe's width they know no more than it."""
    rng = np.random.default_rng(1)
    cap, y = capture(400, in_attention=False)
    x = 0.6 * rng.standard_normal((400, 2, 2, 60)).astype(np.float32) + 0.25 * y[:, None, None, None].astype(np.float32)
    x += rng.standard_normal((400, 2, 2, 60)).astype(np.float32) * np.where(np.arange(60) % 2, 1.0, -1.0).astype(
        np.float32
    )
    # One huge shared direction per column pair hides the signal from the leading components.
    x[..., ::2] += 6 * rng.standard_normal((400, 2, 2, 1)).astype(np.float32)
    cap = Capture(**{**vars(cap), "sites": {"resid_post": torch.from_numpy(x)}})
    probe, attention = probe_grid(cap, y), attention_grid(cap, y)
    found = widths(cap, y, probe, attention, site="resid_post", probe="logistic", seed=0)
    delta = delta_grid(probe, attention)
    numbers = found.to_dict(delta)["matched_width"]
    assert numbers["probe_better"] == int(((delta["q"] < 0.05) & (delta["delta"] > 0)).sum()) == 4
    still = (found.attention_minus_matched["q"] < 0.05) & (found.attention_minus_matched["delta"] < 0)
    assert numbers["still_better"] == int(still.sum())
    rows = run_rows(probe, attention, delta, matched=found.matched, gain=found.gain)
    assert {"matched_width_auc", "gain_auc"} <= {row["metric"] for row in rows}
    gain = next(r for r in rows if r["metric"] == "gain_auc" and r["layer"] == 1 and r["token"] == "last_q")
    assert gain["value"] == found.gain["delta"].sel(layer=1, token="last_q").item() and gain["p"] <= 1


def test_a_capture_without_attention_or_site_is_refused() -> None:
    cap, y = capture(in_attention=False)
    with pytest.raises(DataError, match="'z' was not captured"):
        gain_grid(cap, y, site="z")
    cap.attention.clear()
    with pytest.raises(DataError, match="expected a Capture that holds attention metrics"):
        gain_grid(cap, y)


def test_p_of_a_single_metric_agrees_with_its_interval_and_q_is_over_all_metrics() -> None:
    cap, y = capture(in_attention=True)
    grid = attention_grid(cap, y)
    outside = (grid["metric_low"] > 0.5) | (grid["metric_high"] < 0.5)
    np.testing.assert_array_equal(grid["metric_p"] < 0.05, outside)
    np.testing.assert_array_equal(grid["metric_q"], benjamini_hochberg(grid["metric_p"].values))
    assert grid["metric_p"].sel(metric="entropy", layer=1, token="exact_answer_first") < 1e-3
    rows = [row for row in run_rows(probe_grid(cap, y), grid) if row["metric"] == "entropy_auc"]
    assert all(0 <= row["p"] <= row["q"] <= 1 for row in rows)


def test_p_is_uniform_under_the_null_and_has_its_exact_ends() -> None:
    rng = np.random.default_rng(0)
    p = []
    for _ in range(400):
        y = rng.integers(0, 2, 80)
        p.append(p_against_half(estimate_auc(rng.standard_normal(80), Samples(y, np.arange(80) % 5, np.arange(80)))))
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03) and np.mean(p) == pytest.approx(0.5, abs=0.05)
    y, fold = np.repeat([0, 1], 12), np.arange(24) % 4
    assert p_against_half(estimate_auc(y.astype(float), Samples(y, fold, np.arange(24)))) == 2 * 0.5**12
    assert p_against_half(estimate_auc(np.zeros(24), Samples(y, fold, np.arange(24)))) == 1
    assert np.isnan(p_against_half(estimate_auc(np.full(24, np.nan), Samples(y, fold, np.arange(24)))))

"""The site `sae:FOLDER`: a grid of a SAE's features is the grid of these features as a bare array."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import interp
from interp.capturing.sparse_autoencoder import read_sae
from interp.errors import DataError
from interp.grids.sae_features import is_sae, sae_features

SAES = Path(__file__).parents[1] / "fixtures" / "activations" / "sae_lens"
N, ROLES = 80, ("last_q", "exact_answer_first")


@pytest.fixture(scope="module")
def planted() -> tuple[interp.Capture, np.ndarray]:
    """Feature 7 of the SAE at layer 5 tells right from wrong, at the second role."""
    rng, y = np.random.default_rng(0), np.arange(N) % 2
    x = rng.standard_normal((N, 2, 2, 128)).astype(np.float32)
    sae = read_sae(SAES / "jumprelu")
    x[:, 1, 1] += 2 * y[:, None] * (sae.W_enc[:, 7] / sae.W_enc[:, 7].norm()).numpy()
    cap = interp.Capture(
        sites={"resid_post": torch.from_numpy(x)}, embed=torch.from_numpy(x[:, 0]), attention={},
        valid=torch.ones(N, 2, dtype=torch.bool), index=torch.zeros(N, 2, dtype=torch.long), layers=(2, 5), roles=ROLES,
        id=tuple(f"s{i}" for i in range(N)),
    )  # fmt: skip
    return cap, y


def test_the_grid_is_that_of_the_features_on_the_same_folds(planted) -> None:
    cap, y = planted
    site = f"sae:{SAES / 'jumprelu'}"
    residual, grid = interp.probe_grid(cap, y), interp.probe_grid(cap, y, site=site)
    assert grid["layer"].values.tolist() == [5] and grid.attrs["site"] == site
    assert grid["fold"].equals(residual["fold"]) and grid["embed_auc"].equals(residual["embed_auc"])
    features = read_sae(SAES / "jumprelu").encode(cap.resid[:, 1:])
    bare = interp.probe_grid(features, y, layers=[5], roles=ROLES, ids=cap.id)
    np.testing.assert_array_equal(grid["score"], bare["score"])
    auc = grid["auc"].sel(layer=5)
    assert auc.sel(token=ROLES[1]) > 0.8 > auc.sel(token=ROLES[0])
    tested = interp.permutation_test(grid, cap, permutations=49)
    assert float(tested["p"].sel(layer=5, token=ROLES[1])) < 0.05


def test_a_sparse_probe_finds_the_planted_feature(planted) -> None:
    cap, y = planted
    probe = LogisticRegression(l1_ratio=1.0, solver="liblinear", C=0.1)
    grid = interp.probe_grid(cap, y, site=f"sae:{SAES / 'jumprelu'}", probe=probe)
    assert float(grid["auc"].sel(layer=5, token=ROLES[1])) > 0.75
    features, layers = sae_features(cap, f"sae:{SAES / 'jumprelu'}")
    assert features.shape == (N, 1, 2, 48) and layers == (5,)
    fitted = probe.fit(features[slice(None), 0, 1].numpy(), y)
    assert abs(fitted.coef_[0]).argmax() == 7 and (fitted.coef_[0] == 0).mean() > 0.5


def test_a_saes_input_may_be_captured_under_its_other_name(planted) -> None:
    cap, y = planted
    site = f"sae:{SAES / 'standard'}"
    moved = interp.Capture(**vars(cap) | {"sites": {"resid_pre": cap.resid}, "layers": (3, 6)})
    one, other = interp.probe_grid(cap, y, site=site), interp.probe_grid(moved, y, site=site)
    np.testing.assert_array_equal(one["score"], other["score"])
    assert (one["layer"].item(), other["layer"].item()) == (2, 3)


def test_what_does_not_fit_is_refused(planted) -> None:
    cap, y = planted
    site = f"sae:{SAES / 'standard'}"
    with pytest.raises(DataError, match=r"a SAE of resid_post at layer 2, which was not captured .*layers 0, 1"):
        interp.probe_grid(interp.Capture(**vars(cap) | {"layers": (0, 1)}), y, site=site)
    narrow = interp.Capture(**vars(cap) | {"sites": {"resid_post": cap.resid[..., :9]}, "embed": None})
    with pytest.raises(DataError, match="a SAE of vectors of width 128, the Capture's are 9 wide"):
        interp.probe_grid(narrow, y, site=site)
    with pytest.raises(DataError, match="site: expected a path"):
        interp.probe_grid(cap, y, site="sae:")
    assert not is_sae("resid_post")

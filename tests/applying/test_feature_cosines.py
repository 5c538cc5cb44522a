"""A probe's direction beside a SAE's features: cosines by loop, the planted feature first, p values of random directions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import interp
from interp.applying.feature_cosines import feature_cosines
from interp.errors import DataError

SAE = Path(__file__).parents[1] / "fixtures" / "activations" / "sae_lens" / "standard"


@pytest.fixture(scope="module")
def probe() -> interp.FittedProbe:
    rng, y = np.random.default_rng(0), np.arange(100) % 2
    decoder = load_file(SAE / "sae_weights.safetensors")["W_dec"].numpy()
    x = rng.standard_normal((100, 128)) + 4 * y[:, None] * decoder[31] / np.linalg.norm(decoder[31])
    return interp.fit_probe(x, y, layer=2, role="exact_answer_last", probe="mean-difference")


def test_cosines_are_those_of_a_loop_and_the_planted_feature_is_first(probe) -> None:
    table, weights = feature_cosines(probe, SAE, limit=None), load_file(SAE / "sae_weights.safetensors")
    assert len(table) == 48 and table["feature"].iloc[0] == 31 and table["decoder"].iloc[0] > 0.8
    direction = probe.direction.numpy()
    for row in table.itertuples():
        for name, vector in (("decoder", weights["W_dec"][row.feature]), ("encoder", weights["W_enc"][:, row.feature])):
            vector = vector.double().numpy()
            cosine = vector @ direction / np.linalg.norm(vector) / np.linalg.norm(direction)
            assert getattr(row, name) == pytest.approx(cosine, abs=1e-9)
    assert table["decoder"].abs().is_monotonic_decreasing
    assert len(feature_cosines(probe, SAE, limit=5)) == 5


def test_p_values_are_those_of_directions_drawn_at_random(probe) -> None:
    drawn = torch.from_numpy(np.random.default_rng(1).standard_normal((400, 128)))
    found = [feature_cosines(replace(probe, direction=one), SAE, limit=None) for one in drawn]
    first = np.concatenate([table.loc[table["feature"] == 3, "p"] for table in found])
    assert abs((first < 0.1).mean() - 0.1) < 0.04 and abs((first < 0.5).mean() - 0.5) < 0.07
    best = np.array([table["p_corrected"].iloc[0] for table in found])
    assert abs((best < 0.2).mean() - 0.2) < 0.06


def test_a_sae_of_other_vectors_is_refused(probe) -> None:
    assert len(feature_cosines(replace(probe, site="resid_pre", layer=3), SAE)) == 20  # the same vectors
    with pytest.raises(DataError, match="a SAE of resid_post at layer 2, the probe reads resid_post at layer 4"):
        feature_cosines(replace(probe, layer=4), SAE)
    with pytest.raises(DataError, match="a SAE of vectors of width 128, the probe's have 5"):
        rng, y = np.random.default_rng(0), np.arange(40) % 2
        narrow = interp.fit_probe(rng.standard_normal((40, 5)), y, layer=2, role="exact_answer_last")
        feature_cosines(narrow, SAE)

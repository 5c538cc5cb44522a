"""Attribution patching: the derivative of exact patching, in every architecture and class."""

import numpy as np
import pytest
import torch
from patched_by_hand import asked_of, random_answers

from interp.experiments.detecting.given import Given
from interp.experiments.intervening import attributed as module
from interp.experiments.intervening import outcome
from interp.experiments.intervening.attributed import attributed
from interp.experiments.intervening.pairs import matched_pairs
from interp.experiments.intervening.patched import outcomes
from interp.experiments.intervening.read import patched_runs, read_cells
from interp.experiments.intervening.states import States

LAYERS, TIGHT = [0, 2, 3], 2e-5


def runs_of(model, site, pairs=2, outcome="answer", **options):
    asked = asked_of(model, random_answers(12, **options))
    given = Given.of(asked.answers, asked.cap, asked.grid, load=lambda: model)
    found = matched_pairs(given, match="offsets", most=pairs, seed=0)
    cells = read_cells(asked.cap, None, None)
    _, runs = patched_runs(given, found, cells, outcome, None)
    return runs, States.of(given, found, site, cells, None), found


@pytest.mark.parametrize("site", ["resid_post", "attn_out", "mlp_out", "z"])
def test_it_is_the_derivative_of_exact_patching(case, site):
    """A small part of the way to the donor's state, exactly and to first order; central, so that curvature drops out."""
    runs, states, pairs = runs_of(case.model, site)
    whole = states.put(pairs.donor)

    def part(share):
        return lambda run, role, layer, own: own + share * (whole(run, role, layer, own) - own)

    base, first = attributed(case.model, runs, site, LAYERS, [whole, part(0.5)])
    small = 0.02
    exact, (up, down) = outcomes(case.model, runs, site, LAYERS, [part(small), part(-small)])
    np.testing.assert_allclose(base, exact, rtol=TIGHT, atol=TIGHT)
    slope = first - base[None, :, None, None]
    np.testing.assert_allclose(slope[1], slope[0] / 2, rtol=1e-4, atol=1e-5)
    central = (up - down) / (2 * small)
    reached = np.isfinite(central)
    assert (reached == np.isfinite(slope[0])).all() and reached[:, :, :3].all() and not reached[:, :, 3].any()
    assert np.corrcoef(central[reached], slope[0][reached])[0, 1] > 0.99
    far = np.abs(central - slope[0])[reached] / (0.05 + np.abs(slope[0][reached]))
    assert np.median(far) < 0.02 and np.abs(slope[0][reached]).max() > 0.1


def test_of_a_linear_outcome_of_the_last_layer_it_is_exact(llama, monkeypatch):
    """A linear model's edits are to first order what they are: here the last norm is left out of the way."""
    runs, states, pairs = runs_of(llama, "resid_post", outcome=lambda logits: logits[:, 5])
    weight = torch.randn(32, 6, generator=torch.Generator().manual_seed(0))

    def unembed(residual):
        return residual @ weight

    class Linear:
        def __init__(self, model):
            self.unembed = unembed

    monkeypatch.setattr(outcome, "backend_of", Linear)
    put = states.put(pairs.donor)
    base, first = attributed(llama, runs, "resid_post", [2], [put])
    exact, moved = outcomes(llama, runs, "resid_post", [2], [put])
    np.testing.assert_allclose(base, exact, rtol=TIGHT, atol=TIGHT)
    np.testing.assert_allclose(first, moved, rtol=TIGHT, atol=TIGHT)


def test_memory_changes_nothing_and_every_run_is_counted(llama, monkeypatch):
    runs, states, pairs = runs_of(llama, "resid_post", pairs=4)
    puts, counted = [states.put(pairs.donor), states.noise(pairs.donor, 0)], []
    base, first = attributed(llama, runs, "resid_post", [0, 1, 2], puts, progress=counted.append)
    assert counted == [1] * len(runs) and first.shape == (2, len(runs), 3, 4)
    monkeypatch.setattr(module, "MEMORY", 1)
    again = attributed(llama, runs, "resid_post", [0, 1, 2], puts)
    np.testing.assert_allclose(again[0], base, atol=1e-5)
    np.testing.assert_allclose(again[1], first, atol=1e-4)


def test_no_weight_is_given_a_gradient_and_grad_mode_is_as_it_was(llama):
    runs, states, pairs = runs_of(llama, "mlp_out")
    with torch.no_grad():
        attributed(llama, runs, "mlp_out", [1], [states.put(pairs.donor)])
        assert not torch.is_grad_enabled()
    assert all(one.grad is None for one in llama.parameters())
    with torch.inference_mode():
        attributed(llama, runs, "mlp_out", [1], [states.put(pairs.donor)])

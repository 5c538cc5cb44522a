"""Two computations of one thing: the relative deviation against NumPy, what is rounding and what is an error."""

import numpy as np
import pytest
import torch

from interp.errors import ModelError
from interp.models.deviation import TOLERANCE, compare, keep, tolerance_of


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float(np.abs(ours.numpy() - theirs.numpy()).max() / np.abs(theirs.numpy()).max())


@pytest.mark.parametrize("seed", range(5))
def test_the_tolerance_divides_at_the_deviation_that_numpy_finds(seed):
    torch.manual_seed(seed)
    theirs = 8e4 * torch.randn(3, 4, 5)
    ours = theirs + torch.randn(3, 4, 5)
    deviation = relative(ours, theirs)
    compare(ours, theirs, deviation * 1.001, "equal")
    with pytest.raises(ModelError) as error:
        compare(ours, theirs, deviation * 0.999, "the layers differ", "; load it anew")
    assert str(error.value) == (
        f"the layers differ (relative deviation {deviation:.2g}, tolerance {deviation * 0.999:g}); load it anew"
    )


def test_one_wrong_entry_is_enough_and_the_largest_entry_is_the_measure():
    theirs = torch.ones(100, 100)
    ours = theirs.clone()
    ours[37, 5] = 1.01
    with pytest.raises(ModelError, match="deviation 0.01, tolerance 0.001"):
        compare(ours, theirs, 1e-3, "differ")
    theirs[0, 0] = ours[0, 0] = 1e4  # beside such an entry the same difference is rounding
    compare(ours, theirs, 1e-3, "differ")
    compare(torch.zeros(3), torch.zeros(3), 0.0, "differ")  # nothing divided by nothing


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_not_finite_never_agrees(wrong):
    good, bad = torch.ones(4), torch.tensor([1.0, 1.0, wrong, 1.0])
    for ours, theirs in ((bad, good), (good, bad), (bad, bad)):
        with pytest.raises(ModelError, match="deviation"):
            compare(ours, theirs, 1e-1, "differ")


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_rounding_to_a_type_is_within_its_tolerance(dtype):
    torch.manual_seed(0)
    exact = torch.randn(4000, dtype=torch.float64)
    compare(exact.to(dtype), exact, tolerance_of(dtype), "rounding")
    with pytest.raises(ModelError):
        compare(exact.to(dtype) * (1 + 2 * tolerance_of(dtype)), exact, tolerance_of(dtype), "more than rounding")


def test_a_type_that_has_no_tolerance_has_the_widest():
    assert tolerance_of(torch.float8_e4m3fn) == max(TOLERANCE.values())


def test_what_is_kept_is_a_copy_without_a_graph():
    store: dict[str, torch.Tensor] = {}
    seen = torch.ones(3, requires_grad=True) * 2
    assert keep(store, "resid")(seen) is None  # a hook that returns something would replace it
    with torch.no_grad():
        seen += 1  # as a later hook does in place
    assert store["resid"].tolist() == [2, 2, 2] and not store["resid"].requires_grad

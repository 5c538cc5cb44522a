"""The tests check the shapes that signatures name, wherever pytest is called as pyproject.toml says."""

import jaxtyping
import numpy as np
import pytest

from interp.statistics.auc import fold_pairs


def test_a_wrong_shape_is_caught_where_types_are_checked(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("jaxtyping_packages"):
        pytest.skip("called without a check of types")
    with pytest.raises(jaxtyping.TypeCheckError):
        fold_pairs(np.zeros((2, 2), dtype=int), np.zeros(2, dtype=int))

"""Contrast of role sets: complete cases, coincident tokens, and the influences behind its interval."""

import numpy as np
import pytest

from interp.comparing.contrast import contrast
from interp.statistics.auc import delta_auc, within_fold_auc
from interp.statistics.samples import Samples


def grid(n: int = 300, layers: int = 2, roles: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y, fold = rng.integers(0, 2, n), rng.integers(0, 5, n)
    score = rng.standard_normal((n, layers, roles))
    score[:, :, 0] += 1.0 * y[:, None]
    return score, y, fold


def test_one_role_against_one_is_delta_auc() -> None:
    score, y, fold = grid(layers=1)
    score[::7, 0, 1] = np.nan
    expected = delta_auc(score[:, 0, 0], score[:, 0, 1], Samples(y, fold, np.arange(len(y))))
    got = contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1]).difference
    assert (got.value, got.low, got.high, got.p, got.n) == pytest.approx(
        (expected.value, expected.low, expected.high, expected.p, expected.n)
    )


def test_complete_cases_have_all_of_a_and_one_of_b() -> None:
    score, y, fold = grid()
    score[:50, :, 0] = np.nan  # no A
    score[50:90, :, 2:] = np.nan  # no B at all
    score[90:120, :, 3] = np.nan  # one of B
    got = contrast(score, Samples(y, fold, np.arange(len(y))), [0, 1], [2, 3])
    assert got.difference.n == 300 - 90 and got.difference.n_correct == y[90:].sum()
    expected_a = np.mean(
        [within_fold_auc(score[90:, layer, role], y[90:], fold[90:]) for layer in (0, 1) for role in (0, 1)]
    )
    starts = {2: 90, 3: 120}
    expected_b = np.mean(
        [
            within_fold_auc(score[start:, layer, role], y[start:], fold[start:])
            for layer in (0, 1)
            for role, start in starts.items()
        ]
    )
    assert (got.auc_a, got.auc_b) == pytest.approx((expected_a, expected_b))
    assert got.difference.value == pytest.approx(expected_a - expected_b)


def test_b_roles_that_name_an_a_token_are_left_out_for_that_sample() -> None:
    score, y, fold = grid(layers=1, roles=3)
    token = np.tile([10, 20, 30], (len(y), 1))
    token[:100, 1] = 10  # B role 1 is the A token
    token[:40, 2] = 10  # and so is B role 2: nothing is left to compare with
    got = contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1, 2], token=token)
    assert got.coincident == 140 and got.difference.n == 260
    expected_b = np.mean(
        [
            within_fold_auc(score[100:, 0, 1], y[100:], fold[100:]),
            within_fold_auc(score[40:, 0, 2], y[40:], fold[40:]),
        ]
    )
    assert got.auc_b == pytest.approx(expected_b)
    assert got.auc_a == pytest.approx(float(within_fold_auc(score[40:, 0, 0], y[40:], fold[40:])))


def test_the_same_token_twice_is_no_difference_but_undefined() -> None:
    """Were coincident tokens kept, the contrast of a token with itself would be evidence of equality."""
    score, y, fold = grid(layers=1, roles=2)
    score[:, 0, 1] = score[:, 0, 0]
    got = contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1], token=np.full((len(y), 2), 5))
    assert np.isnan(got.difference.value) and "no AUC on the 0 samples" in got.difference.reason


def test_absent_roles_do_not_coincide() -> None:
    score, y, fold = grid(layers=1, roles=3)
    score[:150, 0, 1] = np.nan
    token = np.tile([10, 20, 30], (len(y), 1))
    token[:150, 1] = -1
    assert contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1, 2], token=token).coincident == 0


def test_undefined_b_cells_are_named_and_undefined_a_cells_stop_it() -> None:
    score, y, fold = grid(roles=3)
    score[15:, 1, 2] = np.nan
    got = contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1, 2])
    assert got.left_out == ((1, 2),) and np.isfinite(got.difference.value)
    back = contrast(score, Samples(y, fold, np.arange(len(y))), [2], [0, 1])
    assert np.isnan(back.difference.value) and back.difference.reason.startswith("set A has no AUC")


def test_a_planted_difference_is_found_and_a_null_one_is_not() -> None:
    score, y, fold = grid()
    found = contrast(score, Samples(y, fold, np.arange(len(y))), [0], [1, 2, 3]).difference
    assert found.low > 0.1 and found.p < 1e-6
    none = contrast(score, Samples(y, fold, np.arange(len(y))), [1], [2, 3]).difference
    assert none.low < 0 < none.high


def auc_by_pairs(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """Concordant (correct, wrong) pairs of the same fold, ties half, over all such pairs."""
    pairs = [
        (score[i], score[j])
        for i in range(len(y))
        for j in range(len(y))
        if y[i] == 1 and y[j] == 0 and fold[i] == fold[j] and np.isfinite(score[i] + score[j])
    ]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(4))
def test_complete_cases_by_the_definition_sample_by_sample(seed: int) -> None:
    """Definitions: "over samples in which all of A and at least one of B exist; per sample, B roles that name an A token are
    left out"; roles come and go, and coincide, at random."""
    rng = np.random.default_rng(seed)
    n, layers, roles, a, b = 150, 2, 6, [1, 4], [0, 2, 5]
    y, fold = rng.integers(0, 2, n), rng.integers(0, 3, n)
    token = rng.integers(0, 7, (n, roles))
    token[rng.random((n, roles)) < 0.15] = -1
    score = np.where(token[:, None, :] < 0, np.nan, rng.integers(0, 9, (n, layers, roles)).astype(float))
    left, coincident = {role: [] for role in (*a, *b)}, 0
    for i in range(n):
        if any(token[i, role] < 0 for role in a):
            continue
        there = [role for role in b if token[i, role] >= 0]
        other = [role for role in there if token[i, role] not in {token[i, r] for r in a}]
        coincident += len(there) - len(other)
        if other:
            for role in (*a, *other):
                left[role].append(i)
    used = left[a[0]]
    mean = {
        name: np.mean(
            [
                auc_by_pairs(score[left[role], layer, role], y[left[role]], fold[left[role]])
                for layer in range(layers)
                for role in side
            ]
        )
        for name, side in (("a", a), ("b", b))
    }
    got = contrast(score, Samples(y, fold, np.arange(n)), a, b, token=token)
    assert (got.difference.n, got.difference.n_correct, got.coincident) == (len(used), y[used].sum(), coincident)
    assert (got.auc_a, got.auc_b) == pytest.approx((mean["a"], mean["b"]))
    assert got.difference.value == pytest.approx(mean["a"] - mean["b"])

"""The worked example, continued: invented scores; AUC, interval, ΔAUC, contrast, best cell and q by hand.

Eight samples in three folds ("Numbers, exactly"); the last fold has one class only and contributes no pair.
"""

from math import erfc, exp, log, nan, sqrt

import numpy as np
import pytest

from interp.comparing.contrast import contrast
from interp.statistics.auc import (
    auc_influence,
    auc_interval,
    benjamini_hochberg,
    delta_auc,
    estimate_auc,
    within_fold_auc,
)
from interp.statistics.resampling import nested_best
from interp.statistics.samples import Samples

# fmt: off
#                    a   b   c   d |  e   f   g | h
Y     = np.array([   1,  1,  0,  0,   1,  0,  0,  1])  # 1 = correct
FOLD  = np.array([   0,  0,  0,  0,   1,  1,  1,  2])
SCORE = np.array([   3,  1,  1,  0,  12, 14, 11,  9], dtype=float)
GROUP = np.array([   0,  1,  2,  0,   3,  4,  5,  6])  # a and d ask the same question

# Fold 0, four pairs:  a > c 1,  a > d 1,  b = c 1/2,  b > d 1   ->  7/2 of 4, AUC_0 = 7/8
# Fold 1, two pairs:   e < f 0,  e > g 1                         ->  1 of 2,   AUC_1 = 1/2
# Fold 2: h has no wrong sample to be compared with.
AUC = (7/2 + 1) / (4 + 2)  # 3/4; all 16 pairs regardless of folds would give 17/32
# Component: a correct sample's share of wrong ones below it, a wrong one's share of correct ones above it.
#   a (1 + 1)/2 = 1    b (1/2 + 1)/2 = 3/4    c (1 + 1/2)/2 = 3/4    d (1 + 1)/2 = 1    e 1/2    f 0    g 1
# Influence: (component - AUC_fold) / samples of that class in the fold, times the fold's share of the pairs, over
# √(1 - 1/2): each has a group of its own, half of its class in the fold. Of e's class there is one group in fold 1: it
# moves the AUC by what sets the fold apart from the other, AUC_1 - AUC_0, times the fold's share.
R = sqrt(2)
INFLUENCE = [4/6 * (1 - 7/8) / 2 * R,  4/6 * (3/4 - 7/8) / 2 * R,  4/6 * (3/4 - 7/8) / 2 * R,
             4/6 * (1 - 7/8) / 2 * R,                                                         # ± √2/24
             2/6 * (1/2 - 7/8),  2/6 * (0 - 1/2) / 2 * R,  2/6 * (1 - 1/2) / 2 * R,           # -1/8, ± √2/12
             0]
# Groups: a + d = √2/24 + √2/24 count as one, then b, c, e, f, g.
VARIANCE = 2/12**2 + 2/24**2 + 2/24**2 + (1/8)**2 + 2/12**2 + 2/12**2  # 37/576
T = 3.182446305284263  # 97.5 % point of t with 3 degrees of freedom: four groups of each class
Z = 1.959963984540054  # 97.5 % point of the normal distribution

# The same samples in a second cell, which f lacks: both cells are compared without f.
#                     a  b  c   d    e    f   g   h
SCORE_2 = np.array([  2, 0, 1, -1,   5, nan,  7,  9])
# Cell 1 without f: 7/2 of 4 and e > g 1 of 1                               ->  9/2 of 5 = 9/10
# Cell 2: a > c 1,  a > d 1,  b < c 0,  b > d 1  -> 3 of 4;  e < g 0 of 1   ->  3 of 5 = 6/10
# Influences in cell 1: a, b, c, d = 4/5 * (1, 3/4, 3/4, 1 minus 7/8) / 2 * √2 = √2/20, -√2/20, -√2/20,  √2/20
#            in cell 2: a, b, c, d = 4/5 * (1, 1/2, 1/2, 1 minus 3/4) / 2 * √2 = √2/10, -√2/10, -√2/10,  √2/10
# In fold 1 both classes are one group: e and g move the AUC by half of that variance each,
#            in cell 1: 1/5 * (1 - 7/8) / √2 = √2/80,   in cell 2: 1/5 * (0 - 3/4) / √2 = -3√2/40
DELTA = 9/10 - 6/10
DELTA_INFLUENCE = [R/20 - R/10, -R/20 + R/10, -R/20 + R/10, R/20 - R/10, R/80 + 3*R/40, 0, R/80 + 3*R/40, 0]
DELTA_SE = sqrt(2/10**2 + 2/20**2 + 2/20**2 + 2 * 2 * (7/80)**2)  # √97/40, so z = (3/10) / (√97/40) = 12/√97

# A third cell, which f lacks too and whose token for a is the one of the first cell: there it is no second evidence.
#                     a  b  c   d    e    f   g   h
SCORE_3 = np.array([  9, 0, 1,  0,   5, nan,  5,  1])
TOKEN   = np.array([[ 7, 7, 7,  7,   7,   7,  7,  7],
                    [ 4, 4, 4,  4,   4,  -1,  4,  4],
                    [ 7, 8, 8,  8,   8,  -1,  8,  8]]).T
# Cell 3 without a, f: b < c 0,  b = d 1/2  -> 1/2 of 2;  e = g 1/2 of 1   ->  1 of 3
# Influences: c, d = 2/3 * (0, 1/2 minus 1/4) / 2 * √2 = -√2/12, √2/12;  b, alone, 2/3 * (1/4 - 1/2) = -1/6;
#             e, g = 1/3 * (1/2 - 1/4) / √2 = √2/24
CONTRAST = 9/10 - (6/10 + 1/3) / 2
CONTRAST_INFLUENCE = [R/20 - (R/10) / 2, -R/20 - (-R/10 - 1/6) / 2, -R/20 - (-R/10 - R/12) / 2, R/20 - (R/10 + R/12) / 2,
                      R/80 - (-3*R/40 + R/24) / 2, 0, R/80 - (-3*R/40 + R/24) / 2, 0]  # 0, 1/12, ± √2/24, 7√2/240
CONTRAST_SE = sqrt(2/24**2 + 1/12**2 + 2/24**2 + 2 * 2 * (7/240)**2)  # √249/120

# A fourth cell. Fold 0: a < c 0, a < d 0, b > c 1, b > d 1 -> 2 of 4;  fold 1: e > f 1, e > g 1 -> 2 of 2.
SCORE_4 = np.array([  0, 2, 1,  1,   5,   1,  2,  7], dtype=float)
# Cells 1 and 4 with each fold held out: fold 0 chooses by fold 1 (1/2 against 1), fold 1 by fold 0 (7/8 against 1/2),
# fold 2 by both (3/4 against 4/6). Scored where they were not chosen: 2 of 4 and 1 of 2.
CHOSEN = {0: 1, 1: 0, 2: 0}
NESTED = (2 + 1) / (4 + 2)
# fmt: on


def expit(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_auc_counts_pairs_of_the_same_fold() -> None:
    assert within_fold_auc(SCORE, Y, FOLD) == AUC == 3 / 4


def test_influence_of_every_sample() -> None:
    value, influence = auc_influence(SCORE, Y, FOLD, GROUP)
    assert value == AUC
    np.testing.assert_allclose(influence, INFLUENCE, rtol=0, atol=1e-15)


def test_interval_is_one_of_t_on_the_logit_scale() -> None:
    cell = estimate_auc(SCORE, Samples(Y, FOLD, GROUP), min_per_class=1)
    assert (cell.value, cell.n, cell.n_correct, cell.reason) == (3 / 4, 8, 4, "")
    assert pytest.approx(sqrt(VARIANCE)) == sqrt(37) / 24 == pytest.approx(cell.se)
    # logit(3/4) = log 3; its standard error is se / (3/4 * 1/4) = √37/24 * 16/3
    half = T * sqrt(37) / 24 * 16 / 3
    assert (cell.low, cell.high) == pytest.approx((expit(log(3) - half), expit(log(3) + half)))
    assert (cell.low, cell.high) == pytest.approx((0.039046, 0.995506), abs=1e-6)


@pytest.mark.parametrize(("sign", "low", "high"), [(1, sqrt(0.025), 1), (-1, 0, 1 - sqrt(0.025))])
def test_a_perfect_auc_is_bounded_by_the_smaller_class(sign: int, low: float, high: float) -> None:
    """Clopper-Pearson: two of two wrong samples on the right side are still likely enough while p² ≥ 0.025."""
    score = sign * np.array([2.0, 1.0, 8.0, 9.0, 7.0])
    y, fold = np.array([1, 0, 1, 1, 0]), np.array([0, 0, 1, 1, 1])  # three correct, two wrong
    cell = estimate_auc(score, Samples(y, fold, np.arange(5)), min_per_class=1)
    assert cell.value == (sign > 0)
    assert (cell.low, cell.high) == pytest.approx((low, high))
    assert auc_interval(1.0, 0.0, 300, 10) == pytest.approx((0.025 ** (1 / 10), 1))  # 0.6915


def test_too_few_of_a_class_or_of_folds_is_undefined() -> None:
    """Ten of each class by default, and two folds with pairs: never 0.5, always a reason."""
    four_of_each = estimate_auc(SCORE, Samples(Y, FOLD, GROUP))
    one_fold_with_pairs = estimate_auc(SCORE, Samples(Y, np.where(FOLD == 1, Y, FOLD), GROUP), min_per_class=1)
    for cell in (four_of_each, one_fold_with_pairs):
        assert np.isnan([cell.value, cell.low, cell.high]).all()
        assert cell.reason


def test_delta_auc_subtracts_the_influences() -> None:
    delta = delta_auc(SCORE, SCORE_2, Samples(Y, FOLD, GROUP), min_per_class=1)
    assert delta.value == pytest.approx(DELTA)
    assert (delta.n, delta.n_correct) == (7, 4)
    np.testing.assert_allclose(delta.influence, DELTA_INFLUENCE, rtol=0, atol=1e-15)
    assert pytest.approx(DELTA_SE) == sqrt(97) / 40 == pytest.approx(delta.se)
    assert (delta.low, delta.high) == pytest.approx((3 / 10 - Z * sqrt(97) / 40, 3 / 10 + Z * sqrt(97) / 40))
    assert (delta.low, delta.high) == pytest.approx((-0.182585, 0.782585), abs=1e-6)
    assert delta.p == pytest.approx(erfc(12 / sqrt(97) / sqrt(2)))  # two-sided: 2 (1 - Φ(12/√97))
    assert delta.p == pytest.approx(0.223066, abs=1e-6)


def test_contrast_leaves_out_what_names_the_same_token() -> None:
    score = np.stack([SCORE, SCORE_2, SCORE_3], axis=1)[:, None]  # sample, one layer, role
    found = contrast(score, Samples(Y, FOLD, GROUP), [0], [1, 2], token=TOKEN, min_per_class=1)
    assert (found.auc_a, found.auc_b) == pytest.approx((9 / 10, 7 / 15))
    assert found.coincident == 1
    assert (found.difference.n, found.difference.n_correct) == (7, 4)
    assert pytest.approx(CONTRAST) == 13 / 30 == pytest.approx(found.difference.value)
    np.testing.assert_allclose(found.difference.influence, CONTRAST_INFLUENCE, rtol=0, atol=1e-15)
    assert found.difference.se == pytest.approx(CONTRAST_SE) == pytest.approx(sqrt(249) / 120)


def test_the_best_cell_is_chosen_on_the_other_folds() -> None:
    """The best cell has 3/4 on the samples it was chosen by; chosen without them, 1/2."""
    best = nested_best(np.stack([SCORE, SCORE_4], axis=1), Samples(Y, FOLD, GROUP), min_per_class=1)
    assert best.chosen == CHOSEN
    assert best.estimate.value == NESTED == 1 / 2


def test_benjamini_hochberg() -> None:
    """In order 0.01, 0.03, 0.04, 0.20 times 4/rank: 0.04, 0.06, 0.16/3, 0.20; then no q above the next one's."""
    p = np.array([[0.01, 0.04, nan], [0.03, 0.20, nan]])
    np.testing.assert_allclose(benjamini_hochberg(p), [[0.04, 0.16 / 3, nan], [0.16 / 3, 0.20, nan]], rtol=1e-12)

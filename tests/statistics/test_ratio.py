"""Shares of sums and sign flips: formulas by hand, coverage, and the level of the largest of many."""

import numpy as np
import pytest
from scipy import stats

from interp.statistics.ratio import MIN_BLOCKS, ratio_of_sums, sign_flips


def example(blocks: int = 9, cells: int = 4, seed: int = 0, size: int = 3):
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(blocks), rng.integers(1, size + 1, blocks))
    total = 2 + rng.standard_normal(blocks)[block] + 0.3 * rng.standard_normal(len(block))
    change = 0.4 * total[:, None] + rng.standard_normal((blocks, cells))[block]
    return change, total, block


def by_hand(change, total, block):
    """Of one cell: the ratio, and the t interval of its linearisation over blocks."""
    there = np.isfinite(change)
    change, total, block = change[there], total[there], block[there]
    value, names = change.sum() / total.sum(), np.unique(block)
    sums = [(change[block == b] - value * total[block == b]).sum() / total.sum() for b in names]
    n = len(names)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1) * np.square(sums).sum())
    return value, value - half, value + half


def test_ratio_and_interval_are_the_formulas():
    change, total, block = example()
    change[block == 2, 1] = np.nan
    change[0, 2] = np.nan
    found = ratio_of_sums(change, total, block)
    for k in range(change.shape[1]):
        expected = by_hand(change[:, k], total, block)
        assert (found.value[k], found.low[k], found.high[k]) == pytest.approx(expected)
    assert found.n.tolist() == np.isfinite(change).sum(0).tolist()


def test_cells_keep_their_shape_and_do_not_depend_on_each_other():
    change, total, block = example(cells=6)
    found, flat = ratio_of_sums(change.reshape(-1, 2, 3), total, block), ratio_of_sums(change, total, block)
    assert found.value.shape == (2, 3)
    np.testing.assert_array_equal(found.value.ravel(), flat.value)
    np.testing.assert_allclose(ratio_of_sums(change[:, [3]], total, block).low, flat.low[[3]])
    order = np.random.default_rng(1).permutation(len(change))
    shuffled = ratio_of_sums(change[order], total[order], 7 + 2 * block[order])  # numbers of blocks are names
    np.testing.assert_allclose(shuffled.high, flat.high)
    scaled = ratio_of_sums(3 * change, -2 * total, block)
    np.testing.assert_allclose(scaled.value, -1.5 * flat.value)
    np.testing.assert_allclose(scaled.low, -1.5 * flat.high)


def test_one_is_one_and_more_is_not_clipped():
    _, total, block = example()
    found = ratio_of_sums(np.stack([total, 3 * total, -total], 1), total, block)
    np.testing.assert_allclose([found.value, found.low, found.high], [[1, 3, -1]] * 3, rtol=1e-12)


def test_a_share_of_nothing_is_undefined():
    change, total, block = example()
    few = block < MIN_BLOCKS - 1
    assert np.isnan(ratio_of_sums(change[few], total[few], block[few]).value).all()
    assert np.isfinite(ratio_of_sums(change[block < MIN_BLOCKS], total[block < MIN_BLOCKS], block[block < MIN_BLOCKS]).value).all()  # fmt: skip
    signs = np.where(block % 2, -1.0, 1.0)
    found = ratio_of_sums(change, signs * total, block)
    assert all(np.isnan(one).all() for one in (found.value, found.low, found.high)) and (found.n > 0).all()
    nothing = ratio_of_sums(np.full_like(change, np.nan), total, block)
    assert np.isnan(nothing.value).all() and (nothing.n == 0).all()


def test_the_interval_covers_in_95_of_100():
    rng, blocks, inside = np.random.default_rng(0), 20, []
    for _ in range(40):  # 50 grids of one cell at once would share totals: so a cell each, of 40 × 50 data sets
        total = 2 + rng.standard_normal((50, blocks)).repeat(2, 1) + 0.5 * rng.standard_normal((50, 2 * blocks))
        change = 0.3 * total + rng.standard_normal((50, blocks)).repeat(2, 1)
        for t, c in zip(total, change, strict=True):
            found = ratio_of_sums(c[:, None], t, np.arange(blocks).repeat(2))
            inside.append(bool(found.low[0] <= 0.3 <= found.high[0]))
    assert 0.93 <= np.mean(inside) <= 0.97


def test_p_by_all_signs():
    """Of six blocks there are 64 signs: drawn ones come near the p counted over all of them."""
    change, _, block = example(blocks=6, cells=3)
    found = sign_flips(change, block, flips=20_000)
    sums = np.stack([change[block == b].sum(0) for b in range(6)])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    scaled = sums / np.sqrt((sums**2).sum(0))
    drawn, seen = np.abs(signs @ scaled), np.abs(scaled.sum(0))
    np.testing.assert_allclose(found.p, (drawn >= seen - 1e-9).mean(0), atol=0.015)
    np.testing.assert_allclose(found.p_corrected, (drawn.max(1)[:, None] >= seen - 1e-9).mean(0), atol=0.015)
    assert (found.p_corrected >= found.p).all()


def test_signs_do_not_depend_on_units_or_on_how_many_are_drawn_at_once(monkeypatch):
    change, _, block = example(cells=4)
    found = sign_flips(change, block, flips=199, seed=5)
    np.testing.assert_array_equal(sign_flips(change * [1, -3, 100, 0.01], block, flips=199, seed=5).p, found.p)
    np.testing.assert_array_equal(sign_flips(change.reshape(-1, 2, 2), block, flips=199, seed=5).p.ravel(), found.p)
    assert (sign_flips(change, block, flips=199, seed=6).p != found.p).any()
    assert found.p.min() >= 1 / 200


def test_too_few_blocks_have_no_p_and_no_change_has_one_of_1():
    change, _, block = example(cells=3)
    change[block >= MIN_BLOCKS - 1, 0] = np.nan
    change[:, 1] = 0
    found = sign_flips(change, block, flips=99)
    assert np.isnan(found.p[0]) and np.isnan(found.p_corrected[0])
    assert found.p[1] == found.p_corrected[1] == 1 and np.isfinite(found.p[2])


def test_of_grids_in_which_nothing_is_five_in_100_have_a_declared_cell():
    """Cells go together, blocks differ in size and spread; only the sign of a block is a matter of chance."""
    rng, n, blocks, cells = np.random.default_rng(0), 4000, 12, 10
    block, declared = np.arange(blocks).repeat(2), 0
    spread = rng.exponential(size=(blocks, 1)).repeat(2, 0)
    for seed in range(n):
        common = rng.standard_normal((blocks, 1)).repeat(2, 0)
        change = spread * (common + rng.standard_normal((2 * blocks, cells)))
        declared += bool((sign_flips(change, block, flips=99, seed=seed).p_corrected <= 0.05).any())
    assert 0.035 <= declared / n <= 0.065

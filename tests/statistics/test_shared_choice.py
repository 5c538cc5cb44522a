"""What folds share because each takes part in the others' choice."""

import numpy as np
import pytest

from interp.statistics.auc import auc_influence
from interp.statistics.resampling import aucs_without_folds
from interp.statistics.samples import Samples
from interp.statistics.shared_choice import Choice, Chosen, Vote, choice_variance, multipliers


def contest(score: np.ndarray, samples: Samples, *, draws: int = 400) -> Chosen:
    """The best column, chosen for each fold by the others."""
    folds, luck = np.unique(samples.fold), multipliers(int(samples.group.max()) + 1, draws=draws)
    choice = Choice.of(aucs_without_folds(score, samples), [Vote(score, samples)], folds, luck)
    return Chosen(choice, score[:, choice.candidates])


def drawn(seed: int, n: int, folds: int, aucs_apart: tuple[float, ...]) -> tuple[np.ndarray, Samples]:
    rng = np.random.default_rng(seed)
    y, fold = np.arange(n) % 2, np.arange(n) // 2 % folds
    return np.outer(y, aucs_apart) + rng.standard_normal((n, len(aucs_apart))), Samples.alone(y, fold)


def everyone(samples: Samples) -> np.ndarray:
    return np.ones(len(samples), dtype=bool)


def composed(score: np.ndarray, samples: Samples, one: Chosen) -> np.ndarray:
    """Each fold's scores by its own candidate."""
    own = one.choice.candidates[one.choice.own]
    return score[np.arange(len(samples)), own[samples.fold]]


def test_two_folds_and_two_equal_candidates_share_what_theory_says() -> None:
    # E_f(c_f) = S_f/2 + sign(D_g) D_f/2 with S, D sum and difference of the two: Cov = E|D_f| E|D_g| / 4 = var / π.
    ratios = []
    for seed in range(60):
        score, samples = drawn(seed, 120, 2, (0.0, 0.0))
        one = contest(score, samples)
        fixed = (auc_influence(composed(score, samples, one), samples.y, samples.fold, samples.group)[1] ** 2).sum()
        ratios.append(choice_variance([(1, one)], samples, everyone(samples)) / fixed)
    assert np.mean(ratios) == pytest.approx(1 / np.pi, abs=0.05)


@pytest.mark.parametrize("apart", [(0.0,) * 5, (0.5, 0.4, 0.3, 0.2)], ids=["equal", "unequal"])
def test_the_best_of_several_varies_as_much_as_it_says(apart: tuple[float, ...]) -> None:
    from scipy.stats import norm

    errors, usual, with_choice = [], [], []
    for seed in range(300):
        score, samples = drawn(seed, 100, 5, apart)
        one = contest(score, samples)
        value, influence = auc_influence(composed(score, samples, one), samples.y, samples.fold, samples.group)
        own = np.array(apart)[one.choice.candidates[one.choice.own]]
        errors.append(value - norm.cdf(own / np.sqrt(2)).mean())
        usual.append((influence**2).sum())
        with_choice.append(usual[-1] + choice_variance([(1, one)], samples, everyone(samples)))
    assert np.var(errors) / np.mean(usual) > 1.3
    assert np.var(errors) / np.mean(with_choice) == pytest.approx(1, abs=0.2)


def test_a_candidate_far_ahead_adds_nothing() -> None:
    score, samples = drawn(0, 200, 5, (3.0, 0.0, 0.0))
    one = contest(score, samples)
    assert not one.choice.undecided() and one.choice.candidates.tolist() == [0]
    assert choice_variance([(1, one)], samples, everyone(samples)) == 0


def test_a_choice_less_itself_adds_nothing() -> None:
    score, samples = drawn(1, 100, 5, (0.0,) * 4)
    one = contest(score, samples)
    alone = choice_variance([(1, one)], samples, everyone(samples))
    assert alone > 0 and choice_variance([(1, one), (-1, one)], samples, everyone(samples)) == pytest.approx(0)


def test_samples_of_a_group_have_one_luck() -> None:
    score, samples = drawn(2, 100, 5, (0.0,) * 4)
    twice = Samples(*(np.repeat(part, 2) for part in (samples.y, samples.fold, samples.group)))
    one, other = contest(score, samples), contest(np.repeat(score, 2, axis=0), twice)
    np.testing.assert_allclose(
        choice_variance([(1, other)], twice, everyone(twice)), choice_variance([(1, one)], samples, everyone(samples))
    )


def test_candidates_that_are_no_candidates_are_never_chosen() -> None:
    score, samples = drawn(3, 100, 5, (0.0,) * 4)
    auc = aucs_without_folds(score, samples)
    auc[:, 1] = np.nan
    luck = multipliers(100, draws=200)
    choice = Choice.of(auc, [Vote(score, samples)], np.arange(5), luck)
    assert 1 not in choice.candidates and (choice.candidates[choice.own] == np.nanargmax(auc, axis=1)).all()


def test_of_many_candidates_those_that_win_most_are_kept() -> None:
    score, samples = drawn(4, 100, 5, (0.0,) * 40)
    choice = contest(score, samples).choice
    assert len(choice.candidates) == 12
    assert set(aucs_without_folds(score, samples).argmax(1)) <= set(choice.candidates.tolist())
    assert set(np.unique(choice.picks)) <= set(range(12))

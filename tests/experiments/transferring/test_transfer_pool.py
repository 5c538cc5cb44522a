"""What a row of the matrix is trained on: its cells, its probes, and what stands on both sides."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from planted_runs import ROLES, planted_run, unit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from interp.experiments.transferring.matrix import NO_CELL, _scored, matrix_of
from interp.experiments.transferring.page import tidy_matrix
from interp.experiments.transferring.parts_of_run import parts_of
from interp.experiments.transferring.pool import Pool, decision_by_fold, said_of
from interp.experiments.transferring.run_samples import Opened, RunSamples, read_samples, with_common_folds
from interp.experiments.transferring.transfer import fitted_run
from interp.experiments.transferring.variables import TRANSFER
from interp.fitting.estimators import ProbeSpec
from interp.statistics.shared_choice import multipliers

SPEC = ProbeSpec()


def run_samples(name: str, seed: int, *, first: int = 0) -> RunSamples:
    opened = Opened(name, *planted_run(seed, unit(0), first=first), "resid_post", {}, "")
    return read_samples(opened, layers=None, roles=ROLES, population="exact_answer", folds=5, seed=0)


fit = partial(fitted_run, spec=SPEC, min_per_class=10, n_jobs=1, progress=None)


@pytest.fixture(scope="module")
def fits() -> list:
    runs = with_common_folds([run_samples("a", 1), run_samples("b", 2, first=60)], folds=5, seed=0)
    return [fit(run) for run in runs]


def test_a_group_has_one_code_and_one_fold_in_all_runs(fits) -> None:
    of = {}
    for one in fits:
        samples = one.run.samples
        for group, code, fold in zip(one.run.groups, samples.group, samples.fold, strict=True):
            of.setdefault(group, set()).add((int(code), int(fold)))
    assert len(of) == 160 and all(len(found) == 1 for found in of.values())
    assert len({code for found in of.values() for code, _ in found}) == 160


def test_several_runs_are_one_training_part(fits) -> None:
    pool, place = Pool("both", fits, SPEC, 5), (1, 1)
    x = np.concatenate([one.run.vectors(*place) for one in fits])
    y, fold = (np.concatenate([getattr(one.run.samples, name) for one in fits]) for name in ("y", "fold"))
    new = fits[0].run.vectors(*place)
    for f, probe in pool.probes(place).items():
        scaler = StandardScaler().fit(x[fold != f])
        oracle = LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaler.transform(x[fold != f]), y[fold != f])
        np.testing.assert_allclose(probe.decision(new), oracle.decision_function(scaler.transform(new)), atol=2e-4)
    assert pool.at(place) is pool.at(place)


def test_a_fold_in_which_the_cell_has_no_sample_is_scored_by_a_probe_of_all(fits) -> None:
    a = fits[0]
    used = a.used.copy()
    used[a.run.samples.fold == 2] = False
    lacking = Pool("a", [fit(a.run.at(a.run.samples.fold != 2, "a"))], SPEC, 5)
    probes = lacking.probes((1, 1))
    assert sorted(probes) == [0, 1, 2, 3, 4]
    x, samples = a.run.vectors(1, 1), a.run.samples
    train = samples.fold != 2
    scaler = StandardScaler().fit(x[train])
    oracle = LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaler.transform(x[train]), samples.y[train])
    score = decision_by_fold(probes, x, samples.fold)[~train]
    np.testing.assert_allclose(score, oracle.decision_function(scaler.transform(x[~train])), atol=2e-4)


def test_what_folds_share_is_known_only_where_a_question_stands_on_both_sides(fits) -> None:
    cells = dict.fromkeys(range(5), (1, 1))
    a, b = fits
    _, training = said_of(Pool("a", [a], SPEC, 5), b, cells)
    assert training is not None and np.isfinite(training).all()
    apart = with_common_folds([run_samples("a", 1), run_samples("c", 3, first=900)], folds=5, seed=0)
    one, other = (fit(run) for run in apart)
    assert said_of(Pool("a", [one], SPEC, 5), other, cells)[1] is None


def test_without_a_cell_there_is_a_reason(fits) -> None:
    for one in fits:
        assert one.fitted.choice is not None
    unknown = [replace(one, fitted=replace(one.fitted, choice=np.full_like(one.fitted.choice, np.nan))) for one in fits]
    pools = [[Pool(one.run.name, [one], SPEC, 5)] * 2 for one in unknown]
    found = matrix_of(pools, unknown, None, min_per_class=10)
    assert set(found["reason"].values.ravel()) == {NO_CELL} and (found["cell_layer"] == -1).all()
    assert tidy_matrix(found)["cells"].tolist() == [""] * 4 and "cell_layer" in TRANSFER


def test_parts_of_a_run_are_its_samples() -> None:
    run = run_samples("a", 1)
    parts, left_out = parts_of(run, {f"q{i}": "ab"[i % 2] for i in range(100)}, min_per_class=10)
    assert [part.name for part in parts] == ["a", "b"] and not left_out
    assert parts[0].samples.ids == run.samples.ids[::2]
    np.testing.assert_array_equal(parts[1].vectors(0, 0), run.vectors(0, 0)[1::2])


def test_what_a_group_gave_is_counted_in_the_cell_of_the_fold_that_received_it(fits) -> None:
    """Signs of one sample each show single pairs: d_ij in the cell of i's fold, also where another fold has another."""
    a = fits[0]
    signs = np.zeros((len(a.run.samples), 8))
    signs[np.arange(8) * 5, np.arange(8)] = 1
    marked = replace(a, run=replace(a.run, samples=replace(a.run.samples, signs=signs)))
    places = {f: ((1, 1) if f < 2 else (0, 0)) for f in range(5)}

    def shared(cells: dict) -> np.ndarray:
        training = said_of(Pool("a", [marked], SPEC, 5), marked, cells)[1]
        assert training is not None
        return training

    mixed, pure = shared(places), {place: shared(dict.fromkeys(range(5), place)) for place in set(places.values())}
    fold = a.run.samples.fold
    for i in range(len(fold)):
        np.testing.assert_allclose(mixed[i, 0], pure[places[fold[i]]][i, 0])
    for k in range(8):
        np.testing.assert_allclose(mixed[:, 1, k], pure[places[fold[5 * k]]][:, 1, k])
    assert np.abs(pure[1, 1] - pure[0, 0]).max() > 0


def test_equally_good_cells_widen_the_interval_of_the_one_that_was_chosen(fits) -> None:
    """Two cells of noise: which is chosen for a fold hangs on the other folds."""
    rng = np.random.default_rng(3)
    a, luck = fits[0], multipliers(200, seed=0)
    alike = replace(a.fitted, choice=0.5 + 0.02 * rng.random((*a.used.shape[1:], 5)))
    pool = Pool("a", [replace(a, fitted=alike)], SPEC, 5)
    cells = pool.chosen()
    plain, wide = (_scored(pool, a, cells, one, 10) for one in (None, luck))
    assert plain.value == wide.value and wide.se > plain.se * 1.02
    apart = replace(a.fitted, choice=np.where(np.arange(6).reshape(3, 2, 1) == 3, 0.99, 0.01) + np.zeros((3, 2, 5)))
    sure = Pool("a", [replace(a, fitted=apart)], SPEC, 5)
    cells = sure.chosen()
    assert _scored(sure, a, cells, luck, 10).se == _scored(sure, a, cells, None, 10).se

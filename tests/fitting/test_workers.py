"""Worker processes: started ahead they are the ones that fit the cells; what breaks off what they start beside ends them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from joblib.externals.loky.reusable_executor import get_reusable_executor

from interp.fitting import workers as fitting
from interp.fitting.crossfit import cross_fit, cross_fit_together
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.fitting.workers import cross_fit_cells, workers_ahead
from interp.statistics.samples import Samples


def cells() -> Iterator[list[Cell]]:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    samples = Samples.named(y, np.arange(60) // 2 % 5, [str(i) for i in range(60)], [str(i) for i in range(60)])
    for _ in range(4):
        yield [Cell(rng.standard_normal((60, 3)), samples, ProbeSpec("logistic"))]


def workers() -> set[int]:
    """The processes that joblib keeps."""
    return set(get_reusable_executor(reuse=True)._processes)


def test_workers_started_ahead_fit_the_cells() -> None:
    with workers_ahead(size=720, largest=180, n_jobs=2):
        started = workers()
        assert len(started) == 2 and os.getpid() not in started
    ahead = [fit.score for (fit,) in cross_fit_cells(cells(), 720, n_jobs=2)]
    assert workers() == started
    alone = [fit.score for (fit,) in cross_fit_cells(cells(), 720, n_jobs=1)]
    np.testing.assert_array_equal(ahead, alone)


def test_an_error_comes_through_and_leaves_the_workers() -> None:
    with pytest.raises(KeyError), workers_ahead(size=720, largest=180, n_jobs=2):
        started = workers()
        raise KeyError
    assert len([*cross_fit_cells(cells(), 720, n_jobs=2)]) == 4 and workers() == started


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # loky ends its processes in a thread
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_ctrl_c_comes_through_and_ends_them() -> None:
    with pytest.raises(KeyboardInterrupt), workers_ahead(size=720, largest=180, n_jobs=2):
        started = workers()
        raise KeyboardInterrupt
    assert len([*cross_fit_cells(cells(), 720, n_jobs=2)]) == 4
    assert not workers() & started


def test_cells_that_go_together_are_scored_as_each_alone() -> None:
    """Of other samples, labels, widths or estimators, several on a matrix, and one that is undefined."""
    items = [item for _ in range(2) for item in cells()]
    first = items[0][0]
    narrow, some = replace(first, x=first.x[:, :2]), np.arange(60) % 7 > 0
    items += [
        [narrow],
        [replace(first, x=first.x[some], samples=first.samples.at(some))],
        [first, replace(first, samples=replace(first.samples, y=np.roll(first.y, 7)))],
        [replace(first, spec=ProbeSpec("ridge"))],
        [replace(first, samples=replace(first.samples, y=np.zeros(60, dtype=int)))],
        [replace(narrow, x=narrow.x + 1)],
    ]
    together = cross_fit_together(items)
    assert [len(item) for item in together] == [len(item) for item in items]
    for cell, fit in zip(chain.from_iterable(items), chain.from_iterable(together), strict=True):
        alone = cross_fit(cell)
        assert fit.reason == alone.reason
        np.testing.assert_allclose(fit.score, alone.score, atol=1e-6)


def test_which_cells_go_together_depends_on_their_order_and_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 180 numbers each."""
    seen: list[int] = []
    monkeypatch.setattr(fitting, "TOGETHER", 400)
    monkeypatch.setattr(fitting, "cross_fit_together", lambda items: seen.append(len(items)) or items)
    progress: list[int] = []
    assert len([*cross_fit_cells(chain(cells(), [*cells()][:1]), 720, n_jobs=1, progress=progress.append)]) == 5
    assert seen == [2, 2, 1] and progress == [1] * 5
    seen.clear()
    for spec in (ProbeSpec("ridge"), ProbeSpec("logistic", C=[0.1, 1.0])):  # each cell its own worker's
        assert len([*cross_fit_cells(([replace(cell, spec=spec)] for (cell,) in cells()), 720, n_jobs=1)]) == 4
    assert seen == [1] * 8


def test_little_to_do_starts_none() -> None:
    before = workers()
    with workers_ahead(size=1000, largest=100, n_jobs=None):
        assert workers() == before

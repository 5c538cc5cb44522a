"""Worker processes: started ahead they are the ones that fit the cells; what breaks off what they start beside ends them."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from joblib.externals.loky.reusable_executor import get_reusable_executor

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


def test_little_to_do_starts_none() -> None:
    before = workers()
    with workers_ahead(size=1000, largest=100, n_jobs=None):
        assert workers() == before

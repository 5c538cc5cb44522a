"""What is made while a run answers is there when it has answered; an error of the run is the run's own."""

import pytest

from interp.fitting import workers
from interp.planning.shapes import Shapes
from interp.reporting.explore_bundle import vega_bundle
from interp.running.ahead import made_ahead


def test_the_script_is_packed_and_as_many_workers_start_as_the_cells_need(llama, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(workers, "workers_for", lambda size, largest: asked.append((size, largest)) or 1)
    shapes = Shapes.of_model(llama)
    vega_bundle.cache_clear()
    with made_ahead(shapes, 100, 15, n_jobs=None):
        pass
    assert asked == [(100 * 15 * shapes.n_layers * shapes.d_model, 100 * shapes.d_model)]
    assert vega_bundle.cache_info().currsize == 1


def test_an_error_of_the_run_is_the_run_s_own(llama) -> None:
    with pytest.raises(KeyError, match="the run's"), made_ahead(Shapes.of_model(llama), 10, 2, n_jobs=1):
        raise KeyError("the run's")

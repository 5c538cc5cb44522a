"""What later stages need and nothing of a run enters, made while one processor answers and the others are idle."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from interp.fitting.workers import workers_ahead
from interp.planning.shapes import Shapes
from interp.reporting.explore_bundle import vega_bundle


@contextmanager
def made_ahead(shapes: Shapes, samples: int, roles: int, *, n_jobs: int | None) -> Iterator[None]:
    """Meanwhile the processes that fit the cells start, and the page's script is packed (1.5 s)."""
    numbers = samples * shapes.d_model
    # `vega_bundle` keeps what it made; a run that is stopped does not wait for it.
    script = Thread(target=vega_bundle, daemon=True)
    with workers_ahead(numbers * shapes.n_layers * roles, numbers, n_jobs):
        script.start()  # afterwards: to fork beside its V8 takes a second
        yield
    script.join()

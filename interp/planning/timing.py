"""How long a run would take: a few samples are answered and captured, a few cells probed, and the rest is counted."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from interp.capturing.attention import METRICS
from interp.capturing.forward_pass import capture
from interp.capturing.resolve_positions import resolve_positions
from interp.capturing.role_rule import Roles
from interp.capturing.roles import ROLES
from interp.controls.permutations import permutation_test
from interp.data.rows import QARow
from interp.fitting.workers import worker_count, workers_for
from interp.grids.attention_columns import transformed_width
from interp.grids.probes import probe_grid
from interp.labelling.answers import Answers
from interp.labelling.generate_answers import generate_answers
from interp.models.loading import HookedModel
from interp.planning.shapes import Shapes
from interp.runs.settings import Settings

TIMED_SAMPLES = 48
"""Rows that are answered and captured to time them."""
TIMED_CELL = 1000
"""Most samples of the cell that is probed to time it."""
CONTROLS = 3
"""Fits that the controls add to each cell: control task, held-out answers, shuffled labels."""


def time_model(
    model: HookedModel, rows: Sequence[QARow], settings: Settings, total: int, batches: int, *, roles: Roles = ROLES
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Seconds of answering (in `batches`) and capturing `total` samples like `rows`, after a first one unmeasured.

    Beside them the records of these rows' answers.
    A batch of answers costs what one answer costs, and for each further row what a row added to the timed batch.
    """

    answers: Answers | None = None

    def both(part: Sequence[QARow]) -> tuple[float, float]:
        nonlocal answers
        started = perf_counter()
        answers = generate_answers(model, part, candidates=settings.candidates, **settings.generation)
        answered = perf_counter()
        positions = resolve_positions(answers, roles=roles)
        capture(model, answers, positions, sites=settings.sites, batch_tokens=settings.batch_tokens)
        return answered - started, perf_counter() - answered

    both(rows[:1])  # the first time, libraries and weights are still being loaded
    first = both(rows[:1])
    whole = both(rows)
    answer, vectors = (max(0.0, b - a) / max(1, len(rows) - 1) for a, b in zip(first, whole, strict=True))
    seconds = {
        "answering": first[0] * batches + answer * max(0, total - batches),
        "capturing": first[1] + vectors * (total - 1),  # the shared prefix is captured once, however many rows
    }
    return seconds, list(answers or ())


def time_probes(shapes: Shapes, settings: Settings, total: int) -> float:
    """Seconds of probing, permutations and controls, from a few cells of each grid on vectors drawn at random."""
    n = max(40, min(total, TIMED_CELL))
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    cells, seconds = (shapes.n_layers + 1) * len(settings.roles), 0.0
    for width, fits in (
        (shapes.width(settings.sites[0]), 1 + CONTROLS * settings.controls),
        (transformed_width(len(METRICS) * shapes.n_heads, "with_log"), 1),
    ):
        # Variances fall as 1/i, as those of a residual stream roughly do; equal ones would converge too fast.
        x = rng.standard_normal((n, 1, 3, width)).astype(np.float32) * np.arange(1, width + 1, dtype=np.float32) ** -0.5

        def probed(cells: int, x: np.ndarray = x) -> tuple[float, xr.Dataset]:
            started = perf_counter()
            grid = probe_grid(x[:, :, :cells], y, C=settings.C, probe=settings.probe, n_jobs=1)
            return perf_counter() - started, grid

        probed(1)  # the first time, libraries are still being loaded
        (one, grid), (three, _) = probed(1), probed(3)
        numbers = total * width
        each = fits * max(0.0, three - one) / 2  # the folds are drawn once, however many cells
        seconds += each / workers_for(numbers * cells, numbers)
        if settings.permutations:
            started = perf_counter()
            permutation_test(grid, x[:, :, :1], permutations=max(2, settings.permutations), n_jobs=1)
            seconds += (perf_counter() - started) / worker_count(numbers)
    return seconds * cells * max(1.0, total / n)

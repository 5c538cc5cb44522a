"""How long a run would take: a few samples are answered and captured, one cell is probed, and the rest is counted."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from joblib import cpu_count

from interp.answering.answers import generate_answers
from interp.capturing.activations import capture
from interp.capturing.attention import METRICS
from interp.capturing.positions import resolve_positions
from interp.data.rows import QARow
from interp.models.loading import HookedModel
from interp.planning.shapes import Shapes
from interp.probing.permutations import permutation_test
from interp.probing.probes import probe_grid
from interp.settings import Settings

TIMED_SAMPLES = 16
"""Rows that are answered and captured to time them."""
TIMED_CELL = 1000
"""Most samples of the cell that is probed to time it."""
CONTROLS = 3
"""Fits that the controls add to each cell: control task, held-out answers, shuffled labels."""


def time_model(model: HookedModel, rows: Sequence[QARow], settings: Settings, total: int) -> dict[str, float]:
    """Seconds of answering and capturing `total` samples like `rows`, from these rows, after a first one unmeasured."""
    options: dict[str, Any] = {
        "max_new_tokens": settings.max_new_tokens,
        "prompt_template": settings.prompt_template,
        "chat": settings.chat,
        "stop": settings.stop,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "candidates": settings.candidates or (),
        "batch_tokens": settings.batch_tokens,
    }

    def both(part: Sequence[QARow]) -> tuple[float, float]:
        started = perf_counter()
        answers = generate_answers(model, part, **options)
        answered = perf_counter()
        positions = resolve_positions(answers)
        capture(model, answers, positions, sites=settings.sites, batch_tokens=settings.batch_tokens)
        return answered - started, perf_counter() - answered

    both(rows[:1])  # the first time, libraries and weights are still being loaded
    _, one = both(rows[:1])
    answering, capturing = both(rows)
    more = max(0.0, capturing - one) / max(1, len(rows) - 1)  # the shared prefix is captured once, however many rows
    return {"answering": answering * total / len(rows), "capturing": one + more * (total - 1)}


def time_probes(shapes: Shapes, settings: Settings, total: int) -> float:
    """Seconds of probing, permutations and controls, from one cell of each grid on vectors drawn at random."""
    n = max(40, min(total, TIMED_CELL))
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    seconds = 0.0
    for width, fits in (
        (shapes.width(settings.sites[0]), 1 + CONTROLS * settings.controls),
        (len(METRICS) * shapes.n_heads, 1),
    ):
        # Variances fall as 1/i, as those of a residual stream roughly do; equal ones would converge too fast.
        x = rng.standard_normal((n, 1, 1, width)).astype(np.float32) * np.arange(1, width + 1, dtype=np.float32) ** -0.5
        started = perf_counter()
        grid = probe_grid(x, y, C=settings.C, probe=settings.probe, n_jobs=1)
        fitted = perf_counter()
        if settings.permutations:
            permutation_test(grid, x, permutations=max(2, settings.permutations), n_jobs=1)
        seconds += fits * (fitted - started) + perf_counter() - fitted
    return seconds * shapes.n_layers * len(settings.roles) * max(1.0, total / n) / cpu_count()

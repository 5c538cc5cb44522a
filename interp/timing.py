"""How long a run would take: a few samples are answered and captured, one cell is probed, and the rest is counted."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from joblib import cpu_count

from interp.activations import capture
from interp.answers import generate_answers
from interp.attention import METRICS
from interp.models import HookedModel
from interp.permutations import permutation_test
from interp.positions import resolve_positions
from interp.probes import probe_grid
from interp.rows import QARow
from interp.settings import Settings
from interp.shapes import Shapes

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
        "candidates": settings.candidates or (),
        "batch_tokens": settings.batch_tokens,
    }
    generate_answers(model, rows[:1], **options)
    answering, answers = _timed(lambda: generate_answers(model, rows, **options))
    positions = resolve_positions(answers)
    capturing, _ = _timed(
        lambda: capture(model, answers, positions, sites=settings.sites, batch_tokens=settings.batch_tokens)
    )
    return {"answering": answering * total / len(rows), "capturing": capturing * total / len(rows)}


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
        probing, grid = _timed(lambda x=x: probe_grid(x, y, C=settings.C, probe=settings.probe, n_jobs=1))
        seconds += fits * probing
        if settings.permutations:
            drawn = {"permutations": max(2, settings.permutations), "n_jobs": 1}
            seconds += _timed(lambda x=x, grid=grid, drawn=drawn: permutation_test(grid, x, **drawn))[0]
    return seconds * shapes.n_layers * len(settings.roles) * max(1.0, total / n) / cpu_count()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = perf_counter()
    result = work()
    return perf_counter() - started, result

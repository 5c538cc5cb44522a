"""Probe grids and attention grids of a language model, on the same samples, axes and unit.

Names are imported on first use, so that `import interp` and `interp --help` answer at once
(TransformerLens alone takes seconds).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from interp.errors import DataError, InterpError, ModelError, RunError

if TYPE_CHECKING:
    from interp.activations import Capture, capture, capture_from_cache
    from interp.answers import Answers, generate_answers
    from interp.attention import attention_metrics
    from interp.compare import Comparison, compare_grids
    from interp.grid import join_grids
    from interp.models import load_model
    from interp.observe import observations
    from interp.opened_run import Run
    from interp.pipeline import open_run, resume, run
    from interp.plotting import plot_comparison, plot_grid, plot_heads
    from interp.positions import ROLES, Positions, resolve_positions
    from interp.probes import attention_grid, probe_grid
    from interp.rows import QARow, load_rows

__version__ = "0.1.0"

_HOME = {  # where each public name lives
    "Answers": "answers",
    "Capture": "activations",
    "Comparison": "compare",
    "Positions": "positions",
    "QARow": "rows",
    "ROLES": "positions",
    "Run": "opened_run",
    "attention_grid": "probes",
    "attention_metrics": "attention",
    "capture": "activations",
    "capture_from_cache": "activations",
    "compare_grids": "compare",
    "generate_answers": "answers",
    "join_grids": "grid",
    "load_model": "models",
    "load_rows": "rows",
    "observations": "observe",
    "open_run": "pipeline",
    "plot_comparison": "plotting",
    "plot_grid": "plotting",
    "plot_heads": "plotting",
    "probe_grid": "probes",
    "resolve_positions": "positions",
    "resume": "pipeline",
    "run": "pipeline",
}

__all__ = [
    "ROLES",
    "Answers",
    "Capture",
    "Comparison",
    "DataError",
    "InterpError",
    "ModelError",
    "Positions",
    "QARow",
    "Run",
    "RunError",
    "attention_grid",
    "attention_metrics",
    "capture",
    "capture_from_cache",
    "compare_grids",
    "generate_answers",
    "join_grids",
    "load_model",
    "load_rows",
    "observations",
    "open_run",
    "plot_comparison",
    "plot_grid",
    "plot_heads",
    "probe_grid",
    "resolve_positions",
    "resume",
    "run",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'interp' has no attribute {name!r}")
    value = getattr(import_module(f"interp.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

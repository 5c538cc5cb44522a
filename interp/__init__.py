"""Probe grids and attention grids of a language model, on the same samples, axes and unit.

Names are imported on first use, so that `import interp` and `interp --help` answer at once
(TransformerLens alone takes seconds).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from interp.errors import DataError, InterpError, ModelError, RunError

if TYPE_CHECKING:
    from interp.abstention import Selective, selective
    from interp.activations import Capture, capture, capture_from_cache
    from interp.answers import Answers, generate_answers
    from interp.attention import attention_metrics
    from interp.compare import Comparison, compare_grids
    from interp.datasets import DATASETS, load_dataset
    from interp.fitted_probe import FittedProbe
    from interp.gain import gain_grid
    from interp.grid import join_grids
    from interp.judge import judge_answers
    from interp.models import load_model
    from interp.observe import observations
    from interp.opened_run import Run
    from interp.pipeline import open_run, resume, run
    from interp.planning import Plan, plan
    from interp.plotting import plot_comparison, plot_grid, plot_heads
    from interp.positions import ROLES, Positions, resolve_positions
    from interp.probe_file import load_probe, save_probe
    from interp.probe_fit import fit_probe
    from interp.probes import attention_grid, matched_width_grid, probe_grid
    from interp.risk_plot import plot_risk_coverage
    from interp.roles import Anchor, Match
    from interp.rows import QARow, load_rows
    from interp.run_differences import compare_runs
    from interp.seed_preset import seed_answers, seed_grid, seed_positions

__version__ = "0.1.0"

_HOME = {  # where each public name lives
    "Anchor": "roles",
    "Answers": "answers",
    "Capture": "activations",
    "Comparison": "compare",
    "DATASETS": "datasets",
    "FittedProbe": "fitted_probe",
    "Match": "roles",
    "Plan": "planning",
    "Positions": "positions",
    "QARow": "rows",
    "ROLES": "positions",
    "Run": "opened_run",
    "Selective": "abstention",
    "attention_grid": "probes",
    "attention_metrics": "attention",
    "capture": "activations",
    "capture_from_cache": "activations",
    "compare_grids": "compare",
    "compare_runs": "run_differences",
    "fit_probe": "probe_fit",
    "gain_grid": "gain",
    "generate_answers": "answers",
    "join_grids": "grid",
    "judge_answers": "judge",
    "load_dataset": "datasets",
    "load_model": "models",
    "load_probe": "probe_file",
    "load_rows": "rows",
    "matched_width_grid": "probes",
    "observations": "observe",
    "open_run": "pipeline",
    "plan": "planning",
    "plot_comparison": "plotting",
    "plot_grid": "plotting",
    "plot_heads": "plotting",
    "plot_risk_coverage": "risk_plot",
    "probe_grid": "probes",
    "resolve_positions": "positions",
    "resume": "pipeline",
    "run": "pipeline",
    "save_probe": "probe_file",
    "seed_answers": "seed_preset",
    "seed_grid": "seed_preset",
    "seed_positions": "seed_preset",
    "selective": "abstention",
}

__all__ = [
    "DATASETS",
    "ROLES",
    "Anchor",
    "Answers",
    "Capture",
    "Comparison",
    "DataError",
    "FittedProbe",
    "InterpError",
    "Match",
    "ModelError",
    "Plan",
    "Positions",
    "QARow",
    "Run",
    "RunError",
    "Selective",
    "attention_grid",
    "attention_metrics",
    "capture",
    "capture_from_cache",
    "compare_grids",
    "compare_runs",
    "fit_probe",
    "gain_grid",
    "generate_answers",
    "join_grids",
    "judge_answers",
    "load_dataset",
    "load_model",
    "load_probe",
    "load_rows",
    "matched_width_grid",
    "observations",
    "open_run",
    "plan",
    "plot_comparison",
    "plot_grid",
    "plot_heads",
    "plot_risk_coverage",
    "probe_grid",
    "resolve_positions",
    "resume",
    "run",
    "save_probe",
    "seed_answers",
    "seed_grid",
    "seed_positions",
    "selective",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'interp' has no attribute {name!r}")
    value = getattr(import_module(f"interp.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

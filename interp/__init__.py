"""Probe grids and attention grids of a language model, on the same samples, axes and unit.

Names are imported on first use, so that `import interp` and `interp --help` answer at once
(TransformerLens alone takes seconds). What every number means: docs/definitions.md, to whose sections "definitions: …"
in a docstring refers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from interp.errors import DataError, InterpError, ModelError, RunError
from interp.support.renamed import old_module, renamed
from interp.support.version import __version__ as __version__

if TYPE_CHECKING:
    from interp.applying.abstention import Selective, selective
    from interp.applying.feature_cosines import feature_cosines
    from interp.applying.fitted_probe import FittedProbe
    from interp.applying.probe_file import load_probe, save_probe
    from interp.applying.probe_fit import fit_probe
    from interp.applying.token_scores import TokenScores
    from interp.capturing.activations import Capture
    from interp.capturing.attention import attention_metrics
    from interp.capturing.forward_pass import capture
    from interp.capturing.from_cache import capture_from_cache
    from interp.capturing.from_files import capture_from_files
    from interp.capturing.from_hidden_states import capture_from_hidden_states
    from interp.capturing.pool import Pool
    from interp.capturing.positions import Positions
    from interp.capturing.resolve_positions import resolve_positions
    from interp.capturing.roles import ROLES, Anchor, Match
    from interp.comparing.best import BestCell
    from interp.comparing.compare import Comparison, compare_grids
    from interp.comparing.observations import observations
    from interp.comparing.run_differences import compare_runs
    from interp.controls.controls import control_grid
    from interp.controls.permutations import permutation_test
    from interp.data.datasets import DATASETS, load_dataset
    from interp.data.row import QARow
    from interp.data.rows import load_rows
    from interp.experiments.choosing.choose import choose_answers
    from interp.experiments.detecting.detect import detectors
    from interp.experiments.error_types.types import error_types
    from interp.experiments.intervening.patch import patch_grid
    from interp.experiments.intervening.steer import dose_response
    from interp.experiments.lens.attribution import logit_attribution
    from interp.experiments.lens.grid import lens_grid
    from interp.experiments.orgad.preset import paper_answers, paper_grid, paper_positions
    from interp.experiments.transferring.transfer import transfer
    from interp.grids.accessor import Cells
    from interp.grids.attention_probe import attention_grid
    from interp.grids.gain import gain_grid
    from interp.grids.grid_table import grid_table
    from interp.grids.join import join_grids
    from interp.grids.probes import matched_width_grid, probe_grid
    from interp.labelling.answers import Answers
    from interp.labelling.generate_answers import generate_answers
    from interp.labelling.judge import judge_answers
    from interp.models.loading import load_model
    from interp.planning.plan import Plan, plan
    from interp.reporting.comparison_plot import plot_comparison
    from interp.reporting.heads_plot import plot_heads
    from interp.reporting.plotting import plot_grid
    from interp.reporting.risk_plot import plot_risk_coverage
    from interp.running.explore import explore
    from interp.running.gathering import gather
    from interp.running.pipeline import open_run, resume, run
    from interp.runs.opened_run import Run
    from interp.runs.run_sample import RunSample

_HOME = {  # where each public name lives
    "Anchor": "capturing.roles",
    "Answers": "labelling.answers",
    "BestCell": "comparing.best",
    "Capture": "capturing.activations",
    "Cells": "grids.accessor",
    "Comparison": "comparing.compare",
    "DATASETS": "data.datasets",
    "FittedProbe": "applying.fitted_probe",
    "Match": "capturing.roles",
    "Plan": "planning.plan",
    "Pool": "capturing.pool",
    "Positions": "capturing.positions",
    "QARow": "data.row",
    "ROLES": "capturing.roles",
    "Run": "runs.opened_run",
    "RunSample": "runs.run_sample",
    "Selective": "applying.abstention",
    "TokenScores": "applying.token_scores",
    "attention_grid": "grids.attention_probe",
    "attention_metrics": "capturing.attention",
    "capture": "capturing.forward_pass",
    "capture_from_cache": "capturing.from_cache",
    "capture_from_files": "capturing.from_files",
    "capture_from_hidden_states": "capturing.from_hidden_states",
    "choose_answers": "experiments.choosing.choose",
    "compare_grids": "comparing.compare",
    "compare_runs": "comparing.run_differences",
    "control_grid": "controls.controls",
    "detectors": "experiments.detecting.detect",
    "dose_response": "experiments.intervening.steer",
    "error_types": "experiments.error_types.types",
    "explore": "running.explore",
    "feature_cosines": "applying.feature_cosines",
    "fit_probe": "applying.probe_fit",
    "gain_grid": "grids.gain",
    "gather": "running.gathering",
    "generate_answers": "labelling.generate_answers",
    "grid_table": "grids.grid_table",
    "join_grids": "grids.join",
    "judge_answers": "labelling.judge",
    "lens_grid": "experiments.lens.grid",
    "load_dataset": "data.datasets",
    "load_model": "models.loading",
    "load_probe": "applying.probe_file",
    "load_rows": "data.rows",
    "logit_attribution": "experiments.lens.attribution",
    "matched_width_grid": "grids.probes",
    "observations": "comparing.observations",
    "open_run": "running.pipeline",
    "paper_answers": "experiments.orgad.preset",
    "paper_grid": "experiments.orgad.preset",
    "paper_positions": "experiments.orgad.preset",
    "permutation_test": "controls.permutations",
    "patch_grid": "experiments.intervening.patch",
    "plan": "planning.plan",
    "plot_comparison": "reporting.comparison_plot",
    "plot_grid": "reporting.plotting",
    "plot_heads": "reporting.heads_plot",
    "plot_risk_coverage": "reporting.risk_plot",
    "probe_grid": "grids.probes",
    "resolve_positions": "capturing.resolve_positions",
    "resume": "running.pipeline",
    "run": "running.pipeline",
    "save_probe": "applying.probe_file",
    "selective": "applying.abstention",
    "transfer": "experiments.transferring.transfer",
}

__all__ = [
    "DATASETS",
    "ROLES",
    "Anchor",
    "Answers",
    "BestCell",
    "Capture",
    "Cells",
    "Comparison",
    "DataError",
    "FittedProbe",
    "InterpError",
    "Match",
    "ModelError",
    "Plan",
    "Pool",
    "Positions",
    "QARow",
    "Run",
    "RunError",
    "RunSample",
    "Selective",
    "TokenScores",
    "attention_grid",
    "attention_metrics",
    "capture",
    "capture_from_cache",
    "capture_from_files",
    "capture_from_hidden_states",
    "choose_answers",
    "compare_grids",
    "compare_runs",
    "control_grid",
    "detectors",
    "dose_response",
    "error_types",
    "explore",
    "feature_cosines",
    "fit_probe",
    "gain_grid",
    "gather",
    "generate_answers",
    "grid_table",
    "join_grids",
    "judge_answers",
    "lens_grid",
    "load_dataset",
    "load_model",
    "load_probe",
    "load_rows",
    "logit_attribution",
    "matched_width_grid",
    "observations",
    "open_run",
    "paper_answers",
    "paper_grid",
    "paper_positions",
    "patch_grid",
    "permutation_test",
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
    "selective",
    "transfer",
]


_ORGAD = "interp.experiments.orgad"
_renamed = renamed(
    "interp",
    {f"seed_{what}": f"interp.paper_{what}" for what in ("answers", "grid", "positions")},
    depth=3,
)
seed_preset = old_module(
    "interp.seed_preset",
    {
        "N_SAMPLES": f"{_ORGAD}.labels.N_SAMPLES",
        "by_gold": f"{_ORGAD}.labels.by_gold",
        "held_out_auc": f"{_ORGAD}.preset.held_out_auc",
        "seed_answers": f"{_ORGAD}.preset.paper_answers",
        "seed_grid": f"{_ORGAD}.preset.paper_grid",
        "seed_positions": f"{_ORGAD}.preset.paper_positions",
        "seed_span": f"{_ORGAD}.labels.paper_span",
        "seed_split": f"{_ORGAD}.labels.paper_split",
        "substring_match": f"{_ORGAD}.labels.substring_match",
    },
)
seed_run = old_module(
    "interp.seed_run",
    {"SITE": f"{_ORGAD}.run.SITE", "seed_run": f"{_ORGAD}.run.paper_run", "write_seed": f"{_ORGAD}.run.write_paper"},
)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        return _renamed(name)
    value = getattr(import_module(f"interp.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

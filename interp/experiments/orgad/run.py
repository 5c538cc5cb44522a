"""`interp paper`: a finished run's answers probed once more as the paper's code does it, beside the run's own grid.

The answers are the run's; labels, exact answers, positions, site, split and probe are those of `preset.py`, so the
model runs once more over what it said. What that code decides before an answer exists (its chat prompt) is not undone:
`paper_answers` asks anew.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.forward_pass import capture_plan
from interp.data.rows import QARow
from interp.engines.units import Local
from interp.errors import RunError
from interp.experiments.orgad.labels import by_gold, substring_match
from interp.experiments.orgad.preset import paper_grid, paper_positions
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.models.loading import model_tokenizer
from interp.reporting.paper_words import paper_sentences
from interp.running.record import data_hash, describe_model
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.rows import IN_PYTHON, load_settings_model, model_source, read_rows
from interp.runs.run_folder import going_on
from interp.runs.settings import Settings
from interp.storing.shards import write_shards
from interp.storing.stored_capture import stored_capture
from interp.support.atomic import make_folder, plain, write_text, writing
from interp.support.csv_text import csv_text
from interp.support.progress import bar
from interp.support.threads import one_thread

SITE = "mlp_post"


def paper_run(run: Run, *, model: Any = None, data: Any = None, progress: bool = False) -> xr.Dataset:
    """`paper_grid` of a finished run's answers, with the run's own `default` AUC of every cell and what was changed.

    `model` and `data` are needed only where the run was given Python objects. Vectors pass through a temporary folder
    in the run's own. Raises RunError if the run is not finished, or model or data are no longer those of the run.
    """
    if run.record["state"] != "done":
        raise RunError(f"{run.folder.path} is not finished; `{going_on(run.record, run.folder.path)}` first")
    settings = Settings.from_json(run.record["settings"])
    if data is None and settings.data == IN_PYTHON:
        raise RunError(
            f"{run.folder.path}: this run's rows were given in Python; use "
            "interp.experiments.orgad.run.paper_run(run, data=rows)"
        )
    rows = read_rows(settings, data)
    source = model_source(settings, model)
    hooked = load_settings_model(settings, source, sites=(SITE,))
    for what, then, current in (
        ("data", run.record["data"]["sha256"], data_hash(rows)),
        ("model", run.record["model"]["weights_sha256"], plain(describe_model(hooked))["weights_sha256"]),
    ):
        if then != current:
            raise RunError(f"{run.folder.path}: the {what} changed since the run ({then} then, {current} now)")
    asked = settings.samples(rows)
    relabelled = replace(run.answers, correct=_labels(run.answers, asked, settings.correct))
    decode, numeric = decoder(model_tokenizer(hooked)), settings.correct == "numeric"
    answers = by_gold(relabelled, asked, decode, numeric=numeric, seed=settings.seed)
    positions = paper_positions(answers)
    with (
        locked(run.folder.path),
        writing(run.folder.path),
        TemporaryDirectory(dir=run.folder.path, prefix=".paper-") as place,
    ):
        folder = Path(place) / "activations"
        with bar("Capturing", len(answers), enabled=progress) as advance:
            plan = capture_plan(hooked, answers, positions, batch_tokens=settings.batch_tokens)
            write_shards(
                folder,
                [len(batch) for batch in plan.batches],
                partial(CaptureUnit.of, answers, positions, plan, (SITE,)),
                run="paper",
                roles=positions.roles,
                engine=Local(hooked),
                progress=advance,
            )
        cap = stored_capture(folder, tuple(answers.id), positions, run="paper")
        cells = len(cap.layers) * len(cap.roles)
        with bar("Probing", cells, unit="cells", enabled=progress) as advance, one_thread():
            grid = paper_grid(cap, answers, site=SITE, seed=settings.seed, progress=advance)
    own = run.probe["auc"].reindex(layer=grid["layer"], token=grid["token"])
    moved = [a != b for a, b in zip(answers.exact_answer_tokens, run.answers.exact_answer_tokens, strict=True)]
    relabels = [a != b for a, b in zip(answers.correct, run.answers.correct, strict=True)]
    return grid.assign(default=own).assign_attrs(relabelled=sum(relabels), moved=sum(moved), samples=len(answers))


def write_paper(run: Run, grid: xr.Dataset) -> list[str]:
    """Write `paper_grid.csv` and `figures/paper_grid`; returns how the two grids differ, a sentence each."""
    from matplotlib import pyplot as plt

    from interp.reporting.plotting import plot_grid, save_figure

    order = ["auc", "default", "n_train", "n", "unconverged"]
    table = grid[order].to_dataframe(dim_order=["layer", "token"]).rename(columns={"auc": "paper_auc"}).reset_index()
    figure = plot_grid(grid, title="The paper's code").figure.get_figure(root=True)
    with locked(run.folder.path), writing(run.folder.path):
        write_text(run.folder.path / "paper_grid.csv", csv_text(table))
        make_folder(run.folder.figures)
        save_figure(figure, run.folder.figures / "paper_grid")
    plt.close(figure)
    return paper_sentences(grid)


def _labels(answers: Answers, rows: list[QARow], rule: str) -> list[bool | None]:
    """The preset's substring match; a row's own label wins, as in the run."""
    named = {answer for row in rows for answer in row.answers} if rule == "label" else ()
    return [
        substring_match(row, text, rule, named) if row.correct is None else row.correct
        for row, text in zip(rows, answers.text, strict=True)
    ]

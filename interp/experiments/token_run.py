"""`interp tokens`: a finished run's completions scored token by token, held out, for the report to show in colours."""

import json
from typing import Any

import numpy as np

from interp.applying.probe_file import load_probe
from interp.applying.token_scores import TokenScores
from interp.errors import RunError
from interp.reporting.token_colours import TokenColours
from interp.running.analysis import redraw
from interp.runs.identity import run_identity
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.rows import load_settings_model, model_source
from interp.runs.run_folder import going_on
from interp.runs.settings import Settings
from interp.support.atomic import make_folder, write_text, writing


def token_run(run: Run, *, model: Any = None) -> TokenScores:
    """The score of every token of a run's completions, by the probe of its highest cell (`FittedProbe.score_tokens`).

    Every sample is scored by the probe that was fitted without its fold; samples in no fold, by the saved probe, which
    was fitted without them. `model` is needed only where the run was given one in Python.

    Raises RunError if the run is not finished, or kept no probe; DataError if the model is no longer the run's.
    """
    if run.record["state"] != "done":
        raise RunError(f"{run.folder.path} is not finished; `{going_on(run.record, run.folder.path)}` first")
    use = run.comparison.get("for_use") or {}
    if not run.folder.best_probe.with_suffix(".json").exists():
        why = f" ({use['reason']})" if use.get("reason") else ""
        raise RunError(f"{run.folder.path}: the run kept no probe of its best cell{why}; nothing can score its tokens")
    probe = load_probe(run.folder.best_probe)
    settings = Settings.from_json(run.record["settings"])
    hooked = load_settings_model(settings, model_source(settings, model), sites=(probe.site,))
    return probe.score_tokens(hooked, run.answers, fold=run.argument("fold"), batch_tokens=settings.batch_tokens)


def write_tokens(run: Run, scores: TokenScores) -> list[str]:
    """Write `experiments/token_scores.jsonl`, a line per sample, draw the report again; what it shows, in sentences."""
    folds = dict(zip(run.answers.id, (line["fold"] for line in run.samples), strict=True))
    lines = []
    for place, name in enumerate(scores.id):
        at = np.flatnonzero(scores.sample == place)
        lines.append(
            {
                "run": run_identity(run.record),
                "id": name,
                "layer": scores.layer,
                "role": scores.role,
                "fold": folds[name],
                "token": scores.token[at].tolist(),
                "text": [scores.text[i] for i in at.tolist()],
                "special": scores.special[at].tolist(),
                "score": [round(score, 5) for score in scores.score[at].tolist()],
                "reason": scores.left_out.get(name, ""),
            }
        )
    with locked(run.folder.path), writing(run.folder.path):
        make_folder(run.folder.experiments)
        write_text(run.folder.token_scores, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    redraw(run)
    return TokenColours.of(lines, run.samples).sentences()

"""Small cases that raise the errors of docs/faq.md, in its order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import interp
from interp.demo import model_path, planted, questions_path


def cases(folder: Path) -> list[Callable[[], Any]]:
    """Calls that fail; `folder` is empty."""
    cap, answers = planted(40)
    y = answers.correct
    some = [{"question": "Where is Lyon?", "answer": "France"}]
    grid = interp.probe_grid(cap, y, min_per_class=2)
    full = folder / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    options = {"model": model_path(), "data": questions_path()}
    return [
        lambda: interp.load_rows([{"Frage": "Wo liegt Lyon?", "Antwort": "Frankreich"}]),
        lambda: interp.load_rows([*some, {"question": "Where is Turin?", "answer": ""}]),
        lambda: interp.load_rows(folder / "questions.txt"),
        lambda: interp.load_model(folder / "no-model"),
        lambda: interp.load_model(full),
        lambda: interp.load_model(model_path(), device="gpu"),
        lambda: interp.probe_grid(cap, ["yes", "no"] * 20),
        lambda: interp.probe_grid(cap, y[:-1]),
        lambda: interp.probe_grid(cap, [True] * 40),
        lambda: interp.probe_grid(cap, y, ["town"] * 20 + ["city"] * 20),
        lambda: interp.probe_grid(cap, [None] * 40),
        lambda: interp.probe_grid(cap, y, site="mlp_out"),
        lambda: interp.probe_grid(cap, y, n_folds=5),
        lambda: interp.resolve_positions(answers, roles=["last_question"]),
        lambda: interp.capture_from_cache({"hook_embed": cap.embed}, interp.Positions.at([0], n_tokens=[3])),
        lambda: interp.compare_runs({"deep": grid, "shallow": grid.isel(layer=[0, 1])}),
        lambda: interp.run(**options, out=full),
        lambda: interp.run(**options, out=folder / "new", correct="judge"),
        lambda: interp.open_run(folder / "gone"),
    ]

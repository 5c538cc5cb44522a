"""From our default to the paper's code one choice at a time: what each does to the AUC of a few cells of a real run.

    python benchmarks/seed_differences.py runs/gemma --data examples/cities.jsonl
    python benchmarks/seed_differences.py runs/gemma --data examples/cities.jsonl --quick    # 300 samples

Needs a finished run folder and its model: the answers are the run's own, the vectors (`resid_post` and `mlp_post`, at
the positions of both ways of counting) are captured again. Every cell: the layer where `exact_answer_last` is best.
"One" changes a single choice of the default, "all so far" keeps those above it; the last row is the paper's code.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import interp
from interp.answering.answers import Answers
from interp.answering.prompts import decoder
from interp.capturing.activations import capture_batches
from interp.capturing.positions import Positions, positions_at
from interp.data.rows import QARow
from interp.models.loading import model_tokenizer
from interp.paper_labels import by_gold, paper_split, substring_match
from interp.paper_preset import held_out_auc, paper_positions
from interp.statistics.inference import within_fold_auc

CELLS = ("exact_answer_last", "exact_answer_after_last", "last_q", "-1", "-8")


@dataclass(frozen=True)
class Choices:
    """Our default; each field's other value is the paper's code."""

    substring: bool = False
    gold_spans: bool = False
    clamped: bool = False
    site: str = "resid_post"
    raw_probe: bool = False
    pooled: bool = False
    one_split: bool = False
    split_seed: int = 0


STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("correct: substring", {"substring": True}),
    ("spans: right by gold, cached by prompt", {"gold_spans": True}),
    ("positions: clamped, into the prompt", {"clamped": True}),
    ("site: input of down_proj", {"site": "mlp_post"}),
    ("probe: unscaled, 100 iterations", {"raw_probe": True}),
    ("AUC: pooled over folds", {"pooled": True}),
    ("one 80/20 split, no groups, no strata", {"one_split": True}),
)


class Study:
    """The answers located in every way, and the vectors of one layer at every position any choice asks for."""

    def __init__(self, run: interp.Run, rows: Sequence[QARow], model: Any, layer: int, n: int | None) -> None:
        decode = decoder(model_tokenizer(model))
        stored = run.answers
        rule = str(run.settings["settings"].get("correct", "contains"))
        named = {answer for row in rows for answer in row.answers}
        labels = [substring_match(row, text, rule, named) for row, text in zip(rows, stored.text, strict=True)]
        self.answers: dict[tuple[bool, bool], Answers] = {}
        for substring in (False, True):
            ours = replace(stored, correct=labels) if substring else stored
            self.answers[substring, False] = ours
            self.answers[substring, True] = by_gold(ours, rows, decode, numeric=rule == "numeric")
        self.fold = np.array([-1 if line["fold"] is None else line["fold"] for line in run.samples])
        self.kept = np.arange(len(stored))[:n]
        self.columns = [
            (key, clamped, self._positions(key, clamped)) for key in self.answers for clamped in (False, True)
        ]
        index = np.concatenate([p.index[:, [p.roles.index(c) for c in CELLS]].numpy() for *_, p in self.columns], 1)
        self.unique, self.column = np.unique(index, axis=1, return_inverse=True)
        self.vectors = self._capture(model, layer)

    def _positions(self, key: tuple[bool, bool], clamped: bool) -> Positions:
        return (paper_positions if clamped else interp.resolve_positions)(self.answers[key])

    def _capture(self, model: Any, layer: int) -> dict[str, np.ndarray]:
        stored = self.answers[False, False]
        roles = tuple(f"column{j}" for j in range(self.unique.shape[1]))
        positions = positions_at(stored, self.unique.tolist(), roles, None)
        usable = set(self.kept.tolist())
        stored = replace(stored, status=[s if i in usable else "too_long" for i, s in enumerate(stored.status)])
        vectors: dict[str, np.ndarray] = {}
        for samples, part in capture_batches(model, stored, positions, sites=("resid_post", "mlp_post")):
            for site, tensor in part.sites.items():
                shape = (len(stored), len(roles), tensor.shape[-1])
                whole = vectors.setdefault(site, np.full(shape, np.nan, np.float32))
                whole[samples] = tensor[:, layer].float().numpy()
        return vectors

    def auc(self, choices: Choices, cell: str) -> float:
        """AUC of one cell under these choices."""
        key = (choices.substring, choices.gold_spans)
        answers = self.answers[key]
        block = next(b for b, (k, clamped, _) in enumerate(self.columns) if (k, clamped) == (key, choices.clamped))
        x = self.vectors[choices.site][:, self.column[block * len(CELLS) + CELLS.index(cell)]]
        located = np.array([span is not None for span in answers.exact_answer_tokens])
        labelled = np.array([label is not None for label in answers.correct])
        y = np.array([bool(label) for label in answers.correct], dtype=np.int64)
        usable = located & labelled & np.isfinite(x).all(1)
        if choices.one_split:
            parts = [self.kept[part] for part in paper_split(len(self.kept), seed=choices.split_seed)]
            train, held_out = (part[usable[part]] for part in parts)
            if choices.raw_probe:
                return held_out_auc(x, y, train, held_out)[0]
            scores = _probe(choices).fit(x[train], y[train]).decision_function(x[held_out])
            return float(roc_auc_score(y[held_out], scores))
        used = usable & (self.fold >= 0)
        x, y, fold = x[used], y[used], self.fold[used]
        score = np.empty(len(y))
        for number in np.unique(fold):
            train = fold != number
            score[~train] = _probe(choices).fit(x[train], y[train]).decision_function(x[~train])
        return float(roc_auc_score(y, score) if choices.pooled else within_fold_auc(score, y, fold))


def _probe(choices: Choices) -> Any:
    if choices.raw_probe:
        return LogisticRegression(random_state=0)
    return make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=10000))


def table(auc: Callable[[Choices, str], float]) -> list[dict[str, Any]]:
    """One row per choice: AUC of every cell with that choice alone, and with all choices so far."""
    default = Choices()
    lines: list[dict[str, Any]] = [{"choice": "default", "one": {c: auc(default, c) for c in CELLS}}]
    lines[0]["all so far"] = lines[0]["one"]
    so_far = default
    for name, change in STEPS:
        alone, so_far = replace(default, **change), replace(so_far, **change)
        lines.append(
            {"choice": name, **{k: {c: auc(v, c) for c in CELLS} for k, v in (("one", alone), ("all so far", so_far))}}
        )
    return lines


def over_seeds(auc: Callable[[Choices, str], float], n: int = 20) -> dict[str, tuple[float, float, float]]:
    """Lowest, mean and highest AUC of the paper's code over `n` seeds of its split."""
    preset = replace(Choices(), **{name: value for _, change in STEPS for name, value in change.items()})
    values = {c: [auc(replace(preset, split_seed=seed), c) for seed in range(n)] for c in CELLS}
    return {c: (min(v), float(np.mean(v)), max(v)) for c, v in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run folder")
    parser.add_argument("--data", help="the rows of the run (default: the path it was given)")
    parser.add_argument("--model", help="the model of the run (default: the name it was given)")
    parser.add_argument("--quick", action="store_true", help="the first 300 samples")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # 100 iterations are the paper's
    run = interp.open_run(args.run)
    settings = run.settings["settings"]
    rows = interp.load_rows(args.data or settings["data"], columns=settings.get("columns"), limit=settings["limit"])
    best = run.probe["auc"].sel(token="exact_answer_last")
    layer = int(best["layer"][int(best.argmax("layer"))])
    study = Study(run, rows, interp.load_model(args.model or settings["model"]), layer, 300 if args.quick else None)
    labels = {key: answers.correct for key, answers in study.answers.items()}
    spans = {key: answers.exact_answer_tokens for key, answers in study.answers.items()}
    changed = sum(a != b for a, b in zip(labels[False, False], labels[True, False], strict=True))
    moved = sum(a != b for a, b in zip(spans[False, False], spans[False, True], strict=True))
    print(f"layer {layer}, where the run's grid says {float(best.sel(layer=layer)):.3f}; {len(study.kept)} samples")
    print(f"another label by substring: {changed}; another span by gold: {moved}")
    print(f"{'':42}" + "".join(f"{cell.replace('exact_answer', 'ea'):>22}" for cell in CELLS))
    lines = table(study.auc)
    for line in lines:
        cells = "".join(f"{line['one'][c]:>12.3f} / {line['all so far'][c]:<7.3f}" for c in CELLS)
        print(f"{line['choice']:42}{cells}")
    print("(one choice alone / all so far)\n")
    print("The paper's code over 20 seeds of its split (lowest, mean, highest):")
    for cell, (low, mean, high) in over_seeds(study.auc).items():
        print(f"{cell:26}{low:.3f}  {mean:.3f}  {high:.3f}")
    for line in lines:
        for cell in CELLS:
            figure = f"AUC of {cell}, {line['choice']}, all so far"
            print(
                json.dumps(
                    {"benchmark": "seed_differences", "figure": figure, "value": round(line["all so far"][cell], 4)}
                )
            )


if __name__ == "__main__":
    main()

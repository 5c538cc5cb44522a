"""From our default to the paper's code one choice at a time: what each does to the AUC of a few cells of a real run.

    python benchmarks/paper_differences.py runs/gemma --data examples/cities.jsonl
    python benchmarks/paper_differences.py --quick    # a small run of the embedded model, made for it

Needs a finished run folder and its model: the answers are the run's own, the vectors (`resid_post` and `mlp_post`, at
the positions of both ways of counting) are captured again. Every cell: the layer where `exact_answer_last` is best.
"One" changes a single choice of the default, "all so far" keeps those above it; the last row is the paper's code.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from flow import small_run
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row, progress
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import interp
from interp.capturing.forward_pass import capture_batches
from interp.capturing.positions import Positions, positions_at
from interp.data.rows import QARow
from interp.experiments.orgad.labels import by_gold, paper_split, substring_match
from interp.experiments.orgad.preset import held_out_auc, paper_positions
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.models.loading import model_tokenizer
from interp.statistics.auc import within_fold_auc

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

    def __init__(self, run: interp.Run, rows: Sequence[QARow], model: Any, layer: int) -> None:
        decode = decoder(model_tokenizer(model))
        stored = run.answers
        rule = str(run.record["settings"].get("correct", "contains"))
        named = {answer for row in rows for answer in row.answers}
        labels = [substring_match(row, text, rule, named) for row, text in zip(rows, stored.text, strict=True)]
        self.answers: dict[tuple[bool, bool], Answers] = {}
        for substring in (False, True):
            ours = replace(stored, correct=labels) if substring else stored
            self.answers[substring, False] = ours
            self.answers[substring, True] = by_gold(ours, rows, decode, numeric=rule == "numeric")
        self.fold = np.array([-1 if line["fold"] is None else line["fold"] for line in run.samples])
        self.kept = np.arange(len(stored))
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


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="a small run of the embedded model, and two seeds")
    options.add_argument("run", nargs="?", type=Path, help="a finished run folder (not with --quick)")
    options.add_argument("--data", help="the rows of the run (default: the path it was given)")
    options.add_argument("--model", help="the model of the run (default: the name it was given)")
    return options


def main() -> None:
    options = arguments()
    args = options.parse_args()
    if args.quick == (args.run is not None):
        options.error("give a run folder, or --quick without one")
    one_thread()
    warnings.simplefilter("ignore", ConvergenceWarning)  # 100 iterations are the paper's
    with tempfile.TemporaryDirectory() as folder:
        run = small_run(Path(folder) / "run", roles=CELLS, controls=False) if args.quick else interp.open_run(args.run)
        print_figures("paper_differences", differences(run, args, seeds=2 if args.quick else 20))


def differences(run: interp.Run, args: argparse.Namespace, *, seeds: int) -> list[Figure]:
    """Both tables, printed, and the figures."""
    settings = run.record["settings"]
    rows = interp.load_rows(args.data or settings["data"], columns=settings.get("columns"), limit=settings["limit"])
    best = run.probe["auc"].sel(token="exact_answer_last")
    layer = int(best["layer"][int(best.argmax("layer"))])
    study = Study(run, rows, interp.load_model(args.model or settings["model"]), layer)
    labels = {key: answers.correct for key, answers in study.answers.items()}
    spans = {key: answers.exact_answer_tokens for key, answers in study.answers.items()}
    changed = sum(a != b for a, b in zip(labels[False, False], labels[True, False], strict=True))
    moved = sum(a != b for a, b in zip(spans[False, False], spans[False, True], strict=True))
    progress(f"layer {layer}, where the run's grid says {float(best.sel(layer=layer)):.3f}; {len(study.kept)} samples")
    columns = [f"`{cell}`" for cell in CELLS]
    print_header("one choice alone / all so far", *columns)
    lines = table(study.auc)
    for line in lines:
        both = [(line["one"][cell], line["all so far"][cell]) for cell in CELLS]
        print_row(
            line["choice"],
            *(_short(one) if one == so_far else f"{_short(one)} / {_short(so_far)}" for one, so_far in both),
        )
    print()
    print_header(f"{seeds} seeds of the split", *columns)
    over = over_seeds(study.auc, seeds)
    for at, name in enumerate(("lowest", "mean", "highest")):
        print_row(name, *(_short(over[cell][at]) for cell in CELLS))
    counts = (("labels that a substring changes", changed), ("spans that the gold answer moves", moved))
    peer = "the default"
    figures = [Figure(name, count, peer) for name, count in counts]
    for line in lines:
        name = f"{line['choice']}, all so far"
        figures += [Figure(f"AUC of {cell}, {name}", line["all so far"][cell], peer) for cell in CELLS]
    return figures


def _short(auc: float) -> str:
    return f"{auc:.3f}".removeprefix("0")


if __name__ == "__main__":
    main()

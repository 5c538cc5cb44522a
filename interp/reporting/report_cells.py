"""The samples behind a cell, of every cell: what the report's table of cells shows when one is chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.stats import rankdata

LISTS = {
    "highest": "Ranked highest (most like a correct answer)",
    "lowest": "Ranked lowest (most like a wrong answer)",
    "wrong_highest": "Wrong answers ranked highest",
    "correct_lowest": "Correct answers ranked lowest",
}

NO_SHADES: Mapping[str, list[tuple[int, int]]] = MappingProxyType({})


@dataclass(frozen=True)
class CellSample:
    """One sample behind a cell: what the model was asked and said."""

    id: str
    correct: bool
    question: str
    before: str
    exact_answer: str
    after: str
    unmarked: bool = False
    """There is an exact answer, but where in the completion it stands is not known."""
    shades: list[tuple[int, int]] = field(default_factory=list)
    """The completion in colours: (where a stretch ends, its shade), one after the other; empty: not coloured."""

    def pieces(self) -> list[tuple[bool, list[tuple[str, int]]]]:
        """The completion in order: (whether it is the exact answer, its stretches with their shades)."""
        begin, parts = 0, []
        for text in (self.before, self.exact_answer, self.after):
            parts.append((begin, begin + len(text)))
            begin += len(text)
        whole = self.before + self.exact_answer + self.after
        return [(i == 1, list(_stretches(whole, low, high, self.shades))) for i, (low, high) in enumerate(parts)]

    def to_dict(self) -> dict[str, Any]:
        """What the page's script shows of it."""
        return {"id": self.id, "correct": self.correct, "question": self.question, "pieces": self.pieces()}


@dataclass(frozen=True)
class CellView:
    """One cell of the probe grid: the samples that its probe ranks highest and lowest, and where it is most wrong."""

    layer: int
    token: str
    numbers: list[str]
    """The cell's numbers, as sentences."""
    lists: dict[str, list[tuple[int, float]]]
    """For each of `LISTS`: (sample of the grid, rank of its score within its fold from 0 to 100); scores of two folds
    do not compare."""


def cell_views(probe: xr.Dataset, attention: xr.Dataset, delta: xr.Dataset, *, shown: int = 5) -> list[list[CellView]]:
    """A view of every cell, by layer and token."""
    fold, y, names = probe["fold"].values, probe["y"].values, probe["sample"].values.astype(str)
    score = probe["score"].transpose("sample", "layer", "token").values
    return [
        [
            CellView(
                int(layer),
                str(token),
                _numbers(*(grid.sel(layer=layer, token=token) for grid in (probe, attention, delta))),
                _lists(_percent(score[:, i, j], fold), y, names, shown),
            )
            for j, token in enumerate(probe["token"].values)
        ]
        for i, layer in enumerate(probe["layer"].values)
    ]


def cell_lines(
    probe: xr.Dataset, samples: Sequence[Mapping[str, Any]], shades: Mapping[str, list[tuple[int, int]]] = NO_SHADES
) -> list[CellSample]:
    """What the model was asked and said, for every sample of the grid, from the lines of samples.jsonl."""
    lines = {str(sample["id"]): sample for sample in samples}
    return [
        replace(_cell_sample(str(name), bool(y), lines[str(name)]), shades=shades.get(str(name), []))
        for name, y in zip(probe["sample"].values, probe["y"].values, strict=True)
    ]


def script_data(views: list[list[CellView]], lines: list[CellSample]) -> dict[str, Any]:
    """The same as plain values for the page's script: every cell's lists, and each sample that one of them names."""
    named = {i for row in views for view in row for ranked in view.lists.values() for i, _ in ranked}
    return {
        "cells": [[asdict(view) for view in row] for row in views],
        "samples": {str(i): lines[i].to_dict() for i in sorted(named)},
    }


def highest(views: list[list[CellView]], probe: xr.Dataset) -> CellView | None:
    """The cell with the highest AUC; None if every cell is undefined."""
    auc = probe["auc"].transpose("layer", "token").values
    if bool(np.isnan(auc).all()):
        return None
    row, column = np.unravel_index(int(np.nanargmax(auc)), auc.shape)
    return views[row][column]


def _percent(score: Float[np.ndarray, " sample"], fold: np.ndarray) -> Float[np.ndarray, " sample"]:
    """Rank within the fold, in per cent; NaN where the sample has no score."""
    percent = np.full(len(score), np.nan)
    for f in np.unique(fold[np.isfinite(score)]):
        inside = np.isfinite(score) & (fold == f)
        percent[inside] = 100 * (rankdata(score[inside]) - 0.5) / inside.sum()
    return percent


def _lists(
    percent: Float[np.ndarray, " sample"], y: np.ndarray, names: np.ndarray, shown: int
) -> dict[str, list[tuple[int, float]]]:
    """Samples of one rank, each in its own fold, stand by name: not in the order in which the grid holds them."""
    order = [int(i) for i in np.lexsort((names, percent)) if np.isfinite(percent[i])]
    chosen = {
        "highest": order[::-1][:shown],
        "lowest": order[:shown],
        "wrong_highest": [i for i in order[::-1] if not y[i]][:shown],
        "correct_lowest": [i for i in order if y[i]][:shown],
    }
    return {name: [(i, round(float(percent[i]), 1)) for i in members] for name, members in chosen.items()}


def _numbers(probe: xr.Dataset, attention: xr.Dataset, delta: xr.Dataset) -> list[str]:
    def estimate(what: str, cell: xr.Dataset, name: str) -> str:
        value, low, high = (float(cell[key]) for key in (name, "low", "high"))
        if np.isnan(value):
            return f"{what}: undefined ({cell['reason'].item()})"
        tests = [f"{key} = {float(cell[key]):.2g}" for key in ("q", "p_corrected") if key in cell]
        return f"{what} {value:.2f} [{low:.2f}, {high:.2f}]" + "".join(f", {test}" for test in tests)

    return [
        f"{int(probe['n'])} samples, {int(probe['n_correct'])} correct",
        estimate("Probe AUC", probe, "auc"),
        estimate("Attention probe AUC", attention, "auc"),
        estimate("Probe − attention probe", delta, "delta"),
    ]


def _cell_sample(name: str, correct: bool, line: Mapping[str, Any]) -> CellSample:
    question = line.get("question") or "… " + str(line.get("prompt", ""))[-200:]
    completion, answer = str(line.get("completion", "")), line.get("exact_answer")
    chars = line["exact_answer_chars"] if "exact_answer_chars" in line else only_place(completion, answer)
    if chars is None or completion[slice(*chars)] != answer:
        return CellSample(name, correct, str(question), completion, "", "", unmarked=bool(answer))
    begin, end = chars
    return CellSample(name, correct, str(question), completion[:begin], completion[begin:end], completion[end:])


def only_place(completion: str, answer: str | None) -> tuple[int, int] | None:
    """Where the answer stands if it stands in one place only: runs of before `exact_answer_chars` do not say which."""
    if not answer or answer not in completion or completion.find(answer) != completion.rfind(answer):
        return None
    begin = completion.find(answer)
    return begin, begin + len(answer)


def _stretches(text: str, begin: int, end: int, shades: Sequence[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    """The characters `[begin, end)`, cut where their shade changes."""
    low = 0
    for high, shade in [*shades, (len(text), 0)]:
        if piece := text[max(low, begin) : min(high, end)]:
            yield piece, shade
        low = max(low, high)

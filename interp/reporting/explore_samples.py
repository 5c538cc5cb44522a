"""The samples that a page can hold: which of many, what of each, and where every cell's probe ranks them, in a byte each."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import shake_128
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from interp.reporting.explore_cells import ScoredGrid
from interp.reporting.explore_tokens import LONGEST, Completion, role_places

RANK_BYTES = 400_000
"""Ranks that a page holds, a byte each: with their samples' texts it stays below 2 MB."""
TEXT_CHARACTERS = 900_000
"""Characters of questions and completions that a page holds."""
DRAWN = 0.25
"""Share of the samples listed that is drawn at random, where not all are."""
STEPS = 250
"""Of a rank, from 0 % to 100 %."""
NONE = 255
"""The byte of a sample that a cell does not score."""


@dataclass(frozen=True)
class RoleTexts:
    """The text of the token at every role, by sample."""

    texts: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """{sample: {role: text}}."""
    pooled: frozenset[str] = frozenset()
    """Roles of several tokens, which have no place in the text."""


@dataclass(frozen=True)
class Listed:
    """Samples that are listed, of all those that a run has."""

    chosen: Int[np.ndarray, " listed"]
    """Their places among the run's lines."""
    n: int
    """How many samples the run has."""
    depth: int
    """In every cell the most wrongly scored ones down to this one are among them; 0 where all are listed."""

    def sentence(self) -> str:
        """How many are listed, and which."""
        if len(self.chosen) == self.n:
            return f"All {self.n:,} samples are listed."
        wrong = f"in every cell the {self.depth} that are scored most wrongly, " if self.depth else ""
        return (
            f"{len(self.chosen):,} of {self.n:,} samples are listed: {wrong}the rest drawn at random (seed 0). Ranks, "
            "distributions, ROC and calibration are of all samples; every sample stands in samples.jsonl."
        )


def choose(
    lines: Sequence[Mapping[str, Any]], scored: Mapping[str, ScoredGrid], ranks: Mapping[str, np.ndarray], *, pages: int = 1
) -> Listed:
    """Which samples a page lists: all that fit, else the most wrongly scored of every cell and some drawn at random.

    `ranks`: what `all_ranks` gives for each of `scored`; `pages`: how many runs share the page. The draw is of the
    samples' ids, whatever their order.
    """
    n = len(lines)
    cells = sum(len(of) for of in ranks.values())
    limit = np.array([max(1, RANK_BYTES // pages // max(1, cells)), TEXT_CHARACTERS // pages])
    cost = np.array([[1, len(str(line.get("question", ""))) + _shown(line)] for line in lines]).reshape(n, 2)
    if (cost.sum(0) <= limit).all():
        return Listed(np.arange(n), n, 0)
    at = {str(line["id"]): i for i, line in enumerate(lines)}
    wrong = [
        [at[scored[name].samples[i]] for i in row] for name, of in ranks.items() for row in _wrongest(scored[name], of)
    ]
    listed: set[int] = set()
    depth = 0
    for k in range(max(map(len, wrong), default=0)):
        larger = listed | {row[k] for row in wrong if k < len(row)}
        if (cost[sorted(larger)].sum(0) > (1 - DRAWN) * limit).any():
            break
        listed, depth = larger, k + 1
    taken = cost[sorted(listed)].sum(0)
    for i in sorted(range(n), key=lambda i: shake_128(f"0 {lines[i]['id']}".encode("utf-8", "surrogatepass")).digest(8)):
        if i not in listed and (taken + cost[i] <= limit).all():
            listed.add(i)
            taken = taken + cost[i]
    return Listed(np.array(sorted(listed), dtype=np.int64), n, depth)


def all_ranks(grid: ScoredGrid) -> UInt8[np.ndarray, "cell sample"]:
    """Rank within the fold of every sample in every cell, layer by layer, in steps of 1/`STEPS`; `NONE`: no score."""
    cells = [grid.percent(layer, token) for layer in grid.layers for token in grid.tokens]
    values = np.stack(cells) if cells else np.zeros((0, len(grid.samples)))
    return np.where(np.isnan(values), NONE, np.rint(np.nan_to_num(values) * STEPS / 100)).astype(np.uint8)


def packed(
    grid: ScoredGrid, ranks: UInt8[np.ndarray, "cell sample"], ids: Sequence[str]
) -> dict[str, Any]:
    """The ranks of the samples `ids`, cell by cell: bytes as base64. A sample that is not in the grid has none."""
    own = {name: i for i, name in enumerate(grid.samples)}
    out = np.full((len(ranks), len(ids)), NONE, dtype=np.uint8)
    known = [(k, own[name]) for k, name in enumerate(ids) if name in own]
    if known:
        to, of = (np.array(side) for side in zip(*known, strict=True))
        out[:, to] = ranks[:, of]
    return {"layers": grid.layers, "tokens": grid.tokens, "ranks": b64encode(out.tobytes()).decode()}


def sample_view(
    line: Mapping[str, Any], roles: Sequence[str], texts: RoleTexts, shades: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """What the page shows of a sample: question, completion in pieces, and the text at each of `roles` (null: absent)."""
    completion, name = str(line.get("completion", "")), str(line["id"])
    question = line.get("question") or "… " + str(line.get("prompt", ""))[-200:]
    exact = exact_span(line)
    own = texts.texts.get(name, {})
    return {
        "id": name,
        "label": None if line.get("correct") is None else int(bool(line["correct"])),
        "status": str(line.get("status", "")),
        "question": str(question),
        "pieces": Completion(completion, exact, _places(line, completion, exact, own, texts.pooled), shades).pieces(roles),
        "tokens": [own.get(role) for role in roles],
    }


def exact_span(line: Mapping[str, Any]) -> tuple[int, int] | None:
    """Where the exact answer stands in the completion; None: there is none, or its place is not known.

    Runs of before `exact_answer_chars` do not say which: of them, if it stands in one place only.
    """
    completion, answer = str(line.get("completion", "")), line.get("exact_answer")
    if "exact_answer_chars" in line:
        chars = line["exact_answer_chars"]
        return (int(chars[0]), int(chars[1])) if chars and completion[slice(*chars)] == answer else None
    if not answer or completion.find(answer) < 0 or completion.find(answer) != completion.rfind(answer):
        return None
    return completion.find(answer), completion.find(answer) + len(answer)


def _places(
    line: Mapping[str, Any],
    completion: str,
    exact: tuple[int, int] | None,
    texts: Mapping[str, str | None],
    pooled: frozenset[str],
) -> dict[str, tuple[int, int]]:
    """{role: its characters in the completion}, for single tokens whose place follows from what is known."""
    index = {
        role: at for role, at in line.get("positions", {}).items() if isinstance(at, int) and at >= 0 and role not in pooled
    }
    first = len(line.get("prompt_ids", ()))
    tokens = {at: text for role, at in index.items() if (text := texts.get(role)) and at >= first}
    given = line.get("exact_answer_tokens")
    places = role_places(
        completion,
        tokens,
        first=first,
        last=first + len(line.get("completion_ids", ())) - 1,
        exact=((int(given[0]), int(given[1])), exact) if given and exact else None,
    )
    return {role: places[at] for role, at in index.items() if at in places}


def _shown(line: Mapping[str, Any]) -> int:
    """About how many characters of a completion are shown."""
    return min(LONGEST, len(str(line.get("completion", ""))))


def _wrongest(grid: ScoredGrid, ranks: UInt8[np.ndarray, "cell sample"], *, deepest: int = 64) -> list[list[int]]:
    """Samples of each cell, the most wrongly scored first: wrong answers by how high, right ones by how low they rank."""
    by_name = np.array(sorted(range(len(grid.samples)), key=grid.samples.__getitem__))
    rank = ranks[:, by_name].astype(np.int16)
    wrongness = np.where(grid.y[by_name] == 1, STEPS - rank, rank)
    wrongness[rank == NONE] = -1
    order = np.argsort(-wrongness, axis=1, kind="stable")[:, :deepest]
    return [[int(by_name[i]) for i in row if wrongness[cell, i] >= 0] for cell, row in enumerate(order)]

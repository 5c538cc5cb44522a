"""The samples that a page can hold: which of many, what of each, and where every cell's probe ranks them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import shake_128
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from interp.reporting.explore_cells import ScoredGrid
from interp.reporting.explore_tokens import LONGEST, Completion, role_places

RANK_BYTES = 300_000
"""Ranks that a page holds, a byte each: with their samples' texts it stays below 2 MB."""
TEXT_CHARACTERS = 750_000
"""Characters of questions and completions that a page holds."""
DRAWN = 0.5
"""Share of the texts that may be of samples drawn at random, where not all are listed."""
DEEPEST = 20
"""How many of its most wrongly scored samples a cell lists at most, where not all are listed."""
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
    """Samples that are listed, of all those that a run has, by their places among its lines."""

    drawn: Int[np.ndarray, " drawn"]
    """In every cell: all samples, or as many as were drawn at random."""
    wrong: Int[np.ndarray, " wrong"]
    """Besides these: where they are among the most wrongly scored."""
    depth: int
    """How many of the most wrongly scored ones every cell lists; 0 where all samples are listed in all cells."""
    n: int
    """How many samples the run has."""

    @property
    def chosen(self) -> Int[np.ndarray, " listed"]:
        """All of them, those drawn first."""
        return np.concatenate([self.drawn, self.wrong])

    def sentence(self) -> str:
        """How many are listed, and which."""
        if len(self.drawn) == self.n:
            return f"All {self.n:,} samples are listed."
        return (
            f"Of {self.n:,} samples, every cell lists the {self.depth} that it scores most wrongly, and "
            f"{len(self.drawn):,} drawn at random (seed 0), the same in every cell. Ranks, distributions, "
            "ROC and calibration are of all samples; every sample stands in samples.jsonl."
        )


def choose(
    lines: Sequence[Mapping[str, Any]],
    scored: Mapping[str, ScoredGrid],
    ranks: Mapping[str, np.ndarray],
    *,
    pages: int = 1,
) -> Listed:
    """Which samples a page lists: all that fit, else the most wrongly scored of every cell and some drawn at random.

    `ranks`: what `all_ranks` gives for each of `scored`; `pages`: how many runs share the page. The draw is of the
    samples' ids, whatever their order.
    """
    n = len(lines)
    cells = sum(len(of) for of in ranks.values())
    most, room = RANK_BYTES // pages // max(1, cells), TEXT_CHARACTERS // pages
    size = np.array([len(str(line.get("question", ""))) + _shown(line) for line in lines], dtype=np.int64)
    if n <= most and size.sum() <= room:
        return Listed(np.arange(n), np.arange(0), 0, n)
    order = sorted(range(n), key=lambda i: shake_128(f"0 {lines[i]['id']}".encode("utf-8", "surrogatepass")).digest(8))
    fitting = int(np.searchsorted(np.cumsum(size[order]), DRAWN * room, side="right"))
    drawn = set(order[: max(1, min(most, fitting))])
    at = {str(line["id"]): i for i, line in enumerate(lines)}
    rows = [
        [at[scored[name].samples[i]] for i, _ in row]
        for name, of in ranks.items()
        for row in wrongest(scored[name], of)
    ]
    wrong: set[int] = set()
    depth = 0
    for k in range(DEEPEST):
        larger = wrong | {row[k] for row in rows if k < len(row)} - drawn
        if size[sorted(larger | drawn)].sum() > room:
            break
        wrong, depth = larger, k + 1
    return Listed(np.array(sorted(drawn)), np.array(sorted(wrong), dtype=np.int64), depth, n)


def all_ranks(grid: ScoredGrid) -> UInt8[np.ndarray, "cell sample"]:
    """Rank within the fold of every sample in every cell, layer by layer, in steps of 1/`STEPS`; `NONE`: no score."""
    cells = [grid.percent(layer, token) for layer in grid.layers for token in grid.tokens]
    values = np.stack(cells) if cells else np.zeros((0, len(grid.samples)))
    return np.where(np.isnan(values), NONE, np.rint(np.nan_to_num(values) * STEPS / 100)).astype(np.uint8)


def wrongest(grid: ScoredGrid, ranks: UInt8[np.ndarray, "cell sample"]) -> list[list[tuple[int, int]]]:
    """Each cell's most wrongly scored samples and their ranks: wrong answers by how high, right ones by how low."""
    by_name = np.array(sorted(range(len(grid.samples)), key=grid.samples.__getitem__))
    rank = ranks[:, by_name].astype(np.int16)
    wrongness = np.where(grid.y[by_name] == 1, STEPS - rank, rank)
    wrongness[rank == NONE] = -1
    order = np.argsort(-wrongness, axis=1, kind="stable")[:, :DEEPEST]
    return [
        [(int(by_name[i]), int(rank[cell, i])) for i in row if wrongness[cell, i] >= 0]
        for cell, row in enumerate(order)
    ]


def packed(
    grid: ScoredGrid, ranks: UInt8[np.ndarray, "cell sample"], ids: Sequence[str], listed: Listed
) -> dict[str, Any]:
    """Ranks of the samples `ids` (of `listed.chosen`): of those drawn as bytes in base64, cell by cell, and `wrongest`.

    Those are [sample, rank] for each cell. A sample that is not in the grid has the rank `NONE`.
    """
    own = {name: i for i, name in enumerate(grid.samples)}
    out = np.full((len(ranks), len(listed.drawn)), NONE, dtype=np.uint8)
    for k, name in enumerate(ids[: len(listed.drawn)]):
        if name in own:
            out[:, k] = ranks[:, own[name]]
    at = {name: k for k, name in enumerate(ids)}
    rows = wrongest(grid, ranks) if listed.depth else []
    return {
        "layers": grid.layers,
        "tokens": grid.tokens,
        "drawn": len(listed.drawn),
        "ranks": b64encode(out.tobytes()).decode(),
        "wrongest": [[[at[grid.samples[i]], rank] for i, rank in row[: listed.depth]] for row in rows],
    }


def sample_view(
    line: Mapping[str, Any], roles: Sequence[str], texts: RoleTexts, shades: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """What the page shows of a sample: question, completion in pieces, the text at each of `roles` (null: absent)."""
    completion, name = str(line.get("completion", "")), str(line["id"])
    question = line.get("question") or "… " + str(line.get("prompt", ""))[-200:]
    exact = exact_span(line)
    own = texts.texts.get(name, {})
    return {
        "id": name,
        "label": None if line.get("correct") is None else int(bool(line["correct"])),
        "status": str(line.get("status", "")),
        "question": str(question),
        "pieces": Completion(completion, exact, _places(line, completion, exact, own, texts.pooled), shades).pieces(
            roles
        ),
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
        role: at
        for role, at in line.get("positions", {}).items()
        if isinstance(at, int) and at >= 0 and role not in pooled
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

"""Matched pairs: a right and a wrong sample whose states can take each other's place."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interp.capturing.activations import Capture
from interp.controls.by_answer import answer_components
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.labelling.answers import Answers
from interp.labelling.template_check import templates
from interp.statistics.samples import group_codes

MATCHES = ("offsets", "roles")
"""Offsets: every role equally far from the exact answer's first token. Roles: the same roles exist."""


@dataclass(frozen=True)
class Pairs:
    """Places of the samples of every pair; pairs of one block share nothing with pairs of another."""

    right: Int[np.ndarray, " pair"]
    wrong: Int[np.ndarray, " pair"]
    other: Int[np.ndarray, " pair"]
    """The pair of the same block whose samples serve as donors of the same label; -1: it has none."""
    block: Int[np.ndarray, " pair"]
    """By number; pairs that hold samples of one group are of one block too."""

    def __len__(self) -> int:
        return len(self.right)

    @property
    def recipient(self) -> Int[np.ndarray, " run"]:
        """Two runs a pair: of the wrong sample, and of the right one."""
        return np.stack([self.wrong, self.right], axis=1).ravel()

    @property
    def donor(self) -> Int[np.ndarray, " run"]:
        """Whose state each run is given: the other sample's of its pair."""
        return np.stack([self.right, self.wrong], axis=1).ravel()

    @property
    def alike(self) -> Int[np.ndarray, " run"]:
        """A donor with the recipient's own label; -1: there is none."""
        there = np.stack([self.wrong[self.other], self.right[self.other]], axis=1).ravel()
        return np.where(np.repeat(self.other, 2) < 0, -1, there)


def matched_pairs(given: Given, *, match: str, most: int | None, seed: int) -> Pairs:
    """Pairs of different questions of one template, each sample in one pair at most, drawn by `default_rng([seed, 7])`.

    Both need an exact answer, of different tokens. Pairs of one kind (template and offsets) stand in blocks of two, the
    last of three: each gives the other its donors of the same label, of another question too, so that blocks are
    independent of each other.
    Raises DataError where there is no pair.
    """
    answers, cap, correct = given.answers, given.capture, given.samples.y
    groups = given.grid["group"].values.tolist()
    strata: dict[tuple[object, ...], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i, (template, tokens) in enumerate(zip(templates(answers.question), answers.exact_answer_tokens, strict=True)):
        if tokens is not None:
            strata[(template, *_shape(cap, i, tokens[0], match))][int(correct[i])].append(i)
    rng = np.random.default_rng([seed, 7])
    blocks: list[list[tuple[int, int]]] = []
    for key in sorted(strata, key=repr):
        wrong, right = (rng.permutation(side).tolist() for side in strata[key])
        blocks += _in_twos(_joined(right, wrong, answers, groups), groups)
    # Blocks with donors of the same label first: of those a limit takes as many as it can.
    order = sorted(rng.permutation(len(blocks)).tolist(), key=lambda b: len(blocks[b]) == 1)
    taken: list[list[tuple[int, int]]] = []
    for number in order:
        if most is None or sum(map(len, taken)) + len(blocks[number]) <= most:
            taken.append(blocks[number])
    if blocks and not taken:
        taken.append(blocks[order[0]][:most])  # fewer are wanted than stand in any block
    if not taken:
        raise DataError(
            f"pairs: of {len(correct)} samples no right and wrong one are of the same template with exact answers of "
            f"different tokens{' and equally placed roles' if match == 'offsets' else ''}; "
            + ("take match='roles', or more samples" if match == "offsets" else "take more samples")
        )
    return _of_blocks(taken, groups)


def _shape(cap: Capture, sample: int, first: int, match: str) -> tuple[int | None, ...]:
    index, valid = cap.index[sample].tolist(), cap.valid[sample].tolist()
    return tuple(
        (at - first if match == "offsets" else 0) if there else None for at, there in zip(index, valid, strict=True)
    )


def _joined(right: list[int], wrong: list[int], answers: Answers, groups: Sequence[str]) -> list[tuple[int, int]]:
    """Each right sample with the first wrong one left that it can be told from."""
    left, pairs = list(wrong), []
    for i in right:
        partner = next(
            (j for j in left if groups[j] != groups[i] and exact_ids(answers, i) != exact_ids(answers, j)), None
        )
        if partner is not None:
            left.remove(partner)
            pairs.append((i, partner))
    return pairs


def _in_twos(pairs: list[tuple[int, int]], groups: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Blocks of two pairs that have no group in common; what is left over stands third in one, or alone."""

    def apart(one: tuple[int, int], *others: tuple[int, int]) -> bool:
        return not {groups[i] for i in one} & {groups[i] for other in others for i in other}

    left, twos, alone = list(pairs), list[list[tuple[int, int]]](), list[tuple[int, int]]()
    while left:
        one = left.pop(0)
        partner = next((k for k, other in enumerate(left) if apart(one, other)), None)
        if partner is None:
            alone.append(one)
        else:
            twos.append([one, left.pop(partner)])
    for one in list(alone):
        third = next((block for block in reversed(twos) if len(block) == 2 and apart(one, *block)), None)
        if third is not None:
            third.append(one)
            alone.remove(one)
    return [*twos, *([one] for one in alone)]


def exact_ids(answers: Answers, i: int) -> list[int]:
    """The exact answer's tokens."""
    first, last = answers.exact_answer_tokens[i]  # type: ignore[misc]
    ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
    return ids[first : last + 1]


def _of_blocks(blocks: list[list[tuple[int, int]]], groups: Sequence[str]) -> Pairs:
    pairs = [pair for block in blocks for pair in block]
    other, number, begin = [], [], 0
    for k, block in enumerate(blocks):
        other += [begin + (at + 1) % len(block) if len(block) > 1 else -1 for at in range(len(block))]
        number += [k] * len(block)
        begin += len(block)
    right, wrong = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    # Blocks are joined where they hold samples of one group.
    names = answer_components(
        [f"block {k}" for k in number for _ in range(2)], [groups[i] for pair in pairs for i in pair]
    )
    return Pairs(right, wrong, np.array(other), group_codes(names)[::2])

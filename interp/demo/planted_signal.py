"""A tiny Capture and its Answers in which one cell knows what is right: something to try every function on."""

from collections.abc import Sequence

import numpy as np
import torch

from interp.capturing.activations import Capture
from interp.capturing.resolve_positions import resolve_positions
from interp.labelling.answers import Answers

LAYER, ROLE = 1, "exact_answer_last"
"""The cell that holds the signal."""
ROLES = ("last_q", "exact_answer_before_first", ROLE, "exact_answer_after_last", "-2", "-1")
"""Of every kind of column one: few, so that what is tried on them ends within a second."""
WIDTH, HEADS = 8, 2
PROMPT, COMPLETION, EXACT = 6, 10, (9, 10)
"""Tokens of every prompt and completion; first and last token of the exact answer."""


def planted(n: int = 100, *, layers: int = 3, roles: Sequence[str] = ROLES, seed: int = 1) -> tuple[Capture, Answers]:
    """Noise in every cell but one: at layer 1, `exact_answer_last`, right and wrong answers lie two units apart.

    No model is asked. Of the attention metrics, `entropy` is higher there when the answer is right; `to_self` is noise.
    """
    rng = np.random.default_rng(seed)
    right = rng.permutation(np.arange(n) % 2)
    answers = planted_answers(right)
    positions = resolve_positions(answers, roles=roles)
    column = positions.roles.index(ROLE)

    def noise(*shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(shape)).float()

    resid = noise(n, layers, len(positions.roles), WIDTH)
    resid[:, LAYER, column, 0] += 2 * torch.from_numpy(right)
    entropy = torch.sigmoid(noise(n, layers, HEADS, len(positions.roles)))
    entropy[:, LAYER, 0, column] += torch.from_numpy(right) / 4
    cap = Capture(
        sites={"resid_post": resid},
        embed=noise(n, len(positions.roles), WIDTH),
        attention={"entropy": entropy, "to_self": torch.sigmoid(noise(n, layers, HEADS, len(positions.roles)))},
        valid=positions.valid,
        index=positions.index,
        layers=tuple(range(layers)),
        roles=positions.roles,
        id=tuple(answers.id),
    )
    return cap, answers


def planted_answers(right: np.ndarray) -> Answers:
    """Answers of one shape, right where `right` is 1."""
    n, names = len(right), [f"q{i}" for i in range(len(right))]
    cities = [f"Town {i % 7}" for i in range(n)]
    return Answers(
        id=names,
        question=[f"Where is {name}?" for name in names],
        group=names,
        prompt=[f"Where is {name}?" for name in names],
        prompt_ids=[list(range(PROMPT))] * n,
        completion_ids=[list(range(PROMPT, PROMPT + COMPLETION))] * n,
        text=[f"It is in {city}." for city in cities],
        finish=["stop"] * n,
        logprobs=[[-0.5] * COMPLETION] * n,
        correct=[bool(y) for y in right],
        exact_answer=list(cities),
        exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[EXACT] * n,
        question_tokens=[(1, 4)] * n,
        status=["ok"] * n,
    )

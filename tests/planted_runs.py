"""Captures with Answers in which a direction that is common to some of them tells right from wrong."""

from dataclasses import replace

import numpy as np
import torch

import interp
from interp.demo.planted_signal import planted, planted_answers

ROLES = ("last_q", "exact_answer_last")
CELL = (1, "exact_answer_last")


def planted_run(
    seed: int, direction: np.ndarray, *, n: int = 100, first: int = 0, width: int = 8, layers: int = 3
) -> tuple[interp.Capture, interp.Answers]:
    """Right and wrong lie two units apart along `direction` at layer 1; questions are numbered from `first`."""
    rng = np.random.default_rng(seed)
    right = rng.permutation(np.arange(n) % 2)
    names = [f"q{i + first}" for i in range(n)]
    kinds = ["In which country is {}?", "Tell me, where would one find {}?"]
    questions = [kinds[i % 2].format(name) for i, name in enumerate(names)]
    logprobs = [(-1 + 0.3 * right[i] + 0.4 * rng.standard_normal(10)).tolist() for i in range(n)]
    answers = replace(planted_answers(right), id=names, group=names, question=questions, logprobs=logprobs)
    cap, _ = planted(n, layers=layers, roles=ROLES, seed=seed)
    x = rng.standard_normal((n, layers, len(ROLES), width))
    x[:, 1, 1] += 2 * np.outer(right, direction)
    return replace(cap, sites={"resid_post": torch.from_numpy(x).float()}, embed=None, id=tuple(names)), answers


def unit(place: int, width: int = 8, sign: float = 1.0) -> np.ndarray:
    out = np.zeros(width)
    out[place] = sign
    return out

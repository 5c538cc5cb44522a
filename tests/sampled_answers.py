"""Answers drawn from distributions that a test plants, with a Capture in which one cell knows what a test wants."""

from dataclasses import replace

import numpy as np
import torch

from interp.capturing.activations import Capture
from interp.demo.planted_signal import planted, planted_answers
from interp.labelling.answers import Answers

RIGHT = "Paris"


def drawn_answers(said: list[list[str | None]], greedy: list[str] | None = None) -> Answers:
    """Row `r0`, `r1` …, each with what its draws say (None: nothing is located) and its greedy answer; Paris is right."""
    texts, row, draw = [], [], []
    for number, draws in enumerate(said):
        every = [*([(None, greedy[number])] if greedy is not None else []), *enumerate(draws)]
        for which, text in every:
            texts.append(text)
            row.append(f"r{number}")
            draw.append(which)
    base = planted_answers(np.array([int(text == RIGHT) for text in texts]))
    return replace(
        base,
        id=[f"{r}#{'greedy' if d is None else d}" for r, d in zip(row, draw, strict=True)],
        row=row,
        draw=draw,
        group=row,
        question=[f"Where is {r}?" for r in row],
        prompt=[f"Where is {r}?" for r in row],
        text=[str(text) for text in texts],
        exact_answer=texts,
        exact_answer_tokens=[None if text is None else (9, 10) for text in texts],
        exact_answer_method=[None if text is None else "candidates" for text in texts],
        status=["no_exact_answer" if text is None else "ok" for text in texts],
        prompt_ids=[[int(r[1:]), 1, 2, 3, 4, 5] for r in row],
    )


def capture_of(answers: Answers, signal: np.ndarray, *, seed: int = 0) -> Capture:
    """Noise in every cell, and `signal` (a number a sample) in layer 1, `exact_answer_last`."""
    n = len(answers)
    cap, _ = planted(n, seed=seed)
    resid = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(cap.sites["resid_post"].shape))).float()
    resid[:, 1, cap.roles.index("exact_answer_last"), 0] += torch.from_numpy(signal).float()
    return replace(cap, sites={"resid_post": resid}, id=tuple(answers.id))

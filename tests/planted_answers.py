"""Answers in which only what a test plants tells anything of a label."""

import numpy as np

from interp.labelling.answers import Answers

N = 200


def make_answers(rng: np.random.Generator, n: int = N, **planted: list) -> Answers:
    """Answers whose every field is unrelated to any label, but for the planted ones; the exact answer is token 1."""
    words = np.array(["river", "city", "lake", "hill", "coast", "plain"])
    fields = {
        "question": [" ".join(rng.choice(words, 3)) + "?" for _ in range(n)],
        "text": ["It is " + " ".join(rng.choice(words, 2)) for _ in range(n)],
        "completion_ids": [[1] * int(k) for k in rng.integers(3, 9, n)],
        "exact_answer": [f"place {k}" for k in rng.integers(0, 12, n)],
        "logprobs": None,
    } | planted
    if fields["logprobs"] is None:
        fields["logprobs"] = [rng.normal(size=len(ids)).tolist() for ids in fields["completion_ids"]]
    return Answers(
        id=[f"s{i}" for i in range(n)],
        group=[f"g{i}" for i in range(n)],
        prompt=["?"] * n,
        prompt_ids=[[0, 0]] * n,
        finish=["stop"] * n,
        correct=[None] * n,
        exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[(3, 3)] * n,
        question_tokens=[None] * n,
        status=["ok"] * n,
        **fields,
    )

"""Answers of which nothing is known but their lengths and where the exact answer stands."""

from hypothesis import strategies as st

from interp.labelling.answers import Answers


def make_answers(samples: list[tuple[int, int, tuple[int, int] | None]]) -> Answers:
    """Answers of given (prompt length, completion length, exact answer)."""
    n = len(samples)
    return Answers(
        id=[str(i) for i in range(n)],
        question=["?"] * n,
        group=["g"] * n,
        prompt=[""] * n,
        prompt_ids=[list(range(p)) for p, _, _ in samples],
        completion_ids=[list(range(100, 100 + c)) for _, c, _ in samples],
        text=[""] * n,
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=[True] * n,
        exact_answer=[None] * n,
        exact_answer_method=[None] * n,
        exact_answer_tokens=[span for _, _, span in samples],
        question_tokens=[None] * n,
        status=["ok"] * n,
    )


@st.composite
def samples(draw: st.DrawFn) -> tuple[int, int, tuple[int, int] | None]:
    prompt, completion = draw(st.integers(0, 5)), draw(st.integers(0, 12))
    if completion == 0 or draw(st.booleans()):
        return prompt, completion, None
    first = draw(st.integers(prompt, prompt + completion - 1))
    return prompt, completion, (first, draw(st.integers(first, prompt + completion - 1)))

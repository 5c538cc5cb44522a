"""The tokens of one sample: their texts, which are prompt, completion and exact answer, and what roles name them."""

import pandas as pd

from interp.capturing.positions import Positions
from interp.labelling.answers import Answers
from interp.text.spans import Decode, TokenText


def sample_tokens(answers: Answers, positions: Positions, decode: Decode | None) -> pd.DataFrame:
    """A row per token of the one sample of `answers`: see `RunSample.table`."""
    prompt, completion = answers.prompt_ids[0], answers.completion_ids[0]
    ids = [*prompt, *completion]
    named: list[list[str]] = [[] for _ in ids]
    for role, (first, last), there in zip(
        positions.roles, positions.span[0].tolist(), positions.valid[0].tolist(), strict=True
    ):
        for at in range(first, last + 1) if there else ():
            named[at].append(role)
    exact = answers.exact_answer_tokens[0]
    first, last = (0, -1) if exact is None else exact
    return pd.DataFrame(
        {
            "position": pd.Series(range(len(ids)), dtype="int64"),
            "token_id": pd.Series(ids, dtype="int64"),
            "text": pd.Series(_texts(ids, decode), dtype=object),
            "part": pd.Series(["prompt"] * len(prompt) + ["completion"] * len(completion), dtype=object),
            "exact_answer": pd.Series([first <= at <= last for at in range(len(ids))], dtype=bool),
            "roles": pd.Series([tuple(roles) for roles in named], dtype=object),
        }
    )


def _texts(ids: list[int], decode: Decode | None) -> list[str | None]:
    """The characters that each token adds: of one that ends inside a character none, the next has it whole."""
    if decode is None:
        return [None] * len(ids)
    found = TokenText.of(decode, ids)
    return [found.text[low:high] for low, high in zip(found.ends[:-1], found.ends[1:], strict=True)]

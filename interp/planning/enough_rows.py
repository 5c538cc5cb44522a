"""Whether the rows of a run can give a grid at all: seen from their tokens, before a folder is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp.data.rows import QARow
from interp.errors import DataError
from interp.labelling.generate_answers import own_completion
from interp.runs.settings import Settings
from interp.statistics.folds import question_groups

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_groups(rows: Sequence[QARow], folds: int, among: str = "") -> None:
    """Raise DataError unless there are rows of as many groups as folds; `among` says which rows these are."""
    groups = len(set(question_groups([row.question for row in rows], [row.group for row in rows])))
    if groups < folds:
        raise DataError(
            f"groups: {groups} distinct groups for {folds} folds{among}; give more questions, fewer folds or finer "
            "groups"
        )


def check_enough(
    rows: Sequence[QARow], settings: Settings, *, n_ctx: int, tokenizer: "PreTrainedTokenizerBase"
) -> None:
    """Raise DataError unless rows of as many groups as there are folds fit into the context of `n_ctx` tokens.

    Rows are tokenised only until there are enough.
    """
    form = settings.prompt_format
    groups: set[str] = set()
    fitting: list[QARow] = []
    needed: list[int] = []
    for row in rows:
        own = own_completion(row, tokenizer)
        prompt = form.prompt(row, tokenizer).ids
        needed.append(len(prompt) + (settings.max_new_tokens if own is None else len(own)))
        if needed[-1] <= n_ctx:
            fitting.append(row)
            groups.update(question_groups([row.question], [row.group]))
        if len(groups) >= settings.folds:
            return
    if not fitting:
        raise DataError(
            f"none of {len(rows)} rows fits into the model's context of {n_ctx} tokens: the shortest needs "
            f"{min(needed)} with its answer (max_new_tokens is {settings.max_new_tokens}); shorten the prompts or "
            "max_new_tokens, or choose another model"
        )
    among = f" among the {len(fitting)} of {len(rows)} rows that fit into the context"
    check_groups(fitting, settings.folds, among if len(fitting) < len(rows) else "")

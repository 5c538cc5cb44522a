"""Answers: what the model was given, what it produced, whether it is right, and where the answer stands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interp.errors import DataError
from interp.folds import normalise_question
from interp.labels import ExactAnswerFinder, label_completion
from interp.prompts import PromptFormat, decoder, encode_prompt, locate_question
from interp.rows import QARow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STATUSES = ("ok", "no_exact_answer", "ambiguous", "empty", "too_long")


@dataclass(frozen=True)
class Answers:
    """One entry per row, in input order; token indices count in `prompt_ids + completion_ids`."""

    id: list[str]
    question: list[str]
    group: list[str]
    prompt: list[str]
    prompt_ids: list[list[int]]
    completion_ids: list[list[int]]
    """Includes the token that stopped generation, if one did."""
    text: list[str]
    """The completion as text, special tokens removed."""
    finish: list[str]
    """`stop` or `length`."""
    logprobs: list[list[float] | None]
    """Log-probability of each completion token; None where another engine produced it."""
    correct: list[bool | None]
    exact_answer: list[str | None]
    exact_answer_method: list[str | None]
    """`candidates`, `pattern`, or `row` (the row brought it)."""
    exact_answer_tokens: list[tuple[int, int] | None]
    """First and last token of the exact answer, both inclusive."""
    question_tokens: list[tuple[int, int] | None]
    """First and last token of the row's own question inside the prompt; None: not located."""
    status: list[str]
    """`ok`, `no_exact_answer`, `ambiguous` (occurs more than once, the first is used), `empty` or `too_long`."""
    span_uses_gold: bool = False
    settings: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.id)


def generate_answers(
    model: Any,
    rows: Sequence[QARow],
    *,
    max_new_tokens: int = 32,
    prompt_template: str | None = None,
    chat: bool | None = None,
    stop: Sequence[str] = (),
    candidates: Iterable[str] | None = None,
    answer_pattern: str | None = None,
    batch_tokens: int = 8192,
    progress: Callable[[int], None] | None = None,
) -> Answers:
    """Greedy answers of a hooked model, labelled, with the exact answer located on the generated ids.

    The prompt is the row's own `prompt`, else `prompt_template` filled in, else the bare question (as a user turn
    where the tokenizer has a chat template, unless `chat=False`). Generation ends at end of text or turn, after a
    string of `stop`, or after `max_new_tokens`. Rows that bring `completion_ids` or `completion` keep them.

    Exact answers: the row's own `exact_answer`, else `answer_pattern` (one group), else `candidates` (default: every
    accepted answer of the data set). Correct: the row's own `correct`, else whether an accepted answer matches
    anywhere in the completion. Source: SPEC, "A sample".

    `progress` is called with the number of samples just finished.

    Raises DataError for a template or pattern that does not fit, or ids outside the model's vocabulary.
    """
    from interp.generation import generate
    from interp.models import eos_token_ids, model_info, model_tokenizer

    rows = list(rows)
    if candidates is None:
        candidates = (answer for row in rows for answer in row.answers)
    finder = ExactAnswerFinder(candidates=candidates, pattern=answer_pattern)
    info, tokenizer = model_info(model), model_tokenizer(model)
    decode, special, ends = decoder(tokenizer), frozenset(tokenizer.all_special_ids), eos_token_ids(model)
    prompt_format = PromptFormat(prompt_template, chat)
    prompt = [prompt_format.text(row, tokenizer) for row in rows]
    prompt_ids = [
        list(row.prompt_ids) if row.prompt_ids is not None else encode_prompt(text, tokenizer)
        for row, text in zip(rows, prompt, strict=True)
    ]
    own = [_own_completion(row, tokenizer) for row in rows]
    for row, *ids in zip(rows, prompt_ids, own, strict=True):
        _check_vocabulary(row, [token for part in ids for token in part or ()], info.d_vocab)

    room = [info.n_ctx - len(ids) for ids in prompt_ids]
    too_long = [(max_new_tokens if o is None else len(o)) > r for o, r in zip(own, room, strict=True)]
    waiting = [i for i, o in enumerate(own) if o is None and prompt_ids[i] and not too_long[i]]
    if progress is not None:
        progress(len(rows) - len(waiting))
    generated = generate(
        model,
        [prompt_ids[i] for i in waiting],
        max_new_tokens=max_new_tokens,
        stop=stop,
        batch_tokens=batch_tokens,
        progress=progress,
    )
    produced = dict(zip(waiting, generated, strict=True))
    completion_ids = [produced[i].ids if i in produced else o or [] for i, o in enumerate(own)]
    finish = ["stop" if ids and ids[-1] in ends else "length" for ids in completion_ids]
    labels = [
        label_completion(row, before, after, decode, special, finder)
        for row, before, after in zip(rows, prompt_ids, completion_ids, strict=True)
    ]
    return Answers(
        id=[row.id for row in rows],
        question=[row.question for row in rows],
        group=[row.group if row.group is not None else normalise_question(row.question) for row in rows],
        prompt=prompt,
        prompt_ids=prompt_ids,
        completion_ids=completion_ids,
        text=[label.text for label in labels],
        finish=[produced[i].finish if i in produced else end for i, end in enumerate(finish)],
        logprobs=[produced[i].logprobs if i in produced else None for i in range(len(rows))],
        correct=[label.correct for label in labels],
        exact_answer=[label.exact_answer for label in labels],
        exact_answer_method=[label.method for label in labels],
        exact_answer_tokens=[label.tokens for label in labels],
        question_tokens=[locate_question(row.question, ids, decode) for row, ids in zip(rows, prompt_ids, strict=True)],
        status=["too_long" if long else label.status for long, label in zip(too_long, labels, strict=True)],
    )


def _own_completion(row: QARow, tokenizer: "PreTrainedTokenizerBase") -> list[int] | None:
    """Ids of the completion that the row brings, or None. Text is tokenised only where no ids were kept."""
    if row.completion_ids is not None:
        return list(row.completion_ids)
    if row.completion is not None:
        return list(tokenizer(row.completion, add_special_tokens=False)["input_ids"])
    return None


def _check_vocabulary(row: QARow, ids: Sequence[int], d_vocab: int) -> None:
    wrong = next((token for token in ids if not 0 <= token < d_vocab), None)
    if wrong is not None:
        raise DataError(
            f"{row.source or row.id}: token id {wrong} is outside the model's vocabulary (0 … {d_vocab - 1}); "
            "were the ids made with another model's tokenizer?"
        )

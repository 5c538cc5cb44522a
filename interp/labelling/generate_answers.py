"""From rows to Answers: every question asked, every completion labelled and its exact answer located."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interp.data.rows import QARow, as_rows
from interp.engines.units import Engine
from interp.errors import DataError
from interp.generating.answer_log import AnswerLog
from interp.generating.asking import check_asked
from interp.generating.chat import DATE
from interp.generating.generation import generate
from interp.generating.prompts import PromptFormat, decoder, locate_question
from interp.generating.sampling import Sampling, check_samples, drawn_rows
from interp.labelling.answer_options import check_kept
from interp.labelling.answers import Answers
from interp.labelling.correctness import JUDGE, Rule, correctness_rule
from interp.labelling.exact_answers import exact_answer_method
from interp.labelling.extraction import extractor as extract_with
from interp.labelling.judge import judge_answers
from interp.labelling.labels import label_answers
from interp.models.loading import eos_token_ids, model_info, model_tokenizer
from interp.models.memory import Splits
from interp.statistics.folds import normalise_question
from interp.support.accepted import Asked, ModelSource, RowSource
from interp.support.arguments import flag, progress_function, several_texts, whole_number
from interp.support.messages import shown
from interp.support.public import public
from interp.text.stopping import read_stop
from interp.text.thoughts import UNFINISHED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@public
def generate_answers(
    model: ModelSource,
    rows: RowSource,
    *,
    max_new_tokens: int = 32,
    prompt_template: str | None = None,
    chat: bool | None = None,
    chat_options: Mapping[str, Any] | None = None,
    prompt_date: str = DATE,
    stop: str | Sequence[str] = (),
    temperature: float = 0.0,
    top_p: float = 1.0,
    samples_per_question: int = 1,
    greedy_too: bool = False,
    seed: int = 0,
    correct: str | Rule = "contains",
    exact_answer: str | None = None,
    candidates: str | Iterable[str] | None = None,
    default_candidates: Sequence[str] | None = None,
    answer_pattern: str | None = None,
    judge: Asked | None = None,
    extractor: Asked | None = None,
    batch_tokens: int = 8192,
    log: AnswerLog | None = None,
    splits: Splits | None = None,
    engine: Engine | None = None,
    progress: Callable[[int], None] | None = None,
) -> Answers:
    """Answers of a hooked model, labelled, with the exact answer located on the generated ids.

    `rows`: a list of `QARow`, or what `load_rows` reads: a file, dicts, a DataFrame.
    The prompt is the row's own `prompt`, else `prompt_template` filled in, else the bare question (as a user turn
    where the tokenizer has a chat template, unless `chat=False`); `chat_options` are variables of that template, as
    {"enable_thinking": False}, and `prompt_date` is the day that it is told. Generation ends at end of text or turn,
    after a string of `stop`, or after `max_new_tokens`. Rows that bring `completion_ids` or `completion` keep them.

    Greedy, or with `temperature` above 0 drawn from the smallest set of tokens with mass `top_p`; the draws depend on
    `seed` and the sample's id only. `samples_per_question=k` answers each row k times: `12#0`, `12#1` … are entries of
    one group, `greedy_too` adds the greedy answer as `12#greedy`; `row` and `draw` say whose and which each is.
    `logprobs` and `entropies` are the model's own, whatever the temperature. Batches of answers that `log` holds are
    kept, the others made by `engine`; those that do not fit into memory run in halves, and `splits` says which.

    What labels, spans and judges read is the final answer, after any thought (definitions: a thought).

    Exact answers: the row's own `exact_answer`, else the method `exact_answer` names (`interp.labelling.exact_answers`;
    default: `answer_pattern` with one group if it is given, else `candidates`, by default `default_candidates`: every
    accepted answer of the rows; with `correct="choice"` every `wrong_answer` too; no fillers; of rows with options,
    which then stand in the prompt, the letter or text of the option chosen). `extract` asks `extractor`, by default the
    model itself. Correct: the row's own `correct`, else the rule `correct` (a name of `interp.labelling.correctness`,
    or a function `(row, completion) -> bool | None`); `judge` asks the model or function `judge`.
    Definitions: A sample.

    `progress` is called with the number of samples just finished.

    Raises DataError for a template, pattern, rule or method that does not fit, or ids outside the model's vocabulary.

    >>> from interp import demo
    >>> model, rows = interp.load_model(demo.model_path()), interp.load_rows(demo.questions_path(), limit=4)
    >>> answers = interp.generate_answers(model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=64)
    >>> answers.text[0], answers.correct[0]
    (' If you travel to Russia Tolyatti is a city that you can go and see for yourself.', True)
    """

    info, tokenizer = model_info(model), model_tokenizer(model)
    prompt_format = PromptFormat(prompt_template, chat, chat_options, prompt_date)
    stop, progress = read_stop(stop), progress_function(progress)
    max_new_tokens = whole_number("max_new_tokens", max_new_tokens, 1)
    batch_tokens = whole_number("batch_tokens", batch_tokens, 1)
    sampling = Sampling(temperature, top_p, seed)
    check_kept(log, splits, engine)
    for name, asked in (("judge", judge), ("extractor", extractor)):
        if asked is not None:
            check_asked(name, asked)
    greedy_too = flag("greedy_too", greedy_too)
    samples = check_samples(samples_per_question, sampling.temperature, greedy_too)
    drawn = drawn_rows(as_rows(rows), samples, greedy_too=greedy_too) if samples > 1 or greedy_too else None
    rows = as_rows(rows) if drawn is None else [one.row for one in drawn]
    if isinstance(correct, str) and correct == JUDGE and judge is None:
        raise DataError("correct='judge' needs a model to ask: give one as judge=…")
    rule = correctness_rule(correct, rows)
    method = exact_answer_method(
        exact_answer,
        candidates=candidates,
        pattern=answer_pattern,
        default_candidates=named_answers(rows, wrong_too=correct == "choice")
        if default_candidates is None
        else several_texts("default_candidates", default_candidates),
        extract=extract_with(model if extractor is None else extractor, batch_tokens=batch_tokens, splits=splits),
    )
    decode, special, ends = decoder(tokenizer), frozenset(tokenizer.all_special_ids), eos_token_ids(model)
    prompts = [prompt_format.prompt(row, tokenizer) for row in rows]
    prompt_ids = [prompt.ids for prompt in prompts]
    own = [own_completion(row, tokenizer) for row in rows]
    for row, *ids in zip(rows, prompt_ids, own, strict=True):
        check_vocabulary(row, [token for part in ids for token in part or ()], info.d_vocab)

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
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        names=[rows[i].id for i in waiting],
        greedy={one.row.id for one in drawn or () if one.draw is None},
        batch_tokens=batch_tokens,
        log=log,
        splits=splits,
        label="answer",
        engine=engine,
        progress=progress,
    )
    produced = dict(zip(waiting, generated, strict=True))
    completion_ids = [produced[i].ids if i in produced else o or [] for i, o in enumerate(own)]
    finish = ["stop" if ids and ids[-1] in ends else "length" for ids in completion_ids]
    labels = label_answers(rows, prompt_ids, completion_ids, decode, special, correct=rule, method=method)
    thoughts = any(label.thought_tokens is not None or label.status == UNFINISHED for label in labels)
    answers = Answers(
        id=[row.id for row in rows],
        question=[row.question for row in rows],
        group=[row.group if row.group is not None else normalise_question(row.question) for row in rows],
        prompt=[prompt.text for prompt in prompts],
        prompt_ids=prompt_ids,
        completion_ids=completion_ids,
        text=[label.text for label in labels],
        finish=[produced[i].finish if i in produced else end for i, end in enumerate(finish)],
        logprobs=[produced[i].logprobs if i in produced else None for i in range(len(rows))],
        entropies=[produced[i].entropies if i in produced else None for i in range(len(rows))],
        correct=[label.correct for label in labels],
        exact_answer=[label.exact_answer for label in labels],
        exact_answer_method=[label.method for label in labels],
        exact_answer_tokens=[label.tokens for label in labels],
        exact_answer_chars=[label.chars for label in labels],
        question_tokens=[  # a prompt that the model cannot read has no states, and may have millions of tokens
            None if long else locate_question(row.question, ids, decode)
            for row, ids, long in zip(rows, prompt_ids, too_long, strict=True)
        ],
        status=["too_long" if long else label.status for long, label in zip(too_long, labels, strict=True)],
        extraction=[label.asked for label in labels] if method.name == "extract" else None,
        near_ties=[produced[i].near_ties if i in produced else 0 for i in range(len(rows))],
        thought_tokens=[label.thought_tokens for label in labels] if thoughts else None,
        final_answer_tokens=[label.final_tokens for label in labels] if thoughts else None,
        final_answer_chars=[label.final_chars for label in labels] if thoughts else None,
        row=None if drawn is None else [one.of for one in drawn],
        draw=None if drawn is None else [one.draw for one in drawn],
        fillers=tuple(method.fillers),
        decode=decode,
    )
    if correct != JUDGE:
        return answers
    judgement = judge_answers(answers, rows, judge, batch_tokens=batch_tokens, splits=splits)
    return replace(answers, correct=judgement.correct, judgement=judgement)


def named_answers(rows: Sequence[QARow], *, wrong_too: bool) -> list[str]:
    """The default candidates: one list for all rows, so that no row's own answers decide where its answer is found."""
    without_options = [row for row in rows if not row.options]  # the others' are found by the option that is chosen
    accepted = [answer for row in without_options for answer in row.answers]
    return accepted + [answer for row in without_options if wrong_too for answer in row.wrong_answers]


def own_completion(row: QARow, tokenizer: "PreTrainedTokenizerBase") -> list[int] | None:
    """Ids of the completion that the row brings, or None. Text is tokenised only where no ids were kept.

    Raises DataError for text that does not come back from its ids.
    """
    if row.completion_ids is not None:
        return list(row.completion_ids)
    if row.completion is None:
        return None
    ids = list(tokenizer(row.completion, add_special_tokens=False)["input_ids"])
    back = decoder(tokenizer)(ids)
    if back.strip() != row.completion.strip():  # SentencePiece adds or drops a space at the beginning
        raise DataError(
            f"{row.source or row.id}: the model's tokenizer gives the completion {shown(row.completion)} back as "
            f"{shown(back)}, so that other text would be read than was written; bring its `completion_ids`, with "
            "`prompt_ids`, or use the model that wrote it"
        )
    return ids


def check_vocabulary(row: QARow, ids: Sequence[int], d_vocab: int) -> None:
    """Raise DataError for an id that is no token of the model."""
    wrong = next((token for token in ids if not 0 <= token < d_vocab), None)
    if wrong is not None:
        raise DataError(
            f"{row.source or row.id}: token id {wrong} is outside the model's vocabulary (0 … {d_vocab - 1}); "
            "were the ids made with another model's tokenizer?"
        )

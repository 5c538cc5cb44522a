"""The `seed` preset: the code of Orgad et al. decision for decision, so that a difference can be traced to one choice.

Nothing here is used by the default path. github.com/technion-cs-nlp/LLMsKnow (MIT) was read, not copied;
docs/seed_preset.md lists every decision, what we do instead, and its effect on a real run.

    answers = seed_answers(model, rows, dataset="movies")
    positions = seed_positions(answers)
    cap = capture(model, answers, positions, sites=("mlp_post",))
    grid = seed_grid(cap, answers)
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.answering.answers import Answers, generate_answers
from interp.answering.prompts import decoder
from interp.answering.spans import Decode
from interp.capturing.activations import Capture
from interp.capturing.positions import ROLES, Positions, positions_at
from interp.data.datasets import dataset as dataset_named
from interp.data.rows import QARow
from interp.models.loading import HookedModel, model_tokenizer

N_SAMPLES = 1000
"""How many rows the paper's heatmaps use."""


def seed_answers(
    model: HookedModel, rows: Sequence[QARow], *, dataset: str | None = None, seed: int = 0, **options: Any
) -> Answers:
    """Greedy answers, labelled and located as the paper's code does it.

    A chat prompt ends without the header of the model's turn; correct is a substring match; the exact answer of a right
    sample is found by the gold string, of a wrong one by the method in `options` (the paper asks a model; default:
    candidates), and samples with equal prompts share one span. `options` are those of `generate_answers`; `dataset`
    fills in its own.
    """
    tokenizer = model_tokenizer(model)
    chat = options.pop("chat", None)
    chat = getattr(tokenizer, "chat_template", None) is not None if chat is None else chat
    if dataset is not None:
        form = dataset_named(dataset).options(chat=chat)
        options = {key: form[key] for key in ("prompt_template", "stop", "max_new_tokens", "correct")} | options
    rule = options.pop("correct", "contains")
    if chat:
        rows = [replace(row, prompt=_user_turn(row, options.get("prompt_template"), tokenizer)) for row in rows]
    labels = {answer for row in rows for answer in row.answers} if rule == "label" else ()

    def correct(row: QARow, completion: str) -> bool | None:
        return substring_match(row, completion, rule, labels)

    options = {"exact_answer": "candidates"} | options
    answers = generate_answers(model, rows, chat=False, correct=correct, **options)
    return by_gold(answers, rows, decoder(tokenizer), numeric=rule == "numeric", seed=seed)


def _user_turn(row: QARow, template: str | None, tokenizer: Any) -> str:
    """The chat template without its generation prompt, as the paper's `tokenize` applies it."""
    text = (template or "{question}").format(question=row.question, context=row.context)
    return str(tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False))


def substring_match(row: QARow, completion: str, rule: str, labels: Collection[str] = ()) -> bool | None:
    """The paper's correctness: lower-cased substrings, also inside words ("Iran" in "Tirana").

    `choice`: the earlier of right and wrong answer; `label`: the earliest of `labels`; `numeric`: the number or
    its whole part anywhere; anything else: any accepted answer anywhere.
    """
    if not row.answers:
        return row.correct
    text = completion.lower()
    if rule == "numeric":
        return any(form in text for answer in row.answers for form in _number_forms(answer))
    others: list[str] = []
    if rule == "choice" and row.wrong_answer is not None:
        others = [row.wrong_answer]
    elif rule == "label":
        others = [label for label in labels if label not in row.answers]
    mine = _earliest(row.answers, text)
    theirs = _earliest(others, text)
    return mine is not None and (theirs is None or mine < theirs)


def _number_forms(answer: str) -> tuple[str, str]:
    return str(float(answer)), str(int(float(answer)))


def _earliest(strings: Sequence[str], text: str) -> int | None:
    found = [at for string in strings if (at := text.find(string.lower().strip())) >= 0]
    return min(found, default=None)


def by_gold(
    answers: Answers, rows: Sequence[QARow], decode: Decode, *, numeric: bool = False, seed: int = 0
) -> Answers:
    """The exact answers located again, with `span_uses_gold`: right ones by the gold string, wrong ones as they were.

    A row with a `wrong_answer` has its wrong ones located by that.

    Spans are kept by prompt in the order in which the split with `seed` visits the samples, so that samples with equal
    prompts share the span of the first of them, whatever they answered (the paper's cache).
    """
    cache: dict[str, tuple[int, int] | None] = {}
    exact: list[str | None] = list(answers.exact_answer)
    tokens: list[tuple[int, int] | None] = [None] * len(answers)
    visited = np.concatenate(seed_split(len(answers), seed=seed))
    for i in dict.fromkeys([*visited.tolist(), *range(len(answers))]):
        row, text = rows[i], answers.text[i]
        if answers.correct[i]:
            exact[i] = _number_in(text, row.answers) if numeric else _first_in(text, row.answers)
        elif row.wrong_answer is not None:
            exact[i] = _first_in(text, [row.wrong_answer])
        if not exact[i]:
            continue
        if answers.prompt[i] not in cache:
            ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
            cache[answers.prompt[i]] = seed_span(ids, len(answers.prompt_ids[i]), exact[i] or "", decode)
        tokens[i] = cache[answers.prompt[i]]
    method = [
        "gold" if right and span else m
        for right, span, m in zip(answers.correct, tokens, answers.exact_answer_method, strict=True)
    ]
    status = [
        s if s in ("empty", "too_long") else "ok" if span else "no_exact_answer"
        for s, span in zip(answers.status, tokens, strict=True)
    ]
    return replace(
        answers,
        exact_answer=exact,
        exact_answer_tokens=tokens,
        exact_answer_chars=None,
        exact_answer_method=[m if span else None for m, span in zip(method, tokens, strict=True)],
        status=status,
        span_uses_gold=True,
    )


def _first_in(completion: str, strings: Sequence[str]) -> str | None:
    """The one of `strings` that stands first in the completion, as it is written there."""
    text = completion.lower()
    found = [(at, len(string.strip())) for string in strings if (at := text.find(string.lower().strip())) >= 0]
    at, length = min(found, key=lambda place: place[0], default=(0, 0))
    return completion[at : at + length] or None


def _number_in(completion: str, answers: Sequence[str]) -> str | None:
    """The rounded number if it occurs anywhere, else the number as a decimal."""
    forms = [form for answer in answers for form in (str(round(float(answer))), str(float(answer)))]
    return next((form for form in forms if form in completion), None)


def seed_span(ids: Sequence[int], n_prompt: int, exact_answer: str, decode: Decode) -> tuple[int, int] | None:
    """First and last token of the shortest stretch of the completion whose text holds the answer's first occurrence.

    Case is ignored in finding it and kept in cutting it out, and word boundaries play no part. None where the paper's
    code stops with an assertion (the answer does not occur).
    """
    text = decode(ids[n_prompt:])
    begin = text.lower().find(exact_answer.lower().strip())
    wanted = text[begin : begin + len(exact_answer)] if begin >= 0 else ""
    if not wanted:
        return None
    first, stop = n_prompt, len(ids)
    while wanted in decode(ids[first : stop - 1]):
        stop -= 1
    while wanted in decode(ids[first + 1 : stop]):
        first += 1
    return first, stop - 1


def seed_positions(answers: Answers) -> Positions:
    """The fifteen positions as the paper's code indexes them.

    `exact_answer_after_last` clamps to the last token; `-k` counts back whatever is there, also into the prompt. A
    position past the end of the sequence, where that code stops with an IndexError, is absent.
    """
    index = []
    for prompt, completion, span in zip(
        answers.prompt_ids, answers.completion_ids, answers.exact_answer_tokens, strict=True
    ):
        n_prompt, n = len(prompt), len(prompt) + len(completion)
        exact = [-1] * 4 if span is None else [span[0] - 1, span[0], min(n - 1, span[1]), min(n - 1, span[1] + 1)]
        row = [n_prompt - 1, n_prompt, n_prompt + 1, *exact, *range(n - 8, n)]
        index.append([token if 0 <= token < n else -1 for token in row])
    return positions_at(answers, index, ROLES, None)


def seed_split(
    n: int, *, seed: int = 0, n_samples: int | None = N_SAMPLES
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " held_out"]]:
    """One shuffled 80/20 split, neither stratified nor grouped, of `n_samples` of `n` rows drawn by shuffling."""
    from sklearn.model_selection import train_test_split

    indices = np.arange(n)
    if n_samples is not None:
        np.random.RandomState(seed).shuffle(indices)
        indices = indices[:n_samples]
    train, held_out = train_test_split(indices, test_size=0.2, random_state=seed)
    return train, held_out


def seed_grid(
    cap: Capture,
    answers: Answers,
    *,
    site: str = "mlp_post",
    seed: int = 0,
    n_samples: int | None = N_SAMPLES,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC on the held-out fifth, per (layer, token): `LogisticRegression(random_state=seed)` on unscaled vectors.

    Samples without label or exact answer are left out after the split. Also `unconverged` (the solver stopped at its
    100 iterations), `n_train` and `n` (held out). A cell without both classes on both sides is NaN.
    """
    usable = np.array(
        [y is not None and s is not None for y, s in zip(answers.correct, answers.exact_answer_tokens, strict=True)]
    )
    y = np.array([bool(label) for label in answers.correct], dtype=np.int64)
    train, held_out = (part[usable[part]] for part in seed_split(len(answers), seed=seed, n_samples=n_samples))
    shape = len(cap.layers), len(cap.roles)
    auc, unconverged = np.full(shape, np.nan), np.zeros(shape, bool)
    counts = np.zeros((2, *shape), np.int64)
    for i in range(shape[0]):
        for j in range(shape[1]):
            x = np.asarray(cap.sites[site][:, i, j].float().numpy())
            there = np.isfinite(x).all(1)
            parts = train[there[train]], held_out[there[held_out]]
            counts[:, i, j] = [len(part) for part in parts]
            auc[i, j], unconverged[i, j] = held_out_auc(x, y, *parts, seed=seed)
            if progress is not None:
                progress(1)
    dims = ("layer", "token")
    return xr.Dataset(
        {
            "auc": (dims, auc),
            "unconverged": (dims, unconverged),
            "n_train": (dims, counts[0]),
            "n": (dims, counts[1]),
        },
        coords={"layer": list(cap.layers), "token": list(cap.roles)},
        attrs={"preset": "seed", "site": site, "seed": seed, "span_uses_gold": int(answers.span_uses_gold)},
    )


def held_out_auc(
    x: Float[np.ndarray, "sample width"],
    y: Int[np.ndarray, " sample"],
    train: Int[np.ndarray, " train"],
    held_out: Int[np.ndarray, " held_out"],
    *,
    seed: int = 0,
) -> tuple[float, bool]:
    """AUC of the paper's probe on the held-out samples, and whether its solver stopped early."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    if min(len(np.unique(y[train])), len(np.unique(y[held_out]))) < 2:
        return float("nan"), False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        probe = LogisticRegression(random_state=seed).fit(x[train], y[train])
    early = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return float(roc_auc_score(y[held_out], probe.predict_proba(x[held_out])[:, 1])), early

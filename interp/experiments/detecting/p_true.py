"""P(True): the model is asked whether its own answer is true, and its next-token logits say how sure it is.

Kadavath et al. 2022 (arXiv 2207.05221), in the words of Orgad et al. (arXiv 2410.02707, their public code): question,
possible answer, two lettered options. Their code asks in both orders and reports the one with the higher AUC, which
is a choice by the labels; here each order is a detector of its own.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from interp.data.row import QARow
from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.generating.asking import check_fields
from interp.generating.next_logits import next_logits
from interp.generating.prompts import PromptFormat, decoder
from interp.generating.thinking import without_thought
from interp.models.loading import model_info, model_tokenizer

TEMPLATE = """\
Question: {question}
Possible answer: {answer}
Is the possible answer:
(A) {first}
(B) {second}
The possible answer is:"""
"""`first` and `second` are True and False, or the other way round."""

LETTERS = ("A", "B")


def option_tokens(tokenizer: object) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids that say A, and ids that say B: of the letter alone and of a blank and the letter, each if it is one token.

    Raises DataError where a letter has none, or both share one: then no logit says which is meant.
    """
    decode = decoder(tokenizer)  # type: ignore[arg-type]
    found = []
    for letter in LETTERS:
        ids = {tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in (letter, f" {letter}")}  # type: ignore[operator]
        found.append(tuple(sorted(token for token in ids if decode([token]).strip() == letter)))
    if not all(found) or set(found[0]) & set(found[1]):
        raise DataError(
            f"P(True): the model's tokenizer has no token of its own for the options {' and '.join(LETTERS)} "
            f"(ids {list(found[0])} and {list(found[1])}), so that no logit says which is meant"
        )
    return found[0], found[1]


def log_odds(given: Given, texts: list[str | None], *, template: str, true_first: bool) -> Float[np.ndarray, " sample"]:
    """ln P(true) − ln P(false) of each answer, from the logits of the options' tokens; NaN without an answer.

    Logits, so that answers of which the model is certain are still told apart; P(A) / (P(A) + P(B)) is their logistic
    function. NaN too where the prompt does not fit the model's context.
    """
    model, tokenizer = given.model, model_tokenizer(given.model)
    tokens = option_tokens(tokenizer)
    chat = PromptFormat(chat=given.chat).is_chat(tokenizer)
    form = PromptFormat(chat=chat, options=without_thought(tokenizer) if chat else None)
    words = ("True", "False") if true_first else ("False", "True")
    out, prompts = np.full(len(texts), np.nan), {}
    for i, text in enumerate(texts):
        if text:
            asked = template.format(question=given.answers.question[i], answer=text, first=words[0], second=words[1])
            ids = form.prompt(QARow("", asked, ()), tokenizer).ids
            if len(ids) <= model_info(model).n_ctx:
                prompts[i] = ids
    if not prompts:
        raise DataError("P(True): no sample has an answer that could be asked about")
    logits = next_logits(model, list(prompts.values()), [*tokens[0], *tokens[1]])
    mass = [logsumexp(part, axis=1) for part in np.split(logits, [len(tokens[0])], axis=1)]
    out[list(prompts)] = mass[0] - mass[1] if true_first else mass[1] - mass[0]
    return out


def p_true_detectors(template: str = TEMPLATE) -> tuple[Detector, ...]:
    """P(True) of the final answer and of the exact answer, each with (A) True and with (A) False."""
    check_fields(template, needed=("question", "answer", "first", "second"))

    def detector(name: str, *, exact: bool, true_first: bool) -> Detector:
        def score(given: Given) -> Float[np.ndarray, " sample"]:
            final = [text.strip() for text in given.answers.final]
            texts = given.answers.exact_answer if exact else final
            return log_odds(given, list(texts), template=template, true_first=true_first)

        return Detector(name, "P(True)", score)

    return tuple(
        detector(f"{prefix}p_true{suffix}", exact=bool(prefix), true_first=not suffix)
        for prefix in ("", "exact_")
        for suffix in ("", "_reversed")
    )


P_TRUE = p_true_detectors()

"""What can be told without states: words, answer identity, length, place, log-probability (definitions: controls)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from interp.controls.by_answer import answer_strings
from interp.controls.scored import Scored
from interp.fitting.crossfit import CellFit, cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS, why_undefined
from interp.statistics.samples import DIRECTIONS, Samples

LOGISTIC = ProbeSpec()


def baseline_estimates(
    answers: Answers,
    index: Sequence[int],
    labels: Samples,
    *,
    width: int,
    seed: int = 0,
    min_per_class: int = MIN_PER_CLASS,
) -> dict[str, Scored]:
    """AUC of every baseline that reads no activation, over the samples `index` of `answers`, on the grid's folds.

    `random_vectors`: standard normal features as wide as the site (`default_rng([seed, 5])`, for the samples in the
    order of their ids). `question_words`,
    `answer_words` (the completion) and `answer_identity` (the exact answer): which words or strings occur, as they
    stand, logistic regression with C = 1. `answer_length`: tokens of the completion and of the exact answer.
    `answer_logprob`, `exact_answer_logprob`: mean log-probability of the completion's and of the exact answer's
    tokens, a score as it is, nothing fitted.
    """
    rows = list(index)
    strings = answer_strings(answers, rows)
    spans = [answers.exact_answer_tokens[i] for i in rows]
    lengths = np.array(
        [
            [len(answers.completion_ids[i]), span[1] - span[0] + 1 if span else 0]
            for i, span in zip(rows, spans, strict=True)
        ],
        dtype=np.float64,
    )
    random = np.empty((len(rows), width))
    random[np.argsort(labels.ids)] = np.random.default_rng([seed, 5]).standard_normal((len(rows), width))
    words = CountVectorizer(binary=True, token_pattern=r"(?u)\w+")
    identity = CountVectorizer(binary=True, analyzer=lambda text: [text])

    def fitted(x: np.ndarray) -> Scored:
        return fitted_estimate(x, labels, min_per_class=min_per_class)

    def texts(vectoriser: CountVectorizer, values: list[str]) -> Scored:
        return _text_estimate(vectoriser, values, labels, min_per_class)

    def scored(values: list[float]) -> Scored:
        score = np.array(values)
        reason = "" if np.isfinite(score).any() else "no sample has log-probabilities"
        return Scored.of(score, labels, reason=reason, min_per_class=min_per_class)

    return {
        "random_vectors": fitted(random),
        "question_words": texts(words, [answers.question[i] for i in rows]),
        "answer_words": texts(words, [answers.text[i] for i in rows]),
        "answer_identity": texts(identity, strings),
        "answer_length": fitted(lengths),
        "answer_logprob": scored([_mean(answers.logprobs[i]) for i in rows]),
        "exact_answer_logprob": scored(exact_answer_logprobs(answers, rows)),
    }


def exact_answer_logprobs(answers: Answers, index: Sequence[int]) -> list[float]:
    """Mean log-probability of the exact answer's tokens, of the samples `index` of `answers`; NaN: not known."""
    return [_mean(_span_logprobs(answers, i)) for i in index]


def question_estimate(
    vectors: Float[np.ndarray, "sample width"], labels: Samples, *, min_per_class: int = MIN_PER_CLASS
) -> Scored:
    """AUC of the mean input embedding of the question's tokens (`Capture.question_embed`): NaN rows are left out."""
    known = np.isfinite(vectors).all(1)
    if not known.any():
        reason = "no question was located in its prompt, or the model's input embedding cannot be looked up"
        nothing = np.full(len(known), np.nan)
        return Scored.of(nothing, labels, reason=reason, min_per_class=min_per_class)
    return fitted_estimate(vectors[known], labels, used=known, min_per_class=min_per_class)


def position_estimates(
    positions: Int[np.ndarray, "sample role"],
    lengths: Int[np.ndarray, " sample"],
    roles: Sequence[str],
    labels: Samples,
    *,
    first: Int[np.ndarray, "sample role"] | None = None,
    min_per_class: int = MIN_PER_CLASS,
) -> dict[str, Scored]:
    """AUC of each role's token index and the sequence length alone: what the place gives away; -1 = absent.

    Of a pooled role, whose `positions` are its last tokens, also of the `first`.
    """
    out = {}
    for role, name in enumerate(roles):
        has = positions[:, role] >= 0
        last = positions[:, role]
        begin = last if first is None else first[:, role]
        x = np.stack([last, lengths] if np.array_equal(begin, last) else [last, lengths, begin], axis=1)
        x = x.astype(np.float64)
        out[name] = fitted_estimate(x[has], labels, used=has, min_per_class=min_per_class)
    return out


def fitted_estimate(
    x: Float[np.ndarray, "used width"],
    labels: Samples,
    *,
    used: Bool[np.ndarray, " sample"] | None = None,
    spec: ProbeSpec = LOGISTIC,
    min_per_class: int,
) -> Scored:
    """AUC of a probe cross-fitted on the `used` samples (default: all)."""
    used = np.ones(len(labels.y), bool) if used is None else used
    cell = labelled_cell(x, labels, used=used, spec=spec, min_per_class=min_per_class)
    return fit_estimate(cross_fit(cell), labels, used=used, min_per_class=min_per_class)


def labelled_cell(
    x: Float[np.ndarray, "used width"],
    labels: Samples,
    *,
    used: Bool[np.ndarray, " sample"],
    spec: ProbeSpec,
    min_per_class: int,
) -> Cell:
    """What to cross-fit: features of the `used` samples with these labels, folds and groups."""
    return Cell(x, labels.at(used), spec, min_per_class)


def fit_estimate(fit: CellFit, labels: Samples, *, used: Bool[np.ndarray, " sample"], min_per_class: int) -> Scored:
    """AUC of a cross-fitted `labelled_cell`."""
    score, training = np.full(len(labels.y), np.nan), None
    if not fit.reason:
        score[used] = fit.score
    if fit.training is not None:
        training = np.zeros((len(score), 2, DIRECTIONS))
        training[used] = fit.training
    return Scored.of(score, labels, used=used, training=training, reason=fit.reason, min_per_class=min_per_class)


def _text_estimate(vectoriser: CountVectorizer, texts: list[str], labels: Samples, min_per_class: int) -> Scored:
    y, fold = labels.y, labels.fold
    score = np.full(len(y), np.nan)

    def undefined(reason: str) -> Scored:
        nothing, everyone = np.full(len(y), np.nan), np.ones(len(y), bool)
        return Scored.of(nothing, labels, used=everyone, reason=reason, min_per_class=min_per_class)

    if reason := why_undefined(y, fold, min_per_class):
        return undefined(reason)
    order = np.argsort(labels.ids)  # equal texts tie but for rounding, which then is that of any order of the samples
    for f in np.unique(fold):
        train, test = order[fold[order] != f], np.flatnonzero(fold == f)
        try:
            x = vectoriser.fit_transform([texts[i] for i in train]).astype(np.float64)
        except ValueError:  # an empty vocabulary
            return undefined(f"no text in the training part of fold {f}")
        if len(np.unique(y[train])) < 2:
            return undefined(f"the training part of fold {f} has one class only")
        # Words as they stand: standardised, the rarest ones would weigh most.
        probe = LogisticRegression(tol=1e-8, max_iter=10_000).fit(x, y[train])
        score[test] = probe.decision_function(vectoriser.transform([texts[i] for i in test]).astype(np.float64))
    return Scored.of(score, labels, min_per_class=min_per_class)


def _mean(values: Sequence[float] | None) -> float:
    return float(np.mean(values)) if values else float("nan")


def _span_logprobs(answers: Answers, i: int) -> Sequence[float] | None:
    span, values, start = answers.exact_answer_tokens[i], answers.logprobs[i], len(answers.prompt_ids[i])
    if span is None or not values:
        return None
    return values[max(0, span[0] - start) : span[1] - start + 1]

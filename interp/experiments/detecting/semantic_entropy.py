"""Semantic entropy of the answers that were sampled for a question (Farquhar et al., Nature 2024)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.experiments.detecting.meanings import Entails, answer_text, clusters, question_samples
from interp.labelling.answers import Answers
from interp.support.arguments import one_of
from interp.support.axes import places

FORMS = ("discrete", "weighted")


def semantic_entropy(
    given: Given, *, form: str = "discrete", entails: Entails | None = None
) -> Float[np.ndarray, " sample"]:
    """Minus the entropy, in nats, of the meanings of the answers sampled for the sample's question.

    Farquhar et al. 2024. `discrete`: a meaning's probability is the share of the K answers that have it. `weighted`
    (their Rao-Blackwellised form): each answer counts exp(mean log-probability of its tokens under the model), and the
    weights of the K answers sum to 1. Answers mean the same if their exact answers are equal after the normaliser of
    the correctness rules (the cheap form), or, with `entails`, if each entails the other behind the question
    (`meanings.entailment` makes such a function from a model's name). All answers of a question count, also those
    that stand in no grid; they share one score. No label is read, nothing is fitted.

    NaN for a question with one answer, or (weighted) with an answer of unknown log-probability. Raises DataError where
    that is every question.
    """
    one_of("form", form, FORMS)
    answers = given.answers if given.all_answers is None else given.all_answers
    entropy = np.full(len(answers), np.nan)
    for members in question_samples(answers):
        if len(members) < 2:
            continue
        texts = [answer_text(answers, i) for i in members]
        found = np.array(clusters(texts, answers.question[members[0]], entails))
        weights = np.zeros(len(members)) if form == "discrete" else _log_likelihoods(answers, members)
        entropy[members] = cluster_entropy(found, weights)
    at = places("samples", given.samples.ids, answers.id, where="the answers")
    score: Float[np.ndarray, " sample"] = 0.0 - entropy[at]  # no negative zero
    if not np.isfinite(score).any():
        raise DataError(
            "semantic_entropy: no question has two sampled answers"
            + (" with log-probabilities" if form == "weighted" else "")
            + "; run with --samples-per-question 5 --temperature 1"
        )
    return score


def cluster_entropy(cluster: Sequence[int] | np.ndarray, log_weight: Float[np.ndarray, " answer"]) -> float:
    """Entropy of the clusters' shares of the weights, in nats; NaN if a weight is not known."""
    number = np.asarray(cluster)
    share = np.array([logsumexp(log_weight[number == one]) for one in np.unique(number)]) - logsumexp(log_weight)
    return float(-(np.exp(share) * share).sum())


def _log_likelihoods(answers: Answers, members: Sequence[int]) -> Float[np.ndarray, " answer"]:
    """Mean log-probability of each answer's tokens."""
    known = [answers.logprobs[i] for i in members]
    return np.array([np.mean(values) if values else np.nan for values in known])


def semantic_detectors(entails: Entails | None = None) -> tuple[Detector, ...]:
    """Both forms, by the normaliser, or by a model of natural language inference."""
    suffix = "" if entails is None else "_nli"

    def detector(form: str, name: str) -> Detector:
        return Detector(name, "sampling", lambda given: semantic_entropy(given, form=form, entails=entails))

    return detector("discrete", f"semantic_entropy{suffix}"), detector("weighted", f"semantic_entropy_weighted{suffix}")


SEMANTIC_ENTROPY = semantic_detectors()

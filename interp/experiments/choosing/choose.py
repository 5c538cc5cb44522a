"""`choose_answers`: how often the answer is right that a probe, or a rule without one, chooses among several."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.choosing.accuracy import REFERENCES, accuracies
from interp.experiments.choosing.rules import anyone, highest, logprobs, majority
from interp.experiments.choosing.scores import probe_scores, user_scores
from interp.experiments.choosing.variables import CHOICES
from interp.experiments.drawn_questions import DrawnQuestion, Same, answer_keys, drawn_questions, tally
from interp.experiments.error_types.taxonomy import TYPES, Thresholds, subtypes
from interp.experiments.error_types.types import membership
from interp.grids.of_run import takes_run
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS
from interp.support.accepted import Scores
from interp.support.arguments import MANY, instance, mapping, seed_number, several_texts, whole_number
from interp.support.public import public
from interp.support.version import __version__

ALL = "all"


@returns(CHOICES)
@takes_run("answers", "grid", "cap", "correct", "seed")
@public
def choose_answers(
    answers: Answers,
    grid: xr.Dataset | None = None,
    cap: Capture | None = None,
    *,
    cell: tuple[int, str] | None = None,
    scores: Scores | None = None,
    consistent: float = 1 / 2,
    many: float = 1 / 3,
    close: float = 1 / 6,
    no_answer: str | Sequence[str] = ("NO ANSWER",),
    same: Same | None = None,
    correct: str = "contains",
    seed: int = 0,
    resamples: int = 2000,
    min_per_class: int = MIN_PER_CLASS,
) -> xr.Dataset:
    """How often the chosen one of a question's drawn answers is right (Orgad et al. 2025, section 6), by each method.

    `answers` (or a run) hold several drawn answers to each question, `grid` their probe grid. Methods: `probe`, the
    highest out-of-fold score of the best cell, chosen for each fold without it, or of `cell` (layer, token): no probe
    has seen the question; `greedy`, where there is one; `random`; `majority` of equal answers; `most_probable` and
    `most_probable_mean`, the largest sum and mean of the tokens' log-probabilities; `oracle`, right if any draw is; and
    those of `scores`, by whose highest score is chosen. Equal draws share the choice: what is told is the expectation.

    Only labelled draws are chosen from, and only questions that have some, and whose greedy answer (if there are
    greedy ones) has a label, take part; a draw without a score is chosen only where none has one. Accuracies and their
    differences to `greedy`, `majority` and `random` are means over the questions, overall and by error type, with 95 %
    intervals over groups of questions drawn anew `resamples` times; q by Benjamini-Hochberg over all differences.
    Definitions: choosing among answers.

    Raises DataError where each question has one answer, there is only one question, a score or cell does not fit, or a
    fold splits a question.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> interp.choose_answers(answers)
    Traceback (most recent call last):
        ...
    interp.errors.DataError: answers: each of 100 questions has one answer; draw several: samples_per_question=10, \
temperature=1 (on the command line: --samples-per-question 10 --temperature 1)
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    seed, resamples = seed_number(seed), whole_number("resamples", resamples, 100, MANY)
    min_per_class, thresholds = whole_number("min_per_class", min_per_class, 1), Thresholds(consistent, many, close)
    every = drawn_questions(answers)
    has_greedy = any(one.greedy is not None for one in every)
    questions = [one for one in every if one.draws and (not has_greedy or _labelled(answers, one.greedy))]
    if len(questions) < 2:
        raise DataError(
            f"answers: {len(questions)} of {len(every)} questions can be chosen from (labelled draws, and a labelled "
            "greedy answer where others have one), at least two needed"
        )
    keys = answer_keys(answers, correct=correct, same=same, no_answer=several_texts("no_answer", no_answer))
    by_score: dict[str, Float[np.ndarray, " sample"]] = {}
    if grid is not None:
        by_score["probe"] = probe_scores(answers, grid, every, cell=cell, min_per_class=min_per_class)
    by_score["most_probable"] = logprobs(answers, mean=False)
    by_score["most_probable_mean"] = logprobs(answers, mean=True)
    for name, given in mapping(
        "scores", {} if scores is None else scores, "{name: {sample id: score} or a function}"
    ).items():
        if name in (*by_score, *REFERENCES, "oracle"):
            raise DataError(f"scores: {name!r} is a method of its own; give yours another name")
        by_score[name] = user_scores(name, given, answers, cap)
    right = _right(questions, answers, keys, by_score, has_greedy=has_greedy)
    counted = [tally(one, answers, keys) for one in questions]
    own = [subtypes(one, thresholds) if one.n > 1 else () for one in counted]
    is_type = membership(own, counted, list(TYPES)) == 1
    members = {ALL: np.ones(len(questions), dtype=bool), **dict(zip(TYPES, is_type.T, strict=True))}
    scored = (
        [any(np.isfinite(by_score["probe"][i]) for i in one.draws) for one in questions] if grid is not None else []
    )
    return xr.Dataset(
        {
            "right": (("question", "by"), np.stack(list(right.values()), axis=1)),
            "question_n": ("question", np.array([len(one.draws) for one in questions], dtype=np.int64)),
            "question_group": ("question", np.array([one.group for one in questions], dtype=object)),
            "question_subtypes": ("question", np.array([" ".join(some) for some in own], dtype=object)),
            **accuracies(right, members, [one.group for one in questions], resamples, seed, min_per_class),
        },
        coords={
            "type": np.array(list(members), dtype=object),
            "title": ("type", np.array(["all questions", *TYPES.values()], dtype=object)),
            "by": np.array(list(right), dtype=object),
            "reference": np.array([name for name in REFERENCES if name in right], dtype=object),
            "question": np.array([one.row for one in questions], dtype=object),
        },
        attrs={
            "kind": "choices",
            "n_questions": len(questions),
            "n_left_out": len(every) - len(questions),
            "n_unlabelled": sum(one.unlabelled for one in every),
            "n_without_score": len(scored) - sum(scored),
            "draws_least": min(len(one.draws) for one in questions),
            "draws_most": max(len(one.draws) for one in questions),
            "cell": "nested best" if cell is None else f"layer {cell[0]}, {cell[1]}",
            **{"resamples": resamples, "seed": seed, "min_per_class": min_per_class, "interp_version": __version__},
        },
    )


def _labelled(answers: Answers, at: int | None) -> bool:
    return at is not None and answers.correct[at] is not None


def _right(
    questions: Sequence[DrawnQuestion],
    answers: Answers,
    keys: Sequence[str],
    by_score: Mapping[str, Float[np.ndarray, " sample"]],
    *,
    has_greedy: bool,
) -> dict[str, Float[np.ndarray, " question"]]:
    """Per method and question, how probable it is that the chosen answer is right."""
    out: dict[str, list[float]] = {}
    for one in questions:
        at = list(one.draws)
        label = np.array([bool(answers.correct[i]) for i in at])
        chosen = {name: float(label[highest(score[at])].mean()) for name, score in by_score.items()}
        if has_greedy and one.greedy is not None:
            chosen["greedy"] = float(bool(answers.correct[one.greedy]))
        chosen["random"] = float(label[anyone(len(at))].mean())
        chosen["majority"] = float(label[majority([keys[i] for i in at])].mean())
        chosen["oracle"] = float(label.any())
        for name, value in chosen.items():
            out.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in out.items()}

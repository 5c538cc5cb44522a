"""What an intervention is asked of: samples with labels and a model, cells, outcomes of the samples that are run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.outcome import (
    ANSWER,
    JUDGEMENT,
    LATER,
    QUESTION,
    Asked,
    answer_outcome,
    judgement,
    own_outcome,
)
from interp.experiments.intervening.pairs import Pairs
from interp.experiments.intervening.patched import Runs
from interp.experiments.run_model import loader_of_run
from interp.grids.grid import check_grid
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.models.loading import load_model, model_info, model_tokenizer
from interp.support.arguments import instance, one_of, one_text, several_texts, whole_number, whole_numbers
from interp.support.axes import places


@dataclass(frozen=True)
class Cells:
    """The cells asked for, by label, and where their roles stand in the Capture."""

    layer: tuple[int, ...]
    role: tuple[str, ...]
    place: Int[np.ndarray, " role"]


def read_given(where: str, cap: Any, answers: Any, grid: Any, model: Any) -> Given:
    """A finished run with its model, or the parts. Raises DataError for parts that are missing or too many."""
    if isinstance(cap, RunLike):
        if answers is not None or grid is not None:
            raise DataError(f"{where}: a run brings its answers and its grid; leave them out")
        own = cap.probe  # first: an unfinished run is refused in a sentence
        return Given.of(cap.answers, cap.capture, own, load=loader_of_run(cap, model))
    instance("cap", cap, Capture, "or give a finished Run")
    instance("answers", answers, Answers, "those that the Capture was made of")
    check_grid(grid)
    if model is None:
        raise DataError(f"{where}: what a cell does is seen in passes of the model: give it as model=…")
    return Given.of(answers, cap, grid, load=lambda: load_model(model))


def read_cells(cap: Capture, layers: Any, roles: Any) -> Cells:
    """All cells, or those of some layers and roles. Raises DataError for one that the Capture lacks."""
    chosen = cap.layers if layers is None else whole_numbers("layers", layers, 0)
    names = cap.roles if roles is None else several_texts("roles", roles)
    places("layers", chosen, cap.layers, where="the Capture")
    return Cells(tuple(chosen), tuple(names), places("roles", names, cap.roles, where="the Capture"))


def read_head(head: Any, site: str, n_heads: int) -> int | None:
    """One head of `z`; None: all. Raises DataError for another site, or a head that there is not."""
    if head is None:
        return None
    if site != "z":
        raise DataError(f"head: only the site 'z' has heads, got site {site!r}")
    return whole_number("head", head, 0, n_heads - 1)


def patched_runs(given: Given, pairs: Pairs, cells: Cells, outcome: Any, question: Any) -> tuple[str, Runs]:
    """The outcome's name, and every run of the pairs with what is asked of it.

    Raises DataError for an unknown outcome, or a pair whose texts are longer than the model's context.
    """
    recipient, donor = pairs.recipient, pairs.donor
    token, there = tokens_of(given.capture, cells)
    name, asked = asked_of(given, outcome, question, recipient, np.repeat(pairs.right, 2), np.repeat(pairs.wrong, 2))
    both = there[recipient] & there[donor]
    early = token[recipient] < _answer_begins(given.answers, recipient)[:, None] if name == ANSWER else True
    reached = both & early
    reason = [
        "" if some else (LATER if other else "no sample of the pairs has the role")
        for some, other in zip(reached.any(0), both.any(0), strict=True)
    ]
    return name, Runs(asked, token[recipient], reached, reason)


def asked_of(
    given: Given,
    outcome: Any,
    question: Any,
    sample: Int[np.ndarray, " run"],
    right: Int[np.ndarray, " run"],
    wrong: Int[np.ndarray, " run"],
) -> tuple[str, list[list[Asked]]]:
    """The outcome's name, and what is asked of every run; `right` and `wrong`: whose exact answers are compared."""
    answers, cap = given.answers, given.capture
    first = np.where(cap.valid.numpy(), cap.index.numpy(), np.iinfo(np.int64).max).min(1)[sample].tolist()
    if callable(outcome) and not isinstance(outcome, type):
        name, ids = getattr(outcome, "__name__", "own"), _question_ids(given, question)
        asked = [own_outcome(answers, i, at, outcome, ids) for i, at in zip(sample.tolist(), first, strict=True)]
    elif one_of("outcome", outcome, (ANSWER, JUDGEMENT)) == JUDGEMENT:
        text = QUESTION if question is None else one_text("question", question)
        function, ids = judgement(model_tokenizer(given.model), text)
        name = JUDGEMENT
        asked = [own_outcome(answers, i, at, function, ids) for i, at in zip(sample.tolist(), first, strict=True)]
    else:
        if question is not None:
            raise DataError("question: the outcome 'answer' asks none; take outcome='judgement', or leave it out")
        name, columns = ANSWER, zip(sample.tolist(), right.tolist(), wrong.tolist(), first, strict=True)
        asked = [answer_outcome(answers, i, a, b, at) for i, a, b, at in columns]
    longest, n_ctx = max(len(one.text.ids) for some in asked for one in some), model_info(given.model).n_ctx
    if longest > n_ctx:
        raise DataError(f"outcome: with what is asked a text has {longest} tokens, the model's context {n_ctx}")
    return name, asked


def tokens_of(cap: Capture, cells: Cells) -> tuple[Int[np.ndarray, "sample role"], Bool[np.ndarray, "sample role"]]:
    """Every role's token, and whether the sample has the role."""
    return cap.index.numpy()[:, cells.place], cap.valid.numpy()[:, cells.place]


def _question_ids(given: Given, question: Any) -> list[int]:
    if question is None:
        return []
    ids: list[int] = model_tokenizer(given.model)(one_text("question", question), add_special_tokens=False)["input_ids"]
    return ids


def _answer_begins(answers: Answers, sample: Int[np.ndarray, " run"]) -> Int[np.ndarray, " run"]:
    return np.array([answers.exact_answer_tokens[i][0] for i in sample.tolist()])  # type: ignore[index]

"""Positions, and the answers or the cache they are used with: of the same samples, by id, or refused."""

from typing import Any

from interp.capturing.positions import Positions
from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.support.arguments import instance
from interp.support.arrays import in_order
from interp.support.axes import places


def positions_of(answers: Answers, positions: Positions) -> Positions:
    """The positions of these answers, in their order: found by id, or as they are where they were made by hand.

    Raises DataError for what is neither, an answer without positions, or positions of a sample with another number of
    tokens.
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    instance("positions", positions, Positions, "they come from resolve_positions or Positions.at")
    if positions.ledger is not None:
        own = positions.ledger.sample.tolist()
        if own != list(answers.id):
            remedy = "resolve the positions of these answers"
            positions = positions[places("answers", answers.id, own, where="the positions", remedy=remedy).tolist()]
    if len(positions) != len(answers):
        raise DataError(
            f"positions: they are of {len(positions)} samples, the answers {len(answers)}; give the same samples, in "
            "the same order"
        )
    tokens = zip(answers.prompt_ids, answers.completion_ids, positions.n.tolist(), strict=True)
    for name, (prompt, completion, n) in zip(answers.id, tokens, strict=True):
        if len(prompt) + len(completion) != n:
            raise DataError(
                f"positions: sample {name!r} has {n} tokens in them and {len(prompt) + len(completion)} in the "
                "answers; give the positions of these answers, in their order"
            )
    return positions


def sample_ids(positions: Positions, ids: Any) -> tuple[str, ...]:
    """Names of the samples of the positions: `ids` by order, else their own, else numbers.

    Raises DataError for `ids` that are too few, or of which one names another sample in the positions.
    """
    own = list(map(str, range(len(positions)) if positions.ledger is None else positions.ledger.sample.tolist()))
    if ids is None:
        return tuple(own)
    names = list(map(str, in_order("ids", ids)))
    if len(names) != len(own) or len(set(names)) < len(names):
        raise DataError(f"ids: expected {len(own)} different names, one per sample, got {len(names)}")
    place = {} if positions.ledger is None else {name: i for i, name in enumerate(own)}
    for i, name in enumerate(names):
        if place.get(name, i) != i:
            raise DataError(
                f"ids: {name!r} names sample number {i} here and number {place[name]} in the positions, whose order is "
                "the cache's; leave out `ids` (the positions know them), or give new names"
            )
    return tuple(names)

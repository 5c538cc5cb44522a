"""Which states are of which answer: found by their token ids, never by order."""

from collections.abc import Sequence

from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.support.messages import shown


def answers_of_states(tokens: Sequence[tuple[int, ...]], answers: Answers) -> dict[int, int]:
    """{number of an answer: number of the states that are of its tokens}, in the order of the answers.

    States of its prompt and some of its first tokens are its own (later ones never ran, or were not kept), and so are
    states that go on beyond it: a causal model's state depends on the tokens before it only. Where several fit, those
    of most of its tokens are taken. Raises DataError for states of tokens that no answer has.
    """
    place = {one: i for i, one in reversed([*enumerate(tokens)])}
    own = [(*p, *c) for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    beyond: dict[tuple[int, ...], int] = {}
    """By the tokens that they begin with, states that have more."""
    wanted, lengths = {*own}, sorted({*map(len, own)} - {0})
    for one, i in place.items():
        for length in lengths:
            if length < len(one) and one[:length] in wanted:
                beyond.setdefault(one[:length], i)
    kept, found = sorted({*map(len, tokens)}, reverse=True), {}
    used = {*beyond.values()}
    for number, (ids, prompt) in enumerate(zip(own, answers.prompt_ids, strict=True)):
        fits = [beyond[ids]] if ids in beyond else []
        fits += [place[ids[:length]] for length in kept if len(prompt) <= length <= len(ids) and ids[:length] in place]
        used |= {*fits}
        if fits:
            found[number] = fits[0]
    foreign = [one for one, i in place.items() if i not in used]
    if foreign:
        raise DataError(
            f"states: {len(foreign)} of {len(place)} token sequences are of none of the answers, first "
            f"{shown(list(foreign[0]))}; give the answers that were run, with their own token ids"
        )
    return found

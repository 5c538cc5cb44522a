"""Special tokens inside answers: where one stands before the end, the model may have ended its turn and gone on."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from interp.labelling.answers import Answers


def special_inside(answers: Answers, special_ids: Sequence[int]) -> list[dict[str, Any]]:
    """How many generated completions hold each special token before their last token, the marks of thoughts left out.

    The most frequent first; `token` is its text ("" where no tokenizer is known), `id` its id.
    """
    special, counts = frozenset(special_ids), Counter[int]()
    for i, ids in enumerate(answers.completion_ids):
        if answers.logprobs[i] is None:
            continue
        final = None if answers.final_answer_tokens is None else answers.final_answer_tokens[i]
        begin = 0 if final is None else final[0] - len(answers.prompt_ids[i])
        if answers.final_answer_tokens is None or final is not None:
            counts.update(special.intersection(ids[begin:-1]))
    decode = answers.decode
    return [
        {"token": "" if decode is None else decode([token]), "id": token, "samples": n}
        for token, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]

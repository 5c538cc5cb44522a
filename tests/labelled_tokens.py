"""Answers of the tiny models by their ids, half of them right."""

from dataclasses import replace

from hooked_cases import answers_of

import interp

PROMPT = 12


def labelled(tokens, prompt: int = PROMPT) -> interp.Answers:
    """The exact answer is the completion's second token; samples are right and wrong in turns."""
    rows = tokens.tolist()
    answers, _ = answers_of([row[:prompt] for row in rows], [row[prompt:] for row in rows])
    names = list(answers.id)
    return replace(answers, group=names, correct=[i % 2 == 0 for i in range(len(names))])

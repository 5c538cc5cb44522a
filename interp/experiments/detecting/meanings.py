"""The samples of one question, and which of their answers mean the same: by a normaliser, or by entailment."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from interp.errors import ModelError
from interp.labelling.answers import Answers
from interp.labelling.correctness import normalise
from interp.models.remote_code import NO_CODE
from interp.text.final_number import final_number

Pair = tuple[str, str]
"""Premise and hypothesis."""
Entails = Callable[[Sequence[Pair]], Sequence[bool]]
"""Whether each premise entails its hypothesis."""


def question_samples(answers: Answers) -> list[list[int]]:
    """The samples of each question: `12#0`, `12#1` … of one prompt; a sample of its own where there is no `#`."""
    of: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for i, (name, prompt) in enumerate(zip(answers.id, answers.prompt_ids, strict=True)):
        row, mark, number = name.rpartition("#")
        of.setdefault((row if mark and number.isdigit() else f"{name}#", tuple(prompt)), []).append(i)
    return list(of.values())


def answer_text(answers: Answers, sample: int) -> str:
    """What is compared: the exact answer, or the final answer where none was located."""
    exact = answers.exact_answer[sample]
    return answers.final[sample] if exact is None else exact


def meaning(text: str) -> str:
    """The cheap form of a meaning: the value of a text that is one number, else the text as `normalise` leaves it."""
    number, bare = final_number(text), text.strip().rstrip(".")
    if number is not None and number.is_read and bare and text.strip().find(bare) == 0:
        begin = len(text) - len(text.lstrip())
        if (number.start, number.end) == (begin, begin + len(bare)):
            return f"{number.value:.12g}{'%' if number.percent else ''}"
    return normalise(text)


def clusters(texts: Sequence[str], question: str, entails: Entails | None = None) -> list[int]:
    """For each text the number of its meaning, in order of appearance.

    Without `entails` equal `meaning`s are one. With it, as in Farquhar et al. 2024: a text joins the first cluster
    whose first text it entails and is entailed by, each read behind the question.
    """
    known: dict[str, int] = {}
    if entails is None:
        return [known.setdefault(meaning(text), len(known)) for text in texts]
    distinct = list(dict.fromkeys(texts))
    read = {text: f"{question} {text}" for text in distinct}
    pairs = [(one, other) for one in distinct for other in distinct if one != other]
    true = entails([(read[one], read[other]) for one, other in pairs]) if pairs else []
    entailed = {pair for pair, holds in zip(pairs, true, strict=True) if holds}
    first: list[str] = []
    for text in distinct:
        match = next((i for i, one in enumerate(first) if {(one, text), (text, one)} <= entailed), len(first))
        first += [text] * (match == len(first))
        known[text] = match
    return [known[text] for text in texts]


def entailment(name: str, *, batch: int = 16) -> Entails:
    """A natural language inference model by its name or local folder, as a function of pairs of texts.

    Entailment is the label of the model's configuration that begins with "entail", taken where it is the likeliest.
    Raises ModelError for a model that cannot be loaded or has no such label.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        loaded: Any = AutoModelForSequenceClassification.from_pretrained(name, **NO_CODE)
        tokenizer: Any = AutoTokenizer.from_pretrained(name, **NO_CODE)
    except (OSError, ValueError) as error:
        raise ModelError(f"entailment: {name} cannot be loaded: {str(error).splitlines()[0]}") from error
    model = loaded.eval()
    labels = {int(number): str(label).lower() for number, label in model.config.id2label.items()}
    found = [number for number, label in labels.items() if label.startswith("entail")]
    if len(found) != 1:
        raise ModelError(
            f"entailment: {name} has the labels {', '.join(labels.values())}, of which one should begin with 'entail'; "
            "give a model of natural language inference"
        )

    @torch.inference_mode()
    def entails(pairs: Sequence[Pair]) -> list[bool]:
        out: list[bool] = []
        for start in range(0, len(pairs), batch):
            some = pairs[start : start + batch]
            premises, hypotheses = [pair[0] for pair in some], [pair[1] for pair in some]
            read = tokenizer(premises, hypotheses, padding=True, truncation=True, return_tensors="pt")
            out += (model(**read).logits.argmax(-1) == found[0]).tolist()
        return out

    return entails

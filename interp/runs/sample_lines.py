"""Samples as lines of `samples.jsonl`, and answers read back from them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from interp.capturing.positions import Positions
from interp.generating.asking import Exchange
from interp.labelling.answers import Answers
from interp.labelling.judgement import Judgement
from interp.statistics.folds import Folds


def sample_lines(answers: Answers, positions: Positions, folds: Folds | None) -> list[dict[str, Any]]:
    """The records of `samples.jsonl`; `fold` is null outside the population, and everywhere if there are no folds."""
    tokens = [list(map(_tokens, positions.how, row)) for row in positions.span.tolist()]
    lines: list[dict[str, Any]] = []
    for i in range(len(answers)):
        span, question = answers.exact_answer_tokens[i], answers.question_tokens[i]
        chars = {} if answers.exact_answer_chars is None else {"exact_answer_chars": answers.exact_answer_chars[i]}
        lines.append(
            {
                "id": answers.id[i],
                **{name: values[i] for name, values in _drawn(answers).items()},
                "group": answers.group[i],
                "fold": int(folds.fold[i]) if folds is not None and folds.fold[i] >= 0 else None,
                "question": answers.question[i],
                "prompt": answers.prompt[i],
                "completion": answers.text[i],
                "prompt_ids": answers.prompt_ids[i],
                "completion_ids": answers.completion_ids[i],
                "finish": answers.finish[i],
                "logprobs": answers.logprobs[i],
                **({} if answers.entropies is None else {"entropies": answers.entropies[i]}),
                "near_ties": None if answers.near_ties is None else answers.near_ties[i],
                "correct": answers.correct[i],
                "exact_answer": answers.exact_answer[i],
                "exact_answer_method": answers.exact_answer_method[i],
                **{name: list(at) if at is not None else None for name, at in chars.items()},
                "exact_answer_tokens": list(span) if span is not None else None,
                **{name: _pair(values[i]) for name, values in _divided(answers).items()},
                "question_tokens": list(question) if question is not None else None,
                "status": answers.status[i],
                "positions": dict(zip(positions.roles, tokens[i], strict=True)),
            }
        )
        if answers.extraction is not None:
            lines[-1]["extraction"] = [asdict(exchange) for exchange in answers.extraction[i]]
    if answers.judgement is not None:
        for line, judged in zip(lines, answers.judgement.records(), strict=True):
            line["judge"] = judged
    return lines


def _tokens(how: str, span: list[int]) -> int | list[int] | None:
    """The token of a role, of a pooled one its first and last; None where it is absent."""
    return None if span[1] < 0 else span if how else span[1]


def read_tokens(tokens: int | list[int] | None) -> int | tuple[int, int]:
    """What a record of `samples.jsonl` says of a role: its token (-1: absent), of a pooled one the first and last."""
    if isinstance(tokens, list):
        first, last = tokens
        return first, last
    return -1 if tokens is None else tokens


DRAWN = ("row", "draw")
"""Which row a sample answers, and which draw of it; only where a question has several answers."""


def _drawn(answers: Answers) -> dict[str, list[Any]]:
    return {name: values for name in DRAWN if (values := getattr(answers, name)) is not None}


DIVIDED = ("thought_tokens", "final_answer_tokens", "final_answer_chars")
"""Where thought and final answer stand; only where some completion holds a thought."""


def _divided(answers: Answers) -> dict[str, list[tuple[int, int] | None]]:
    return {name: values for name in DIVIDED if (values := getattr(answers, name)) is not None}


def _pair(span: tuple[int, int] | None) -> list[int] | None:
    return None if span is None else list(span)


def read_answers(lines: Sequence[dict[str, Any]], *, span_uses_gold: bool = False) -> Answers:
    """`Answers` from the records of `samples.jsonl`."""

    def column(name: str) -> list[Any]:
        return [line[name] for line in lines]

    def spans(name: str) -> list[tuple[int, int] | None]:
        return [(span[0], span[1]) if span is not None else None for span in column(name)]

    return Answers(
        id=column("id"),
        question=column("question"),
        group=column("group"),
        prompt=column("prompt"),
        prompt_ids=column("prompt_ids"),
        completion_ids=column("completion_ids"),
        text=column("completion"),
        finish=column("finish"),
        logprobs=column("logprobs"),
        entropies=column("entropies") if lines and "entropies" in lines[0] else None,
        correct=column("correct"),
        exact_answer=column("exact_answer"),
        exact_answer_method=column("exact_answer_method"),
        exact_answer_tokens=spans("exact_answer_tokens"),
        question_tokens=spans("question_tokens"),
        status=column("status"),
        exact_answer_chars=spans("exact_answer_chars") if lines and "exact_answer_chars" in lines[0] else None,
        thought_tokens=spans("thought_tokens") if lines and "thought_tokens" in lines[0] else None,
        final_answer_tokens=spans("final_answer_tokens") if lines and "final_answer_tokens" in lines[0] else None,
        final_answer_chars=spans("final_answer_chars") if lines and "final_answer_chars" in lines[0] else None,
        row=column("row") if lines and "row" in lines[0] else None,
        draw=column("draw") if lines and "draw" in lines[0] else None,
        near_ties=column("near_ties") if lines and lines[0].get("near_ties") is not None else None,
        span_uses_gold=span_uses_gold,
        extraction=[tuple(Exchange(**asked) for asked in line["extraction"]) for line in lines]
        if lines and "extraction" in lines[0]
        else None,
        judgement=Judgement.read(column("judge"), column("correct")) if lines and "judge" in lines[0] else None,
    )

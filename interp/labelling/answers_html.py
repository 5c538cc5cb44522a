"""Answers as a notebook shows them: how many are right, what became of them, and the first ones themselves."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from interp.support.html_repr import LONGEST, Html, box, marked, safe, section, settings_section, table
from interp.support.units import decimal, share

if TYPE_CHECKING:
    from interp.labelling.answers import Answers

SAMPLES = 5
"""How many are shown."""
_LABELS = {True: "correct", False: "wrong", None: "no label"}


def answers_html(answers: "Answers") -> str:
    """`Answers._repr_html_`."""
    labels = Counter(answers.correct)
    located = sum(tokens is not None for tokens in answers.exact_answer_tokens)
    line = [
        f"{len(answers)} samples",
        f"{labels[True]} correct",
        f"{labels[False]} wrong",
        f"{labels[None]} without a label",
        f"{located} exact answers",
    ]
    sections = [
        section("Samples", _samples(answers), note=f"the first {min(SAMPLES, len(answers))}", opened=True),
        _counted("Status", answers.status),
        _counted("Exact answers by method", answers.exact_answer_method),
        *_judge(answers),
        *settings_section(answers.settings),
    ]
    return box("Answers", line, sections)


def _samples(answers: "Answers") -> Html:
    rows = [
        (
            answers.id[i],
            answers.question[i],
            _completion(answers, i),
            _LABELS[answers.correct[i]],
            answers.status[i],
        )
        for i in range(min(SAMPLES, len(answers)))
    ]
    return table(("id", "question", "completion", "label", "status"), rows)


def _completion(answers: "Answers", i: int) -> Html:
    """The completion with its exact answer marked; where it is not known at which characters that stands, beside it."""
    text, exact = answers.text[i], answers.exact_answer[i]
    at = None if answers.exact_answer_chars is None else answers.exact_answer_chars[i]
    if at is not None:
        return marked(text, *at)
    final = None if answers.final_answer_chars is None else answers.final_answer_chars[i]
    begin = 0 if final is None else final[0]
    told = safe(text[begin : begin + LONGEST + 1])
    told = Html(f"…{told}") if begin else told
    return told if exact is None else Html(f"{told} → <mark>{safe(exact)}</mark>")


def _counted(title: str, values: Iterable[str | None]) -> Html:
    counts = Counter("none" if value is None else value for value in values)
    n = sum(counts.values())
    rows = [(name, count, share(count, n)) for name, count in counts.most_common()]
    note = ", ".join(f"{name} {count}" for name, count in counts.most_common(3))
    return section(title, table(("", "samples", "share"), rows, right=["share"]), note=note)


def _judge(answers: "Answers") -> list[Html]:
    if answers.judgement is None:
        return []
    found = answers.judgement.agreement
    rows = [
        ("hand labels with a verdict", found.n),
        ("of them judged alike", found.share),
        ("Cohen's kappa", found.kappa),
        ("hand labels without a verdict", found.unclear),
    ]
    return [section("Judge", table(("", ""), rows), note=f"agreement {decimal(found.share)} of {found.n}")]

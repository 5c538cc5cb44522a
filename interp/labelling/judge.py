"""A judge of correctness: a model is asked whether each completion is right, and checked against hand labels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from interp.data.rows import QARow, as_rows
from interp.errors import DataError
from interp.generating.asking import Exchange, ask, check_asked, check_fields
from interp.generating.options import accepted, shown_question
from interp.labelling.answer_options import check_kept
from interp.labelling.answers import Answers
from interp.labelling.judgement import Judgement, read_verdict
from interp.support.accepted import Asked
from interp.support.arguments import flag, instance, mapping, whole_number
from interp.support.messages import nearest
from interp.support.public import public

if TYPE_CHECKING:
    from interp.models.memory import Splits

PROMPT = """\
Is the given answer to the question right? It is right if it means the same as one of the accepted answers. Reply with \
yes or no only.

Question: Who wrote Hamlet?
Accepted answers: William Shakespeare; Shakespeare
Given answer: It was written by Shakespeare, around the year 1600.
Right: yes

Question: Which river flows through Vienna?
Accepted answers: Danube; Donau
Given answer: The Rhine flows through Vienna.
Right: no

Question: {question}
Accepted answers: {answers}
Given answer: {completion}
Right:"""


@public
def judge_answers(
    answers: Answers,
    rows: Sequence[QARow],
    judge: Asked,
    *,
    prompt: str = PROMPT,
    hand_labels: Mapping[str, bool] | None = None,
    max_new_tokens: int = 8,
    batch_tokens: int = 8192,
    splits: "Splits | None" = None,
) -> Judgement:
    """Ask `judge`, a hooked model or a function `str -> str`, whether each completion is right.

    `prompt` holds `{question}`, `{completion}` and, unless it asks without them, `{answers}` (joined by semicolons).
    A reply whose first word, after any thought, is yes or no is a verdict; any other leaves the sample without label,
    and is counted.
    Rows that bring their own `correct` keep it; they are judged too, and the agreement with them (or with
    `hand_labels`, id -> right) says how far the judge is to be trusted. `splits` notes batches that did not fit.

    Raises DataError for rows that are not those of the answers, hand labels of unknown samples, or a prompt that
    lacks a field.

    >>> from interp.demo import answered, questions_path
    >>> model, answers = answered(4)
    >>> rows = interp.load_rows(questions_path(), limit=4)
    >>> judgement = interp.judge_answers(answers, rows, judge=lambda prompt: "yes")
    >>> judgement.correct
    [True, True, True, True]
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    rows, max_new_tokens = as_rows(rows), whole_number("max_new_tokens", max_new_tokens, 1)
    check_asked("judge", judge)
    check_kept(None, splits)
    batch_tokens = whole_number("batch_tokens", batch_tokens, 1)
    check_fields(prompt, needed=("question", "completion"), allowed=("answers",))
    if [row.id for row in rows] != answers.id:
        raise DataError("rows: expected the rows that were answered, in their order")
    hand = {row.id: row.correct for row in rows if row.correct is not None}
    if hand_labels is not None:
        given = mapping("hand_labels", hand_labels, "{sample: right}")
        hand = {name: flag(f"hand_labels[{name!r}]", right) for name, right in given.items()}
    known = set(answers.id)
    if unknown := [name for name in hand if name not in known]:
        raise DataError(f"hand_labels: there is no sample {unknown[0]!r}{nearest(unknown[0], answers.id)}")
    compares = "{answers}" in prompt
    said = answers.final
    askable = [i for i, text in enumerate(said) if text.strip() and (rows[i].answers or not compares)]
    filled = [
        prompt.format(
            question=shown_question(rows[i]),
            answers="; ".join(accepted(rows[i])),
            completion=said[i].strip(),
        )
        for i in askable
    ]
    replies = ask(judge, filled, max_new_tokens=max_new_tokens, batch_tokens=batch_tokens, splits=splits, label="judge")
    asked: list[Exchange | None] = [None] * len(rows)
    for i, exchange in zip(askable, replies, strict=True):
        asked[i] = exchange
    verdict = [None if exchange is None else read_verdict(exchange.answer) for exchange in asked]
    return Judgement(
        asked=asked,
        hand=[hand.get(name) for name in answers.id],
        correct=[v if row.correct is None else row.correct for row, v in zip(rows, verdict, strict=True)],
    )

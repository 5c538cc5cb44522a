"""Exact answers by asking a model: it sees the question and the completion, never the label or an accepted answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interp.errors import DataError
from interp.generating.asking import Exchange, ask, check_fields
from interp.labelling.exact_answers import Locate, Located, Span
from interp.support.arguments import several_texts, whole_number
from interp.text.comparable import comparable
from interp.text.matching import CandidateFinder
from interp.text.short_answer import short_answer

if TYPE_CHECKING:
    from interp.models.memory import Splits

NO_ANSWER = "NO ANSWER"

PROMPTS = (
    """\
Copy the short answer out of the long answer, word for word. If the long answer gives no answer, write NO ANSWER.

Question: Which river flows through Vienna?
Long answer: Vienna, the capital of Austria, lies on the Danube, which divides it from its northern districts.
Short answer: Danube

Question: Who painted The Night Watch?
Long answer: That is a good question. There are many paintings of night scenes, and I would need to know more.
Short answer: NO ANSWER

Question: How many strings does a violin have?
Long answer: It has 4 strings, tuned in fifths. A guitar usually has 6.
Short answer: 4

Question: {question}
Long answer: {completion}
Short answer:""",
    """\
Below are questions with replies. Write down the few words of each reply that answer the question, exactly as they \
stand in the reply, and nothing else. Where a reply does not answer, write NO ANSWER.

Question: In which year did the First World War end?
Reply: The war began in 1914 and ended in 1918, after more than four years.
Words: 1918

Question: What is the chemical symbol of gold?
Reply: I am not sure about that, sorry.
Words: NO ANSWER

Question: Who wrote the novel Emma?
Reply: I believe the author is Charlotte Bronte, who was English.
Words: Charlotte Bronte

Question: {question}
Reply: {completion}
Words:""",
)
"""Asked one after the other, until a reply stands in the completion."""


def extractor(
    model: Any,
    *,
    prompts: str | Sequence[str] = PROMPTS,
    max_new_tokens: int = 24,
    batch_tokens: int = 8192,
    splits: "Splits | None" = None,
) -> Locate:
    """A method that asks `model`, a hooked model or a function `str -> str`, for the exact answer.

    Each prompt holds `{question}` and `{completion}`. The first line of the reply, without quotes and final
    punctuation, must stand in the completion exactly, as a candidate does (definitions: word boundaries); if it
    does not, the next prompt is asked, and after the last one there is no exact answer. `NO ANSWER` ends it at once.
    Greedy throughout, so that the same completions give the same spans. `splits` notes batches that did not fit.
    """
    prompts = several_texts("prompts", prompts)
    if not prompts:
        raise DataError("prompts: expected at least one")
    max_new_tokens = whole_number("max_new_tokens", max_new_tokens, 1)
    for prompt in prompts:
        check_fields(prompt, needed=("question", "completion"))

    def locate(questions: Sequence[str], texts: Sequence[str]) -> list[Located]:
        found: dict[int, list[Span]] = {}
        asked: list[tuple[Exchange, ...]] = [()] * len(texts)
        shown = [text.replace("\0", "").strip() for text in texts]
        for turn, prompt in enumerate(prompts):
            # An empty completion holds no answer: nobody needs to be asked.
            waiting = [i for i in range(len(texts)) if i not in found and shown[i]]
            filled = [prompt.format(question=questions[i], completion=shown[i]) for i in waiting]
            replies = ask(
                model,
                filled,
                max_new_tokens=max_new_tokens,
                batch_tokens=batch_tokens,
                splits=splits,
                label=f"extract {turn}",
            )
            for i, exchange in zip(waiting, replies, strict=True):
                asked[i] += (exchange,)
                spans = reply_spans(exchange.answer, texts[i])
                if spans is not None:
                    found[i] = spans
        return [Located(found.get(i, []), asked[i]) for i in range(len(texts))]

    return locate


def reply_spans(reply: str | None, text: str) -> list[Span] | None:
    """Where the reply stands in the completion; [] for `NO ANSWER`; None for a reply that does not stand there."""
    span = short_answer(reply or "")
    if reply is None or span is None:
        return None
    said = reply[slice(*span)]
    if comparable(said).text == comparable(NO_ANSWER).text:
        return []
    found = CandidateFinder([said]).found(text)
    return None if found is None or found.loose else found.spans  # asked for word for word


def extraction_counts(asked: Sequence[Sequence[Exchange]]) -> dict[str, int]:
    """How many samples were asked for, how many of them again, how many ended in `NO ANSWER` or past the context."""
    last = [exchanges[-1].answer for exchanges in asked if exchanges]
    return {
        "asked": len(last),
        "asked_again": sum(len(exchanges) > 1 for exchanges in asked),
        "no_answer": sum(reply_spans(reply, "") == [] for reply in last),
        "too_long": last.count(None),
    }

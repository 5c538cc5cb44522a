"""How a published record of each data set becomes the fields of a row (columns as published, nothing renamed)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """One published form of a data set's records."""

    columns: tuple[str, ...]
    """What a record of this form holds at least."""
    fields: Callable[..., Fields]
    """(record, chat=…) -> fields of a `QARow`; `chat` chooses the wording of the question where the two differ."""


def _triviaqa(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """TriviaQA's JSON. Accepted: all aliases, as the paper; the normalised ones add nothing to a folded match."""
    answer = record["Answer"]
    accepted = [*answer["Aliases"], answer["Value"]]
    return {"id": record["QuestionId"], "question": record["Question"].strip(), "answer": _distinct(accepted)}


def _triviaqa_hub(record: Mapping[str, Any], *, chat: bool) -> Fields:
    answer = record["answer"]
    accepted = [*answer["aliases"], answer["value"]]
    return {"id": record["question_id"], "question": record["question"].strip(), "answer": _distinct(accepted)}


def _hotpotqa(record: Mapping[str, Any], *, chat: bool) -> Fields:
    identity = record.get("_id", record.get("id"))
    return {"id": identity, "question": record["question"].strip(), "answer": record["answer"]}


def _hotpotqa_with_context(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """Every sentence of every paragraph on a line of its own, titles left out, as in the paper's prompt."""
    context = record["context"]
    paragraphs = context["sentences"] if isinstance(context, Mapping) else [sentences for _, sentences in context]
    lines = [sentence for sentences in paragraphs for sentence in sentences]
    return {**_hotpotqa(record, chat=chat), "context": "\n".join(lines)}


def _question_answer(record: Mapping[str, Any], *, chat: bool) -> Fields:
    return {"question": record["Question"].strip(), "answer": record["Answer"].strip()}


def _nq_open(record: Mapping[str, Any], *, chat: bool) -> Fields:
    return {"question": record["question"].strip(), "answer": _distinct(record["answer"])}


def _question_answer_context(record: Mapping[str, Any], *, chat: bool) -> Fields:
    return {**_question_answer(record, chat=chat), "context": record["Context"]}


def _math(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """`answer` is a list of numbers, as text in the CSV ("[9.0]"); the first counts, as in the paper's code."""
    answer = record.get("answer")
    numbers = json.loads(answer) if isinstance(answer, str) else answer
    answers = [_number(float(numbers[0]))] if numbers else []
    question = record["question"].strip()
    return {"id": record["id"], "question": question, "answer": answers, "answerable": record["answerable"]}


def _winobias(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """A sentence and its question; all sentences about the same two occupations are one group.

    That keeps a sentence, its twin with the other pronoun and its twin with the other referent on one side of a fold.
    """
    asked = record["q_instruct"] if chat else record["q"]
    right, wrong = record["answer"].strip(), record["incorrect_answer"].strip()
    question = f"{record['sentence'].strip()} {asked.strip()}"
    return {"question": question, "answer": right, "wrong_answer": wrong, "group": _pair(right, wrong)}


_BLANK_ASKED = re.compile(r"\s*(Who|What) does the blank refer to in the sentence\?\s*$")


def _winogrande(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """A sentence with a blank; twins ("too big" / "too small") share their two options, which are the group."""
    question = record["Question"].strip() if chat else _BLANK_ASKED.sub("", record["Question"]).strip()
    right, wrong = record["Answer"].strip(), record["Wrong_Answer"].strip()
    return {"question": question, "answer": right, "wrong_answer": wrong, "group": _pair(right, wrong)}


def _winogrande_hub(record: Mapping[str, Any], *, chat: bool) -> Fields:
    options = [record["option1"], record["option2"]]
    right = {"1": 0, "2": 1}[str(record["answer"])]
    asked = f"{record['sentence'].strip()} What does the blank refer to in the sentence?"
    return _winogrande(
        {"Question": asked, "Answer": options[right], "Wrong_Answer": options[1 - right]},
        chat=chat,
    )


MNLI_LABELS = {
    "entailment": ("entailment", "entail", "entails", "entailed"),
    "neutral": ("neutral", "neutrality"),
    "contradiction": ("contradiction", "contradict", "contradicts", "contradictory"),
}
"""Words that name a label. The paper's code lists stems and finds them inside words; we match whole words."""

_PREMISE = re.compile(r'^For the statement, "(.*)", does the hypothesis "', re.DOTALL)


def _mnli(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """A premise and a hypothesis; the hypotheses about one premise are a group."""
    question = record["Question"].strip()
    premise = _PREMISE.match(question)
    answers = list(MNLI_LABELS[record["Answer"].strip()])
    return {"question": question, "answer": answers, "group": premise[1] if premise else question}


def _mnli_hub(record: Mapping[str, Any], *, chat: bool) -> Fields:
    question = (
        f'For the statement, "{record["premise"].strip()}", does the hypothesis "{record["hypothesis"].strip()}" '
        "represent entailment, contradiction, or neutrality?"
    )
    return _mnli({"Question": question, "Answer": list(MNLI_LABELS)[_index(record["label"], 3)]}, chat=chat)


def _imdb(record: Mapping[str, Any], *, chat: bool) -> Fields:
    """A review, its HTML line breaks as published. Labels: 0 or neg, 1 or pos."""
    label = str(record["label"]).strip().casefold()
    names = {"0": "negative", "neg": "negative", "1": "positive", "pos": "positive"}
    names |= {"negative": "negative", "positive": "positive"}
    return {"question": record["text"].strip(), "answer": names[label]}


def _imdb_kaggle(record: Mapping[str, Any], *, chat: bool) -> Fields:
    return _imdb({"text": record["review"], "label": record["sentiment"]}, chat=chat)


def _index(label: Any, n: int) -> int:
    number = int(label)
    if not 0 <= number < n:
        raise ValueError(f"label {label} is none of 0 … {n - 1}")
    return number


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _pair(first: str, second: str) -> str:
    """The group of two options, whichever of them is right."""
    return " / ".join(sorted((first.casefold(), second.casefold())))


def _distinct(answers: Any) -> list[str]:
    """Accepted answers without repetitions and blanks, in the order given; a list in a CSV cell is parsed."""
    if isinstance(answers, str):
        answers = json.loads(answers) if answers.lstrip().startswith("[") else [answers]
    return list(dict.fromkeys(text for answer in answers if (text := answer.strip())))


TRIVIAQA = (
    Format(("Question", "QuestionId", "Answer"), _triviaqa),
    Format(("question", "question_id", "answer"), _triviaqa_hub),
)
HOTPOTQA = (Format(("question", "answer"), _hotpotqa),)
HOTPOTQA_WITH_CONTEXT = (Format(("question", "answer", "context"), _hotpotqa_with_context),)
NATURAL_QUESTIONS = (Format(("Question", "Answer"), _question_answer), Format(("question", "answer"), _nq_open))
NATURAL_QUESTIONS_WITH_CONTEXT = (Format(("Question", "Answer", "Context"), _question_answer_context),)
MOVIES = (Format(("Question", "Answer"), _question_answer),)
MATH = (Format(("id", "question", "answerable"), _math),)
WINOBIAS = (Format(("sentence", "q", "q_instruct", "answer", "incorrect_answer"), _winobias),)
WINOGRANDE = (
    Format(("Question", "Answer", "Wrong_Answer"), _winogrande),
    Format(("sentence", "option1", "option2", "answer"), _winogrande_hub),
)
MNLI = (
    Format(("Question", "Answer", "Origin"), _mnli),
    Format(("premise", "hypothesis", "label"), _mnli_hub),
)
IMDB = (Format(("text", "label"), _imdb), Format(("review", "sentiment"), _imdb_kaggle))

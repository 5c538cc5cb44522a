"""The answers that LLMsKnow writes (`MODEL-answers-DATASET.csv`, github.com/technion-cs-nlp/LLMsKnow)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from interp.data.fields import blank
from interp.data.log_record import LogRecord, Missing, graded, name_labels, printed_list, unreadable
from interp.data.record import Record, header

TOOL = "LLMsKnow"
SHAPE = {"question", "model_answer", "correct_answer", "automatic_correctness"}
LABEL = "automatic_correctness"
NAMED = re.compile(r"(?P<model>.+)-answers-.+\.csv(?:\.gz)?")
"""How LLMsKnow names the file: the only place where it says which model answered."""
HEADER = re.compile(r"\A<\|start_header_id\|>assistant<\|end_header_id\|>\n\n")
"""What Llama 3 begins its turn with: LLMsKnow's prompt stops before it, interp's ends with it. The ids are the same."""
NO_MODEL = Missing(
    ("prompt", "messages"),
    remedy="LLMsKnow says only in the file's name (as in mistral-7b-instruct-answers-movies.csv) whether a chat model "
    "was asked; name it so, or, for a base model, give columns={'prompt': 'question'} (--columns prompt=question)",
)


def is_llmsknow(values: Mapping[str, Any]) -> bool:
    """Whether this is a row of such a file."""
    return set(header(values)) >= SHAPE


def llmsknow_rows(records: Iterable[Record]) -> Iterator[Record]:
    """A row for each question, with the exact answer where LLMsKnow found a valid one."""
    rows = [(where, _record(where, values)) for where, values in records]
    name_labels([record for _, record in rows], [LABEL])
    yield from rows


def _record(where: str, values: Mapping[str, Any]) -> LogRecord:
    if not is_llmsknow(values):
        raise unreadable(where, TOOL, f"the columns {', '.join(sorted(SHAPE))}", header(values))
    said = values.get(LABEL)
    number = {"1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0}.get(str(said).strip().casefold(), said)
    columns = {**{name: values.get(name) for name in header(values)}, LABEL: graded(number), "rule": None}
    asked, completion = values.get("question"), values.get("model_answer")
    if blank(asked):
        raise unreadable(where, TOOL, "the text that the model was asked in `question`", asked)
    if blank(completion):
        return LogRecord(columns, left_out="without an answer of the model")
    completion = HEADER.sub("", str(completion))
    named = NAMED.fullmatch(Path(where.rpartition(":")[0]).name)
    chat = named is not None and "instruct" in named["model"].casefold()
    answers = printed_list(str(values.get("correct_answer") or ""))
    fields = {
        "question": str(values.get("raw_question") or asked).strip(),
        "answer": answers if isinstance(answers, list) else [answers] if answers else [],
        "completion": completion,
        "exact_answer": _exact_answer(values, completion),
        "wrong_answer": values.get("incorrect_answer"),
        **({"messages": [{"role": "user", "content": str(asked)}]} if chat else {"prompt": str(asked)}),
    }
    if (identity := values.get("Unnamed: 0", values.get(""))) is not None:
        fields["id"] = str(identity)
    form = f"{TOOL}: {'messages' if chat else 'prompt'}=question, completion=model_answer, exact_answer where valid"
    return LogRecord(columns, fields=fields, form=form, missing=NO_MODEL if named is None else None)


def _exact_answer(values: Mapping[str, Any], completion: str) -> str | None:
    """As it stands in the completion, if LLMsKnow's own check took it (case does not count)."""
    text = str(values.get("exact_answer") or "").strip()
    if not text or text == "NO ANSWER" or str(values.get("valid_exact_answer")) not in ("1", "1.0", "True"):
        return None
    found = re.search(re.escape(text), completion, re.IGNORECASE)
    return None if found is None else found[0]

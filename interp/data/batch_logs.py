"""Batches of OpenAI's and vLLM's servers: responses, the requests they answer, and the questions behind both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from interp.data.log_record import THOUGHT, LogRecord, Missing, question_in, thought, unreadable
from interp.data.record import Record
from interp.errors import DataError

TOOL = "an OpenAI or vLLM batch"
NAMES = ("id", "custom_id", "question_id", "QuestionId", "_id")
"""Columns by which a file of questions may name them."""
NO_REFERENCES = Missing(
    ("answer", "correct"),
    remedy="a batch does not say what is right: read it together with the file of the questions, whose `id` is the "
    "requests' custom_id and which brings `answer` or `correct`: load_rows([output, requests, questions]), or a "
    "folder or a pattern of the files (--data 'batch/*.jsonl')",
)
NO_PROMPTS = Missing(
    ("prompt", "messages"),
    remedy="this file does not say what the model was asked: read it together with the file of the requests: "
    "load_rows([output, requests, questions]), or a folder or a pattern of the files (--data 'batch/*.jsonl')",
)


class _NoRow(Exception):
    """Why a response is no row."""


def is_response(values: Mapping[str, Any]) -> bool:
    """Whether this is a line of a batch's output."""
    return "custom_id" in values and "response" in values


def is_request(values: Mapping[str, Any]) -> bool:
    """Whether this is a line of a batch's input."""
    return "custom_id" in values and isinstance(values.get("body"), Mapping) and "url" in values


def batch_rows(records: Iterable[Record]) -> Iterator[Record]:
    """A row for each response and each of its choices, in the order of the questions, else of the requests.

    Raises DataError for ids that occur twice, requests without responses at all, and what cannot be read.
    """
    responses: dict[str, Record] = {}
    requests: dict[str, Record] = {}
    questions: dict[str, Record] = {}
    for where, values in records:
        kind = responses if is_response(values) else requests if is_request(values) else questions
        name = next((values[key] for key in NAMES if kind is questions and values.get(key) is not None), None)
        name = values["custom_id"] if kind is not questions else name
        if not isinstance(name, str | int):
            raise DataError(f"{where}: a question beside a batch needs the requests' custom_id as its `id`")
        if str(name) in kind:
            raise DataError(f"{where}: the id {name!r} is already that of {kind[str(name)][0]}")
        kind[str(name)] = where, values
    if not responses:
        where = next(iter(requests.values()))[0]
        raise DataError(f"{where}: these are requests of a batch without their responses; read its output file too")
    for name in dict.fromkeys([*questions, *requests, *responses]):
        question, request, response = (found.get(name) for found in (questions, requests, responses))
        where, values = next(record for record in (response, request, question) if record is not None)
        if response is None:
            yield where, LogRecord(values, left_out="without a response")
        elif question is None and questions:
            yield where, LogRecord(values, left_out="of which the file of questions has none")
        else:
            yield from _rows(where, name, values, request, question)


def _rows(
    where: str, name: str, values: Mapping[str, Any], request: Record | None, question: Record | None
) -> Iterator[Record]:
    try:
        body = _body(where, values)
        choices = _choices(where, body)
        asked = _asked(*request) if request is not None else {}
    except _NoRow as reason:
        yield where, LogRecord({}, left_out=str(reason))
        return
    source = dict(question[1]) if question is not None else {}
    known = {} if request is not None else {"prompt": source.get("prompt"), "messages": source.get("messages")}
    for choice in choices:
        number = choice.get("index", 0)
        identity = name if len(choices) == 1 else f"{name}#{number}"
        try:
            text, marked = _completion(where, choice)
        except _NoRow as reason:
            yield where, LogRecord({}, left_out=str(reason))
            continue
        fields: dict[str, Any] = {**asked, "id": identity, "completion": text}
        ids = choice.get("prompt_token_ids") or body.get("prompt_token_ids"), choice.get("token_ids")
        ids = (asked.get("prompt_ids") or ids[0], ids[1])
        if all(isinstance(each, list) for each in ids):
            fields = {key: value for key, value in fields.items() if key != "messages"}
            fields |= {"prompt_ids": ids[0], "completion_ids": ids[1]}
        if question is None:
            fields["question"] = _question(asked, source)
        missing = None if question is not None else NO_REFERENCES
        if not (asked or any(known.values()) or "prompt_ids" in fields):
            missing = NO_PROMPTS
        form = _form(body, choice, asked, fields, request, marked=marked)
        yield where, LogRecord(source, fields=fields, form=form, missing=missing, joined=question is not None)


def _body(where: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    response = values["response"]
    if values.get("error") or not isinstance(response, Mapping) or response.get("status_code", 200) != 200:
        raise _NoRow("whose request failed")
    body = response.get("body")
    if not isinstance(body, Mapping):
        raise unreadable(where, TOOL, "response.body with choices", body)
    return body


def _choices(where: str, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, Mapping) for choice in choices):
        raise unreadable(where, TOOL, "response.body.choices of /v1/chat/completions or /v1/completions", choices)
    return sorted(choices, key=lambda choice: choice.get("index", 0) if isinstance(choice.get("index"), int) else 0)


def _asked(where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the request gave the model: turns, a text, or ids."""
    body = values["body"]
    if body.get("echo"):
        raise DataError(f"{where}: `echo` puts the prompt before the completion; ask for the batch without it")
    if "messages" in body:
        if body.get("tools"):
            raise _NoRow("whose request offers tools")
        return {"messages": body["messages"]}
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and not isinstance(prompt[0], int):
        prompt = prompt[0]
    if isinstance(prompt, list) and all(isinstance(token, int) for token in prompt):
        return {"prompt_ids": prompt}
    if not isinstance(prompt, str):
        raise unreadable(where, TOOL, "messages, or one prompt a request", prompt)
    return {"prompt": prompt}


def _completion(where: str, choice: Mapping[str, Any]) -> tuple[str, bool]:
    """What the model wrote, and whether a thought was put back into it."""
    message = choice.get("message")
    if not isinstance(message, Mapping):
        if not isinstance(choice.get("text"), str):
            raise unreadable(where, TOOL, "a choice with a message or a text", choice)
        return choice["text"], False
    if message.get("tool_calls") or not isinstance(message.get("content"), str):
        raise _NoRow("with a refusal, calls of tools, or no text")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str):
        return thought(reasoning, message["content"]), True
    return message["content"], False


def _question(asked: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    turns = asked.get("messages")
    if isinstance(turns, list) and turns and isinstance(turns[-1], Mapping):
        return question_in(source, str(turns[-1].get("content")))
    return question_in(source, str(asked.get("prompt", "")))


def _form(
    body: Mapping[str, Any],
    choice: Mapping[str, Any],
    asked: Mapping[str, Any],
    fields: Mapping[str, Any],
    request: Record | None,
    *,
    marked: bool,
) -> str:
    """What was read as what, and what was not kept."""
    kind = "chat" if "message" in choice else "completions"
    ids = "completion_ids" in fields
    prompt = "prompt_ids" if ids else next(iter(asked), "the questions' prompt")
    form = f"batch ({kind}): {prompt}, completion=choices" + (", completion_ids=token_ids" if ids else "")
    form += f" ({THOUGHT})" if marked and not ids else ""
    sent = request[1]["body"] if request is not None else {}
    lost = ["logprobs"] if choice.get("logprobs") else []
    lost += ["chat_template_kwargs (give --chat-option)"] if sent.get("chat_template_kwargs") and not ids else []
    lost += (
        ["token_ids, because the prompt's are not there"]
        if isinstance(choice.get("token_ids"), list) and not ids
        else []
    )
    return form + (f"; not kept: {', '.join(lost)}" if lost else "")


def batches_first(files: Sequence[Any], first: Any) -> list[Any]:
    """Files in the order in which they are read: those of a batch before the questions that are joined to them."""
    return sorted(files, key=lambda file: not _is_batch(first(file)))


def _is_batch(values: Any) -> bool:
    return isinstance(values, Mapping) and (is_response(values) or is_request(values))

"""Logs of Inspect (inspect-ai): conversations, outputs with their thoughts, and the scores of its scorers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interp.data.log_record import THOUGHT, LogRecord, graded, name_labels, spread, thought, unreadable
from interp.errors import DataError

TOOL = "Inspect"
ATTACHED = "attachment://"
"""How a text begins that stands among the sample's attachments."""


class _NoRow(Exception):
    """Why a sample is no row."""


def is_inspect(whole: Any) -> bool:
    """Whether a JSON file is such a log."""
    return isinstance(whole, Mapping) and "eval" in whole and "status" in whole and "version" in whole


def inspect_file(path: str, whole: Mapping[str, Any]) -> Iterator[tuple[str, LogRecord]]:
    """The rows of a log in JSON."""
    samples = whole.get("samples")
    if not isinstance(samples, list) or not samples:
        raise DataError(
            f"{path}: the log holds no samples (status {whole.get('status')!r}); log them, which is Inspect's default "
            "(--log-samples)"
        )
    places = ((f"{path}:sample {number}", sample) for number, sample in enumerate(samples))
    yield from inspect_rows(places, whole["eval"])


def inspect_rows(samples: Iterable[tuple[str, Any]], header: Any) -> Iterator[tuple[str, LogRecord]]:
    """A row for each sample and epoch, in the order of the data set; `header` is the log's `eval`."""
    found = [(where, *_identity(where, sample), _record(where, sample)) for where, sample in samples]
    dataset = header.get("dataset") if isinstance(header, Mapping) else None
    order = dataset.get("sample_ids") if isinstance(dataset, Mapping) else None
    places = {str(name): number for number, name in enumerate(order)} if isinstance(order, list) else {}
    found.sort(key=lambda one: (places.get(one[1], len(places)), one[2]))
    several = any(epoch > 1 for _, _, epoch, _ in found)
    for _, identity, epoch, record in found:
        record.fields = {**record.fields, "id": f"{identity}#{epoch}" if several else identity}
    scores = dict.fromkeys(name for *_, record in found for name in record if name in record.fields["scores"])
    name_labels([record for *_, record in found], list(scores))
    for where, _, _, record in found:
        record.fields = {name: value for name, value in record.fields.items() if name != "scores"}
        yield where, record


def _identity(where: str, sample: Any) -> tuple[str, int]:
    identity = sample.get("id") if isinstance(sample, Mapping) else None
    epoch = sample.get("epoch", 1) if isinstance(sample, Mapping) else None
    if not isinstance(identity, str | int) or not isinstance(epoch, int):
        raise unreadable(where, TOOL, "a sample with id and epoch", sample)
    return str(identity), epoch


def _record(where: str, sample: Mapping[str, Any]) -> LogRecord:
    scores = _scores(where, sample)
    target = sample.get("target")
    answers = [text for text in (target if isinstance(target, list) else [target]) if isinstance(text, str) and text]
    columns = {**spread("metadata", sample.get("metadata")), "target": answers, "rule": None, **scores}
    form = f"{TOOL}: messages, completion=output, answer=target"
    try:
        turns, completion, marked = _conversation(where, sample)
    except _NoRow as reason:
        return LogRecord(columns, fields={"scores": ()}, left_out=str(reason))
    asked, given = turns[-1]["content"], sample.get("input")
    question = given if isinstance(given, str) and given.strip() and given in asked else asked
    fields = {"messages": turns, "completion": completion, "question": question, "answer": answers}
    form += f" ({THOUGHT})" if marked else ""
    form += "; not kept: choices as options" if sample.get("choices") else ""
    return LogRecord(columns, fields={**fields, "scores": tuple(n for n in scores if n in _flat(sample))}, form=form)


def _conversation(where: str, sample: Mapping[str, Any]) -> tuple[list[dict[str, str]], str, bool]:
    """The turns that the model was given, what it answered, and whether a thought was put back into that."""
    if sample.get("error"):
        raise _NoRow("ended in an error")
    output, messages = sample.get("output"), sample.get("messages")
    choices = output.get("choices") if isinstance(output, Mapping) else None
    if not choices or not messages:
        raise _NoRow("without an output")
    if not isinstance(choices, list) or not isinstance(messages, list):
        raise unreadable(where, TOOL, "lists of messages and choices", choices)
    message = choices[0].get("message") if isinstance(choices[0], Mapping) else None
    if message is None or not all(isinstance(turn, Mapping) for turn in [message, *messages]):
        raise unreadable(where, TOOL, "messages {role, content}", message)
    last = max((number for number, turn in enumerate(messages) if turn.get("role") == "assistant"), default=None)
    if last is not None and messages[last].get("content") != message.get("content"):
        raise _NoRow("whose output is not its last answer")
    before = messages[:last]
    if any(turn.get("tool_calls") or turn.get("role") == "tool" for turn in [message, *before]):
        raise _NoRow("with calls of tools")
    attached = sample.get("attachments")
    attached = attached if isinstance(attached, Mapping) else {}
    turns = [{"role": str(turn.get("role")), "content": _text(where, turn, attached)[1]} for turn in before]
    if not turns or turns[-1]["role"] != "user":
        raise _NoRow("whose last question is not a user's")
    reasoning, text = _text(where, message, attached)
    return turns, text if reasoning is None else thought(reasoning, text), reasoning is not None


def _text(where: str, turn: Mapping[str, Any], attached: Mapping[str, Any]) -> tuple[str | None, str]:
    """The thought of a turn, if it is kept apart, and its text."""
    content = turn.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise unreadable(where, TOOL, "a message's content as text or parts", content)
    thoughts: list[str] = []
    texts: list[str] = []
    for part in parts:
        kind = part.get("type")
        if kind == "reasoning" and (part.get("redacted") or not isinstance(part.get("reasoning"), str)):
            raise _NoRow("whose thought the log does not show")
        if kind not in ("text", "reasoning"):
            raise _NoRow("with pictures or other content that is no text")
        text = part.get("reasoning" if kind == "reasoning" else "text")
        text = attached.get(text.removeprefix(ATTACHED), text) if _is_attached(text) else text
        if not isinstance(text, str):
            raise unreadable(where, TOOL, "text", text)
        (thoughts if kind == "reasoning" else texts).append(text)
    return "\n".join(thoughts) if thoughts else None, "\n".join(texts)


def _is_attached(text: Any) -> bool:
    return isinstance(text, str) and text.startswith(ATTACHED)


def _flat(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Every scorer's value, and each of them where it gives several: `{grades.style: …}`."""
    scores, found = sample.get("scores"), dict[str, Any]()
    for name, score in scores.items() if isinstance(scores, Mapping) else ():
        value = score.get("value") if isinstance(score, Mapping) else None
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": graded(each) for key, each in value.items()}
        else:
            found[name] = graded(value)
    return found


def _scores(where: str, sample: Any) -> dict[str, Any]:
    """What can be asked for: the scores, and the answer that each scorer saw."""
    scores = sample.get("scores")
    named = scores.items() if isinstance(scores, Mapping) else ()
    seen = {f"{name}.answer": score.get("answer") for name, score in named if isinstance(score, Mapping)}
    return {**seen, **_flat(sample)}

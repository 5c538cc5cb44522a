"""Sample logs of lm-evaluation-harness (`samples_TASK_DATE.jsonl`): what the model was given, said, and scored."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from interp.data.log_record import LogRecord, graded, name_labels, printed_list, question_in, spread, unreadable
from interp.data.record import Record
from interp.errors import DataError

TOOL = "lm-evaluation-harness"
SHAPE = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps"}
"""What every sample holds."""
OWN = SHAPE | {"filter", "metrics", "doc_hash", "prompt_hash", "target_hash"}


def is_lm_eval(values: Mapping[str, Any]) -> bool:
    """Whether this is a sample of such a log."""
    return set(values) >= SHAPE


def lm_eval_rows(records: Iterable[Record]) -> Iterator[Record]:
    """A row for each document and each of its draws, with the scores of every filter.

    Raises DataError for tasks whose answers nobody wrote (multiple choice, likelihood), and what cannot be read.
    """
    documents: dict[tuple[str, str], list[Record]] = {}
    for where, values in records:
        if not is_lm_eval(values):
            raise unreadable(where, TOOL, f"a sample with {', '.join(sorted(SHAPE))}", list(values))
        documents.setdefault((where.rpartition(":")[0], str(values["doc_id"])), []).append((where, values))
    several = len({file for file, _ in documents}) > 1
    filters = {str(values.get("filter")) for samples in documents.values() for _, values in samples}
    rows, scores = [], dict[str, None]()
    for (file, number), samples in documents.items():
        own = {
            name if len(filters) < 2 else f"{name}:{values.get('filter')}": graded(values.get(name))
            for _, values in samples
            for name in _metrics(values)
        }
        identity = f"{Path(file).stem}/{number}" if several else number
        found = list(_rows(*samples[0], identity, own))
        if len(found) == 1:
            scores |= dict.fromkeys(own)
        rows += found
    name_labels([record for _, record in rows], list(scores))
    yield from rows


def _rows(
    where: str, values: Mapping[str, Any], identity: str, scores: Mapping[str, Any]
) -> Iterator[tuple[str, LogRecord]]:
    given, draws = _request(where, values)
    asked: dict[str, Any] = {"prompt": given}
    if (turns := _chat(given)) is not None:
        asked, given = {"messages": turns}, str(turns[-1].get("content"))
    target = printed_list(values["target"])
    answers = [str(item) for item in (target if isinstance(target, list) else [target]) if str(item).strip()]
    doc = values["doc"] if isinstance(values["doc"], Mapping) else {}
    form = f"{TOOL}: {next(iter(asked))}=arguments, completion=resps, answer=target; not kept: filtered_resps"
    if len(draws) > 1:
        form += ", scores (one for all draws of a document)"
    columns = {**spread("doc", doc), "target": answers, "rule": None, **(scores if len(draws) == 1 else {})}
    fields = {**asked, "question": question_in(doc, given), "answer": answers}
    for number, text in enumerate(draws):
        named = identity if len(draws) == 1 else f"{identity}#{number}"
        yield where, LogRecord(columns, fields={**fields, "id": named, "completion": text}, form=form)


def _request(where: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The prompt, and the completions drawn for it."""
    arguments, responses = values["arguments"], values["resps"]
    requests = [_list(request) for request in _list(arguments)]
    if not requests or not all(requests) or not isinstance(responses, list) or len(responses) != len(requests):
        raise unreadable(where, TOOL, "as many resps as requests in arguments, at least one", arguments)
    options = requests[0][1] if len(requests[0]) > 1 else None
    if len(requests) > 1 or not isinstance(options, Mapping):
        raise DataError(
            f"{where}: the model wrote no completion in this task: it only scored texts that it was given (multiple "
            "choice, likelihood); log a task of type generate_until, or ask the questions with options anew from "
            "their data set"
        )
    prompt, draws = requests[0][0], responses[0]
    if isinstance(prompt, list) and len(prompt) == 1:  # a chat, in the harness's own wrapping
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise unreadable(where, TOOL, "the prompt as text", prompt)
    if not isinstance(draws, list) or not draws or not all(isinstance(text, str) for text in draws):
        raise unreadable(where, TOOL, "resps as a list of texts for the request", draws)
    return prompt, draws


def _list(value: Any) -> list[Any]:
    """The file has {gen_args_0: {arg_0: …}}, Python's own results have lists."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _chat(prompt: str) -> list[Mapping[str, Any]] | None:
    """The turns of a request to a chat server, which the harness writes as JSON."""
    if not prompt.startswith("[{"):
        return None
    try:
        turns = json.loads(prompt)
    except (ValueError, RecursionError):
        return None
    right = isinstance(turns, list) and all(
        isinstance(turn, dict) and {"role", "content"} <= set(turn) for turn in turns
    )
    return [{name: turn[name] for name in ("role", "content")} for turn in turns] if right else None


def _metrics(values: Mapping[str, Any]) -> list[str]:
    named = values.get("metrics")
    if isinstance(named, list):
        return [name for name in named if isinstance(name, str) and name in values]
    return [name for name in values if name not in OWN]

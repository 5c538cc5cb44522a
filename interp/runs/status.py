"""How far a run is, told from the JSON files of its folder alone; imports nothing heavy, so that it answers at once."""

import json
from collections.abc import Mapping
from typing import Any

from interp.errors import RunError
from interp.generating.answer_log import AnswerLog
from interp.runs.run_folder import RunFolder, answering_identity, going_on, read_run_json

COMPLETIONS = {"generated": "answered", "brought": "brought their completion", "none": "have none"}
"""Where the completions of a run's samples came from, as its record counts them, in words."""


def status(folder: RunFolder) -> str:
    """How far the run is, and how to go on. Raises RunError if the folder holds no run, or one that is damaged."""
    record = read_run_json(folder)
    state = record["state"]
    lines = [f"{folder.path}: {state}, begun {record['created']}"]
    if resumed := record.get("resumed"):
        lines[0] += f", resumed {len(resumed)} times, last {resumed[-1]}"
    if folder.samples.exists():
        lines.append(_measured(folder, record["counts"]))
    elif state == "answering":
        lines.append(_answered(folder, record))
    lines += [f"{name}: {seconds:.1f} s" for name, seconds in record["seconds"].items()]
    lines.append("finished" if state == "done" else f"go on with: {going_on(record, folder.path)}")
    return "\n".join(lines)


def _answered(folder: RunFolder, record: Mapping[str, Any]) -> str:
    """How many of the samples that the model has to answer it has answered."""
    log = AnswerLog(folder.answer_log, run=answering_identity(dict(record)))
    if log.asked is None:
        return f"{len(log.finished)} samples answered so far"
    line = f"{len(log.finished)} of {log.asked} samples answered"
    others = record["data"].get("samples", log.asked) - log.asked
    return f"{line}; {others} more bring their completion, or do not fit into the model's context" if others else line


def _measured(folder: RunFolder, counts: Mapping[str, Any]) -> str:
    """What became of the samples, and how many of them are captured."""
    with folder.samples.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 2))
        if file.read() != b"}\n":
            raise RunError(f"{folder.samples} cannot be read (it is cut off); is {folder.path} the folder of a run?")
    if completions := counts.get("completions"):
        how = ", ".join(f"{completions[name]} {said}" for name, said in COMPLETIONS.items() if completions[name])
        answered = f"{counts['samples']} samples: {how}"
    else:
        answered = f"{counts['samples']} samples answered"
    captured, damaged, markers = 0, 0, sorted(folder.activations.glob("shard-*.json"))
    for marker in markers:
        try:
            shard = json.loads(marker.read_bytes())
            whole = marker.with_suffix(".safetensors").stat().st_size == shard["size"]
            captured += len(shard["sample_ids"]) if whole else 0
            damaged += not whole
        except (OSError, ValueError, KeyError, TypeError):
            damaged += 1
    line = f"{answered}; {captured} captured in {len(markers) - damaged} shards"
    return f"{line}; damaged shards: {damaged} (`interp verify` says how)" if damaged else line

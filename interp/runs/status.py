"""How far a run is, told from the JSON files of its folder alone; imports nothing heavy, so that it answers at once."""

from typing import Any

from interp.errors import RunError
from interp.generating.answer_log import AnswerLog
from interp.reporting.machine_words import task_again, tasks_again
from interp.reporting.progress_words import status_text
from interp.runs.identity import answering_identity
from interp.runs.part import gathering, part_of
from interp.runs.run_folder import RunFolder, going_on, read_run_json
from interp.storing.remote import read_json
from interp.support.stored import as_written


def status(folder: RunFolder) -> str:
    """How far the run is, and how to go on. Raises RunError if the folder holds no run, or one that is damaged."""
    record = read_run_json(folder)
    with as_written(folder.path):
        return _status(folder, record)


def _status(folder: RunFolder, record: dict[str, Any]) -> str:
    answered, captured = None, None
    if folder.samples.exists():
        captured = _captured(folder)
    elif record["state"] == "answering":
        log = AnswerLog(folder.answer_log, run=answering_identity(record))
        answered = len(log.finished), None if part_of(folder) else log.asked
    way = _way(folder, record)
    return status_text(folder.path, record, way=way, answered=answered, captured=captured)


def _way(folder: RunFolder, record: dict[str, Any]) -> str:
    """How to go on; of an array, or of one task of it, what joins them comes after."""
    if part := part_of(folder):
        return task_again(str(part[0]), gathering(part[1]))
    alone = going_on(record, folder.path)
    return tasks_again(gathering(folder), alone) if folder.parts.is_dir() else alone


def _captured(folder: RunFolder) -> tuple[int, int, int]:
    """How many samples are captured, in how many whole shards, and how many shards are damaged."""
    with folder.samples.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 2))
        if file.read() != b"}\n":
            raise RunError(f"{folder.samples} cannot be read (it is cut off); is {folder.path} the folder of a run?")
    captured, damaged = 0, 0
    markers: list[Any] = [*folder.activations.glob("shard-*.json")]
    for marker in markers:
        try:
            shard = read_json(marker)
            whole = marker.with_suffix(".safetensors").stat().st_size == shard["size"]
            captured += len(shard["sample_ids"]) if whole else 0
            damaged += not whole
        except (OSError, ValueError, KeyError, TypeError):
            damaged += 1
    return captured, len(markers) - damaged, damaged

"""What was generated so far, on disk batch by batch, so that a run that is killed does not answer again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interp.errors import RunError
from interp.support.atomic import append_lines, read_lines
from interp.support.fingerprint import json_hash

CHECK = "check"
"""The key of a line's checksum."""
REMOVE = "remove the file, then go on with `interp resume`: what it held is answered again"


@dataclass(frozen=True)
class Generated:
    """What the model produced after one prompt."""

    ids: list[int]
    """Includes the token that stopped generation, if one did."""
    finish: str
    """`stop` (end of text, end of turn, or a stop string) or `length`."""
    logprobs: list[float]
    """Of each token, under the model's own distribution."""
    near_ties: int = 0
    """Greedy steps at which another token's logit was within `interp.generating.sampling.NEAR_TIE` of the best."""
    entropies: list[float] | None = None
    """Of the distribution of which each token was taken, in nats; None in files of an earlier version."""


class AnswerLog:
    """A file of finished sequences by name, one a line after a first line that says whose they are.

    Lines are only ever added; a batch is on the disk when `add` returns. Every line ends with a checksum of itself. A
    line without an end (a process was killed as it wrote it) is no line; a damaged one counts for nothing, and
    `damaged` names it.
    """

    def __init__(self, path: Path, *, run: str) -> None:
        """`run` says what everything in the file depends on: settings, versions, model and data.

        Raises RunError for a file of another run, or one whose first line, which says whose it is, is damaged.
        """
        self.path, self.run = path, run
        self.damaged: list[int] = []
        """Numbers of the lines that are not as they were written, from 1; their batches are answered again."""
        self.finished: dict[str, Generated] = {}
        self.asked: int | None = None
        """How many sequences there will be in all; None: not known (yet, or in a file of an earlier version)."""
        self._prompts: str | None = None
        lines = read_lines(path, errors="replace")
        self._begun = bool(lines)
        if lines:
            header = _sound(lines[0])
            if header is None or not isinstance(header.get("run"), str):
                raise RunError(f"{path}: damaged: its first line is not as it was written; {REMOVE}")
            if header["run"] != run:
                raise RunError(f"{path}: holds answers of another model, data, settings or version; {REMOVE}")
            self.asked, self._prompts = header.get("asked"), header.get("prompts")
        for number, line in enumerate(lines[1:], start=2):
            self._read(number, line)

    def _read(self, number: int, line: str) -> None:
        try:
            record = _sound(line) or {}
            name = record.pop("name")
            self.finished[name] = Generated(**record)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.damaged.append(number)

    def begin(self, prompts: Mapping[str, Sequence[int]]) -> None:
        """Say what is asked: the ids of every prompt, by the name of its sequence.

        Raises RunError where the file holds answers to other prompts: a completion belongs to the ids before it.
        """
        asked = json_hash({name: list(ids) for name, ids in prompts.items()})
        if self.finished and self._prompts is not None and self._prompts != asked:
            raise RunError(
                f"{self.path}: the prompts are not those that were answered (a chat template or a row changed since "
                "then); start a new run"
            )
        self.asked, self._prompts = len(prompts), asked

    def join(self, other: "AnswerLog") -> None:
        """Take in what another log of the same run holds. Raises RunError if it answers other prompts."""
        if other._prompts is not None and self._prompts not in (None, other._prompts):
            raise RunError(
                f"{other.path}: the prompts are not those of {self.path} (a chat template or a row changed between "
                "them); make that share again in a new folder"
            )
        if other._prompts is not None:
            self.asked, self._prompts = other.asked, other._prompts
        if new := {name: one for name, one in other.finished.items() if name not in self.finished}:
            self.add(new)

    def add(self, finished: Mapping[str, Generated]) -> None:
        """Keep the sequences of one batch."""
        records: list[dict[str, Any]] = [{"name": name} | asdict(one) for name, one in finished.items()]
        if not self._begun:
            records.insert(0, {"run": self.run, "asked": self.asked, "prompts": self._prompts})
        append_lines(self.path, [json.dumps(one | {CHECK: _check(one)}) for one in records])
        self._begun = True
        self.finished.update(finished)


def _check(record: Mapping[str, Any]) -> str:
    return json_hash(dict(record))[:16]


def _sound(line: str) -> dict[str, Any] | None:
    """The record of a line, if it is as it was written (an earlier version wrote no checksum)."""
    try:
        record = json.loads(line)
        return record if record.pop(CHECK, None) in (None, _check(record)) else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None

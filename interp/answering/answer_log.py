"""What was generated so far, on disk batch by batch, so that a run that is killed does not answer again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from interp.atomic import append_lines, read_lines, remove


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
    """Greedy steps at which another token's logit was within `interp.answering.sampling.NEAR_TIE` of the best."""


class AnswerLog:
    """A file of finished sequences by name, one a line after a first line that says whose they are.

    Lines are only ever added; a batch is on the disk when `add` returns. A file of another run, or one whose first line
    is damaged, counts for nothing and is begun anew; of any other damaged line (a process was killed as it wrote it)
    only that sequence is lost.
    """

    def __init__(self, path: Path, *, run: str) -> None:
        """`run` says what everything in the file depends on: settings, versions, model and data."""
        self.path, self.run = path, run
        self.finished: dict[str, Generated] = {}
        self.asked: int | None = None
        """How many sequences there will be in all; None: not known (yet, or in a file of an earlier version)."""
        try:
            first, *lines = read_lines(path) or [""]
            header = json.loads(first)
            self._begun = header["run"] == run
        except (ValueError, TypeError, KeyError):
            self._begun = False
        if self._begun:
            self.asked = header.get("asked")
            for line in lines:
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            record = json.loads(line)
            name = record.pop("name")
            self.finished[name] = Generated(**record)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # generated again, with its batch

    def add(self, finished: Mapping[str, Generated]) -> None:
        """Keep the sequences of one batch."""
        if not self._begun:
            remove(self.path)
        header = json.dumps({"run": self.run, "asked": self.asked})
        lines = [json.dumps({"name": name} | asdict(one)) for name, one in finished.items()]
        append_lines(self.path, lines if self._begun else [header, *lines])
        self._begun = True
        self.finished.update(finished)

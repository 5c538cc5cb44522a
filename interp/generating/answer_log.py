"""What was generated so far, on disk batch by batch, so that a run that is killed does not answer again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from interp.errors import RunError
from interp.support.atomic import append_lines, read_lines, remove
from interp.support.fingerprint import json_hash


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
        self._prompts: str | None = None
        try:
            first, *lines = read_lines(path) or [""]
            header = json.loads(first)
            self._begun = header["run"] == run
        except (ValueError, TypeError, KeyError, RecursionError):
            self._begun = False
        if self._begun:
            self.asked, self._prompts = header.get("asked"), header.get("prompts")
            for line in lines:
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            record = json.loads(line)
            name = record.pop("name")
            self.finished[name] = Generated(**record)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass  # generated again, with its batch

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

    def add(self, finished: Mapping[str, Generated]) -> None:
        """Keep the sequences of one batch."""
        if not self._begun:
            remove(self.path)
        header = json.dumps({"run": self.run, "asked": self.asked, "prompts": self._prompts})
        lines = [json.dumps({"name": name} | asdict(one)) for name, one in finished.items()]
        append_lines(self.path, lines if self._begun else [header, *lines])
        self._begun = True
        self.finished.update(finished)

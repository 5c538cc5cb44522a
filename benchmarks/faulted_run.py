"""A small run as a target of faults: its phases, the folder as each of them begins, and the bytes it ends with."""

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any
from unittest.mock import patch

from moments import STOPPED, Moment, Moments, at_states, in_child, wrap

import interp
import interp.storing.shards
from interp.command.cli import main
from interp.models.loading import HookedModel
from interp.running.analysis import Analysis, analyse
from interp.runs.lock import FILES

PHASES = {
    "answering": ("", "capturing"),
    "labelling": ("", "capturing"),
    "capturing": ("capturing", "probing"),
    "probing": ("probing", "reporting"),
    "reporting": ("reporting", None),
}
"""With which state of run.json a phase begins (empty: with the run), and with which it has ended."""

TIMES = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:+]+|<tr>\s*<th[^>]*>resumed</th>(?:(?!</tr>).)*</tr>\s*"
    rb"|<tr>\s*<th[^>]*>[^<]*</th>\s*<td[^>]*>\s*<code>[\d.]+</code>\s*</td>\s*</tr>\s*",
    re.DOTALL,
)
"""What a report says of when and how long its run worked."""

SHARD_SAMPLES = 8
"""So few that there are several shards."""
ROLES = ("last_q", "exact_answer_last")
"""So few that probing takes no longer than the rest; the command itself has no option for fewer."""

Happens = Callable[[Moments], Callable[[], None]]
"""Given the moments of a process, what happens to it at one."""


class FaultedRun:
    """A run of a model's folder on a file of rows, always in the folder `work/run`; others beside it are its past."""

    def __init__(self, work: Path, model: HookedModel, folder: Path, data: Path, *options: str) -> None:
        self.work, self.out, self.said, self.model = work, work / "run", work / "said.txt", model
        self.when = work / "when.txt"
        """When it happened, by the clock that only goes forward."""
        self.options = ["--model", str(folder), "--data", str(data), *options]
        self.seen: Counter[tuple[str, str]] = Counter()
        """How many moments of a kind a phase has."""
        self._analysis: Analysis | None = None

    def prepare(self) -> None:
        """Run to the end in one go; count its moments, and keep the folder as each phase begins."""

        def whole(moments: Moments) -> int:
            at_states(lambda state: shutil.copytree(self.out, self.work / state))
            return self.work_on() or self.count(moments)

        assert self.child(whole) == 0, self.said.read_text()
        self.seen = self.counted()
        self.out.rename(self.work / "unbroken")
        self._analysis = self._analysed()

    def back_to(self, phase: str) -> None:
        """The folder as the phase begins."""
        shutil.rmtree(self.out, ignore_errors=True)
        if PHASES[phase][0]:
            self.copy(PHASES[phase][0])

    def child(
        self,
        action: Callable[[Moments], Any] | None = None,
        *,
        at: Moment | None = None,
        happens: Happens | None = None,
        stop: str | None = None,
    ) -> int:
        """Begin or go on in a process of its own, to which something `happens`, or which stops where a phase begins."""

        def act() -> Any:
            sys.stdout = sys.stderr = self.said.open("w", buffering=1, encoding="utf-8")
            interp.storing.shards.SHARD_SAMPLES = SHARD_SAMPLES
            wrap("interp.running.pipeline.load_settings_model", lambda _: lambda *_: self.model)
            if self._analysis is not None and at is not None and at.phase == "reporting":
                wrap("interp.running.pipeline.analyse", lambda _: lambda *_, **__: self._analysis)
            wrap("interp.command.commands.run_options", lambda work: lambda args: work(args) | {"roles": ROLES})
            moments = Moments(self.out)
            moments.at = at
            if happens is not None:
                moments.happens = self._timed(happens(moments))
            if stop is not None:
                at_states(lambda state: os._exit(STOPPED) if state == stop else None)
            return self.work_on() if action is None else action(moments)

        return in_child(act)

    def finish(self, phase: str) -> int:
        """Go on to the end of a phase."""
        last = phase == "reporting"
        return self.child(stop=PHASES[phase][1], at=Moment(phase, "never", 1) if last else None)

    def work_on(self) -> int:
        """Begin the run, or go on with it, by the command."""
        if (self.out / "run.json").exists():
            return main(["resume", str(self.out)])
        return main(["run", "--out", str(self.out), *self.options])

    def last_line(self) -> str:
        """What the last process said last, if it said it in one line and told of no traceback; else all it said."""
        said = self.said.read_text(encoding="utf-8")
        lines = said.strip().splitlines() or [""]
        return said if "Traceback" in said or not lines[-1].startswith("interp: ") else lines[-1]

    def differing(self, phase: str) -> list[str]:
        """Files that are not, at the end of a phase, what they are in the run that nothing happened to."""
        after = PHASES[phase][1]
        found, expected = contents(self.out), contents(self.work / (after or "unbroken"))
        return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))

    def _timed(self, happens: Callable[[], None]) -> Callable[[], None]:
        def timed() -> None:
            self.when.write_text(str(monotonic()))
            happens()

        return timed

    def count(self, moments: Moments) -> int:
        """Write down the moments that a process had; 0."""
        counts = [(phase, kind, n) for (phase, kind), n in moments.seen.items()]
        (self.work / "seen.json").write_text(json.dumps(counts))
        return 0

    def counted(self) -> Counter[tuple[str, str]]:
        """What `count` wrote down last."""
        counts = json.loads((self.work / "seen.json").read_text())
        return Counter({(phase, kind): n for phase, kind, n in counts})

    def copy(self, past: str) -> None:
        """The folder as a copy beside it."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.work / past, self.out)

    def _analysed(self) -> Analysis:
        """What the probes find, which every process that only reports is then given."""
        found: list[Analysis] = []

        class Known(Exception):
            pass

        def once(*args: Any, **options: Any) -> None:
            found.append(analyse(*args, **options))
            raise Known

        shutil.copytree(self.work / "probing", self.work / "analysed")
        small = patch("interp.storing.shards.SHARD_SAMPLES", SHARD_SAMPLES)
        with small, patch("interp.running.pipeline.analyse", once), suppress(Known):
            interp.resume(self.work / "analysed", model=self.model, n_jobs=1)
        return found[0]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path but run.json; of the report what holds no time; none of the lock, which a kill leaves."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    found = {name: path.read_bytes() for name, path in files.items() if path.name not in {*FILES, "run.json"}}
    if "report.html" in found:
        found["report.html"] = TIMES.sub(b"", found["report.html"])
    return found

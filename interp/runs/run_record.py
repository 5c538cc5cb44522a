"""The record of a run, `run.json`, as one frozen object; and the journal that writes every new state of it down."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from time import monotonic
from typing import Any

from interp.errors import RunError
from interp.runs.identity import answering_identity, run_identity
from interp.runs.run_folder import START_ANEW, RunFolder, going_on, read_run_json
from interp.support.atomic import write_json
from interp.support.heap import give_back

OBJECTS = (
    "settings",
    "used",
    "versions",
    "model",
    "numerics",
    "data",
    "seconds",
    "answer_batches",
    "counts",
    "batches",
)
"""Entries that are objects, where they are there."""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What `run.json` holds, in its order; None: not known yet, or not written by the version that made it."""

    state: str
    """`answering`, `capturing`, `probing`, `reporting` or `done`."""
    created: str
    settings: Mapping[str, Any]
    asked: Mapping[str, Any] | None = None
    """The settings that the user gave; the others are defaults, or the data set's."""
    used: Mapping[str, Any] | None = None
    """What became of the settings that were left open."""
    notes: Sequence[str] | None = None
    versions: Mapping[str, str]
    model: Mapping[str, Any]
    numerics: Mapping[str, Any] | None = None
    data: Mapping[str, Any]
    given: Sequence[str] | None = None
    """Arguments that were Python objects: `resume` needs them again."""
    seconds: Mapping[str, float]
    """By state, over all sessions."""
    resume: str
    resumed: Sequence[str] | None = None
    engines: Sequence[Mapping[str, Any]] | None = None
    """Of each session that worked on a cluster: how many workers there were, died and were refused."""
    answer_batches: Mapping[str, Any] | None = None
    refused: str | None = None
    """Why the answers cannot be probed as they are labelled and located, and how to go on."""
    counts: Mapping[str, Any] | None = None
    """What became of the samples."""
    span_uses_gold: bool | None = None
    batches: Mapping[str, Any] | None = None
    undefined_attention: Mapping[str, str] | None = None
    finished: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    """What another version of interp wrote besides."""

    @classmethod
    def read(cls, folder: RunFolder) -> "RunRecord":
        """The record in a run's folder. Raises RunError if the folder holds no run, or the file is damaged."""
        values = read_run_json(folder)
        if wrong := [name for name in OBJECTS if not isinstance(values.get(name, {}), dict)]:
            raise RunError(f"{folder.run_json}: damaged: {wrong[0]} is no JSON object; {START_ANEW}")
        return cls.from_json(values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RunRecord":
        """The record that `to_json` gave, or an earlier version wrote."""
        known = {one.name for one in fields(cls)} - {"others"}
        own = {name: value for name, value in values.items() if name in known}
        return cls(**own, others={name: value for name, value in values.items() if name not in known})

    def to_json(self) -> dict[str, Any]:
        """Plain values, without what is not known."""
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "others"}
        return {**{name: value for name, value in known.items() if value is not None}, **self.others}

    @property
    def identity(self) -> str:
        """What the shards of the run name as theirs."""
        return run_identity(self.to_json())

    @property
    def answering_identity(self) -> str:
        """What the answers of the run name as theirs."""
        return answering_identity(self.to_json())

    def going_on(self, path: Path) -> str:
        """The command or call that goes on with the run."""
        return going_on(self.to_json(), path)


class Journal:
    """The record of a run at work; who changes it gives the entries that are new."""

    def __init__(self, folder: RunFolder, record: RunRecord) -> None:
        self.folder, self.record = folder, record

    def know(self, **entries: Any) -> None:
        """Entries that are written down with the next ones that have to be on the disk."""
        self.record = replace(self.record, **entries)

    def write(self, **entries: Any) -> None:
        """Entries that have to be on the disk before anything else happens, and all that was known before them."""
        self.know(**entries)
        write_json(self.folder.run_json, self.record.to_json())

    @contextmanager
    def stage(self, state: str) -> Iterator[None]:
        """Write down what is being done, and how long it took, also where it was broken off (but not by `kill -9`)."""
        self.write(state=state)
        before, started = self.record.seconds.get(state, 0.0), monotonic()

        def took() -> dict[str, float]:
            return {**self.record.seconds, state: round(before + monotonic() - started, 2)}

        try:
            yield
        except BaseException:
            with suppress(RunError):  # what broke it off is what the user has to know
                self.write(seconds=took())
            raise
        give_back()
        self.know(seconds=took())

"""The run folder: which file holds what, and its record, `run.json`; reads JSON and imports nothing heavy."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from shlex import quote
from typing import Any

from interp.errors import DataError, InterpError, RunError
from interp.runs import lock
from interp.runs.line_check import check_line
from interp.storing.remote import RemotePath, ShardPath
from interp.support.arguments import path as path_of
from interp.support.atomic import UnwritableError, make_folder, read_lines, remove, write_text
from interp.support.stored import check_inside, read_json, read_json_lines, read_text

_KEYS = {"created", "data", "model", "resume", "seconds", "settings", "state", "versions"}
START_ANEW = "without its settings a run cannot go on: start a new one in another folder (nothing here is changed)"


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files."""

    path: Path

    @classmethod
    def at(cls, out: str | PathLike[str]) -> "RunFolder":
        """The folder at that path, whether it is there or not. Raises RunError for what is no path."""
        return cls(path_of("out", out, error=RunError))

    @property
    def run_json(self) -> Path:
        """Settings, versions, hashes, state, timings."""
        return self.path / "run.json"

    @property
    def samples(self) -> Path:
        """One line per row, in input order."""
        return self.path / "samples.jsonl"

    @property
    def answer_log(self) -> Path:
        """Answers by batch, until `samples.jsonl` is written."""
        return self.path / "answers.partial.jsonl"

    @property
    def positions(self) -> Path:
        """The position ledger (`Positions.table`), one line per sample and role."""
        return self.path / "positions.csv"

    @property
    def activations(self) -> ShardPath:
        """The safetensors shards: in the folder, or at the URL that `activations.url` names."""
        if not self.activations_url.exists():
            return self.path / "activations"
        try:
            return RemotePath.read(read_text(self.activations_url, 4096).strip())
        except (OSError, ValueError, DataError) as error:
            raise RunError(f"{self.activations_url}: names no place for activations: {error}") from error

    @property
    def activations_url(self) -> Path:
        """The file that says where the shards are, if they are not in the folder."""
        return self.path / "activations.url"

    def keep_activations_at(self, url: str | None) -> None:
        """Have the shards at a URL. Raises RunError for a folder whose shards are elsewhere."""
        if url is None:
            return
        there = RemotePath.read(url)
        if self.activations_url.exists() and str(self.activations) != str(there):
            raise RunError(f"{self.path}: its activations are at {self.activations}, not at {there}")
        write_text(self.activations_url, f"{there}\n")

    @property
    def parts(self) -> Path:
        """What the tasks of an array have made (`--shard`), a folder each, until they are gathered."""
        return self.path / "parts"

    @property
    def grid_csv(self) -> Path:
        """The tidy table."""
        return self.path / "grid.csv"

    @property
    def grid_nc(self) -> Path:
        """The same as xarray Datasets: both grids joined in the root, each with its scores in a group of its own."""
        return self.path / "grid.nc"

    @property
    def comparison(self) -> Path:
        """Grid-level results."""
        return self.path / "comparison.json"

    @property
    def best_probe(self) -> Path:
        """The probe of the grid's highest cell, for use (`interp.load_probe`): .safetensors and .json."""
        return self.path / "probes" / "best"

    @property
    def figures(self) -> Path:
        """PNG and SVG."""
        return self.path / "figures"

    @property
    def experiments(self) -> Path:
        """What experiments on the run wrote: table, dataset, figures and a section of the report each."""
        return self.path / "experiments"

    @property
    def token_scores(self) -> Path:
        """A score for every token of the completions, one line per sample, once `interp tokens` has made it."""
        return self.experiments / "token_scores.jsonl"

    @property
    def report(self) -> Path:
        """One page, no network."""
        return self.path / "report.html"

    def check_free(self) -> None:
        """Raise RunError unless the folder can be made, or holds at most what a run killed as it began left."""
        place = self.path.absolute()
        try:
            taken = self.path.exists() and any(
                entry.name not in {".run.json.tmp", self.activations_url.name, *lock.FILES}
                for entry in self.path.iterdir()
            )
            while not place.exists():
                place = place.parent
            os.stat(f"{place}/.")  # an error if it is no folder
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be used ({error.strerror}); choose another folder with --out"
            ) from error
        if taken:
            what = "another run" if self.run_json.exists() else "other files"
            how = "choose another folder with --out"
            if any(self.parts.glob("*-of-*")):
                what, how = "shares of an array", f"join them with `interp gather {quote(str(self.path))}`, or {how}"
            raise RunError(f"{self.path} holds {what}; nothing was overwritten: {how}")
        if not os.access(place, os.W_OK | os.X_OK):
            raise RunError(
                f"{self.path} cannot be used ({place}: Permission denied, or a read-only file system); choose another "
                "folder with --out"
            )

    @contextmanager
    def made(self) -> Iterator[None]:
        """While a run works in it, its lock included: a new folder goes again if an error of ours leaves it empty."""
        new = not self.path.exists()
        make_folder(self.path)
        try:
            yield
        except InterpError:
            if new:
                with suppress(OSError):  # it is not empty
                    self.path.rmdir()
            raise

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """While a run begins: an error of ours before its first answer frees the folder."""
        try:
            yield
        except InterpError:
            if not self.begun:
                for path in (self.answer_log, self.activations_url, self.run_json):
                    remove(path)
            raise

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While a run works on it: an error in writing says that what was finished is kept, where anything was."""
        try:
            yield
        except UnwritableError as error:
            if not self.begun:
                raise
            how = going_on(read_run_json(self), self.path)
            raise RunError(f"{error}, then go on with `{how}` (what was finished is kept)") from error

    @property
    def begun(self) -> bool:
        """Whether anything of a run is finished: a whole answer, or any file that comes after the answers."""
        try:
            others = {entry.name for entry in self.path.iterdir()} - {
                "run.json",
                ".run.json.tmp",
                self.answer_log.name,
                self.activations_url.name,
                *lock.FILES,
            }
            return bool(others or read_lines(self.answer_log, errors="replace")[1:])
        except OSError:
            return False


def json_line(record: dict[str, Any]) -> str:
    """One line of JSON Lines; line separators of Unicode stay escaped, so that no reader splits there."""
    text = json.dumps(record, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"


def read_samples(folder: RunFolder) -> list[dict[str, Any]]:
    """The records of `samples.jsonl`; RunError if the file is missing or damaged."""
    try:
        lines = list(read_json_lines(folder.samples))
        for number, line in enumerate(lines, start=1):
            check_line(number, line)
        return lines
    except (OSError, ValueError) as error:
        raise RunError(f"{folder.samples} cannot be read ({error}); is {folder.path} the folder of a run?") from error


def read_run_json(folder: RunFolder) -> dict[str, Any]:
    """`run.json`; RunError if the folder holds no run, or the file is damaged."""
    try:
        check_inside(folder.path)
        record = read_json(folder.run_json)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and folder.parts.is_dir():
            how = f"`interp gather {quote(str(folder.path))}`"
            raise RunError(f"{folder.path} holds shares of an array that is not joined yet: {how}") from error
        raise RunError(f"{folder.path} is not a run folder: {folder.run_json.name}: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{folder.run_json}: damaged: {error}; {START_ANEW}") from error
    if not isinstance(record, dict) or (lacking := sorted(_KEYS - record.keys())):
        what = f"it lacks {', '.join(lacking)}" if isinstance(record, dict) else "it is no JSON object"
        raise RunError(f"{folder.run_json}: damaged: {what}; {START_ANEW}")
    return record


def now() -> str:
    """The time, in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def going_on(record: dict[str, Any], path: Path) -> str:
    """The command that goes on with a run; a call, where it was given objects of Python that no command can name."""
    if given := record.get("given"):
        return f"interp.resume({str(path)!r}, {', '.join(f'{name}=…' for name in given)})"
    return f"interp resume {quote(str(path))}"

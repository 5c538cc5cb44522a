"""The run folder: which file holds what, and how samples are written and read back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from interp.answering.answers import Answers
from interp.answering.asking import Exchange
from interp.answering.judgement import Judgement
from interp.atomic import remove
from interp.capturing.positions import Positions
from interp.errors import InterpError, RunError
from interp.statistics.folds import Folds

_KEYS = {"created", "data", "model", "resume", "seconds", "settings", "state", "versions"}
_START_ANEW = "without its settings a run cannot go on: start a new one in another folder (nothing here is changed)"


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files (DESIGN: a run folder)."""

    path: Path

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
    def activations(self) -> Path:
        """The safetensors shards."""
        return self.path / "activations"

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
    def report(self) -> Path:
        """One page, no network."""
        return self.path / "report.html"

    def check_free(self) -> None:
        """Raise RunError if the folder holds anything but the first file of a run that was killed as it began."""
        try:
            taken = self.path.exists() and any(entry.name != ".run.json.tmp" for entry in self.path.iterdir())
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be used ({error.strerror}); choose another folder with --out"
            ) from error
        if taken:
            what = "another run" if self.run_json.exists() else "other files"
            raise RunError(f"{self.path} holds {what}; nothing was overwritten: choose another folder with --out")

    @contextmanager
    def beginning(self, *, new: bool = False) -> Iterator[None]:
        """While a run begins: an error of ours before its first answer frees the folder, or removes a `new` one."""
        try:
            yield
        except InterpError:
            if {entry.name for entry in self.path.iterdir()} <= {self.run_json.name}:
                remove(self.run_json)
                if new:
                    self.path.rmdir()
            raise


def sample_lines(answers: Answers, positions: Positions, folds: Folds | None) -> list[dict[str, Any]]:
    """The records of `samples.jsonl`; `fold` is null outside the population, and everywhere if there are no folds."""
    index = positions.index.tolist()
    lines: list[dict[str, Any]] = []
    for i in range(len(answers)):
        span, question = answers.exact_answer_tokens[i], answers.question_tokens[i]
        chars = {} if answers.exact_answer_chars is None else {"exact_answer_chars": answers.exact_answer_chars[i]}
        lines.append(
            {
                "id": answers.id[i],
                "group": answers.group[i],
                "fold": int(folds.fold[i]) if folds is not None and folds.fold[i] >= 0 else None,
                "question": answers.question[i],
                "prompt": answers.prompt[i],
                "completion": answers.text[i],
                "prompt_ids": answers.prompt_ids[i],
                "completion_ids": answers.completion_ids[i],
                "finish": answers.finish[i],
                "logprobs": answers.logprobs[i],
                "near_ties": None if answers.near_ties is None else answers.near_ties[i],
                "correct": answers.correct[i],
                "exact_answer": answers.exact_answer[i],
                "exact_answer_method": answers.exact_answer_method[i],
                **{name: list(at) if at is not None else None for name, at in chars.items()},
                "exact_answer_tokens": list(span) if span is not None else None,
                "question_tokens": list(question) if question is not None else None,
                "status": answers.status[i],
                "positions": {
                    role: token if token >= 0 else None for role, token in zip(positions.roles, index[i], strict=True)
                },
            }
        )
        if answers.extraction is not None:
            lines[-1]["extraction"] = [asdict(exchange) for exchange in answers.extraction[i]]
    if answers.judgement is not None:
        for line, judged in zip(lines, answers.judgement.records(), strict=True):
            line["judge"] = judged
    return lines


def json_line(record: dict[str, Any]) -> str:
    """One line of JSON Lines; line separators of Unicode stay escaped, so that no reader splits there."""
    text = json.dumps(record, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"


def read_answers(lines: Sequence[dict[str, Any]], *, span_uses_gold: bool = False) -> Answers:
    """`Answers` from the records of `samples.jsonl`."""

    def column(name: str) -> list[Any]:
        return [line[name] for line in lines]

    def spans(name: str) -> list[tuple[int, int] | None]:
        return [(span[0], span[1]) if span is not None else None for span in column(name)]

    return Answers(
        id=column("id"),
        question=column("question"),
        group=column("group"),
        prompt=column("prompt"),
        prompt_ids=column("prompt_ids"),
        completion_ids=column("completion_ids"),
        text=column("completion"),
        finish=column("finish"),
        logprobs=column("logprobs"),
        correct=column("correct"),
        exact_answer=column("exact_answer"),
        exact_answer_method=column("exact_answer_method"),
        exact_answer_tokens=spans("exact_answer_tokens"),
        question_tokens=spans("question_tokens"),
        status=column("status"),
        exact_answer_chars=spans("exact_answer_chars") if lines and "exact_answer_chars" in lines[0] else None,
        near_ties=column("near_ties") if lines and lines[0].get("near_ties") is not None else None,
        span_uses_gold=span_uses_gold,
        extraction=[tuple(Exchange(**asked) for asked in line["extraction"]) for line in lines]
        if lines and "extraction" in lines[0]
        else None,
        judgement=Judgement.read(column("judge"), column("correct")) if lines and "judge" in lines[0] else None,
    )


def read_samples(folder: RunFolder) -> list[dict[str, Any]]:
    """The records of `samples.jsonl`; RunError if the file is missing or damaged."""
    try:
        with folder.samples.open(encoding="utf-8", newline="\n") as file:
            return [json.loads(line) for line in file]
    except (OSError, ValueError) as error:
        raise RunError(f"{folder.samples} cannot be read ({error}); is {folder.path} the folder of a run?") from error


def read_run_json(folder: RunFolder) -> dict[str, Any]:
    """`run.json`; RunError if the folder holds no run, or the file is damaged."""
    try:
        record = json.loads(folder.run_json.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{folder.path} is not a run folder: {folder.run_json.name}: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{folder.run_json}: damaged: {error}; {_START_ANEW}") from error
    if not isinstance(record, dict) or (lacking := sorted(_KEYS - record.keys())):
        what = f"it lacks {', '.join(lacking)}" if isinstance(record, dict) else "it is no JSON object"
        raise RunError(f"{folder.run_json}: damaged: {what}; {_START_ANEW}")
    return record


def now() -> str:
    """The time, in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")

"""A run as a notebook shows it: what it found, in the sentences of its report; or how far it is, and how to go on."""

from typing import TYPE_CHECKING, Any

from interp.comparing.comparison_html import BEST, best_cell
from interp.errors import InterpError
from interp.reporting.section import read_sections
from interp.reporting.verdict import headline, verdict
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder
from interp.runs.run_record import RunRecord
from interp.runs.status import status
from interp.support.html_repr import Html, box, facts, section, sentences, settings_section, table
from interp.support.stored import as_written
from interp.support.units import duration, share, with_interval

if TYPE_CHECKING:
    from interp.runs.opened_run import Run


def run_html(run: "Run") -> str:
    """`Run._repr_html_`; reads the record, the probe grid and the comparison, no sample and no activation."""
    try:
        with as_written(run.folder.path):
            record = RunRecord.read(run.folder).to_json()  # as it is now: the run may have gone on since it was opened
            found = _finished(run) if record["state"] == "done" else _unfinished(run)
            line = [run.name, record["state"], record["model"].get("name", ""), *_counts(record)]
            sections = [*found, *_samples(record), *_experiments(run.folder, record), *_made(record)]
    except InterpError as error:
        line, sections = [run.name], [section("Not to be read", sentences([str(error)]), opened=True)]
    return box("Run", [fact for fact in line if fact], sections)


def _counts(record: dict[str, Any]) -> list[str]:
    counts = record.get("counts")
    if not counts:
        return []
    accuracy = counts.get("accuracy")
    right = [] if accuracy is None else [f"{share(accuracy, 1)} right"]
    return [f"{counts['samples']} samples", *right, f"{counts['population']} in the grids"]


def _finished(run: "Run") -> list[Html]:
    probe, comparison = run.probe, run.comparison
    best = [(name, *best_cell(comparison.best[name])) for name in comparison.names]
    numbers = [
        (number.name, with_interval(number.value, number.low, number.high), number.note)
        for number in headline(probe, comparison)
    ]
    return [
        section("Verdict", sentences(verdict(probe, comparison)), opened=True),
        section("Best cells", table(("grid", *BEST), best), note="AUC when chosen on other folds", opened=True),
        section("Numbers", table(("", "", ""), numbers), note="with 95 % interval"),
    ]


def _unfinished(run: "Run") -> list[Html]:
    return [section("How far it is", sentences(status(run.folder).splitlines()), opened=True)]


def _samples(record: dict[str, Any]) -> list[Html]:
    counts = record.get("counts") or {}
    rows = [(name, count, share(count, counts["samples"])) for name, count in counts.get("status", {}).items()]
    if not rows:
        return []
    return [section("Samples", table(("status", "samples", "share"), rows, right=["share"]), note=counts["samples"])]


def _experiments(folder: RunFolder, record: dict[str, Any]) -> list[Html]:
    """Those that stand in its folder, by title; their files are named after them."""
    sections, foreign = read_sections(folder.experiments, run=run_identity(record))
    rows = [(found.title, f"experiments/{found.name}.csv") for found in sections]
    rows += [(f"{name}, of another run", f"experiments/{name}") for name in foreign]
    if folder.token_scores.exists():
        rows.append(("Token scores", f"experiments/{folder.token_scores.name}"))
    return [section("Experiments", table(("", "file"), rows), note=len(rows))] if rows else []


def _made(record: dict[str, Any]) -> list[Html]:
    """How it was made: model, times and settings, folded away."""
    model = {name: value for name, value in record["model"].items() if value not in ("", None)}
    times = {name: duration(seconds) for name, seconds in record["seconds"].items()}
    times |= {name: record[name] for name in ("created", "finished") if record.get(name)}
    return [
        section("Model", facts(model), note=record["model"].get("architecture", "")),
        section("Times", facts(times)),
        *settings_section(record["settings"]),
    ]

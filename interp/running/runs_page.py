"""Several finished runs as one page, written to a file: `interp report DIR DIR …`."""

from collections.abc import Sequence
from pathlib import Path

from interp.comparing.run_differences import compare_runs, named_by_folder
from interp.errors import DataError, RunError
from interp.reporting.difference_words import describe_differences
from interp.reporting.differences_section import not_comparable
from interp.reporting.runs_page import RunOnPage, runs_html
from interp.running.exploring import explored_run
from interp.runs.opened_run import Run
from interp.support.atomic import make_folder, write_text

OURS = '<meta name="generator" content="interp report">'


def write_runs_page(runs: Sequence[Run], out: Path) -> Path:
    """The linked grids of all runs in one file, and where their probe grids differ; `out` as it was given.

    Raises RunError for a run that is not finished, or if `out` is something else than an earlier page.
    """
    if out.exists() and (not out.is_file() or OURS not in out.read_text(encoding="utf-8", errors="replace")[:2000]):
        raise RunError(f"{out} is something else than a page of runs; nothing was overwritten: choose another --out")
    named = dict(named_by_folder("runs", list(runs)))
    shown = [
        RunOnPage(
            explored_run(run.folder, run.probe, run.attention, run.record, name=name),
            run.record,
            run.probe,
            run.comparison,
        )
        for name, run in zip(named, runs, strict=True)
    ]
    page = runs_html(shown, _differences(dict(zip(named, runs, strict=True))))
    make_folder(out.absolute().parent)
    write_text(out, page)
    return out


def _differences(runs: dict[str, Run]) -> list[str]:
    """Where the probe grids differ; of grids that cannot be compared, why."""
    if len(runs) < 2:
        return []
    try:
        return [line.strip() for line in describe_differences(compare_runs(runs, layers="depth"))]
    except DataError as error:
        return [not_comparable(error)]

"""gather: what the tasks of an array made becomes one run, in two steps, as the tasks work in two."""

from pathlib import Path

from typing_extensions import Unpack

from interp.engines.all_made import AllMade, Missing
from interp.running.machines import Machines
from interp.running.pipeline import go_on
from interp.running.shares import join_parts, missing_parts, remove_parts
from interp.runs.keywords import ResumeOptions
from interp.runs.opened_run import Run
from interp.runs.run_folder import RunFolder
from interp.support.accepted import ModelSource, RowSource
from interp.support.public import public
from interp.support.shown_options import shows_options


@shows_options(ResumeOptions, {})
@public
def gather(
    out: str | Path,
    *,
    model: ModelSource | None = None,
    data: RowSource | None = None,
    progress: bool = False,
    n_jobs: int | None = None,
    **given: Unpack[ResumeOptions],
) -> Run:
    """Join what the tasks of an array made (`run(…, shard="2/8")`): first their answers, then, called again, the run.

    Called when every task has answered its share, it labels the answers and places them, and returns a Run in the
    state `capturing`; called when every task has captured its share, it checks the checksum of every shard, fits the
    grids and writes the report, and returns the finished Run: the bytes of a run on one machine. The arguments are
    those of `resume`.

    Raises RunError that names the shares that are missing, and shares and shards that are damaged or of another run.

    >>> interp.gather("demo-run")  # the folder of `interp demo`; a finished run is opened as it is
    Run('demo-run', state='done')
    """
    folder, labelled = RunFolder.at(out), RunFolder.at(out).samples.exists()
    of = join_parts(folder)
    try:
        found = go_on(out, Machines(), model, data, progress=progress, n_jobs=n_jobs, given=given, engine=AllMade())
    except Missing as missing:
        if folder.samples.exists() and not labelled:
            return Run(folder)
        raise missing_parts(folder, missing, of) from None
    remove_parts(folder)
    return found

"""run, and resume of one that was stopped: from rows to report, the chain of what a notebook calls one by one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from interp.capturing.positions import Positions
from interp.capturing.role_text import restored_roles
from interp.engines.asked import check_engine
from interp.engines.share import Share
from interp.engines.units import Engine
from interp.errors import RunError
from interp.labelling.answers import Answers
from interp.models.loading import model_tokenizer
from interp.models.thread_choice import worthwhile_threads
from interp.planning.footprint import check_room
from interp.planning.relabelling import relabelled
from interp.planning.request import Request
from interp.planning.shapes import Shapes
from interp.reporting.beforehand import prompt_sentences
from interp.running.analysis import analyse, draw, write_results
from interp.running.array_checks import check_alone
from interp.running.machines import Machines, machines
from interp.running.measuring import measure
from interp.running.record import check_labelled, check_rows_given, check_unchanged, new_record, relabelled_record
from interp.running.shares import run_share
from interp.runs.keywords import RUN_DEFAULTS, ResumeOptions, RunOptions
from interp.runs.labelling_models import given_again
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.rows import load_settings_model, model_source, read_rows
from interp.runs.run_folder import RunFolder, now
from interp.runs.run_record import Journal, RunRecord
from interp.runs.settings import Settings
from interp.statistics.folds import Folds
from interp.storing.remote import RemotePath
from interp.storing.stored_capture import stored_capture
from interp.support.accepted import ModelSource, RowSource
from interp.support.arguments import flag, job_count, parameters
from interp.support.atomic import make_folder, writing
from interp.support.heap import give_back, settled
from interp.support.messages import nearest
from interp.support.numerics import numerics, recorded_threads
from interp.support.progress import announce
from interp.support.public import public
from interp.support.shown_options import shows_options
from interp.support.threads import one_thread, torch_threads


@public
@shows_options(RunOptions, RUN_DEFAULTS)
def run(
    *,
    model: ModelSource,
    data: RowSource | None = None,
    out: str | Path,
    progress: bool = False,
    n_jobs: int | None = None,
    engine: str = "local",
    address: str | None = None,
    shard: str | None = None,
    activations: str | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """The whole flow: rows → answers → positions → capture → grids → comparison → figures and report, in `out`.

    `model` is anything `load_model` takes, `data` anything `load_rows` takes; `options` are the fields of
    `interp.runs.settings.Settings` (`max_new_tokens=…, prompt_template=…, sites=…, seed=…`). `dataset="movies"` reads
    that data set's published file (without `data`: from the Hugging Face hub) and fills in prompt, rules and limits
    that are not given. `roles={name: rule}` adds columns (`interp.capturing.role_text`). A run that was stopped goes on
    with `resume(out)`. The same bytes come again from the same inputs (definitions: same bytes).

    More than one machine makes the same bytes: `engine="ray"` on the workers of a Ray cluster (at `address`), or
    `shard="2/8"` as the second of eight tasks of an array, which `gather(out)` joins (docs/howto/many-machines.md).
    `activations="s3://bucket/folder"` keeps the shards there instead of in `out` (s3, gs, az, abfs, hdfs; by fsspec).

    Raises InterpError subclasses with one sentence that says what to do; nothing is overwritten.

    >>> from interp import demo
    >>> result = interp.run(
    ...     model=demo.model_path(), data=demo.questions_path(), limit=24, out="demo-run",  # 24 questions: a try
    ...     prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=64, permutations=0, controls=False,
    ... )
    >>> result.settings["state"]
    'done'
    """
    folder, progress, n_jobs = RunFolder.at(out), flag("progress", progress), job_count(n_jobs)
    check_engine(engine, address, model)
    if activations is not None:
        RemotePath.read(activations)
    asked: dict[str, Any] = {"model": model, "data": data, "options": options}
    if shard is not None:
        share = Share.read(shard)
        with machines(engine, address) as there:
            return Run(run_share(share, there, **asked, out=out, activations=activations, progress=progress))
    return begin(folder, machines(engine, address), asked, activations, progress=progress, n_jobs=n_jobs)


def begin(
    folder: RunFolder,
    connected: AbstractContextManager[Machines],
    asked: Mapping[str, Any],
    activations: str | None = None,
    *,
    progress: bool,
    n_jobs: int | None = None,
    replacing: Callable[[RunFolder], None] | None = None,
) -> Run:
    """`run`, once what was asked for is checked; `replacing` then removes what a folder in use holds."""
    model, out = asked["model"], folder.path
    request = Request.of(**asked, out=None if replacing else out)
    hooked = load_settings_model(request.settings, model)
    shapes = Shapes.of_model(hooked)
    request = request.with_tokenizer(model_tokenizer(hooked), n_ctx=shapes.n_ctx)
    settings = request.settings
    if activations is None:
        check_room(folder.path, shapes, settings.sites, len(settings.roles), len(request.samples))
    announce(prompt_sentences(request.prompt_checks(model_tokenizer(hooked), hooked)), progress=progress)
    with connected as there, folder.made(), locked(folder.path), folder.kept():
        if replacing:
            replacing(folder)
        folder.check_free()
        folder.keep_activations_at(activations)
        with torch_threads(settings.threads or worthwhile_threads(hooked)), folder.beginning():
            journal = Journal(folder, new_record(request, hooked, out))
            with there.engine(journal, settings, model, hooked) as made_by, settled():
                given = (request.rows, hooked, request.objects)
                with there.ahead(shapes, len(request.samples), len(settings.roles), n_jobs):
                    measured = measure(journal, settings, *given, engine=made_by, progress=progress)
        del hooked, made_by, given
        give_back()
        with there.cells(), settled():
            return _evaluate(journal, settings, measured, progress=progress, n_jobs=n_jobs)


@shows_options(ResumeOptions, {})
@public
def resume(
    out: str | Path,
    *,
    model: ModelSource | None = None,
    data: RowSource | None = None,
    progress: bool = False,
    n_jobs: int | None = None,
    engine: str = "local",
    address: str | None = None,
    **given: Unpack[ResumeOptions],
) -> Run:
    """Go on with a run that was stopped; what is finished is kept, and the result equals an unbroken run's.

    Until the answers are labelled, `exact_answer`, `candidates`, `answer_pattern`, `correct`, `judge`, `extractor` and
    `population` may be chosen anew: where a method located the right answers only, nothing is answered again.
    `model`, `data` and the options `correct`, `judge`, `extractor` and `roles` ({name: function}) are needed again
    only if they were given as Python objects. `engine` and `address` as in `run`, whatever the run began with. Raises
    RunError if the model, data or versions are not those the run began with, if this machine would get other last
    digits, or if another process is working on the run.

    >>> interp.resume("demo-run")  # the folder of `interp demo`; a finished run is opened as it is
    Run('demo-run', state='done')
    """
    check_engine(engine, address, model)
    with machines(engine, address) as there:
        return go_on(out, there, model, data, progress=progress, n_jobs=n_jobs, given=given)


def go_on(
    out: str | Path,
    there: Machines,
    model: ModelSource | None,
    data: RowSource | None,
    *,
    progress: bool,
    n_jobs: int | None,
    given: Mapping[str, Any],
    engine: Engine | None = None,
) -> Run:
    """`resume` on the machines `there`; `engine`: what makes what needs the model instead of them."""
    if unknown := sorted({*given} - {*ResumeOptions.__annotations__}):
        hint = nearest(unknown[0], parameters(resume))
        raise RunError(f"resume takes no option {unknown[0]!r}: a run goes on with the settings it began with{hint}")
    objects = given_again(given)
    folder, progress, n_jobs = RunFolder.at(out), flag("progress", progress), job_count(n_jobs)
    check_alone(folder)
    with locked(folder.path):
        record = RunRecord.read(folder)
        began = Settings.from_json(dict(record.settings))
        settings = relabelled(began, given)
        check_labelled(folder, settings, began)
        if record.state == "done":
            return open_run(out)
        check_rows_given(record, data, out)
        if not folder.samples.exists():
            restored_roles(settings.roles, objects.get("roles", {}))  # fails here, before a model is loaded
        rows = read_rows(settings, data)
        with folder.kept(), torch_threads(recorded_threads(record.to_json())):
            source = model_source(settings, model)
            hooked = load_settings_model(settings, source)
            check_unchanged(record, rows, hooked, folder.path)
            if settings != began:
                record = relabelled_record(record, settings, rows, folder.path)
            journal = Journal(folder, replace(record, resumed=[*(record.resumed or ()), now()]))
            size = (Shapes.of_model(hooked), len(settings.samples(rows)), len(settings.roles))
            with (
                nullcontext(engine) if engine else there.engine(journal, settings, source, hooked) as made_by,
                settled(),
                there.ahead(*size, n_jobs),
            ):
                measured = measure(journal, settings, rows, hooked, objects, engine=made_by, progress=progress)
            del hooked, made_by
            give_back()
        with folder.kept(), there.cells(), settled():
            return _evaluate(journal, settings, measured, progress=progress, n_jobs=n_jobs)


@public
def open_run(out: str | Path) -> Run:
    """A run folder as an object: settings, samples, grids, comparison, activations. Raises RunError if it is none.

    >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
    >>> run.probe.auc.dims
    ('layer', 'token')
    """
    opened = Run(RunFolder.at(out))
    opened.record  # noqa: B018  (fails at once for a folder that holds no run)
    return opened


def _evaluate(
    journal: Journal, settings: Settings, made: tuple[Answers, Positions, Folds], *, progress: bool, n_jobs: int | None
) -> Run:
    """What needs only the run folder: grids, comparison, figures and report."""
    folder, (answers, positions, folds) = journal.folder, made
    journal.know(numerics={**(journal.record.numerics or {}), "probes": {**numerics(), "threads": 1}})
    with journal.stage("probing"), one_thread():
        cap = stored_capture(folder.activations, tuple(answers.id), positions, run=journal.record.identity)
        weights = str(journal.record.model["weights_sha256"])
        result = analyse(cap, answers, positions, folds, settings, model=weights, progress=progress, n_jobs=n_jobs)
    with journal.stage("reporting"), writing(folder.path):
        make_folder(folder.figures)
        write_results(folder, result)
        draw(folder, result.probe, result.attention, cap, journal.record.to_json())
    journal.write(state="done", finished=now())
    return Run(folder)

"""run, and resume of one that was stopped: from rows to report, the chain of what a notebook calls one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from interp.capturing.forward_pass import capture_batches, capture_plan
from interp.capturing.ledger import ledger_csv
from interp.capturing.positions import Positions, resolve_positions
from interp.capturing.role_text import restored_roles
from interp.data.rows import Rows
from interp.errors import DataError, RunError
from interp.generating.answer_log import AnswerLog
from interp.generating.sampling import sampled_rows
from interp.labelling.answers import Answers
from interp.labelling.generate_answers import generate_answers
from interp.labelling.length_stops import length_warnings
from interp.models.loading import HookedModel, model_info, model_tokenizer, undefined_metrics
from interp.models.memory import Splits
from interp.planning.footprint import check_room
from interp.planning.relabelling import relabelled, way_on
from interp.planning.request import Request
from interp.planning.shapes import Shapes
from interp.running.analysis import analyse, draw, write_results
from interp.running.record import (
    check_unchanged,
    new_record,
    note_labelling,
    note_relabelling,
    run_candidates,
    sample_counts,
    stage,
)
from interp.runs.keywords import RUN_DEFAULTS, ResumeOptions, RunOptions
from interp.runs.labelling_models import given_again, labelling_models
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.rows import IN_PYTHON, load_settings_model, model_source, read_rows
from interp.runs.run_folder import RunFolder, answering_identity, json_line, now, read_run_json, run_identity
from interp.runs.sample_lines import sample_lines
from interp.runs.settings import Settings
from interp.statistics.folds import Folds, make_folds
from interp.storing.shards import finished_batches, nonfinite_counts, write_shards
from interp.storing.stored import stored_capture
from interp.support.accepted import ModelSource, RowSource
from interp.support.arguments import flag, job_count, nearest, parameters
from interp.support.atomic import make_folder, remove, write_json, write_text, writing
from interp.support.numerics import check_repeatable, numerics, recorded_threads
from interp.support.progress import announce, bar, say
from interp.support.public import public
from interp.support.shown_options import shows_options
from interp.support.threads import one_thread, torch_threads
from interp.text.thoughts import thought_warnings


@public
@shows_options(RunOptions, RUN_DEFAULTS)
def run(
    *,
    model: ModelSource,
    data: RowSource | None = None,
    out: str | Path,
    progress: bool = False,
    n_jobs: int | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """The whole flow: rows → answers → positions → capture → grids → comparison → figures and report, in `out`.

    `model` is anything `load_model` takes, `data` anything `load_rows` takes; `options` are the fields of
    `interp.runs.settings.Settings` (`max_new_tokens=…, prompt_template=…, sites=…, seed=…`). `dataset="movies"` reads
    that data set's published file (without `data`: from the Hugging Face hub) and fills in prompt, rules and limits
    that are not given. `roles={name: rule}` adds columns (`interp.capturing.role_text`). A run that was stopped goes on
    with `resume(out)`. The same bytes come again from the same inputs (definitions: same bytes).

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
    request = Request.of(model=model, data=data, out=out, options=options)
    hooked = load_settings_model(request.settings, model)
    shapes = Shapes.of_model(hooked)
    request = request.with_tokenizer(model_tokenizer(hooked), n_ctx=shapes.n_ctx)
    settings, record = request.settings, new_record(request, hooked, out)
    check_room(folder.path, shapes, settings.sites, len(settings.roles), len(request.samples))
    announce(record["notes"], progress=progress)
    new = not folder.path.exists()
    make_folder(folder.path)
    with locked(folder.path), folder.kept():
        folder.check_free()
        with folder.beginning(new=new):
            measured = _measure(folder, record, settings, request.rows, hooked, request.objects, progress=progress)
        del hooked
        return _evaluate(folder, record, settings, *measured, progress=progress, n_jobs=n_jobs)


@shows_options(ResumeOptions, {})
@public
def resume(
    out: str | Path,
    *,
    model: ModelSource | None = None,
    data: RowSource | None = None,
    progress: bool = False,
    n_jobs: int | None = None,
    **given: Unpack[ResumeOptions],
) -> Run:
    """Go on with a run that was stopped; what is finished is kept, and the result equals an unbroken run's.

    Until the answers are labelled, `exact_answer`, `candidates`, `answer_pattern`, `correct`, `judge`, `extractor` and
    `population` may be chosen anew: where a method located the right answers only, nothing is answered again.
    `model`, `data` and the options `correct`, `judge`, `extractor` and `roles` ({name: function}) are needed again
    only if they were given as Python objects. Raises RunError if the model, data or versions are not those the run
    began with, if this machine would get other last digits, or if another process is working on the run.

    >>> interp.resume("demo-run")  # the folder of `interp demo`; a finished run is opened as it is
    Run('demo-run', state='done')
    """
    if unknown := sorted({*given} - {*ResumeOptions.__annotations__}):
        hint = nearest(unknown[0], parameters(resume))
        raise RunError(f"resume takes no option {unknown[0]!r}: a run goes on with the settings it began with{hint}")
    objects = given_again(given)
    folder, progress, n_jobs = RunFolder.at(out), flag("progress", progress), job_count(n_jobs)
    with locked(folder.path):
        record = read_run_json(folder)
        began = Settings.from_json(record["settings"])
        settings = relabelled(began, given)
        if settings != began and folder.samples.exists():
            raise RunError(f"{out}: its answers are labelled and located already; start a new run to label them anew")
        if record["state"] == "done":
            return open_run(out)
        if data is None and record["data"]["source"] == IN_PYTHON:
            raise RunError(
                f"{out}: this run's rows were given in Python; go on with interp.resume({str(out)!r}, data=rows)"
            )
        if not folder.samples.exists():
            restored_roles(settings.roles, objects.get("roles", {}))  # fails here, before a model is loaded
        rows = read_rows(settings, data)
        with folder.kept(), torch_threads(recorded_threads(record)):
            hooked = load_settings_model(settings, model_source(settings, model))
            check_unchanged(record, rows, hooked, folder.path)
            if settings != began:
                note_relabelling(record, settings, rows, folder.path)
            record["resumed"] = [*record.get("resumed", ()), now()]
            measured = _measure(folder, record, settings, rows, hooked, objects, progress=progress)
            del hooked
        with folder.kept():
            return _evaluate(folder, record, settings, *measured, progress=progress, n_jobs=n_jobs)


@public
def open_run(out: str | Path) -> Run:
    """A run folder as an object: settings, samples, grids, comparison, activations. Raises RunError if it is none.

    >>> run = interp.open_run("demo-run")  # the folder of `interp demo`
    >>> run.probe.auc.dims
    ('layer', 'token')
    """
    opened = Run(RunFolder.at(out))
    opened.settings  # noqa: B018  (fails at once for a folder that holds no run)
    return opened


def _measure(
    folder: RunFolder,
    record: dict[str, Any],
    settings: Settings,
    rows: Rows,
    model: HookedModel,
    given: Mapping[str, Any],
    *,
    progress: bool,
) -> tuple[Answers, Positions, Folds]:
    """What needs the model: answers and activations, as far as they are not there yet."""
    if not folder.samples.exists():
        check_repeatable(record, folder.path, model_info(model).device)
        labelling = labelling_models(settings, model, given)
        note_labelling(record, labelling, model, folder.path)
        samples = len(sampled_rows(rows, settings.samples_per_question))
        with stage(folder, record, "answering"), bar("Answering", samples, enabled=progress) as advance:
            answers = generate_answers(
                model,
                rows,
                samples_per_question=settings.samples_per_question,
                exact_answer=settings.exact_answer,
                candidates=settings.candidates,
                default_candidates=run_candidates(settings, rows),
                answer_pattern=settings.answer_pattern,
                **settings.generation,
                **labelling,
                log=AnswerLog(folder.answer_log, run=answering_identity(record)),
                splits=Splits(
                    record.setdefault("answer_batches", {"split": {}})["split"],
                    lambda: write_json(folder.run_json, record),
                ),
                progress=advance,
            )
        if progress:
            records = list(answers)
            say(length_warnings(records, settings.max_new_tokens) + thought_warnings(records))
        positions = resolve_positions(answers, roles=restored_roles(settings.roles, given.get("roles", {})))
        folds = _folds(folder, answers, positions, settings, record.get("given", ()))
        if answers.fillers:
            record["used"].setdefault("candidates", {})["fillers"] = [asdict(filler) for filler in answers.fillers]
        special = model_tokenizer(model).all_special_ids
        record |= {
            "counts": sample_counts(answers, positions, folds, special),
            "span_uses_gold": answers.span_uses_gold,
        }
        # Before the samples: where samples.jsonl is, resume takes the counts from run.json.
        write_json(folder.run_json, record)
        write_text(folder.positions, ledger_csv(positions.table()))
        write_text(folder.samples, "".join(map(json_line, sample_lines(answers, positions, folds))))
    else:
        opened = Run(folder)
        answers, positions = opened.answers, opened.positions
        folds = _folds(folder, answers, positions, settings, record.get("given", ()))

    remove(folder.answer_log)

    plan = capture_plan(model, answers, positions, batch_tokens=settings.batch_tokens)
    composition = plan.settings
    if finished_batches(folder.activations) < len(plan.batches):
        check_repeatable(record, folder.path, model_info(model).device)
    batches = record.setdefault("batches", {**composition, "split": {}})
    if batches["batches_sha256"] != composition["batches_sha256"]:
        raise RunError(f"{folder.path}: the batches are not those the run began with; start a new run")
    if missing := undefined_metrics(model):
        record["undefined_attention"] = missing
    with stage(folder, record, "capturing"), bar("Capturing", len(answers), enabled=progress) as advance:
        write_shards(
            folder.activations,
            lambda skip: capture_batches(
                model,
                answers,
                positions,
                sites=settings.sites,
                batch_tokens=settings.batch_tokens,
                skip=skip,
                sizes=batches["split"],
                on_split=lambda: write_json(folder.run_json, record),
            ),
            run=run_identity(record),
            roles=positions.roles,
            progress=advance,
        )
    record["counts"]["nonfinite"] = nonfinite_counts(folder.activations)
    return answers, positions, folds


def _evaluate(
    folder: RunFolder,
    record: dict[str, Any],
    settings: Settings,
    answers: Answers,
    positions: Positions,
    folds: Folds,
    *,
    progress: bool,
    n_jobs: int | None,
) -> Run:
    """What needs only the run folder: grids, comparison, figures and report."""
    record.setdefault("numerics", {})["probes"] = {**numerics(), "threads": 1}
    with stage(folder, record, "probing"), one_thread():
        cap = stored_capture(folder.activations, tuple(answers.id), positions, run=run_identity(record))
        weights = str(record["model"]["weights_sha256"])
        result = analyse(cap, answers, positions, folds, settings, model=weights, progress=progress, n_jobs=n_jobs)
    with stage(folder, record, "reporting"), writing(folder.path):
        make_folder(folder.figures)
        write_results(folder, result)
        draw(folder, result.probe, result.attention, cap, record)
    record |= {"state": "done", "finished": now()}
    write_json(folder.run_json, record)
    return Run(folder)


def _folds(
    folder: RunFolder, answers: Answers, positions: Positions, settings: Settings, given: Sequence[str]
) -> Folds:
    """Population and folds; what was answered is written down before an error says why it cannot be probed."""
    located = (positions.exact_answer[:, 0] >= 0).numpy()
    usable = [None if status == "too_long" else y for y, status in zip(answers.correct, answers.status, strict=True)]
    options: dict[str, Any] = {"population": settings.population, "folds": settings.folds, "seed": settings.seed}
    try:
        return make_folds(usable, answers.group, has_exact_answer=located, ids=answers.id, **options)
    except DataError as error:
        lines = sample_lines(answers, positions, None)
        write_text(folder.path / "answers.jsonl", "".join(map(json_line, lines)))
        hint = way_on(folder.path, settings, given, usable, located)
        raise DataError(f"{error}. {hint} (the answers are in {folder.path / 'answers.jsonl'})") from error

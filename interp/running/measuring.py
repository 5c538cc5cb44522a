"""What of a run needs its model: answers and activations, as far as they are not there yet."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.forward_pass import capture_plan
from interp.capturing.ledger import ledger_csv
from interp.capturing.positions import Positions
from interp.capturing.resolve_positions import resolve_positions
from interp.capturing.role_text import restored_roles
from interp.data.rows import Rows
from interp.engines.units import Engine
from interp.errors import DataError, RunError
from interp.generating.answer_log import AnswerLog
from interp.labelling.answers import Answers
from interp.labelling.generate_answers import generate_answers
from interp.models.loading import HookedModel, model_info, model_tokenizer, undefined_metrics
from interp.models.memory import Splits
from interp.planning.relabelling import lost_answers, with_another_method
from interp.reporting.notes import length_warnings, thought_warnings
from interp.reporting.progress_words import damaged_answers, way_on
from interp.running.record import run_candidates, sample_counts, used_labellers
from interp.runs.labelling_models import labelling_models
from interp.runs.opened_run import Run
from interp.runs.run_folder import RunFolder, json_line
from interp.runs.run_record import Journal
from interp.runs.sample_lines import sample_lines
from interp.runs.settings import Settings
from interp.statistics.folds import Folds, make_folds
from interp.storing.shards import finished_batches, nonfinite_counts, write_shards
from interp.support.atomic import remove, write_text
from interp.support.numerics import check_repeatable
from interp.support.progress import announce, bar, say


def measure(
    journal: Journal,
    settings: Settings,
    rows: Rows,
    model: HookedModel,
    given: Mapping[str, Any],
    *,
    engine: Engine,
    progress: bool,
) -> tuple[Answers, Positions, Folds]:
    """Answers, their positions and folds; the activations are then in the run's folder.

    `given`: what was given as Python objects; `engine` makes what needs the model. Raises RunError if this machine
    would get other last digits than those that the run began with, DataError if the answers cannot be probed; they are
    then in the folder.
    """
    folder = journal.folder
    if not folder.samples.exists():
        check_repeatable(journal.record.to_json(), folder.path, model_info(model).device)
        answers = answer(journal, settings, rows, model, given, engine=engine, progress=progress)
        positions = resolve_positions(answers, roles=restored_roles(settings.roles, given.get("roles", {})))
        folds = _folds(journal, answers, positions, settings)
        # Before the samples: where samples.jsonl is, resume takes the counts from run.json.
        journal.write(
            counts=sample_counts(answers, positions, folds, model_tokenizer(model).all_special_ids),
            span_uses_gold=answers.span_uses_gold,
            refused=None,
        )
        write_text(folder.positions, ledger_csv(positions.table()))
        write_text(folder.samples, "".join(map(json_line, sample_lines(answers, positions, folds))))
    else:
        opened = Run(folder)
        answers, positions = opened.answers, opened.positions
        folds = _folds(journal, answers, positions, settings)
    remove(folder.answer_log)
    capture(journal, settings, model, answers, positions, engine=engine, progress=progress)
    return answers, positions, folds


def answer(
    journal: Journal,
    settings: Settings,
    rows: Rows,
    model: HookedModel,
    given: Mapping[str, Any],
    *,
    engine: Engine,
    progress: bool,
) -> Answers:
    """Every row answered, labelled and located; batches that the log holds are not answered again."""
    folder, labelling = journal.folder, labelling_models(settings, model, given)
    split: dict[str, list[int]] = dict((journal.record.answer_batches or {}).get("split", {}))
    batches = {**(journal.record.answer_batches or {}), "split": split}
    log = AnswerLog(folder.answer_log, run=journal.record.answering_identity)
    announce(damaged_answers(folder.answer_log, log.damaged), progress=progress)
    journal.know(used=used_labellers(journal.record, labelling, model, folder.path))
    samples = len(settings.samples(rows))
    with journal.stage("answering"), bar("Answering", samples, enabled=progress) as advance:
        journal.know(answer_batches=batches)
        answers = generate_answers(
            model,
            rows,
            samples_per_question=settings.samples_per_question,
            greedy_too=settings.greedy_too,
            exact_answer=settings.exact_answer,
            candidates=settings.candidates,
            default_candidates=run_candidates(settings, rows),
            answer_pattern=settings.answer_pattern,
            **settings.generation,
            **labelling,
            log=log,
            splits=Splits(split, lambda: journal.write(answer_batches=batches)),
            engine=engine,
            progress=advance,
        )
    if progress:
        records = list(answers)
        say(length_warnings(records, settings.max_new_tokens) + thought_warnings(records))
    if answers.fillers:
        used = dict(journal.record.used or {})
        candidates = {**used.get("candidates", {}), "fillers": [asdict(filler) for filler in answers.fillers]}
        journal.know(used={**used, "candidates": candidates})
    return answers


def capture(
    journal: Journal,
    settings: Settings,
    model: HookedModel,
    answers: Answers,
    positions: Positions,
    *,
    engine: Engine,
    folder: RunFolder | None = None,
    progress: bool,
) -> None:
    """The activations of every sample, shard by shard; shards that are there are kept.

    `folder`: where they go, if that is not the journal's own but one that other tasks share.
    """
    alone, folder = folder is None, folder or journal.folder
    plan = capture_plan(model, answers, positions, batch_tokens=settings.batch_tokens)
    if finished_batches(folder.activations) < len(plan.batches):
        check_repeatable(journal.record.to_json(), folder.path, model_info(model).device)
    batches = {**plan.settings, "split": {}, **(journal.record.batches or {})}
    split = batches["split"] = dict(batches["split"])
    if batches["batches_sha256"] != plan.settings["batches_sha256"]:
        raise RunError(f"{folder.path}: the batches are not those the run began with; start a new run")
    journal.know(batches=batches, undefined_attention=undefined_metrics(model) or None)
    with journal.stage("capturing"), bar("Capturing", len(answers), enabled=progress) as advance:
        write_shards(
            folder.activations,
            [len(batch) for batch in plan.batches],
            partial(CaptureUnit.of, answers, positions, plan, settings.sites),
            run=journal.record.identity,
            roles=positions.roles,
            engine=engine,
            splits=Splits(split, lambda: journal.write(batches=batches)),
            alone=alone,
            progress=advance,
        )
    journal.know(counts={**(journal.record.counts or {}), "nonfinite": nonfinite_counts(folder.activations)})


def _folds(journal: Journal, answers: Answers, positions: Positions, settings: Settings) -> Folds:
    """Population and folds; what was answered is written down before an error says why it cannot be probed."""
    folder = journal.folder
    located = (positions.exact_answer[:, 0] >= 0).numpy()
    usable = [None if status == "too_long" else y for y, status in zip(answers.correct, answers.status, strict=True)]
    options: dict[str, Any] = {"population": settings.population, "folds": settings.folds, "seed": settings.seed}
    try:
        return make_folds(usable, answers.group, has_exact_answer=located, ids=answers.id, **options)
    except DataError as error:
        lines = sample_lines(answers, positions, None)
        write_text(folder.path / "answers.jsonl", "".join(map(json_line, lines)))
        another = with_another_method(folder.path, settings, journal.record.given or ())
        hint = way_on(lost_answers(usable, located), settings.exact_answer, another)
        journal.write(refused=f"{error}. {hint}")
        raise DataError(f"{error}. {hint} (the answers are in {folder.path / 'answers.jsonl'})") from error

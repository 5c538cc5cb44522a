"""run, resume: from rows to report, one readable chain of the functions a notebook calls one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

from interp.activations import Capture, capture_batches
from interp.analysis import analyse, draw, write_results
from interp.answers import STATUSES, Answers, generate_answers
from interp.atomic import write_json, write_text
from interp.errors import DataError, RunError
from interp.fingerprint import json_hash, tokenizer_hash, versions, weights_hash
from interp.folds import Folds, make_folds
from interp.models import HookedModel, load_model, model_info, model_tokenizer
from interp.opened_run import Run, run_identity
from interp.positions import Positions, resolve_positions
from interp.progress import bar
from interp.rows import QARow, load_rows
from interp.run_folder import RunFolder, json_line, now, read_run_json, sample_lines
from interp.settings import Settings
from interp.store import ShardWriter, finished_shards
from interp.stored import stored_capture


def run(
    *,
    model: Any,
    data: str | Path | Iterable[QARow | Mapping[str, Any]],
    out: str | Path,
    progress: bool = False,
    n_jobs: int | None = None,
    **options: Any,
) -> Run:
    """The whole flow: rows → answers → positions → capture → grids → comparison → figures and report, in `out`.

    `model` is anything `load_model` takes, `data` anything `load_rows` takes; `options` are the fields of
    `interp.settings.Settings` (`max_new_tokens=…, prompt_template=…, sites=…, seed=…`). Same inputs, settings and
    versions give byte-identical grids. A run that was stopped goes on with `resume(out)`.

    Raises InterpError subclasses with one sentence that says what to do; nothing is overwritten.
    """
    folder = RunFolder(Path(out))
    folder.check_free()
    named = isinstance(data, (str, Path))
    source = str(data) if named else "rows given in Python"
    settings = Settings(model=_model_name(model), data=source, **options)
    rows = load_rows(data, limit=settings.limit)
    hooked = _load(model, settings)
    folder.create()
    record = {
        "state": "answering",
        "created": now(),
        "settings": settings.to_json(),
        "versions": versions(),
        "model": _describe_model(hooked),
        "data": {"source": source, "rows": len(rows), "sha256": _data_hash(rows)},
        "resume": f"interp resume {out}",
        "seconds": {},
    }
    return _go_on(folder, record, settings, rows, hooked, progress=progress, n_jobs=n_jobs)


def resume(
    out: str | Path, *, model: Any = None, data: Any = None, progress: bool = False, n_jobs: int | None = None
) -> Run:
    """Go on with a run that was stopped; what is finished is kept, and the result equals an unbroken run's.

    `model` and `data` are needed again only if they were given as Python objects. Raises RunError if the model, data
    or versions are not those the run began with.
    """
    folder = RunFolder(Path(out))
    record = read_run_json(folder)
    if record.get("state") == "done":
        return open_run(out)
    settings = Settings.from_json(record["settings"])
    if data is None and record["data"]["source"] == "rows given in Python":
        raise RunError(
            f"{out}: this run's rows were given in Python; go on with interp.resume({str(out)!r}, data=rows)"
        )
    rows = load_rows(settings.data if data is None else data, limit=settings.limit)
    hooked = _load(settings.model if model is None else model, settings)
    for what, then, current in (
        ("data", record["data"]["sha256"], _data_hash(rows)),
        ("model", record["model"]["weights_sha256"], weights_hash(hooked)),
        ("versions", record["versions"], versions()),
    ):
        if then != current:
            raise RunError(
                f"{out}: the {what} changed since the run began ({then} then, {current} now); start a new run"
            )
    return _go_on(folder, record, settings, rows, hooked, progress=progress, n_jobs=n_jobs)


def open_run(out: str | Path) -> Run:
    """A run folder as an object: settings, samples, grids, comparison, activations. Raises RunError if it is none."""
    opened = Run(RunFolder(Path(out)))
    opened.settings  # noqa: B018  (fails at once for a folder that holds no run)
    return opened


def _go_on(
    folder: RunFolder,
    record: dict[str, Any],
    settings: Settings,
    rows: list[QARow],
    model: HookedModel,
    *,
    progress: bool,
    n_jobs: int | None,
) -> Run:
    """Every stage that is not finished yet, in order."""

    @contextmanager
    def stage(state: str) -> Iterator[None]:
        record["state"] = state
        write_json(folder.run_json, record)
        started = monotonic()
        yield
        record["seconds"][state] = round(monotonic() - started, 2)

    if not folder.samples.exists():
        with stage("answering"), bar("Answering", len(rows), enabled=progress) as advance:
            answers = generate_answers(
                model,
                rows,
                max_new_tokens=settings.max_new_tokens,
                prompt_template=settings.prompt_template,
                chat=settings.chat,
                stop=settings.stop,
                candidates=settings.candidates,
                answer_pattern=settings.answer_pattern,
                batch_tokens=settings.batch_tokens,
                progress=advance,
            )
        positions = resolve_positions(answers)
        folds = _folds(folder, answers, positions, settings)
        write_text(folder.samples, "".join(map(json_line, sample_lines(answers, positions, folds))))
        record |= {"counts": _counts(answers, positions, folds), "span_uses_gold": answers.span_uses_gold}
    else:
        answers = Run(folder).answers
        positions = resolve_positions(answers)
        folds = _folds(folder, answers, positions, settings)

    identity = run_identity(record)
    with stage("capturing"), bar("Capturing", len(answers), enabled=progress) as advance:
        _capture(folder, model, answers, positions, settings, identity, advance)
    del model

    with stage("probing"):
        cap = stored_capture(folder.activations, tuple(answers.id), positions, run=identity)
        result = analyse(cap, answers, positions, folds, settings, progress=progress, n_jobs=n_jobs)
    with stage("reporting"):
        write_results(folder, result)
        draw(folder, result.probe, result.attention, result.comparison, cap, record)
    record |= {"state": "done", "finished": now()}
    write_json(folder.run_json, record)
    return Run(folder)


def _capture(
    folder: RunFolder,
    model: HookedModel,
    answers: Answers,
    positions: Positions,
    settings: Settings,
    identity: str,
    advance: Any,
) -> None:
    """One shard per batch; shards that are finished stay. The order of batches is fixed by the samples' lengths."""
    writer = ShardWriter(folder.activations, run=identity, roles=positions.roles)
    finished = [shard.index for shard in finished_shards(folder.activations, run=identity)]
    done = next(i for i in range(len(finished) + 1) if i not in finished)
    batches = capture_batches(
        model, answers, positions, sites=settings.sites, batch_tokens=settings.batch_tokens, skip=done
    )
    if advance is not None:
        advance(sum(len(shard.sample_ids) for shard in finished_shards(folder.activations)[:done]))
    for number, (samples, part) in enumerate(batches, start=done):
        writer.write(number, _tensors(part), part.id, valid=part.valid)
        if advance is not None:
            advance(len(samples))


def _tensors(part: Capture) -> dict[str, Any]:
    named = {f"{site}.{layer}": part.sites[site][:, i] for site in part.sites for i, layer in enumerate(part.layers)}
    named |= {
        f"attention.{metric}.{layer}": values[:, i]
        for metric, values in part.attention.items()
        for i, layer in enumerate(part.layers)
    }
    return {**named, "embed": part.embed}


def _folds(folder: RunFolder, answers: Answers, positions: Positions, settings: Settings) -> Folds:
    """Population and folds; what was answered is written down before an error says why it cannot be probed."""
    located = (positions.exact_answer[:, 0] >= 0).numpy()
    usable = [None if status == "too_long" else y for y, status in zip(answers.correct, answers.status, strict=True)]
    options: dict[str, Any] = {"population": settings.population, "folds": settings.folds, "seed": settings.seed}
    try:
        return make_folds(usable, answers.group, has_exact_answer=located, ids=answers.id, **options)
    except DataError as error:
        lines = sample_lines(answers, positions, None)
        write_text(folder.path / "answers.jsonl", "".join(map(json_line, lines)))
        raise DataError(f"{error} (the model's answers are in {folder.path / 'answers.jsonl'})") from error


def _counts(answers: Answers, positions: Positions, folds: Folds) -> dict[str, Any]:
    """What happened to the samples: nothing is left out without being counted."""
    labelled = [y for y in answers.correct if y is not None]
    methods = Counter(
        (m or "none", {True: "correct", False: "wrong", None: "unlabelled"}[y])
        for m, y in zip(answers.exact_answer_method, answers.correct, strict=True)
    )
    return {
        "samples": len(answers),
        "status": {status: answers.status.count(status) for status in STATUSES},
        "accuracy": sum(labelled) / len(labelled) if labelled else None,
        "unlabelled": answers.correct.count(None),
        "exact_answer_method": [{"method": m, "label": y, "n": n} for (m, y), n in sorted(methods.items())],
        "question_not_located": answers.question_tokens.count(None),
        "stopped_by_length": answers.finish.count("length"),
        "population": int(folds.member.sum()),
        "excluded": folds.excluded,
        "valid": dict(zip(positions.roles, positions.valid.sum(0).tolist(), strict=True)),
    }


def _load(model: Any, settings: Settings) -> HookedModel:
    return load_model(model, device=settings.device, dtype=settings.dtype, processed_weights=settings.processed_weights)


def _model_name(model: Any) -> str:
    return str(model) if isinstance(model, (str, Path)) else type(model).__name__


def _describe_model(model: HookedModel) -> dict[str, Any]:
    described = {
        key: str(value) if key in ("device", "dtype") else value for key, value in asdict(model_info(model)).items()
    }
    hashes = {"weights_sha256": weights_hash(model), "tokenizer_sha256": tokenizer_hash(model_tokenizer(model))}
    return described | hashes


def _data_hash(rows: list[QARow]) -> str:
    return json_hash([{**asdict(row), "source": ""} for row in rows])

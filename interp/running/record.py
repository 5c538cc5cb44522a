"""What `run.json` says of a run: what was asked and used, on what, and what became of every sample."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from interp.capturing.positions import Positions
from interp.data.rows import QARow, Rows
from interp.errors import RunError
from interp.fitting.estimators import TUNABLE, ProbeSpec
from interp.generating.chat import uses_clock
from interp.generating.prompts import first_bos
from interp.labelling.answers import STATUSES, Answers
from interp.labelling.exact_answers import exact_answer_method
from interp.labelling.extraction import extraction_counts
from interp.labelling.generate_answers import named_answers
from interp.labelling.place_check import place_check
from interp.labelling.special_inside import special_inside
from interp.labelling.template_check import template_check
from interp.models.backends.kinds import is_hooked
from interp.models.loading import HookedModel, model_info, model_tokenizer
from interp.planning.request import Request
from interp.reporting.beforehand import brought_sentences, method_sentence, prompt_sentences
from interp.runs.rows import IN_PYTHON
from interp.runs.run_folder import RunFolder, now
from interp.runs.run_record import RunRecord
from interp.runs.settings import GIVEN, Settings
from interp.statistics.folds import Folds
from interp.support.accepted import RowSource
from interp.support.atomic import plain
from interp.support.fingerprint import json_hash, tokenizer_hash, versions, weights_hash
from interp.support.numerics import numerics


def new_record(request: Request, model: HookedModel, out: str | Path) -> RunRecord:
    """The record of a run that begins."""
    settings, rows = request.settings.to_json(), request.rows
    checks = request.prompt_checks(model_tokenizer(model), model)
    record = RunRecord(
        state="answering",
        created=now(),
        settings=settings,
        asked={name: settings[name] for name in request.asked if name in settings},
        used=used_settings(request, model),
        notes=[*prompt_sentences(checks), *brought_sentences(checks)],
        versions=versions(),
        model=describe_model(model),
        numerics={"model": numerics(model_info(model).device)},
        data={
            "source": request.settings.data,
            "rows": len(rows),
            "samples": len(request.samples),
            "left_out": rows.left_out,
            **({"read_as": rows.read_as} if rows.read_as else {}),
            "sha256": data_hash(rows),
        },
        given=list(request.given),
        seconds={},
        resume="",
    )
    return replace(record, resume=record.going_on(Path(out)))


def used_settings(request: Request, model: HookedModel) -> dict[str, Any]:
    """What became of the settings that were left open, or that a loaded model decides whatever they say."""
    settings, info = request.settings, model_info(model)
    tokenizer = model_tokenizer(model)
    form, own = settings.prompt_format, [row.prompt for row in request.rows]
    used: dict[str, Any] = {
        "device": str(info.device),
        "dtype": str(info.dtype).removeprefix("torch."),
        "processed_weights": info.processed_weights,
        "chat": None if all(own) else form.is_chat(tokenizer),
        "prompt_date": settings.prompt_date if not all(own) and uses_clock(tokenizer) else None,
        "bos": first_bos(form, request.samples[0], tokenizer),
        "C": list(ProbeSpec(settings.probe, C=settings.C).strengths) if settings.probe in TUNABLE else None,
    }
    if request.choice is not None:
        used["exact_answer_choice"] = method_sentence(request.choice)
    return used | used_method(settings, request.rows)


def used_method(settings: Settings, rows: Rows) -> dict[str, Any]:
    """How exact answers are looked for; of the candidates their number and hash."""
    method = exact_answer_method(
        settings.exact_answer,
        candidates=settings.candidates,
        pattern=settings.answer_pattern,
        extract=lambda questions, texts: [],
    ).name
    if method != "candidates":
        return {"exact_answer": method}
    if settings.candidates is None and all(row.options for row in rows):
        return {"exact_answer": "option"}
    listed = list(dict.fromkeys(settings.candidates or run_candidates(settings, rows)))
    source = "every accepted answer of the data" if settings.candidates is None else "given"
    return {
        "exact_answer": method,
        "candidates": {"source": source, "number": len(listed), "sha256": json_hash(listed)},
    }


def run_candidates(settings: Settings, rows: Rows) -> Sequence[str]:
    """The default candidates of a run: every accepted answer of the data, rows past a limit included."""
    return named_answers([*rows, *rows.beyond], wrong_too=settings.correct == "choice")


def used_labellers(record: RunRecord, labelling: Mapping[str, Any], model: HookedModel, out: Path) -> Mapping[str, Any]:
    """`used` with the models that label the answers; RunError if a run that goes on began with others."""
    used = dict(record.used or {})
    for name in ("judge", "extractor"):
        extracts = name == "extractor" and used.get("exact_answer") == "extract"
        found = model if extracts and labelling[name] is None else labelling[name]
        if not is_hooked(found):
            continue  # nobody is asked, or a function: the settings name it
        said = "the run's own model" if found is model else plain(describe_model(found))
        if used.setdefault(name, said) != said:
            raise RunError(
                f"{out}: the {name} changed since the run began; give the one it began with, or start a new run"
            )
    return used


def relabelled_record(record: RunRecord, settings: Settings, rows: Rows, out: Path) -> RunRecord:
    """The record of a run whose answers are to be labelled otherwise than it began with."""
    kept = {name: value for name, value in (record.used or {}).items() if name not in LABELLING_USED}
    given = [name for name in record.given or () if str(getattr(settings, name, GIVEN)).startswith(GIVEN)]
    changed = replace(record, settings=settings.to_json(), used=kept | used_method(settings, rows), given=given)
    return replace(changed, resume=changed.going_on(out))


LABELLING_USED = ("exact_answer", "exact_answer_choice", "candidates", "judge", "extractor")


def check_labelled(folder: RunFolder, settings: Settings, began: Settings) -> None:
    """Raise RunError for settings of labels that come after the labels."""
    if settings != began and folder.samples.exists():
        raise RunError(
            f"{folder.path}: its answers are labelled and located already; start a new run to label them anew"
        )


def check_rows_given(record: RunRecord, data: RowSource | None, out: str | Path) -> None:
    """Raise RunError for rows that only their owner has."""
    if data is None and record.data["source"] == IN_PYTHON:
        raise RunError(
            f"{out}: this run's rows were given in Python; go on with interp.resume({str(out)!r}, data=rows)"
        )


def check_unchanged(record: RunRecord, rows: list[QARow], model: HookedModel, out: Path) -> None:
    """Raise RunError unless data, model and versions are those that the run began with."""
    for what, then, current in (
        ("data", {"sha256": record.data["sha256"]}, {"sha256": data_hash(rows)}),
        ("model", record.model, plain(describe_model(model))),
        ("versions", record.versions, versions()),
    ):
        # What an earlier version of interp did not write down is not known to have changed.
        if changed := [key for key in sorted(then) if then[key] != current.get(key)]:
            details = ", ".join(f"{key} {then[key]} then, {current.get(key)} now" for key in changed)
            raise RunError(f"{out}: the {what} changed since the run began ({details}); start a new run")


def sample_counts(
    answers: Answers, positions: Positions, folds: Folds, special_ids: Sequence[int] = ()
) -> dict[str, Any]:
    """What happened to the samples: nothing is left out without being counted."""
    labelled = [y for y in answers.correct if y is not None]
    generated = [logprobs is not None for logprobs in answers.logprobs]
    completed = [bool(ids) for ids in answers.completion_ids]
    too_long = answers.status.count("too_long")
    methods = Counter(
        (m or "none", {True: "correct", False: "wrong", None: "unlabelled"}[y])
        for m, y in zip(answers.exact_answer_method, answers.correct, strict=True)
    )
    return {
        "samples": len(answers),
        "completions": {
            "generated": sum(generated),
            "brought": sum(there and not ours for ours, there in zip(generated, completed, strict=True)),
            "none": sum(not there and not ours for ours, there in zip(generated, completed, strict=True)),
        },
        "status": {status: answers.status.count(status) for status in STATUSES},
        "accuracy": sum(labelled) / len(labelled) if labelled else None,
        "unlabelled": answers.correct.count(None),
        "exact_answer_method": [{"method": m, "label": y, "n": n} for (m, y), n in sorted(methods.items())],
        # Of samples that are too long it is not looked for.
        "question_not_located": sum(
            place is None and status != "too_long"
            for place, status in zip(answers.question_tokens, answers.status, strict=True)
        ),
        # Only the model's own: where a completion was brought, nobody knows why it ends.
        "stopped_by_length": sum(ours and end == "length" for ours, end in zip(generated, answers.finish, strict=True)),
        "special_inside": special_inside(answers, special_ids),
        "near_ties": sum(answers.near_ties or ()),
        "population": int(folds.member.sum()),
        "excluded": {"too_long": too_long, **folds.excluded, "unlabelled": folds.excluded["unlabelled"] - too_long},
        "valid": dict(zip(positions.roles, positions.valid.sum(0).tolist(), strict=True)),
        "template_check": template_check(
            [question for question, inside in zip(answers.question, folds.member, strict=True) if inside],
            folds.y[folds.member],
            folds.fold[folds.member],
            [group for group, inside in zip(answers.group, folds.member, strict=True) if inside],
        ),
        "place_check": [asdict(check) for check in place_check(answers)],
        "judge": None if answers.judgement is None else answers.judgement.counts(),
        "extraction": None if answers.extraction is None else extraction_counts(answers.extraction),
    }


def describe_model(model: HookedModel) -> dict[str, Any]:
    """What `run.json` says of the model, hashes of its weights and tokenizer among it."""
    described = {
        key: str(value) if key in ("device", "dtype") else value for key, value in asdict(model_info(model)).items()
    }
    hashes = {"weights_sha256": weights_hash(model), "tokenizer_sha256": tokenizer_hash(model_tokenizer(model))}
    return described | hashes


def data_hash(rows: list[QARow]) -> str:
    """SHA-256 of the rows, wherever they were read from."""
    return json_hash([_stated(row) for row in rows])


ADDED = ("system", "messages", "options")
"""Fields that rows once had not: where they are absent, the hash is that of then."""


def _stated(row: QARow) -> dict[str, Any]:
    values = {**asdict(row), "source": ""}
    return {name: value for name, value in values.items() if value or name not in ADDED}

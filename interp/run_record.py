"""What `run.json` says of a run: its model, its data, and what became of every sample."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from interp.answering.answers import STATUSES, Answers
from interp.answering.extraction import extraction_counts
from interp.answering.place_check import place_check
from interp.capturing.positions import Positions
from interp.data.rows import QARow
from interp.fingerprint import json_hash, tokenizer_hash, weights_hash
from interp.models.loading import HookedModel, model_info, model_tokenizer
from interp.statistics.folds import Folds


def sample_counts(answers: Answers, positions: Positions, folds: Folds) -> dict[str, Any]:
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
        "stopped_by_length": sum(
            end == "length" and logprobs is not None  # those that the model generated
            for end, logprobs in zip(answers.finish, answers.logprobs, strict=True)
        ),
        "near_ties": sum(answers.near_ties or ()),
        "population": int(folds.member.sum()),
        "excluded": folds.excluded,
        "valid": dict(zip(positions.roles, positions.valid.sum(0).tolist(), strict=True)),
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
    return json_hash([{**asdict(row), "source": ""} for row in rows])

"""What `run.json` says of a run: counts by hand on made answers, changes by name, times of what was broken off."""

import json
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import interp
from interp.data.rows import QARow
from interp.errors import RunError
from interp.generating.asking import Exchange
from interp.labelling.judgement import Judgement
from interp.running import record as run_record
from interp.running.record import check_unchanged, data_hash, sample_counts, used_labellers
from interp.runs.run_record import RunRecord
from interp.statistics.folds import Folds
from interp.support.fingerprint import weights_hash

# fmt: off
#   generated  completion  finish    correct  method        status             question  near ties
SAMPLES = (
    (True,     [5, 6, 2],  "stop",   True,    "candidates", "ok",              (0, 1),   2),
    (True,     [5, 6, 7],  "length", False,   "candidates", "ambiguous",       (0, 1),   0),
    (True,     [5],        "length", False,   None,         "no_exact_answer", None,     1),
    (False,    [5, 2],     "stop",   True,    "row",        "ok",              (0, 1),   0),
    (False,    [5, 6],     "length", None,    "candidates", "ok",              (0, 1),   0),
    (False,    [],         "stop",   None,    None,         "empty",           (0, 1),   0),
    (False,    [],         "stop",   None,    None,         "too_long",        None,     0),
)
# fmt: on
N = len(SAMPLES)


def made() -> interp.Answers:
    ours, ids, finish, correct, method, status, question, ties = (list(column) for column in zip(*SAMPLES, strict=True))
    return interp.Answers(
        id=[f"q{i}" for i in range(N)],
        question=["?"] * N,
        group=[f"g{i}" for i in range(N)],
        prompt=["?"] * N,
        prompt_ids=[[0, 1]] * N,
        completion_ids=ids,
        text=["text"] * N,
        finish=finish,
        logprobs=[[-1.0] * len(one) if own else None for own, one in zip(ours, ids, strict=True)],
        correct=correct,
        exact_answer=[None if one is None else "text" for one in method],
        exact_answer_method=method,
        exact_answer_tokens=[None if one is None else (2, 2) for one in method],
        question_tokens=question,
        status=status,
        near_ties=ties,
    )


FOLDS = Folds(
    fold=np.array([0, 1, -1, 1, -1, -1, -1]),
    y=np.array([1, 0, -1, 1, -1, -1, -1]),
    group=tuple(f"g{i}" for i in range(N)),
    excluded={"unlabelled": 3, "no_exact_answer": 1},
)
POSITIONS = interp.Positions.at(
    np.ones((N, 2), int), n_tokens=3, roles=("a", "b"), valid=[[True, i < 2] for i in range(N)]
)


def test_every_sample_is_counted():
    counts = sample_counts(made(), POSITIONS, FOLDS)
    assert {name: counts[name] for name in counts if name not in ("place_check", "template_check")} == {
        "samples": 7,
        "completions": {"generated": 3, "brought": 2, "none": 2},
        "status": {"ok": 3, "no_exact_answer": 1, "ambiguous": 1, "empty": 1, "too_long": 1, "unfinished_thought": 0},
        "accuracy": 0.5,
        "unlabelled": 3,
        "exact_answer_method": [
            {"method": "candidates", "label": "correct", "n": 1},
            {"method": "candidates", "label": "unlabelled", "n": 1},
            {"method": "candidates", "label": "wrong", "n": 1},
            {"method": "none", "label": "unlabelled", "n": 2},
            {"method": "none", "label": "wrong", "n": 1},
            {"method": "row", "label": "correct", "n": 1},
        ],
        "question_not_located": 1,  # one of two is too long, and was not searched
        "stopped_by_length": 2,  # the third one's completion was brought
        "special_inside": [],
        "near_ties": 3,
        "population": 3,
        "excluded": {"too_long": 1, "unlabelled": 2, "no_exact_answer": 1},
        "valid": {"a": 7, "b": 2},
        "judge": None,
        "extraction": None,
    }
    assert counts["population"] + sum(counts["excluded"].values()) == counts["samples"]
    assert {check["name"] for check in counts["place_check"]} >= {"without an exact answer", "located by candidates"}


def test_what_a_model_was_asked_is_counted_and_what_is_not_known_is_none():
    asked = [Exchange("p", "yes"), Exchange("p", "no"), Exchange("p", "well"), Exchange("p", None), *[None] * 3]
    judged = replace(
        made(),
        judgement=Judgement(asked, [None] * N, [None] * N),
        extraction=[(Exchange("p", "x"),), (Exchange("p", "?"), Exchange("p", "NO ANSWER")), *[()] * 5],
        correct=[None] * N,
        near_ties=None,
    )
    counts = sample_counts(judged, POSITIONS, FOLDS)
    assert counts["accuracy"] is None and counts["unlabelled"] == N and counts["near_ties"] == 0
    assert {name: counts["judge"][name] for name in ("yes", "no", "unclear", "too_long", "not_asked")} == {
        "yes": 1, "no": 1, "unclear": 1, "too_long": 1, "not_asked": 3
    }  # fmt: skip
    assert counts["extraction"] == {"asked": 2, "asked_again": 1, "no_answer": 1, "too_long": 0}


ROW = QARow(id="q1", question="Where?", answers=("Rome", "Roma"), source="rows.jsonl:3")


def test_the_hash_of_the_data_is_that_of_the_rows_wherever_they_stood():
    assert data_hash([ROW]) == data_hash([replace(ROW, source="other.csv:9")])
    changes = {
        "id": "q2", "question": "Who?", "answers": ("Roma", "Rome"), "prompt": "p", "context": "c", "wrong_answer": "w",
        "group": "g", "prompt_ids": (1,), "completion": "c", "completion_ids": (1,), "exact_answer": "Rome", "correct": True,
        "system": "Be short.", "messages": (("user", "Where?"),),
        "options": ("Rome", "Oslo"),
    }  # fmt: skip
    assert set(changes) == set(asdict(ROW)) - {"source"}
    hashes = {data_hash([replace(ROW, **{name: value})]) for name, value in changes.items()}
    assert len(hashes | {data_hash([ROW]), data_hash([]), data_hash([ROW, ROW])}) == len(changes) + 3


@pytest.fixture
def described(monkeypatch):
    """Models say of themselves what they are given."""
    monkeypatch.setattr(run_record, "describe_model", lambda model: model.says)
    monkeypatch.setattr(run_record, "versions", lambda: {"torch": "2", "numpy": "1"})
    monkeypatch.setattr(run_record, "is_hooked", lambda model: hasattr(model, "says"))


def begun(**entries) -> RunRecord:
    """A record with these entries."""
    needed = {"settings": {}, "versions": {}, "model": {}, "data": {}, "seconds": {}}
    return RunRecord(**{"state": "answering", "created": "now", "resume": "interp resume x", **needed, **entries})


def test_a_run_goes_on_with_what_it_began_with_only(described, tmp_path):
    model = SimpleNamespace(says={"name": "tiny", "weights": "abc"})
    record = begun(
        data={"sha256": data_hash([ROW]), "rows": 1},
        model={"name": "tiny", "weights": "abc"},
        versions={"torch": "2", "numpy": "1"},
    )
    check_unchanged(record, [ROW], model, tmp_path)
    check_unchanged(replace(record, versions={"torch": "2"}), [ROW], model, tmp_path)  # what was not written down
    for change, said in (
        (
            {"model": {"name": "huge", "weights": "abc"}},
            "the model changed since the run began (name huge then, tiny now)",
        ),
        (
            {"versions": {"torch": "1", "numpy": "1", "gone": "3"}},
            "the versions changed since the run began (gone 3 then, None now, torch 1 then, 2 now)",
        ),
    ):
        with pytest.raises(RunError) as error:
            check_unchanged(replace(record, **change), [ROW], model, tmp_path)
        assert str(error.value) == f"{tmp_path}: {said}; start a new run"
    with pytest.raises(RunError, match=r"the data changed since the run began \(sha256 "):
        check_unchanged(record, [ROW, ROW], model, tmp_path)


def test_who_labels_the_answers_is_written_down_and_may_not_change(described, tmp_path):
    model, judge = SimpleNamespace(says={"name": "tiny"}), SimpleNamespace(says={"name": "wise"})
    record = begun(used={"exact_answer": "extract"})
    used = used_labellers(record, {"judge": judge, "extractor": None}, model, tmp_path)
    assert used == {"exact_answer": "extract", "judge": {"name": "wise"}, "extractor": "the run's own model"}
    assert record.used == {"exact_answer": "extract"}
    went_on = replace(record, used=used)
    again = {"judge": SimpleNamespace(says={"name": "wise"}), "extractor": None}
    assert used_labellers(went_on, again, model, tmp_path) == used
    with pytest.raises(RunError, match="the judge changed since the run began; give the one it began with"):
        used_labellers(went_on, {"judge": model, "extractor": None}, model, tmp_path)
    fresh = begun(used={"exact_answer": "candidates"})  # a function is asked, or nobody
    assert used_labellers(fresh, {"judge": str.upper, "extractor": None}, model, tmp_path) == fresh.used


def test_a_model_is_described_by_sizes_and_hashes(monkeypatch):
    @dataclass
    class Info:
        name: str
        device: torch.device
        dtype: torch.dtype
        windows: tuple[int | None, ...]

    info = Info("tiny", torch.device("cpu"), torch.bfloat16, (4, None))
    monkeypatch.setattr(run_record, "model_info", lambda model: info)
    monkeypatch.setattr(run_record, "model_tokenizer", lambda model: None)
    monkeypatch.setattr(run_record, "tokenizer_hash", lambda tokenizer: "of the tokenizer")
    model = torch.nn.Linear(2, 3)
    told = run_record.describe_model(model)
    plain = {"name": "tiny", "device": "cpu", "dtype": "torch.bfloat16", "windows": (4, None)}
    assert told == plain | {"weights_sha256": weights_hash(model), "tokenizer_sha256": "of the tokenizer"}
    json.dumps(told)  # as run.json holds it
    with torch.no_grad():
        model.bias[1] += 1
    assert run_record.describe_model(model)["weights_sha256"] != told["weights_sha256"]

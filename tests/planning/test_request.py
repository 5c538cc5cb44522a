"""What `run` refuses before it loads a model, `plan` refuses: the same bad input to both, the same sentence back."""

from pathlib import Path

import pytest

import interp
from interp.errors import DataError, InterpError, ModelError, RunError
from interp.planning.request import Request

ROWS = [{"question": f"Where is city {i}?", "answer": "France", "completion": " In France."} for i in range(8)]


def taken(folder: Path) -> Path:
    (folder / "mine.txt").write_text("mine")
    return folder


BAD = {
    "two rows": (DataError, "2 distinct groups for 5 folds; give more", {"data": ROWS[:2]}),
    "one group": (DataError, "1 distinct groups", {"data": [row | {"group": "g"} for row in ROWS]}),
    "too many folds": (DataError, "8 distinct groups for 9 folds", {"folds": 9}),
    "no rows": (DataError, "no rows", {"data": []}),
    "a row without an answer": (DataError, "no answer", {"data": [*ROWS, {"question": "Why?"}]}),
    "no data": (DataError, "there is no data", {"data": None}),
    "a device that is not there": (ModelError, "device 'cuda:99'", {"device": "cuda:99"}),
    "no device": (ModelError, "device 'quantum'", {"device": "quantum"}),
    "no dtype": (ModelError, "dtype: expected one of float32", {"dtype": "float7"}),
    "no site": (DataError, "sites: expected one of resid_post", {"sites": ("nowhere",)}),
    "no probe": (DataError, "probe", {"probe": "oracle"}),
    "no population": (DataError, "population: expected one of", {"population": "everyone"}),
    "no rule": (DataError, "correct: expected one of", {"correct": "exactly"}),
    "no data set": (DataError, "dataset: expected one of triviaqa", {"dataset": "films"}),
    "no judge": (DataError, "needs a model to ask", {"correct": "judge"}),
    "a judge that is not there": (
        ModelError,
        "no such file or folder",
        {"correct": "judge", "judge": "./nowhere/at/all"},
    ),
    "an extractor that is not there": (
        ModelError,
        "no such file or folder",
        {"exact_answer": "extract", "extractor": "./nowhere/at/all"},
    ),
    "a model that is not there": (ModelError, "no such file or folder", {"model": "./nowhere/at/all"}),
    "rows that the rule cannot judge": (DataError, "needs a `wrong_answer`", {"correct": "choice"}),
    "rows that the template does not fit": (
        DataError,
        "names {context}, but the row",
        {"prompt_template": "{context} {question}"},
    ),
    "a chat without a template": (ModelError, "no chat template", {"chat": True}),
    "rows that do not fit": (DataError, "none of 8 rows fits", {"max_new_tokens": 999, "data": [
        {key: row[key] for key in ("question", "answer")} for row in ROWS
    ]}),
    "greedy answers, several": (DataError, "several greedy answers", {"samples_per_question": 2}),
    "ids that are taken": (
        DataError,
        "the id '0#0' is taken",
        {
            "temperature": 1.0,
            "samples_per_question": 2,
            "data": [{"question": f"Where is {i}?", "answer": "a", "id": i} for i in ("0", "1", "2", "3", "4")]
            + [{"question": "Where?", "answer": "a", "id": "0#0", "completion": "a"}],
        },
    ),
    "a token of another model": (
        DataError,
        "token id 100000 is outside the model's vocabulary",
        {"data": [*ROWS, {"question": "Where?", "answer": "a", "prompt_ids": [5], "completion_ids": [5, 100000]}]},
    ),
    "a folder in use": (RunError, "holds other files; nothing was overwritten", {"out": taken}),
    "a file in the way": (RunError, "cannot be used .Not a directory.", {"out": lambda to: taken(to) / "mine.txt" / "run"}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_run_and_plan_refuse_alike(llama, llama_folder, tmp_path, monkeypatch, case) -> None:
    for place in ("interp.running.pipeline", "interp.planning.plan"):
        monkeypatch.setattr(f"{place}.load_settings_model", lambda settings, model: model_of(model, llama))
    kind, message, options = BAD[case]
    options = {"model": llama_folder, "data": ROWS, "out": lambda to: to / "run"} | options
    options["out"] = options["out"](tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = []
    for ask in (interp.run, lambda **given: interp.plan(time=False, **given)):
        with pytest.raises(kind, match=message) as refused:
            ask(**options)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert sorted(tmp_path.rglob("*")) == before  # neither leaves anything


def model_of(model: object, llama: object) -> object:
    """The loaded model for its folder; a model that is not there is not found by loading it either."""
    return llama if Path(str(model)).exists() else interp.load_model(model)


@pytest.mark.parametrize("case", [case for case in BAD if case not in (
    "a model that is not there", "rows that the rule cannot judge", "rows that the template does not fit",
    "a chat without a template", "rows that do not fit", "ids that are taken", "a token of another model",
)])  # fmt: skip
def test_what_needs_no_tokenizer_is_refused_before_anything_is_loaded(llama_folder, tmp_path, case) -> None:
    kind, message, options = BAD[case]
    options = {"data": ROWS, "out": lambda to: to / "run"} | options
    data, out = options.pop("data"), options.pop("out")(tmp_path)
    with pytest.raises(kind, match=message):
        Request.of(model=llama_folder, data=data, out=out, options=options)


def test_a_folder_that_may_not_be_written_is_refused_by_both(llama_folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(
        "os.access", lambda place, how: Path(place) != tmp_path
    )  # as root, permissions hold nobody back
    for ask in (interp.run, interp.plan):
        with pytest.raises(
            RunError, match=r"a/run cannot be used \(.*: Permission denied, or a read-only file system\)"
        ):
            ask(model=llama_folder, data=ROWS, out=tmp_path / "a" / "run")
    assert not list(tmp_path.iterdir())


def test_a_plan_without_a_folder_uses_none(llama_folder) -> None:
    assert interp.plan(model=llama_folder, data=ROWS, time=False).rows == 8


def test_every_refusal_is_ours() -> None:
    assert all(issubclass(kind, InterpError) for kind, _, _ in BAD.values())

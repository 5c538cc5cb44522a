"""Whatever a public function is given, it works or says in one sentence of ours what is wrong."""

import warnings
from functools import cache
from inspect import Parameter, isclass, isfunction, ismethod, signature
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt
from valid_calls import Call, planted_answers, planted_capture

import interp

PROTOCOL = {"Positions.__getitem__": (IndexError,)}
"""What Python's own protocols ask for besides."""

WRONG: dict[str, Any] = {
    "None": None, "True": True, "zero": 0, "minus one": -1, "huge": 10**12, "a fraction": 0.5, "nan": float("nan"),
    "inf": float("inf"), "numpy nan": np.float64("nan"), "a letter": "x", "empty text": "", "NUL": "\0", "half a character": "\ud800", "long": "x" * 5000,
    "bytes": b"x", "empty list": [], "texts": ["x"], "two texts": ["x", "y"], "nested": [["x"]], "none in a list": [None],
    "nans": [float("nan")] * 24, "numbers": [1, 2], "pairs": [[0, 1]] * 24, "empty dict": {}, "a dict": {"x": 1}, "keys": {1: "x", None: 2},
    "set": {"x"}, "a pair": ("last_q", None), "slice": slice("a", "b"), "object": object(), "a class": dict,
    "a function": lambda *args, **options: None, "flat array": np.zeros(24), "table": np.zeros((24, 2)),
    "array of text": np.array(["x"] * 24), "array of nan": np.full((24, 2, 2, 3), np.nan), "no axes": np.array(3),
    "empty array": np.zeros((0, 2, 2, 3)), "complex": np.zeros((24, 2, 2, 3), complex), "tensor": torch.zeros(3),
    "int tensor": torch.zeros(24, 2, 2, 3, dtype=torch.long), "bfloat": torch.zeros(24, dtype=torch.bfloat16),
    "dataset": xr.Dataset(), "data array": xr.DataArray(np.zeros((2, 2)), dims=("layer", "token")), "generator": (i for i in ()),
}  # fmt: skip


@cache
def wrong_values() -> dict[str, Any]:
    """Plain values and objects of ours, that most arguments do not take."""
    cap, answers = planted_capture(), planted_answers()
    grid = interp.probe_grid(cap, answers.correct, folds=2, min_per_class=2)
    ours = {
        "capture": cap, "answers": answers, "grid": grid, "part of a grid": grid.isel(layer=0), "no scores": grid.drop_vars("score"),
        "empty grid": grid.isel(sample=slice(0, 0)), "positions": interp.resolve_positions(answers),
        "no answers": planted_answers(0), "other positions": interp.Positions.at([0], 3),
    }  # fmt: skip
    return WRONG | ours


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    """A text may be taken for a path, and written to."""
    monkeypatch.chdir(tmp_path)


def public_names() -> set[str]:
    """Every function of `interp`, and every method of its classes that a user calls with arguments."""
    names = set()
    for name in interp.__all__:
        thing = getattr(interp, name)
        if isfunction(thing):
            names.add(name)
        elif isclass(thing) and not issubclass(thing, Exception):
            names |= {f"{name}.{method}" for method in methods(thing)}
    return names


def methods(cls: type) -> list[str]:
    found = []
    for name, value in vars(cls).items():
        called = getattr(cls, name)
        takes = (
            [p for p in signature(called).parameters.values() if p.name != "self"]
            if isfunction(called) or ismethod(called)
            else []
        )
        if takes and (name == "__getitem__" or not name.startswith("_")) and not isinstance(value, property):
            found.append(name)
    return found


INTERNAL = {"Anchor.locate", "Match.locate", "Match.tokens", "Pool.locate"}
"""Called with a sample of our own making."""


def test_every_public_function_is_called_here(every_call):
    assert public_names() - INTERNAL <= set(every_call)
    lacking = {
        f"{name}({parameter})"
        for name, call in every_call.items()
        for parameter, of in signature(call.function).parameters.items()
        if of.kind in (Parameter.VAR_KEYWORD,) and not call.options
    }
    assert not lacking


RIGHT_AND_SLOW = {
    ("n_jobs", "minus one"), ("n_jobs", "no axes"),  # starts workers
    ("C", "numbers"), ("C", "huge"),
}  # fmt: skip
TUNED = {"probe": "logistic"}
"""An estimator that has a C."""


def outcome(name: str, call: Call, arguments: dict[str, Any]) -> str:
    """Nothing where the call works or fails as it should, else what came."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call.function(**arguments)
        except (interp.InterpError, *PROTOCOL.get(name, ())) as error:
            return "" if str(error) and "\n" not in str(error).strip() else f"no sentence: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            plt.close("all")
    return ""


NAMES = sorted(
    [*public_names() - INTERNAL, "Anchor", "Match", "Pool", "QARow", "Answers", "Capture", "Run"]
    + [f"Run.{name}" for name in ("record", "settings", "samples", "answers", "probe", "attention", "comparison", "positions", "capture", "status", "verify", "summary")]
)  # fmt: skip


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", NAMES)
def test_wrong_input_ends_in_a_sentence(every_call, name: str):
    call = every_call[name]
    bad = [found] if (found := outcome(name, call, call.arguments)) else []
    taken = [
        p.name
        for p in signature(call.function).parameters.values()
        if p.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    ]
    for argument in dict.fromkeys([*taken, *call.options]):
        for kind, value in wrong_values().items():
            if (argument, kind) in RIGHT_AND_SLOW:
                continue
            valid = call.arguments | (TUNED if argument == "C" else {})
            if found := outcome(name, call, valid | {argument: value}):
                bad.append(f"{name}({argument}={kind}) {found:.200}")
    assert not bad, "\n" + "\n".join(bad)


CHECK_THEMSELVES = {"gather", "resume"}
"""Has **options, of which it says more than which there are."""


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    "name",
    sorted(
        n for n in {*public_names(), "Anchor", "Match", "Pool", "QARow"} - INTERNAL if not n.endswith("__getitem__")
    ),
)
def test_a_call_that_does_not_fit_says_what_does(every_call, name: str):
    call = every_call[name]
    known = list(signature(call.function).parameters)
    for right in known:
        wrong = right[:-1] if len(right) > 3 else f"{right}x"
        if wrong in known:
            continue
        given = {key: value for key, value in call.arguments.items() if key != right or name in CHECK_THEMSELVES}
        with pytest.raises(interp.InterpError, match=f"no option '{wrong}'") as refused:
            call.function(**given, **{wrong: None})
        assert "; did you mean '" in str(refused.value) or "; there are " in str(refused.value)
    with pytest.raises(interp.InterpError, match="no option 'nonsense'|by position it takes nothing"):
        call.function(**call.arguments, nonsense=1)
    with pytest.raises(interp.InterpError, match="too many positional arguments; by position it takes"):
        call.function(*range(40))
    if any(one.default is Parameter.empty for one in signature(call.function).parameters.values()):
        with pytest.raises(interp.InterpError, match="missing a required .*argument: '.*'; by position it takes"):
            call.function()


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", ["run", "plan"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperatur": 0.8}, "there is no option 'temperatur'; did you mean 'temperature'"),
        ({"n_job": 1}, "there is no option 'n_job'; did you mean 'n_jobs'|there is no option 'n_job'; there are"),
        ({"nonsense": 1}, "there is no option 'nonsense'; there are C, .*answer_pattern, .*top_p"),
        ({"sites": ["resid_pots"]}, "sites: expected one of .*, got 'resid_pots'; did you mean 'resid_post'"),
        ({"roles": ["exact_first"]}, "unknown role 'exact_first'; .*did you mean 'exact_answer_first'"),
        ({"correct": "contain"}, "correct: expected one of .*, got 'contain'; did you mean 'contains'"),
        ({"exact_answer": "firstline"}, "exact_answer: expected one of .*, got 'firstline'; did you mean 'first_line'"),
        ({"population": "exact"}, "population: expected one of exact_answer, all, got 'exact'; did you mean 'exact_answer'"),
        ({"probe": "logistics"}, "probe: expected one of .*, got 'logistics'; did you mean 'logistic'"),
        ({"dataset": "triviqa"}, "dataset: expected one of .*, got 'triviqa'; did you mean 'triviaqa'"),
        ({"dtype": "bfloat"}, "dtype: expected one of float32, bfloat16, float16, got 'bfloat'; did you mean 'bfloat16'"),
        ({"columns": {"questions": "q"}}, "columns: expected one of .*, got 'questions'; did you mean 'question'"),
        ({"permutations": 1}, "permutations: expected 0 .none. or at least 2, got 1"),
        ({"seed": -1}, "seed: expected a whole number from 0 to 4294967295, got -1"),
        ({"folds": 1}, "folds: expected a whole number from 2, got 1"),
        ({"C": float("nan")}, "C: expected a positive number, several of them, or 'cv', got nan"),
        ({"controls": "no"}, "controls: expected True or False, got 'no'"),
    ],
)  # fmt: skip
def test_a_misspelt_option_names_the_nearest(llama, tmp_path, name, options, message):
    with pytest.raises(interp.InterpError, match=message):
        getattr(interp, name)(
            model=llama, data=[{"question": "Where?", "answer": "there"}], out=tmp_path / "run", **options
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("as_users_run_it")
def test_resume_names_the_nearest_too(tmp_path):
    with pytest.raises(interp.RunError, match="resume takes no option 'judg': .*; did you mean 'judge'"):
        interp.resume(tmp_path, judg=lambda prompt: "yes")
    with pytest.raises(
        interp.RunError, match="resume takes no option 'limit': a run goes on with the settings it began"
    ):
        interp.resume(tmp_path, limit=3)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda cap, grid, y: interp.probe_grid(cap, y, site="mlp_pots"), "did you mean 'mlp_post'"),
        (lambda cap, grid, y: interp.probe_grid(cap, y, site="mlp_out"), "'mlp_out' was not captured .there are resid_post, mlp"),
        (lambda cap, grid, y: interp.fit_probe(cap, y, layer=9, role="last_q"), "layer: expected one of 0, 1, got 9"),
        (lambda cap, grid, y: interp.fit_probe(cap, y, layer=0, role="lastq"), "did you mean 'last_q'"),
        (lambda cap, grid, y: interp.permutation_test(grid, cap, statistic="rigde"), "did you mean 'ridge'"),
        (lambda cap, grid, y: interp.compare_runs({"a": grid, "b": grid}, layers="deth"), "did you mean 'depth'"),
        (lambda cap, grid, y: interp.plot_heads(cap, y, "last_q", metric="entropi"), "did you mean 'entropy'"),
        (lambda cap, grid, y: interp.plot_grid(grid, value="acu"), "value: expected one of auc, "),
        (lambda cap, grid, y: interp.selective(grid, 0, "lastq"), "did you mean 'last_q'"),
        (lambda cap, grid, y: interp.load_dataset("movie"), "did you mean 'movies'"),
        (lambda cap, grid, y: interp.gain_grid(cap, y, fold_count=3), "gain_grid: there is no option 'fold_count'"),
        (lambda cap, grid, y: interp.matched_width_grid(cap, y, grid, fodls=3), "did you mean 'folds'"),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_answered_with_the_nearest(call, message):
    cap, y = planted_capture(), planted_answers().correct
    grid = interp.probe_grid(cap, y, folds=2, min_per_class=2)
    with pytest.raises(interp.DataError, match=message):
        call(cap, grid, y)


def test_an_unfinished_run_says_how_to_go_on(every_call):
    for name in ("probe", "attention", "comparison", "summary"):
        with pytest.raises(
            interp.RunError, match=r"is not finished \(answering\): .* is not there yet; go on with `interp resume"
        ):
            every_call[f"Run.{name}"].function()


@pytest.mark.usefixtures("as_users_run_it")
def test_controls_of_a_grid_with_the_row_embed_need_the_embedding():
    cap, answers = planted_capture(), planted_answers()
    grid = interp.probe_grid(cap, answers.correct, folds=2, min_per_class=2)
    axes = {"layers": cap.layers, "roles": cap.roles, "ids": cap.id}
    with pytest.raises(interp.DataError, match="data: the grid has a row `embed`, of which a bare array knows nothing"):
        interp.control_grid(cap.resid, answers, grid, **axes, n_jobs=1)
    table = interp.control_grid(cap.resid, answers, grid.drop_vars("embed_score"), **axes, n_jobs=1).table()
    assert len(table)

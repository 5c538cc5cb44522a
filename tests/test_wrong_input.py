"""Whatever a public function is given, it works or says in one sentence of ours what is wrong."""

import warnings
from inspect import Parameter, isclass, isfunction, ismethod, signature
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt
from valid_calls import Call, calls, planted_answers, planted_capture

import interp

PROTOCOL = {"Positions.__getitem__": (IndexError,)}
"""What Python's own protocols ask for besides."""

WRONG: dict[str, Any] = {
    "None": None, "True": True, "zero": 0, "minus one": -1, "huge": 10**12, "a fraction": 0.5, "nan": float("nan"),
    "inf": float("inf"), "numpy nan": np.float64("nan"), "a letter": "x", "empty text": "", "NUL": "\0", "long": "x" * 5000,
    "bytes": b"x", "empty list": [], "texts": ["x"], "two texts": ["x", "y"], "nested": [["x"]], "none in a list": [None],
    "nans": [float("nan")] * 24, "numbers": [1, 2], "empty dict": {}, "a dict": {"x": 1}, "keys": {1: "x", None: 2},
    "set": {"x"}, "a pair": ("last_q", None), "slice": slice("a", "b"), "object": object(), "a class": dict,
    "a function": lambda *args, **options: None, "flat array": np.zeros(24), "table": np.zeros((24, 2)),
    "array of text": np.array(["x"] * 24), "array of nan": np.full((24, 2, 2, 3), np.nan), "no axes": np.array(3),
    "empty array": np.zeros((0, 2, 2, 3)), "complex": np.zeros((24, 2, 2, 3), complex), "tensor": torch.zeros(3),
    "int tensor": torch.zeros(24, 2, 2, 3, dtype=torch.long), "bfloat": torch.zeros(24, dtype=torch.bfloat16),
    "dataset": xr.Dataset(), "data array": xr.DataArray(np.zeros((2, 2)), dims=("layer", "token")), "generator": (i for i in ()),
}  # fmt: skip


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


@pytest.fixture(scope="module")
def every_call(llama, tmp_path_factory) -> dict[str, Call]:
    return calls(llama, tmp_path_factory.mktemp("calls"))


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


INTERNAL = {"Anchor.locate", "Match.locate"}
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


STARTS_WORKERS = {("n_jobs", "minus one"), ("n_jobs", "no axes")}
"""Right, and slow."""


def outcome(name: str, call: Call, arguments: dict[str, Any]) -> str:
    """Nothing where the call works or fails as it should, else what came."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call.function(**arguments)
        except (interp.InterpError, *PROTOCOL.get(name, ())) as error:
            return "" if str(error) and "\n" not in str(error).strip() else f"no sentence: {error}"
        except TypeError as error:
            if "missing" in str(error) and "required" in str(error):
                return ""  # Python's own
            return f"TypeError: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            plt.close("all")
    return ""


NAMES = sorted(
    [*public_names() - INTERNAL, "Anchor", "Match", "QARow", "Answers", "Capture", "Run"]
    + [f"Run.{name}" for name in ("settings", "samples", "answers", "probe", "attention", "comparison", "positions", "capture", "status", "verify", "summary")]
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
            if (argument, kind) in STARTS_WORKERS:
                continue
            if found := outcome(name, call, call.arguments | {argument: value}):
                bad.append(f"{name}({argument}={kind}) {found:.200}")
    assert not bad, "\n" + "\n".join(bad)

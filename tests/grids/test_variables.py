"""`help` of what returns a grid lists the variables that are in it, with their dims."""

import inspect
import re
from functools import cache

import numpy as np
import pytest
import xarray as xr
from sampled_answers import capture_of, drawn_answers

import interp
from interp.demo import answered
from interp.demo.planted_signal import ROLE, planted
from interp.grids.variables import perhaps

LINE = re.compile(r"    (\w+(?:, \w+)*) \(([\w, ]*)\)(, [^:]+)?: \S.*")


def listed(name: str) -> dict[str, tuple[tuple[str, ...], bool]]:
    """{variable: (dims, whether it is always there)} as `help(interp.<name>)` says, after the line that begins it."""
    text = inspect.getdoc(getattr(interp, name)) or ""
    lines = re.split(r"(?m)^.*xarray Dataset.*:$", text)[-1].strip("\n").splitlines()
    found = {}
    for line in lines:
        names, dims, when = LINE.fullmatch(line).groups()
        found |= dict.fromkeys(names.split(", "), (tuple(filter(None, dims.split(", "))), when is None))
    return found


@cache
def samples():
    return planted(60, layers=2, roles=(ROLE, "-1"))


@cache
def probe(**options):
    cap, answers = samples()
    return interp.probe_grid(cap, answers.correct, **options)


@cache
def attention(**options):
    cap, answers = samples()
    return interp.attention_grid(cap, answers.correct, **options)


def several(function, *args):
    cap, answers = samples()
    return [function(cap, answers.correct, *args), function(cap, answers.correct, *args, C=(0.1, 1.0))]


def added(grid: xr.Dataset) -> xr.Dataset:
    new = interp.permutation_test(grid, samples()[0], permutations=9)
    return new[[name for name in new.variables if name not in grid.variables]].drop_vars(("layer", "token"))


@cache
def drawn():
    """Several answers to each question, half of which the model knows, and their Capture."""
    draws = [["Paris"] * 3 if row % 2 else ["Rome", "Oslo", "Paris"] for row in range(40)]
    answers = drawn_answers(draws, greedy=["Paris" if row % 2 else "Rome" for row in range(40)])
    right = np.array(answers.correct, dtype=float)
    return answers, capture_of(answers, 3 * right)


def chosen() -> list[xr.Dataset]:
    answers, cap = drawn()
    grid = interp.probe_grid(cap, answers.correct, answers.group)
    return [interp.choose_answers(answers, grid, cap, cell=(1, ROLE), resamples=100)]


@cache
def of_demo():
    model, answers = answered(20)
    positions = interp.resolve_positions(answers, roles=("exact_answer_before_first", ROLE))
    return interp.capture(model, answers, positions), answers, model


def patched() -> list[xr.Dataset]:
    model, answers = answered(40)
    cap = interp.capture(model, answers, interp.resolve_positions(answers, roles=("last_q", "exact_answer_last")))
    grid = interp.probe_grid(cap, answers, probe="mass-mean", min_per_class=3)
    fast = {"model": model, "pairs": 2, "layers": [7], "controls": ["same_label"], "flips": 99}
    return [
        interp.patch_grid(cap, answers, grid, **fast),
        interp.patch_grid(cap, answers, grid, method="attribution", **fast),
    ]


def steered() -> list[xr.Dataset]:
    model, answers = answered(40)
    cap = interp.capture(model, answers, interp.resolve_positions(answers, roles=("last_q",)))
    grid = interp.probe_grid(cap, answers, probe="mass-mean", min_per_class=3)
    return [interp.dose_response(cap, answers, grid, model=model, cell=(7, "last_q"), doses=[1.0], pairs=2, draws=1)]


RETURNED = {
    "probe_grid": lambda: [
        *several(interp.probe_grid),
        interp.probe_grid(
            np.random.default_rng(0).standard_normal((60, 1, 2, 4)), np.arange(60) % 2, probe="mass-mean"
        ),
        probe(embed=False, nested=False),
    ],
    "attention_grid": lambda: several(interp.attention_grid),
    "matched_width_grid": lambda: several(interp.matched_width_grid, attention()),
    "gain_grid": lambda: several(interp.gain_grid),
    "permutation_test": lambda: [added(probe()), added(attention())],
    "join_grids": lambda: [
        interp.join_grids(probe(), attention()),
        interp.join_grids(probe(C=(0.1, 1.0)), attention(C=(0.1, 1.0))),
    ],
    "control_grid": lambda: [interp.control_grid(*samples(), probe()).cells],
    "compare_grids": lambda: [interp.compare_grids(probe(), attention()).delta_auc],
    "compare_runs": lambda: [interp.compare_runs({"probe": probe(), "attention": attention()})],
    "transfer": lambda: [
        interp.transfer(samples(), by={f"q{i}": str(i % 2) for i in range(len(samples()[1]))}, n_jobs=1)
    ],
    "detectors": lambda: [interp.detectors(*samples(), probe())],
    "error_types": lambda: [interp.error_types(*drawn(), permutations=9)],
    "choose_answers": chosen,
    "lens_grid": lambda: [interp.lens_grid(*of_demo(), folds=2)],
    "logit_attribution": lambda: [interp.logit_attribution(*of_demo()[1:])],
    "patch_grid": patched,
    "dose_response": steered,
    "paper_grid": lambda: [interp.paper_grid(*samples(), site="resid_post")],
}


@pytest.mark.parametrize("name", RETURNED)
def test_help_lists_what_comes_back(name: str) -> None:
    said, seen = listed(name), set()
    for grid in RETURNED[name]():
        back = {str(variable): values.dims for variable, values in grid.variables.items()}
        assert {v: dims for v, (dims, _) in said.items() if v in back} == back  # nothing else, and on these dims
        assert {v for v, (_, always) in said.items() if always} <= set(back)
        seen |= set(back)
    assert seen == set(said)


def test_every_function_that_returns_a_dataset_is_among_them() -> None:
    functions = {name: getattr(interp, name) for name in interp.__all__ if inspect.isfunction(getattr(interp, name))}
    returning = {
        name for name, function in functions.items() if inspect.signature(function).return_annotation is xr.Dataset
    }
    assert returning <= set(RETURNED)


def test_what_is_there_perhaps_has_one_condition() -> None:
    assert perhaps("then", "a, b (x): one\nc (x, y), with d: two\n") == "a, b (x), then: one\nc (x, y), then: two\n"

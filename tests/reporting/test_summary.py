"""The summary of a run: which lines there are is decided by what its record, samples and comparison hold."""

import numpy as np
import xarray as xr

from interp.reporting.summary import summary_lines

GRID = xr.Dataset(
    {"auc": (("layer", "token"), np.full((1, 2), np.nan))},
    coords={
        "y": ("sample", np.array([1] * 40 + [0] * 40)),
        "group": ("sample", np.arange(80)),
        "sample": [str(i) for i in range(80)],
    },
)
NESTED = {"value": 0.7, "low": 0.6, "high": 0.8}
COMPARISON = {
    "best": {"attention": {"cell": {"layer": 3, "token": "last_q"}, "nested": NESTED}},
    "correlation": {"raw": {"between": 0.25}},
}
COUNTS = {"samples": 90, "accuracy": 0.5, "population": 80}
RECORD = {"counts": COUNTS, "data": {}, "settings": {"max_new_tokens": 5}}
PLAIN = [
    "90 samples, 50% right, 80 in the grids (labelled, with an exact answer).",
    "No cell of the probe grid is defined (the reasons are in grid.csv); 40 of 80 samples are right (the smaller "
    "class: 40), 2 of 2 cells undefined.",
    "attention grid: best cell layer 3, last_q; chosen on other folds its AUC is 0.70 [0.60, 0.80].",
    "Correlation of the two grids over cells: 0.25.",
]


def test_a_plain_run_has_a_line_for_samples_grids_and_likeness():
    assert summary_lines(RECORD, [], GRID, COMPARISON) == PLAIN


def test_what_is_undefined_is_said_so():
    nothing = {"best": {"attention": {"cell": None, "nested": None}}, "correlation": {"raw": {"between": None}}}
    record = RECORD | {"counts": COUNTS | {"accuracy": None}}
    first, *_, last = summary_lines(record, [], GRID, nothing)
    assert first.startswith("90 samples, none right, ") and last == "attention grid: no cell is defined."
    nested = {"best": {"attention": {"cell": {"layer": 0, "token": "a"}, "nested": {"value": None}}}}
    assert summary_lines(record, [], GRID, nothing | nested)[-1] == last


def test_what_was_left_out_or_near_a_tie_is_counted_before_the_results():
    record = RECORD | {
        "used": {"exact_answer_choice": "Chosen so."},
        "data": {"left_out": {"no answer": 3, "is_impossible": 2}},
        "counts": COUNTS | {"nonfinite": {"resid_post.0": 4, "embed": 1}, "near_ties": 7},
    }
    lines = summary_lines(record, [], GRID, COMPARISON)
    assert lines[1] == "Chosen so."
    assert lines[2] == "Questions without an answer, left out: 3 no answer, 2 is_impossible."
    assert lines[3].startswith("5 numbers in 2 stored tensors are NaN or infinite (first resid_post.0; ")
    assert lines[4].startswith("At 7 step(s) of generation")
    assert [lines[0], *lines[5:]] == PLAIN


def test_notes_come_last_those_of_the_record_first():
    cut = [{"finish": "length", "logprobs": [0.0], "correct": True}]
    *before, noted, unended = summary_lines(RECORD | {"notes": ["a note"]}, cut, GRID, COMPARISON)
    assert before == PLAIN and noted == "Note: a note"
    assert unended.startswith("Note: 1 of 1 generated answers (100%) were cut off by --max-new-tokens (5 tokens)")

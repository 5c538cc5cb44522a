"""What is said of the paper's grid beside a run's own: every number by hand, in a grid small enough to read."""

from statistics import correlation

import numpy as np
import xarray as xr

from interp.reporting.paper_words import paper_sentences

COUNTS = {"samples": 9, "relabelled": 2, "moved": 3}


def grid(paper, own, unconverged=0) -> xr.Dataset:
    axes = ("layer", "token")
    early = np.zeros((2, 2), dtype=int)
    early.flat[:unconverged] = 1
    return xr.Dataset(
        {"auc": (axes, np.array(paper)), "default": (axes, np.array(own)), "unconverged": (axes, early)},
        coords={"layer": [0, 1], "token": ["a", "b"]},
        attrs=COUNTS,
    )


def test_counts_best_cells_and_the_difference():
    lines = paper_sentences(grid([[0.5, 0.6], [0.75, 0.7]], [[0.5, 0.65], [0.7, 0.9]], unconverged=1))
    assert lines == [
        "of 9 samples 2 have another label, 3 their exact answer at other tokens",
        "paper's code: best cell layer 1, a, AUC 0.750 (default 0.700)",
        "default: best cell layer 1, b, AUC 0.900 (paper's code 0.700)",
        f"over 4 cells: correlation {correlation([0.5, 0.6, 0.75, 0.7], [0.5, 0.65, 0.7, 0.9]):.3f}, mean difference −0.050, largest −0.200 at layer 1, b",
        "the paper's solver stopped early in 1 of 4 cells",
    ]


def test_what_is_undefined_is_said_or_left_out():
    nan = float("nan")
    lines = paper_sentences(grid([[nan, 0.6], [nan, nan]], [[0.5, nan], [nan, nan]]))
    assert lines[1:3] == [
        "paper's code: best cell layer 0, b, AUC 0.600 (default undefined)",
        "default: best cell layer 0, a, AUC 0.500 (paper's code undefined)",
    ]
    assert len(lines) == 4 and len(paper_sentences(grid([[nan, nan], [nan, nan]], [[nan, nan], [nan, nan]]))) == 2

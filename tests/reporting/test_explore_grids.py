"""Every grid of the table is a heat map, found by its labels; what reads no layer stands beside every cell."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic_grids import make_scores

from interp.comparing.compare import compare_grids
from interp.grids.grid_table import run_rows
from interp.grids.tidy import tidy
from interp.reporting.explore_grids import baselines, scale, section_grids, table_grids

PROBE, ATTENTION = make_scores(signal=2.5), make_scores(kind="attention")
ROWS = run_rows(PROBE, ATTENTION, compare_grids(PROBE, ATTENTION).delta_auc)
OTHERS = [
    {"layer": "all", "token": "all", "metric": "answer_length_auc", "value": 0.6, "low": 0.5, "high": 0.7},
    {"layer": "embed", "token": "-1", "metric": "embed_held_out_auc", "value": float("nan"), "reason": "nothing varies"},
    *({"layer": layer, "token": "-1", "metric": name, "value": value}
      for layer in range(2) for name, value in (("entropy", 1.5 + layer), ("entropy_auc", 0.3))),
    {"layer": 0, "token": "-1", "metric": "selectivity", "value": -0.2},
]  # fmt: skip


def by_name(table: pd.DataFrame) -> dict:
    return {grid["name"]: grid for grid in table_grids(table)}


def test_every_cell_stands_under_its_labels_whatever_the_order_of_the_rows() -> None:
    table = tidy([*ROWS, *OTHERS])
    grids = by_name(table)
    assert list(grids) == ["probe_auc", "attention_auc", "delta_auc", "entropy", "entropy_auc", "selectivity"]
    probe = grids["probe_auc"]
    assert probe["layers"] == ["embed", *map(str, range(6))] and probe["tokens"] == PROBE["token"].values.tolist()
    expected = np.vstack([PROBE["embed_auc"].values, PROBE["auc"].values])
    np.testing.assert_allclose(np.array(probe["value"], dtype=float), expected, rtol=1e-3)
    assert probe["value"][1][3] is None and "0 correct and 0 wrong" in probe["reason"][1][3]
    turned = by_name(table.sample(frac=1, random_state=1))["probe_auc"]
    cells = {
        (layer, token): probe["value"][i][j]
        for i, layer in enumerate(probe["layers"])
        for j, token in enumerate(probe["tokens"])
    }
    assert cells == {
        (layer, token): turned["value"][i][j]
        for i, layer in enumerate(turned["layers"])
        for j, token in enumerate(turned["tokens"])
    }


def test_units_scales_and_whose_scores_stand_behind_a_cell() -> None:
    grids = by_name(tidy([*ROWS, *OTHERS]))
    units = {name: grid["unit"] for name, grid in grids.items()}
    assert units == {
        "probe_auc": "auc", "attention_auc": "auc", "delta_auc": "difference", "entropy": "value",
        "entropy_auc": "two_sided", "selectivity": "difference",
    }  # fmt: skip
    of = {name: grid["of"] for name, grid in grids.items()}
    assert (
        of["delta_auc"] == ["probe", "attention"]
        and of["entropy_auc"] == ["attention"]
        and of["selectivity"] == ["probe"]
    )
    assert grids["entropy_auc"]["scale"]["domain"] == pytest.approx([0.3, 0.7])
    assert grids["selectivity"]["scale"]["domain"] == [-0.2, 0.2]
    assert scale("difference", np.array([np.nan, 0.04]))["domain"] == [-0.1, 0.1]
    assert scale("value", np.array([np.nan]))["domain"] == [0.0, 1.0]


def test_what_reads_no_layer_is_a_baseline_of_every_cell_or_of_its_token() -> None:
    found = baselines(tidy([*ROWS, *OTHERS]))
    assert [(row["title"], row["token"], row["value"], row["reason"]) for row in found] == [
        ("Length of the answer", "all", 0.6, ""),
        ("Embedding row, answer-held-out folds", "-1", None, "nothing varies"),
    ]


def test_grids_of_experiments_are_drawn_for_every_label_that_has_a_value() -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    values[1] = np.nan
    data = xr.Dataset(
        {"effect": (("direction", "token", "layer"), values), "auc": (("layer", "token"), np.full((2, 3), 0.7))},
        coords={"direction": ["both", "into right"], "layer": [0, 1], "token": ["a", "b", "c"]},
    )
    found = section_grids("causal", "Which cells matter", data)
    assert [grid["name"] for grid in found] == ["causal:effect:both", "causal:auc"]
    assert found[0]["title"] == "Which cells matter: share of the difference moved (both)"
    assert found[0]["value"] == [[0, 2, 4], [1, 3, 5]] and found[0]["layers"] == ["0", "1"]

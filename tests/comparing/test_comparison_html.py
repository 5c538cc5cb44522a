"""A Comparison in a notebook says the numbers that it holds."""

import re
from dataclasses import replace

import numpy as np
import pytest
from read_html import HOSTILE, read

import interp
from interp.comparing.comparison_html import BEST, LARGEST


@pytest.fixture(scope="module")
def comparison(grids) -> interp.Comparison:
    return interp.compare_grids(*grids)


def numbers(text: str) -> list[float]:
    return [float(number.replace("−", "-")) for number in re.findall(r"[−+]?\d+\.\d+", text)]


def test_the_line_counts_the_cells(comparison) -> None:
    found, told = comparison.differences, read(comparison)
    assert told.line[:3] == ["Comparison", "probe − attention", "3 layers × 3 tokens"]
    assert numbers(told.line[3]) == [pytest.approx(found["mean_delta"], abs=5e-4)]
    cells = {row[0]: int(row[1]) for row in told.sections["Cells that differ"].rows[1:]}
    assert cells["probe higher"] == found["probe_higher"] and cells["attention higher"] == found["attention_higher"]
    assert cells["undefined"] == int(np.isnan(comparison.delta_auc["delta"]).sum()) > 0
    assert sum(cells.values()) == comparison.delta_auc["delta"].size
    assert told.line[4] == (
        f"of {found['cells']} cells {cells['probe higher']} higher, {cells['attention higher']} lower (q < 0.05)"
    )


def test_best_cells_and_correlation(comparison) -> None:
    told = read(comparison)
    assert tuple(told.sections["Best cells"].rows[0]) == ("grid", *BEST)
    for name, row in zip(comparison.names, told.sections["Best cells"].rows[1:], strict=True):
        best = comparison.best[name]
        assert row[0] == name and row[1] == f"layer {best['cell']['layer']}, {best['cell']['token']}"
        assert float(row[2]) == pytest.approx(best["auc"], abs=5e-4)
        assert numbers(row[3]) == pytest.approx([best["nested"][key] for key in ("value", "low", "high")], abs=5e-4)
        assert [int(n) for n in row[4:]] == [best["nested"]["n"], best["nested"]["n_correct"], len(best["peak_set"])]
    for half, row in zip(
        comparison.correlation.values(), told.sections["Correlation over cells"].rows[1:], strict=True
    ):
        known = [half[key] for key in ("between", "within_1", "within_2")]
        assert [np.nan if cell == "–" else numbers(cell)[0] for cell in row[1:4]] == pytest.approx(
            [np.nan if value is None else value for value in known], abs=5e-4, nan_ok=True
        )


def test_the_cells_that_differ_most_come_first(comparison) -> None:
    rows = read(comparison).sections["Largest differences"].rows[1:]
    cells = comparison.delta_auc.to_dataframe().reset_index().dropna(subset="delta")
    table = cells.sort_values("delta", key=lambda x: -x.abs(), kind="stable")
    for row, expected in zip(rows, table.head(LARGEST).to_dict("records"), strict=True):
        assert (int(row[0]), row[1]) == (expected["layer"], expected["token"])
        assert numbers(row[2]) == pytest.approx([expected[key] for key in ("delta", "low", "high")], abs=5e-4)


def test_the_observations_are_told(comparison) -> None:
    rows = read(comparison).sections["Observations"].rows[1:]
    assert [[row[0], row[2], row[3]] for row in rows] == comparison.observations[
        ["name", "verdict", "claim"]
    ].values.tolist()


def test_what_was_read_from_json_is_shown_alike(comparison) -> None:
    again = interp.Comparison.from_dict(comparison.to_dict())
    assert again._repr_html_() == comparison._repr_html_()


def test_a_grid_without_a_defined_cell() -> None:
    rng = np.random.default_rng(0)
    few = interp.probe_grid(rng.standard_normal((12, 1, 1, 2)), [0, 1] * 6, min_per_class=10)
    found = read(interp.compare_grids(few, few))
    assert found.line[3] == "mean ΔAUC –" and found.sections["Largest differences"].rows[1:] == []
    assert all(row[1] == "undefined" for row in found.sections["Best cells"].rows[1:])


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])  # which xarray refuses
def test_hostile_names_do_nothing(comparison, text) -> None:
    first, second = comparison.names
    best = {text: comparison.best[first], second: comparison.best[second]}
    tokens = np.array([text, *comparison.delta_auc["token"].values[1:]], dtype=object)
    named = replace(
        comparison,
        names=(text, second),
        best=best,
        delta_auc=comparison.delta_auc.assign_coords(token=tokens),
        observations=comparison.observations.assign(name=text, claim=text),
    )
    assert len(read(named).sections["Best cells"].rows) == 3


def test_the_line_of_a_terminal_is_as_it_was(comparison) -> None:
    assert re.fullmatch(
        r"Comparison\(probe − attention: 3 layers, 3 tokens; of \d cells \d are higher, \d lower \(q < 0\.05\), "
        r"mean ΔAUC [+−]0\.\d{3}\)",
        repr(comparison),
    )

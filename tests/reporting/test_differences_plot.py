"""The picture of two runs' grids: layers that are compared stand in one row, and cells are found by label."""

import numpy as np
import pytest
from synthetic_grids import make_scores

from interp.comparing.run_differences import compare_runs
from interp.reporting.differences_plot import plot_differences
from interp.reporting.differences_section import differences_section, not_comparable
from interp.reporting.three_heatmaps import difference_key


def values(ax) -> np.ndarray:
    """What a panel draws, undefined as NaN."""
    mesh = ax.collections[0]
    return mesh.get_array().filled(np.nan)


@pytest.mark.parametrize("turned", [False, True])
def test_each_panel_draws_its_own_cells(turned) -> None:
    deep, shallow = make_scores(layers=6, signal=2.5), make_scores(layers=4, seed=1)
    found = compare_runs({"deep": deep, "shallow": shallow}, layers="depth")
    pair = found.sel(pair="deep − shallow")
    given = [grid.isel(layer=slice(None, None, -1), token=[2, 0, 3, 1]) if turned else grid for grid in (deep, shallow)]
    figure = plot_differences(*given, pair)
    panels = figure.axes[:3]
    np.testing.assert_allclose(values(panels[0]), deep["auc"].sel(layer=pair["first_layer"].values).values)
    np.testing.assert_allclose(values(panels[1]), shallow["auc"].values)
    np.testing.assert_allclose(values(panels[2]), pair["delta"].values)
    assert [ax.get_title(loc="left") for ax in panels] == ["deep", "shallow", "deep − shallow"]


def test_the_key_names_the_grid_that_is_higher() -> None:
    (plus, first), (minus, second) = difference_key(("one", "two"))
    assert (plus.get_marker(), first) == ("+", "one higher, q < 0.05")
    assert (minus.get_marker(), second) == ("_", "two higher, q < 0.05")


def test_every_pair_has_a_picture_of_its_own() -> None:
    grids = {name: make_scores(seed=seed) for seed, name in enumerate("abc")}
    section = differences_section(compare_runs(grids), list(grids))
    captions = {picture.name: picture.caption for picture in section.pictures}
    assert list(captions) == ["differences_1", "differences_2", "differences_3"]
    assert captions["differences_2"].startswith("a − c:")
    assert not_comparable(ValueError("roles differ")) == "Cell by cell they cannot be compared: roles differ."

"""The observations' verdicts on grids with a planted pattern, and on noise."""

from functools import cache

import numpy as np
import pytest
import xarray as xr

import interp
from interp.comparing.observations import EXACT, LAST_EIGHT

N, LAYERS = 400, 10


@cache
def noise() -> xr.Dataset:
    """A valid grid, whose scores are then replaced."""
    x = np.random.default_rng(1).standard_normal((N, LAYERS, 15, 1)).astype(np.float32)
    return interp.probe_grid(x, (np.arange(N) % 2).tolist(), n_jobs=1)


def planted(strength: dict[tuple[int, str], float], *, position: bool = False) -> xr.Dataset:
    """A grid whose scores are noise plus `strength` times the label, 0 where nothing is planted."""
    rng = np.random.default_rng(0)
    y = np.arange(N) % 2
    score = rng.standard_normal((N, LAYERS, 15))
    for (layer, role), size in strength.items():
        score[:, layer, interp.ROLES.index(role)] += size * y
    grid = noise().assign(score=(("sample", "layer", "token"), score))
    if position:
        index = np.tile(np.arange(15), (N, 1))
        index[:, interp.ROLES.index("-3")] = index[:, interp.ROLES.index("exact_answer_first")]
        grid = grid.assign(position=(("sample", "token"), index))
    return grid


def verdicts(grid: xr.Dataset) -> dict[str, dict]:
    names = ("specific", "middle", "noise", "noise_exact", "symmetry", "early")
    return dict(zip(names, interp.observations(grid).to_dict("records"), strict=True))


def test_the_published_picture_holds_where_it_is_planted() -> None:
    strength = {(layer, role): 2.0 if layer in (4, 5) else 0.8 for layer in range(LAYERS) for role in EXACT}
    strength |= {(layer, "last_q"): 1.5 for layer in (0, 1)}
    found = verdicts(planted(strength))
    assert {name: row["verdict"] for name, row in found.items()} == dict.fromkeys(found, "holds")
    assert found["middle"]["value"] in (pytest.approx(4 / 9), pytest.approx(5 / 9))
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())


def test_the_opposite_picture_is_refused() -> None:
    strength = {(layer, role): 1.5 for layer in range(LAYERS) for role in LAST_EIGHT}
    strength |= {(9, role): 1.5 for role in EXACT}
    strength |= {(layer, "exact_answer_after_last"): 1.5 for layer in range(LAYERS)}
    strength |= {(layer, "last_q"): 1.5 for layer in range(2, LAYERS)}
    found = verdicts(planted(strength))
    assert {name: row["verdict"] for name, row in found.items()} == dict.fromkeys(found, "does not")


def test_a_column_that_names_the_exact_answer_is_no_evidence_against_it() -> None:
    strength = {(layer, role): 1.5 for layer in range(LAYERS) for role in (*EXACT, "-3")}
    without, with_position = (verdicts(planted(strength, position=p))["noise_exact"] for p in (False, True))
    assert with_position["value"] > without["value"] + 0.02
    assert f"{N} entries left out" in with_position["note"]


def test_missing_roles_are_undecided_with_a_reason() -> None:
    found = verdicts(planted({}).drop_sel(token=list(EXACT)))
    for name in ("specific", "middle", "noise_exact"):
        assert found[name]["verdict"] == "undecided" and np.isnan(found[name]["value"]) and found[name]["note"]

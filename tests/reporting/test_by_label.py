"""The same label has the same number, whatever the order of layers, tokens and samples, in every function of a grid."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from planted_answers import make_answers

import interp
from interp.applying.for_use import for_use
from interp.capturing.activations import Capture
from interp.comparing.against_controls import against_controls
from interp.comparing.delta import delta_grid
from interp.controls.control_table import Controls
from interp.errors import DataError
from interp.experiments.orgad.preset import paper_grid as seed_grid
from interp.grids.grid_table import run_rows as grid_table
from interp.labelling.answers import Answers
from interp.reporting.comparison_plot import difference_heatmap
from interp.reporting.explore_cells import ScoredGrid
from interp.reporting.explore_samples import all_ranks, wrongest
from interp.reporting.heads_plot import heads_heatmap
from interp.reporting.plotting import grid_heatmap

N, LAYERS, HEADS, WIDTH = 120, 4, 2, 5
ROLES = ("last_q", "exact_answer_first", "exact_answer_last", "-1")
Found = dict[Any, float]
Make = tuple[xr.Dataset, xr.Dataset, Capture, Answers]


def made() -> tuple[Capture, Answers]:
    """Questions in pairs; one cell tells; `-1` is absent in some samples; ids do not stand in the order of their names."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, N)
    x = rng.standard_normal((N, LAYERS, len(ROLES), WIDTH))
    x[:, 2, 1] += np.outer(y, [2.0, 1, 0, 0, 0])
    valid = np.ones((N, len(ROLES)), bool)
    valid[::4, 3] = False
    attention = rng.uniform(0, 1, (3, N, LAYERS, HEADS, len(ROLES)))
    attention[0, :, 1, 1, 2] += 0.8 * y
    attention[1, 7, 0, 1, 0] = np.nan  # a column that is dropped: cells differ in width
    ids = [f"s{i}" for i in rng.permutation(N)]
    answers = replace(
        make_answers(rng, N), id=ids, group=[f"q{i // 2}" for i in range(N)], correct=[bool(label) for label in y]
    )
    cap = Capture(
        sites={"resid_post": torch.from_numpy(np.where(valid[:, None, :, None], x, np.nan))},
        embed=torch.from_numpy(rng.standard_normal((N, len(ROLES), WIDTH)) + 0.4 * y[:, None, None]),
        attention={
            name: torch.from_numpy(np.where(valid[:, None, None], values, np.nan))
            for name, values in zip(("entropy", "to_self", "received"), attention, strict=True)
        },
        valid=torch.from_numpy(valid),
        index=torch.from_numpy(np.where(valid, rng.integers(2, 9, valid.shape), -1)),
        layers=tuple(range(LAYERS)),
        roles=ROLES,
        id=tuple(ids),
    )
    return cap, answers


@pytest.fixture(scope="module")
def whole() -> Make:
    cap, answers = made()
    options = {"groups": answers.group, "probe": "ridge", "n_jobs": 1}
    probe = interp.probe_grid(cap, answers.correct, **options).assign(position=(("sample", "token"), cap.index.numpy()))
    return probe, interp.attention_grid(cap, answers.correct, **options), cap, answers


def captured(cap: Capture, samples: Any = slice(None), layers: Any = slice(None), roles: Any = slice(None)) -> Capture:
    """The capture with its axes in another order."""
    names = {"layers": np.array(cap.layers)[layers].tolist(), "roles": np.array(cap.roles)[roles].tolist()}
    return replace(
        cap,
        sites={site: values[samples][:, layers][:, :, roles] for site, values in cap.sites.items()},
        embed=cap.embed[samples][:, roles],
        attention={name: values[samples][:, layers][..., roles] for name, values in cap.attention.items()},
        valid=cap.valid[samples][:, roles],
        index=cap.index[samples][:, roles],
        layers=tuple(names["layers"]),
        roles=tuple(names["roles"]),
        id=tuple(np.array(cap.id)[samples].tolist()),
    )


def answered(answers: Answers, samples: Any) -> Answers:
    """The answers in another order."""
    lists = {f.name: getattr(answers, f.name) for f in fields(answers) if isinstance(getattr(answers, f.name), list)}
    return replace(answers, **{name: [values[i] for i in samples] for name, values in lists.items()})


def turned(samples: np.ndarray) -> dict[str, Callable[[Make], Make]]:
    """The same grids, capture and answers in other orders."""

    def grids(change: Callable[[xr.Dataset], xr.Dataset]) -> Callable[[Make], Make]:
        return lambda made: (change(made[0]), change(made[1]), made[2], made[3])

    back, mixed = [3, 2, 1, 0], [2, 0, 3, 1]
    return {
        "layers reversed": grids(lambda g: g.isel(layer=slice(None, None, -1))),
        "tokens mixed": grids(lambda g: g.isel(token=mixed)),
        "samples mixed": grids(lambda g: g.isel(sample=samples)),
        "dims transposed": grids(lambda g: g.transpose("token", "layer", "sample", ...)),
        "one grid only": lambda made: (made[0], made[1].isel(layer=back, token=mixed, sample=samples), *made[2:]),
        "features and answers": lambda made: (
            *made[:2],
            captured(made[2], samples, back, mixed),
            answered(made[3], samples[::-1]),
        ),
    }


ORDERS = tuple(turned(np.arange(N)))


def cells(grid: xr.Dataset, *names: str) -> Found:
    """The variables on (layer, token), by name and label."""
    out: Found = {}
    for name in names:
        values = grid[name].transpose("layer", "token")
        for layer, row in zip(values["layer"].values.tolist(), values.values.tolist(), strict=True):
            out |= {(name, layer, token): v for token, v in zip(values["token"].values, row, strict=True)}
    return out


def rows(table: pd.DataFrame | list[dict[str, Any]], keys: tuple[str, ...]) -> Found:
    """Numbers of table rows, by what the keys say."""
    table = table.to_dict("records") if isinstance(table, pd.DataFrame) else table
    return {
        (*(row[key] for key in keys), name): np.nan if value is None else value
        for row in table
        for name, value in row.items()
        if name not in keys and isinstance(value, float | None)
    }


def flat(value: Any, name: str = "") -> Found:
    """Numbers of nested dicts and lists, by path; texts too."""
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in flat(part, f"{name}.{key}").items()}
    if isinstance(value, list | tuple):
        return {k: v for i, part in enumerate(value) for k, v in flat(part, f"{name}.{i}").items()}
    return {name: np.nan if value is None else value}


def heatmap(drawn: Any) -> Found:
    strips = {(name, c): v for name, row in drawn.strips.items() for c, v in zip(drawn.columns, row, strict=True)}
    values = {
        (layer, column): drawn.values[i, j]
        for i, layer in enumerate(drawn.layers)
        for j, column in enumerate(drawn.columns)
    }
    return strips | values


@cache
def controls_as_made() -> Controls:
    """Of the grid in another order: they are found by label."""
    cap, answers = made()
    grid = interp.probe_grid(cap, answers.correct, groups=answers.group, probe="ridge", n_jobs=1)
    return interp.control_grid(cap, answers, grid.isel(sample=slice(None, None, -1)), n_jobs=1)


def controls(probe: xr.Dataset, attention: xr.Dataset, cap: Capture, answers: Answers) -> Found:
    found, known = interp.control_grid(cap, answers, probe, n_jobs=1), controls_as_made()
    return (
        rows(found.table(), ("layer", "token", "metric"))
        | rows(found.summary(probe), ("name",))
        | {("of another order", *key): v for key, v in rows(known.summary(probe), ("name",)).items()}
        | rows(against_controls(probe, known.baselines), ("name",))
        | flat([row["difference"] for row in against_controls(probe, found.baselines)], "difference")
    )


def views(probe: xr.Dataset, attention: xr.Dataset, cap: Capture, answers: Answers) -> Found:
    """Every cell of the page, and which samples it scores most wrongly."""
    grid = ScoredGrid(probe)
    cells = [(layer, token) for layer in grid.layers for token in grid.tokens]
    wrong = [[[grid.samples[i], rank] for i, rank in row] for row in wrongest(grid, all_ranks(grid))]
    return flat(
        {
            **{f"{layer} {token}": grid.cell(layer, token) or "undefined" for layer, token in cells},
            **{f"{layer} {token} wrong": row for (layer, token), row in zip(cells, wrong, strict=True)},
        }
    )


@cache
def compared_as_made() -> interp.Comparison:
    """Of the grids as they were made, for grids in other orders."""
    cap, answers = made()
    options = {"groups": answers.group, "probe": "ridge", "n_jobs": 1}
    return interp.compare_grids(
        interp.probe_grid(cap, answers.correct, **options), interp.attention_grid(cap, answers.correct, **options)
    )


FUNCTIONS: dict[str, Callable[..., Found]] = {
    "permutation_test": lambda p, a, cap, _: cells(
        interp.permutation_test(p, cap, permutations=60, n_jobs=1), "z", "p", "q", "p_corrected"
    ),
    "permutation_test of attention": lambda p, a, cap, _: cells(
        interp.permutation_test(a, cap, permutations=60, n_jobs=1), "z", "p", "q", "p_corrected"
    ),
    "control_grid": controls,
    "probe_grid": lambda p, a, cap, answers: cells(
        interp.probe_grid(cap, answers, probe="ridge", n_jobs=1), "auc", "low", "high", "n"
    ),
    "attention_grid": lambda p, a, cap, answers: cells(
        interp.attention_grid(cap, answers, probe="ridge", n_jobs=1), "auc", "low", "high", "n_features"
    ),
    "gain_grid": lambda p, a, cap, answers: cells(
        interp.gain_grid(cap, answers, probe="ridge", n_jobs=1), "auc", "low", "high"
    ),
    "matched_width_grid": lambda p, a, cap, answers: cells(
        interp.matched_width_grid(cap, answers, a, n_jobs=1), "auc", "low", "high", "n_features"
    ),
    "compare_grids": lambda p, a, *_: (
        lambda compared: (
            cells(compared.delta_auc, "delta", "low", "high", "p", "q", "n")
            | flat({key: getattr(compared, key) for key in ("correlation", "best", "differences")})
        )
    )(interp.compare_grids(p, a)),
    "compare_runs": lambda p, a, *_: (
        lambda pair: (
            cells(pair, "delta", "low", "high", "p", "q")
            | {name: float(pair[f"mean_{name}"]) for name in ("delta", "low", "high", "p")}
        )
    )(interp.compare_runs({"a": p, "b": a}).isel(pair=0)),
    "compare_runs by depth": lambda p, a, *_: flat(
        {
            f"{int(one['first_layer'])} {one['token'].item()}": [one["delta"].item(), one["low"].item()]
            for pair in [
                interp.compare_runs({"deep": p, "shallow": a.sel(layer=[0, 1, 2])}, layers="depth").isel(pair=0)
            ]
            for one in (pair.isel(layer=i, token=j) for i in range(3) for j in range(len(ROLES)))
        }
    ),
    "observations": lambda p, *_: flat(interp.observations(p).set_index("name").to_dict("index")),
    "selective": lambda p, *_: flat(interp.selective(p, resamples=60).to_dict()),
    "selective of a cell": lambda p, *_: flat(interp.selective(p, 2, "-1", resamples=60).to_dict()),
    "join_grids": lambda p, a, *_: cells(interp.join_grids(p, a).sel(grid="attention"), "auc", "low", "n"),
    "grid_table": lambda p, a, *_: rows(grid_table(p, a, delta_grid(p, a)), ("layer", "token", "metric")),
    "plot_grid": lambda p, *_: heatmap(grid_heatmap(p, controls={"some": {r: i / 9 for i, r in enumerate(ROLES)}})),
    "plot_comparison": lambda p, a, *_: (
        heatmap(difference_heatmap(p, a, None)[0])
        | {("q", *key): v for key, v in heatmap(difference_heatmap(p, a, interp.compare_grids(p, a))[0]).items()}
        | {("other", *k): v for k, v in heatmap(difference_heatmap(p, a, compared_as_made())[0]).items()}
    ),
    "plot_heads": lambda p, a, cap, answers: flat(
        {
            str(layer): [a.tolist(), b.tolist()]
            for layer, a, b in zip(
                cap.layers,
                heads_heatmap(cap, p, "-1").values,
                heads_heatmap(cap, answers, "-1").values,
                strict=True,
            )
        }
    ),
    "the report's cells": views,
    "fit_probe": lambda p, a, cap, answers: flat(
        interp.fit_probe(cap, answers, layer=2, role="exact_answer_first", probe="ridge").direction.tolist()
    ),
    "for_use": lambda p, a, cap, answers: flat(
        for_use(cap, answers, p, site="resid_post", probe="ridge").probe.direction.tolist()
    ),
}


@pytest.fixture(scope="module")
def expected(whole: Make) -> Callable[[str], Found]:
    """What a function gives for the grids as they were made."""
    return cache(lambda name: FUNCTIONS[name](*whole))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_label_has_the_same_number(
    whole: Make, expected: Callable[[str], Found], name: str, order: str
) -> None:
    change = turned(np.random.default_rng(1).permutation(N))[order]
    found = FUNCTIONS[name](*change(whole))
    same_numbers(found, expected(name))


def same_numbers(found: Found, wanted: Found) -> None:
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        if isinstance(value, str):
            assert found[key] == value, key
        else:  # sums of another order; a single-precision product moves an AUC by a pair
            assert found[key] == pytest.approx(value, abs=2e-3, nan_ok=True), key


@pytest.mark.parametrize("part", [{"layer": [3, 1]}, {"token": ["-1", "exact_answer_first"]}])
@pytest.mark.parametrize("name", ["permutation_test", "permutation_test of attention", "compare_grids", "join_grids"])
def test_a_part_of_the_grid_has_the_numbers_of_the_whole(
    whole: Make, expected: Callable[[str], Found], name: str, part: dict[str, list]
) -> None:
    """All that does not speak of the grid as a whole; of permutations, what is not corrected."""
    probe, attention, *beside = whole
    found = FUNCTIONS[name](probe.sel(part), attention.sel(part), *beside)
    per_cell = {k: v for k, v in found.items() if isinstance(k, tuple) and k[0] not in ("q", "p_corrected")}
    assert len(per_cell) >= 16
    same_numbers(per_cell, {key: expected(name)[key] for key in per_cell})


def test_controls_of_a_part_are_those_of_the_whole(whole: Make, expected: Callable[[str], Found]) -> None:
    probe, _, cap, answers = whole
    part = interp.control_grid(cap, answers, probe.sel(layer=[2, 0], token=["-1", "last_q"]), n_jobs=1)
    found = rows(part.table(), ("layer", "token", "metric"))
    same_numbers(found, {key: expected("control_grid")[key] for key in found})


def test_layers_and_roles_of_a_capture_are_chosen_by_name(whole: Make) -> None:
    probe, _, cap, answers = whole
    some = interp.probe_grid(cap, answers, layers=[3, 1], roles=["-1", "last_q"], probe="ridge", ids=cap.id, n_jobs=1)
    assert (some["layer"].values.tolist(), some["token"].values.tolist()) == ([3, 1], ["-1", "last_q"])
    for name in ("auc", "low", "high", "n", "score", "training", "embed_auc", "embed_score"):
        np.testing.assert_array_equal(
            some[name], probe[name].sel({d: some[d] for d in ("layer", "token") if d in probe[name].dims})
        )
    found = interp.permutation_test(some, cap, permutations=60, n_jobs=1)
    same_numbers(
        cells(found, "z"),
        {
            k: v
            for k, v in cells(interp.permutation_test(probe, cap, permutations=60, n_jobs=1), "z").items()
            if k in cells(found, "z")
        },
    )
    valid = np.ones((N, 2), bool)
    valid[5:40, 1] = False
    less = interp.probe_grid(cap, answers, valid=valid, layers=[3], roles=["-1", "last_q"], probe="ridge", n_jobs=1)
    assert less["n"].sel(layer=3).values.tolist() == [N - N // 4, N - 35]
    for options, message in (
        ({"layers": [3, 9]}, "layers: 1 of 2 are not in the data, first 9; there are 0, 1, 2, 3"),
        ({"roles": ["last_q", "end"]}, "roles: 1 of 2 are not in the data, first 'end'; there are last_q, exact_an"),
        ({"layers": [1, 1]}, "layers: expected different ones of 0, 1, 2, 3, each once, got 1, 1"),
        ({"layers": []}, "layers: expected different ones"),
        ({"ids": cap.id[::-1]}, "ids: a Capture knows its samples .* others or in another order; leave out"),
    ):
        with pytest.raises(DataError, match=message):
            interp.probe_grid(cap, answers, **options)


def test_a_bare_array_has_the_names_it_is_given(whole: Make) -> None:
    _, _, cap, answers = whole
    x, names = cap.sites["resid_post"].numpy(), {"layers": (5, 6, 7, 8), "roles": ROLES, "ids": cap.id}
    grid = interp.probe_grid(x, answers, probe="ridge", **names, n_jobs=1)
    turned = grid.isel(layer=slice(None, None, -1), token=[1, 0, 2, 3])
    options = {"permutations": 20, "n_jobs": 1}
    same_numbers(
        cells(interp.permutation_test(turned, x, **names, **options), "z", "p"),
        cells(interp.permutation_test(grid, x, **names, **options), "z", "p"),
    )
    same_numbers(
        rows(interp.control_grid(x, answers, turned, **names, n_jobs=1).table(), ("layer", "token", "metric")),
        rows(interp.control_grid(x, answers, grid, **names, n_jobs=1).table(), ("layer", "token", "metric")),
    )
    for left_out, message in (("layers", "layers: 4 of 4"), ("roles", "roles: 4 of 4"), ("ids", "samples: 120 of 120")):
        some = {name: labels for name, labels in names.items() if name != left_out}
        for function in (
            lambda some=some: interp.permutation_test(grid, x, **some, **options),
            lambda some=some: interp.control_grid(x, answers, grid, **some, n_jobs=1),
        ):
            with pytest.raises(DataError, match=f"{message} are not in the data.*same layers=, roles= and ids="):
                function()


def test_labels_and_groups_of_answers_are_matched_by_id(whole: Make) -> None:
    probe, _, cap, answers = whole
    shuffled = answered(answers, np.random.default_rng(2).permutation(N))
    found = interp.probe_grid(cap, shuffled, probe="ridge", n_jobs=1)
    np.testing.assert_array_equal(found["score"], probe["score"])
    assert found["group"].values.tolist() == probe["group"].values.tolist()
    by_order = interp.probe_grid(cap, answers.correct, shuffled, probe="ridge", n_jobs=1)
    np.testing.assert_array_equal(by_order["score"], probe["score"])
    own = interp.probe_grid(cap, shuffled, [f"q{i // 3}" for i in range(N)], probe="ridge", n_jobs=1)
    assert own["group"].values.tolist() == [f"q{i // 3}" for i in range(N)]
    with pytest.raises(DataError, match="answers: 20 of 120 are not in the answers, first"):
        interp.probe_grid(cap, answered(answers, range(100)))
    too_long = replace(answers, status=["too_long"] + ["ok"] * (N - 1))
    assert answers.id[0] not in interp.probe_grid(cap, too_long, probe="ridge", n_jobs=1)["sample"].values


def test_the_paper_s_grid_finds_its_samples_by_id(whole: Make) -> None:
    _, _, cap, answers = whole
    cap = replace(cap, sites={"mlp_post": cap.sites["resid_post"].float()})
    turned = captured(cap, np.random.default_rng(3).permutation(N))
    xr.testing.assert_identical(seed_grid(turned, answers), seed_grid(cap, answers))
    with pytest.raises(DataError, match="cap: 20 of 120 answers were not captured"):
        seed_grid(captured(cap, np.arange(100)), answers)


def test_what_a_picture_is_given_beside_a_grid_has_its_labels(whole: Make) -> None:
    probe, attention, cap, answers = whole
    with pytest.raises(DataError, match="control 'x': 2 of 4 are not in it, first 'exact_answer_last'"):
        interp.plot_grid(probe, controls={"x": {"last_q": 0.5, "exact_answer_first": 0.6}})
    comparison = interp.compare_grids(probe.sel(layer=[2, 3]), attention.sel(layer=[2, 3]))
    with pytest.raises(DataError, match=r"(layer: 2 of 4 are not in the comparison|its grid 'attention' has highest)"):
        interp.plot_comparison(probe, attention, comparison=comparison)
    with pytest.raises(DataError, match="grid: 20 of 120 are not in the Capture"):
        interp.plot_heads(captured(cap, np.arange(100)), probe, "-1")
    with pytest.raises(DataError, match="token: 2 of 4 are not in the grid whose widths are matched"):
        interp.matched_width_grid(cap, answers, attention.sel(token=["-1", "last_q"]))

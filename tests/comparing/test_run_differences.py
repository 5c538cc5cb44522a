"""Any number of grids: the paired ΔAUC where samples are the same, honest variances where only some or none are."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from interp.command.cli import main
from interp.comparing.delta import delta_grid
from interp.comparing.run_differences import compare_runs, layers_by_depth
from interp.errors import DataError
from interp.grids.fold_values import unpacked
from interp.grids.probes import probe_grid
from interp.reporting.difference_words import describe_differences
from interp.statistics.auc import auc_influence, benjamini_hochberg


def grid(
    ids: np.ndarray, *, question: np.ndarray | None = None, noise_seed: int = 0, signal: float = 1.0
) -> xr.Dataset:
    """One model's grid on the questions `ids`; its labels depend on question and model."""
    base = np.random.default_rng(7).standard_normal((1000, 2, 2, 3))[ids]
    rng = np.random.default_rng(noise_seed)
    y = (np.random.default_rng(8).standard_normal(1000)[ids] + 0.3 * rng.standard_normal(len(ids)) > 0).astype(int)
    x = base + 0.3 * rng.standard_normal(base.shape)
    x[:, 0, 0, 0] += signal * y
    groups = [f"q{i}" for i in (ids if question is None else question)]
    return probe_grid(x, y, groups, ids=[f"{noise_seed}-{i}" for i in ids] if noise_seed else [f"s{i}" for i in ids])


@pytest.fixture(scope="module")
def grids() -> dict[str, xr.Dataset]:
    ids = np.arange(200)
    return {
        "model A": grid(ids),
        "same samples": grid(ids, signal=0.0).assign_attrs(site="mlp_out"),
        "model B": grid(ids[50:], noise_seed=1),
        "other data": grid(np.arange(500, 700), noise_seed=2),
    }


def test_the_same_samples_have_the_paired_difference_of_compare_grids(grids) -> None:
    one = grids["model A"]
    other = grid(np.arange(200), signal=0.0)
    other = other.assign_coords({name: one[name] for name in ("y", "fold", "group")})
    pair = compare_runs({"a": one, "b": other}).isel(pair=0)
    expected = delta_grid(one, other)
    assert pair["samples"] == "same" and pair["shared_groups"] == 200
    for name in ("delta", "low", "high", "p", "q"):
        np.testing.assert_array_equal(pair[name], expected[name])
    assert pair["mean_delta"] == pytest.approx(float(expected["delta"].mean()))


def test_without_a_common_group_variances_add(grids) -> None:
    pair = compare_runs({"a": grids["model A"], "b": grids["other data"]}).isel(pair=0)
    assert pair["samples"] == "independent" and pair["shared_groups"] == 0
    for layer, token in ((0, "0"), (1, "1")):
        cells = [g.sel(layer=layer, token=token) for g in (grids["model A"], grids["other data"])]
        # Of a grid only the logit interval is known; its half width gives the standard error back.
        errors = []
        for cell in cells:
            auc = cell["auc"].item()
            half = (np.log(cell["high"] / (1 - cell["high"])) - np.log(cell["low"] / (1 - cell["low"]))).item() / 2
            smaller = min(len(np.unique(cell["group"].values[cell["y"].values == label])) for label in (0, 1))
            errors.append(half / stats.t.ppf(0.975, smaller - 1) * auc * (1 - auc))
        here = pair.sel(layer=layer, token=token)
        assert here["delta"] == pytest.approx(cells[0]["auc"].item() - cells[1]["auc"].item())
        assert (here["high"] - here["low"]).item() / 2 / 1.959964 == pytest.approx(np.hypot(*errors), rel=1e-5)


def test_shared_questions_are_paired() -> None:
    """Two models on the same questions, with other labels and ids: correlated, so that the difference is surer."""
    ids = np.arange(300)
    one, two = grid(ids), grid(ids, noise_seed=1)
    shared = compare_runs({"a": one, "b": two}).isel(pair=0)
    assert shared["samples"] == "shared groups" and shared["shared_groups"] == 300
    foreign = two.assign_coords(group=("sample", np.array([f"other {g}" for g in two["group"].values], dtype=object)))
    alone = compare_runs({"a": one, "b": foreign}).isel(pair=0)
    np.testing.assert_array_equal(alone["delta"], shared["delta"])
    narrower = ((shared["high"] - shared["low"]) < (alone["high"] - alone["low"])).values
    assert narrower[0, 0] and narrower.mean() > 0.5


def test_intervals_cover_where_nothing_differs() -> None:
    """Fresh data sets of one distribution, questions in pairs that share luck: 95 % intervals of the difference hold 0."""
    rng = np.random.default_rng(0)
    n = 120
    made = probe_grid(rng.standard_normal((n, 1, 1, 1)), np.arange(n) % 2, nested=False)
    held = []
    for _ in range(100):
        pair = {}
        for k in "ab":
            y = rng.integers(0, 2, n)
            score = rng.standard_normal(n) + y + 0.5 * np.repeat(rng.standard_normal(n // 2), 2)
            group = np.array([f"{k}{i // 2}" for i in range(n)], dtype=object)
            coords = {"y": ("sample", y), "fold": ("sample", np.arange(n) // 2 % 5), "group": ("sample", group)}
            pair[k] = made.assign_coords(coords).assign(score=(("sample", "layer", "token"), score[:, None, None]))
        both = compare_runs(pair).isel(pair=0, layer=0, token=0)
        held.append(both["low"].item() < 0 < both["high"].item())
    assert 0.9 <= np.mean(held) < 1


def test_every_pair_is_there_and_q_is_over_all_of_them(grids) -> None:
    found = compare_runs(grids)
    assert found.sizes["pair"] == 6 and found["pair"].values[0] == "model A − same samples"
    np.testing.assert_array_equal(found["q"], benjamini_hochberg(found["p"].values))
    lines = describe_differences(found)
    assert len(lines) == 24 and "questions in common" in lines[4] and "no question in common" in lines[8]


def test_an_undefined_cell_keeps_its_reason(grids) -> None:
    rng = np.random.default_rng(0)
    y = np.array([1] * 195 + [0] * 5)
    empty = probe_grid(rng.standard_normal((200, 2, 2, 3)), y)
    found = compare_runs({"a": grids["model A"], "b": empty})
    assert np.isnan(found["delta"]).all() and np.isnan(found["mean_delta"]).all()
    assert all("195 correct and 5 wrong" in str(reason) for reason in found["reason"].values.ravel())
    assert describe_differences(found)[1] == "  no cell is defined in both"


def test_other_layers_or_roles_are_an_error_never_an_inner_join(grids) -> None:
    one = grids["model A"]
    with pytest.raises(DataError, match=r"a and b differ in their layer labels .0, 1 against 0."):
        compare_runs({"a": one, "b": one.isel(layer=[0])})
    with pytest.raises(DataError, match="differ in their token labels"):
        compare_runs({"a": one, "b": one.assign_coords(token=["0", "x"])})
    with pytest.raises(DataError, match="expected at least two to compare, got 1"):
        compare_runs({"a": one})


def deeper(n_layers: int, seed: int) -> xr.Dataset:
    x = np.random.default_rng(seed).standard_normal((60, n_layers, 1, 3))
    y = np.arange(60) % 2
    x[:, n_layers // 2, 0, 0] += 2.0 * y
    return probe_grid(x, y, [f"q{i}" for i in range(60)], ids=[f"{seed}-{i}" for i in range(60)], nested=False)


def test_models_of_different_depth_are_compared_by_relative_depth() -> None:
    models = {"six": deeper(6, 1), "two": deeper(2, 2), "three": deeper(3, 3)}
    found = compare_runs(models, layers="depth")
    # Two layers, behind 1/2 and 2/2 of the model: of six the third and the last, of three (1/3, 2/3, 1) the first.
    assert found["layer"].values.tolist() == [0, 1]
    assert found.sel(pair="six − two")["first_layer"].values.tolist() == [2, 5]
    assert found.sel(pair="six − two")["second_layer"].values.tolist() == [0, 1]
    assert found.sel(pair="six − three")["second_layer"].values.tolist() == [0, 2]
    chosen = {"six": models["six"].sel(layer=[2, 5]).assign_coords(layer=[0, 1]), "two": models["two"]}
    by_hand, pair = compare_runs(chosen).isel(pair=0), found.sel(pair="six − two")
    for name in ("delta", "low", "high", "p", "mean_delta", "mean_low", "mean_high"):
        np.testing.assert_array_equal(pair[name], by_hand[name])
    lines = describe_differences(found)
    assert lines[1] == "  layers are paired by relative depth: 2 with 0, 5 with 1"
    assert "  largest at layer 2 against 0, 0: " in "\n".join(
        lines
    ) or "  largest at layer 5 against 1, 0: " in "\n".join(lines)


def test_the_nearest_relative_depth_is_that_of_a_loop() -> None:
    for shallow, deep in ((1, 1), (4, 4), (3, 7), (8, 18), (12, 32), (5, 6)):
        given = {"deep": np.arange(deep), "shallow": np.arange(shallow)}
        found = layers_by_depth(given)
        assert found["shallow"].tolist() == list(range(shallow))
        for layer, other in enumerate(found["deep"].tolist()):
            apart = [abs(Fraction(layer + 1, shallow) - Fraction(k + 1, deep)) for k in range(deep)]
            assert other == apart.index(min(apart))  # of two equally near the lower
        assert len(set(found["deep"].tolist())) == shallow and found["deep"][-1] == deep - 1


def test_the_same_layers_are_paired_with_themselves(grids) -> None:
    pair = {name: grids[name] for name in ("model A", "model B")}
    xr.testing.assert_identical(compare_runs(pair, layers="depth"), compare_runs(pair))
    assert not any("paired" in line for line in describe_differences(compare_runs(pair)))


def test_what_is_no_mapping_of_grids_is_refused(grids) -> None:
    one, two = grids["model A"], grids["model B"]
    with pytest.raises(
        DataError, match=r"grids: expected {name: grid}, every grid under a name of its own, got \[Dataset, Dataset\]"
    ):
        compare_runs([one, two])
    with pytest.raises(DataError, match="grid: expected the whole grid, an xarray Dataset, got DataArray"):
        compare_runs({"a": one.auc, "b": two.auc})
    with pytest.raises(DataError, match="layers: expected one of same, depth, got 'all'"):
        compare_runs({"a": one, "b": two}, layers="all")


def test_the_command_compares_models_of_different_depth(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    models = {"six": deeper(6, 1), "three": deeper(3, 3)}
    monkeypatch.setattr("interp.running.pipeline.open_run", lambda path: SimpleNamespace(probe=models[str(path)]))
    assert main(["compare", "six", "three"]) == 2
    assert "(on the command line: --layers depth)" in capsys.readouterr().err
    assert main(["compare", "six", "three", "--layers", "depth"]) == 0
    assert "layers are paired by relative depth: 1 with 0, 3 with 1, 5 with 2" in capsys.readouterr().out


def test_the_command_compares_any_number_of_folders(grids, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("interp.running.pipeline.open_run", lambda path: SimpleNamespace(probe=grids[str(path)]))
    assert main(["compare", "model A", "model B", "other data"]) == 0
    expected = describe_differences(compare_runs({name: grids[name] for name in ("model A", "model B", "other data")}))
    said = capsys.readouterr().out.splitlines()
    assert said[: len(expected)] == expected
    assert all((tmp_path / line).is_file() for line in said[len(expected) :]) and len(said) == len(expected) + 10
    assert main(["compare", "model A", "model A"]) == 2
    assert "the same folder is given twice" in capsys.readouterr().err


def pair_of_grids(n: int = 120) -> tuple[xr.Dataset, xr.Dataset]:
    """Two grids of the same samples: some samples lack a role in one of them, and role 2 is in neither's half of both."""
    rng = np.random.default_rng(1)
    y, groups = np.arange(n) % 2, [f"q{i // 2}" for i in range(n)]
    made = []
    for k in range(2):
        x = rng.standard_normal((n, 2, 3, 4))
        x[..., 0] += (0.9 - 0.4 * k) * y[:, None, None]
        valid = np.ones((n, 3), bool)
        valid[k * 20 : k * 20 + 30, 1] = False
        valid[:, 2] = (np.arange(n) < n // 2) if k else (np.arange(n) >= n // 2)
        made.append(probe_grid(x, y, groups, valid=valid, probe="ridge", n_jobs=1))
    return made[0], made[1]


def test_the_mean_is_over_the_cells_that_have_a_difference_and_the_samples_of_both() -> None:
    one, two = pair_of_grids()
    pair = compare_runs({"a": one, "b": two}).isel(pair=0)
    assert np.isfinite(one["auc"]).all() and np.isfinite(two["auc"]).all()
    assert np.isfinite(pair["delta"]).sel(token="2").values.sum() == 0 and np.isfinite(pair["delta"]).sum() == 4
    y, fold, n = one["y"].values, one["fold"].values, one.sizes["sample"]
    values, influences, sketches = [], [], []
    for layer in range(2):
        for role in range(2):
            scores = [g["score"].values[:, layer, role] for g in (one, two)]
            both = np.isfinite(scores).all(0)
            parts = [auc_influence(np.where(both, score, np.nan), y, fold, np.arange(n) // 2) for score in scores]
            values.append(parts[0][0] - parts[1][0])
            influences.append(parts[0][1] - parts[1][1])
            sketch = np.subtract(*(unpacked(g["training"].values[:, layer, role]).astype(float) for g in (one, two)))
            sketches.append(np.where(both[:, None, None], sketch, 0))
    sums = [np.zeros((n // 2, *part.shape[1:])) for part in (np.mean(influences, 0), np.mean(sketches, 0))]
    for total, part in zip(sums, (np.mean(influences, 0), np.mean(sketches, 0)), strict=True):
        for i in range(n):
            total[i // 2] += part[i]
    shared = max(0.0, (sums[1][:, 0] * sums[1][:, 1]).sum() / sketches[0].shape[-1])
    se = np.sqrt((sums[0] ** 2).sum() + shared)
    assert pair["mean_delta"].item() == pytest.approx(np.mean(values))
    assert (pair["mean_high"] - pair["mean_low"]).item() / 2 / 1.959964 == pytest.approx(se, rel=1e-6)
    defined = {"token": ["0", "1"]}  # cells without a difference leave no trace
    without = compare_runs({"a": one.sel(defined), "b": two.sel(defined)}).isel(pair=0)
    for name in ("mean_delta", "mean_low", "mean_high", "mean_p"):
        assert pair[name].item() == pytest.approx(without[name].item())


def test_the_same_samples_in_another_order_are_the_same_samples() -> None:
    one, two = pair_of_grids()
    expected = compare_runs({"a": one, "b": two})
    for turned in (two.isel(sample=slice(None, None, -1)), two.isel(layer=[1, 0], token=[2, 0, 1])):
        found = compare_runs({"a": one, "b": turned})
        assert found["samples"].item() == "same"
        xr.testing.assert_allclose(found, expected)


def without(x: np.ndarray, y: np.ndarray, fold: np.ndarray, gone: np.ndarray) -> xr.Dataset:
    """A run of all questions but these."""
    kept = np.setdiff1d(np.arange(len(y)), gone)
    names = [f"q{i}" for i in kept]
    return probe_grid(x[kept], y[kept], names, fold=fold[kept], ids=names, n_jobs=1)


def test_a_run_without_a_question_is_as_near_to_itself_whichever_question_it_is() -> None:
    """First, middle and last question are alike in all but their names, so that only their random signs differ."""
    rng = np.random.default_rng(3)
    n = 160
    x, y, fold = rng.standard_normal((n, 1, 2, 12)), np.arange(n) % 2, np.arange(n) // 2 % 5
    x[..., 0] += y[:, None, None]
    places = [0, n // 2, n - 1]
    x[places], y[places], fold[places] = x[0], y[0], fold[0]
    whole, widths = without(x, y, fold, np.array([], dtype=int)), []
    for place in places:
        found = compare_runs({"whole": whole, "part": without(x, y, fold, np.array([place]))}).isel(pair=0)
        assert found["shared_groups"] == n - 1
        widths.append((found["high"] - found["low"]).values)
    assert (np.ptp(widths, axis=0) < 0.05 * np.mean(widths, axis=0)).all()
    own = (whole["high"] - whole["low"]).values
    assert (np.mean(widths, axis=0) < 0.3 * own).all()


def test_grids_of_overlapping_questions_share_the_signs_of_what_they_share() -> None:
    """Thirty questions lack at the front of one run or at its end: names alone decide, so a shift changes nothing."""
    rng = np.random.default_rng(4)
    n = 150
    x, y, fold = rng.standard_normal((n, 1, 1, 10)), np.arange(n) % 2, np.arange(n) // 2 % 5
    x[..., 0] += y[:, None, None]
    first, last = without(x, y, fold, np.arange(30)), without(x, y, fold, np.arange(n - 30, n))
    found = compare_runs({"a": first, "b": last})
    back = slice(None, None, -1)
    turned = compare_runs({"a": first.isel(sample=back), "b": last})
    for name in ("delta", "low", "high", "mean_low"):
        np.testing.assert_allclose(found[name], turned[name], atol=1e-9)
    # Signs of strangers would not cancel what both probes owe to the 90 questions of both.
    strange = {"training": last["training"].roll(sample=1)}
    apart = compare_runs({"a": first, "b": last.assign(strange)})
    assert ((apart["high"] - apart["low"]) > 1.05 * (found["high"] - found["low"])).all()

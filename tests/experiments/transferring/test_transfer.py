"""Probes of one run on another's samples: against scikit-learn, planted directions, and what must not be scored."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from planted_runs import CELL, planted_run, unit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import interp
from interp.experiments.transferring.alike import check_alike, own_option
from interp.experiments.transferring.run_samples import Opened
from interp.statistics.auc import estimate_auc
from interp.statistics.nested_choice import choice_auc
from interp.statistics.samples import Samples

FAST = {"n_jobs": 1}


@pytest.fixture(scope="module")
def runs() -> dict:
    """`a` and `b` have forty questions in common and one direction, `c` has another one and questions of its own."""
    return {
        "a": planted_run(1, unit(0)),
        "b": planted_run(2, unit(0), first=60),
        "c": planted_run(3, unit(1), n=80, first=500),
    }


@pytest.fixture(scope="module")
def found(runs):
    return interp.transfer(runs, **FAST)


def of_run(found, name: str):
    return found.sel(sample=found["run"] == name)


def by_sklearn(sources: list, target, cell: tuple[int, int], used=lambda x: np.isfinite(x).all(1)) -> np.ndarray:
    """`sources` and `target`: (vectors of all cells, the run's part of the result)."""
    x = np.concatenate([vectors[:, cell[0], cell[1]] for vectors, _ in sources])
    y, fold = (np.concatenate([part[name].values for _, part in sources]) for name in ("y", "sample_fold"))
    test, at = target[0][:, cell[0], cell[1]], target[1]["sample_fold"].values
    score = np.full(len(test), np.nan)
    for f in np.unique(at):
        train, scored = used(x) & (fold != f), used(test) & (at == f)
        scaler = StandardScaler().fit(x[train])
        probe = LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaler.transform(x[train]), y[train])
        score[scored] = probe.decision_function(scaler.transform(test[scored]))
    return score


def pairs_won(score: np.ndarray, part) -> float:
    y, fold = part["y"].values, part["sample_fold"].values
    won = [
        np.sign(score[i] - score[j]) / 2 + 0.5
        for i, j in product(np.flatnonzero(y == 1), np.flatnonzero(y == 0))
        if fold[i] == fold[j] and np.isfinite(score[[i, j]]).all()
    ]
    return float(np.mean(won))


def test_every_cell_is_what_scikit_learn_and_loops_give(runs, found) -> None:
    parts = {name: (cap.sites["resid_post"].double().numpy(), of_run(found, name)) for name, (cap, _) in runs.items()}
    for source, target in product(parts, parts):
        for layer, role in np.ndindex(3, 2):
            score = by_sklearn([parts[source]], parts[target], (layer, role))
            value = found["grid_auc"].sel(source=source, test=target)[layer, role].item()
            assert value == pytest.approx(pairs_won(score, parts[target][1]), abs=1e-6)
    rows = {name: lambda target, name=name: [name] for name in parts}
    rows |= {"all others": lambda target: [name for name in parts if name != target], "all": lambda target: [*parts]}
    for train, target in product(rows, parts):
        one = found.sel(train=train, test=target)
        score = np.full(found.sizes["sample"], np.nan)[: len(parts[target][1]["y"])]
        for f in range(5):
            cell = (int(one["cell_layer"][f]), found["token"].values.tolist().index(one["cell_token"][f].item()))
            whole = by_sklearn([parts[name] for name in rows[train](target)], parts[target], cell)
            inside = parts[target][1]["sample_fold"].values == f
            score[inside] = whole[inside]
        np.testing.assert_allclose(score, of_run(found, target)["score"].sel(train=train), atol=2e-4)
        assert one["auc"].item() == pytest.approx(pairs_won(score, parts[target][1]), abs=1e-6)


def test_folds_are_common_and_a_shared_question_is_never_on_both_sides(runs, found) -> None:
    by_group: dict[str, set] = {}
    for group, fold in zip(found["group"].values, found["sample_fold"].values, strict=True):
        by_group.setdefault(group, set()).add(int(fold))
    assert all(len(folds) == 1 for folds in by_group.values())
    assert found["shared_groups"].sel(train=["a", "b", "c"]).values.tolist() == [[100, 40, 0], [40, 100, 0], [0, 0, 80]]
    for name in runs:  # right and wrong of every run in every fold
        part = of_run(found, name)
        counts = np.histogram2d(part["sample_fold"], part["y"], bins=(5, 2))[0]
        assert counts.max() - counts.min() <= 4


def test_the_cell_is_chosen_on_the_source_alone_and_without_the_fold(runs, found) -> None:
    for name, (cap, _) in runs.items():
        part, x = of_run(found, name), cap.sites["resid_post"].double().numpy()
        y, fold = part["y"].values, part["sample_fold"].values
        judged = np.array([[choice_auc(x[:, i, j], y, fold) for j in range(2)] for i in range(3)])
        for f in range(5):
            layer, role = np.unravel_index(judged[..., f].argmax(), (3, 2))
            for target in runs:
                chosen = found.sel(train=name, test=target, fold=f)
                assert (chosen["cell_layer"].item(), chosen["cell_token"].item()) == (layer, found["token"][role])


def test_the_diagonal_is_the_probe_grid_on_these_folds(runs) -> None:
    fixed = interp.transfer(runs, cell=CELL, **FAST)
    for name, (cap, answers) in runs.items():
        fold = of_run(fixed, name)["sample_fold"].values
        grid = interp.probe_grid(cap, answers, fold=fold, embed=False, n_jobs=1)
        cell, one = grid.sel(layer=1, token=CELL[1]), fixed.sel(train=name, test=name)
        for value in ("auc", "low", "high", "n"):
            assert one[value].item() == pytest.approx(cell[value].item(), abs=1e-6)
        np.testing.assert_allclose(fixed["grid_auc"].sel(source=name, test=name), grid["auc"], atol=1e-12)


def test_a_common_direction_transfers_another_does_not_and_a_reversed_one_misleads() -> None:
    runs = {"a": planted_run(1, unit(0), n=200), "b": planted_run(2, unit(0), n=200, first=500),
            "c": planted_run(3, unit(1), n=200, first=900), "d": planted_run(4, unit(0, sign=-1.0), n=200, first=1300)}  # fmt: skip
    found = interp.transfer(runs, cell=CELL, **FAST)
    auc = {(a, b): found["auc"].sel(train=a, test=b).item() for a in runs for b in runs}
    assert min(auc[name, name] for name in runs) > 0.85 and min(auc["a", "b"], auc["b", "a"]) > 0.85
    assert 0.35 < auc["a", "c"] < 0.65 and auc["a", "d"] < 0.15
    assert found["minus_own"].sel(train="a", test="c").item() < -0.2
    assert found["minus_own_q"].sel(train="a", test="c").item() < 0.01 < found["minus_own_q"].sel(train="a", test="b")
    assert found["auc"].sel(train="all others", test="d").item() < 0.5


def test_differences_are_of_the_same_samples(runs, found) -> None:
    for train, test in product(found["train"].values, found["test"].values):
        one, own = found.sel(train=train, test=test), found["auc"].sel(train=test, test=test)
        base = found["logprob_auc"].sel(test=test)
        assert one["minus_logprob"].item() == pytest.approx((one["auc"] - base).item(), abs=1e-12)
        if train != test:
            assert one["minus_own"].item() == pytest.approx((one["auc"] - own).item(), abs=1e-12)
        else:
            assert np.isnan(one["minus_own"]) and one["minus_own_reason"].item() == "the target's own probes"
    _, answers = runs["a"]
    means = {name: np.mean(answers.logprobs[i][3:5]) for i, name in enumerate(answers.id)}
    part = of_run(found, "a")
    np.testing.assert_allclose(part["logprob"], [means[name.split("/")[1]] for name in part["sample"].values])
    known = found["minus_logprob_p"].values
    assert ((found["minus_logprob_q"].values >= known - 1e-12) & np.isfinite(known)).all()


def test_without_shared_questions_the_interval_is_that_of_given_probes(found) -> None:
    for train, test in (("a", "c"), ("c", "b")):
        part, one = of_run(found, test), found.sel(train=train, test=test)
        samples = Samples.named(part["y"].values, part["sample_fold"].values, part["group"].values.tolist())
        given = estimate_auc(part["score"].sel(train=train).values, samples)
        assert (one["low"].item(), one["high"].item()) == pytest.approx((given.low, given.high), rel=1e-12)


def test_a_run_beside_its_twin_is_as_sure_of_it_as_of_itself() -> None:
    """The same samples in two runs: what each trained on scores the other, as within one run."""
    weak, answers = planted_run(5, 0.2 * unit(0), n=100)
    twin = replace(weak, roles=weak.roles)
    found = interp.transfer({"run": (weak, answers), "twin": (twin, answers)}, cell=CELL, **FAST)
    for value in ("auc", "low", "high"):
        np.testing.assert_allclose(found[value].values[:2], found[value].values[0, 0], atol=1e-9)
    assert found["minus_own"].values[0, 1] == 0 and found["minus_own_p"].values[0, 1] == 1
    part = of_run(found, "twin")
    samples = Samples.named(part["y"].values, part["sample_fold"].values, part["group"].values.tolist())
    given = estimate_auc(part["score"].sel(train="run").values, samples)
    assert found["low"].sel(train="run", test="twin") < given.low - 0.01


def test_runs_in_another_order_give_the_same(runs, found) -> None:
    again = interp.transfer({name: runs[name] for name in ("c", "a", "b")}, **FAST)
    assert again.identical(found)


def test_roles_and_samples_that_are_absent_are_masked_and_counted(runs) -> None:
    cap, answers = runs["a"]
    valid = cap.valid.clone()
    valid[::4, 1] = False
    vectors = cap.sites["resid_post"].clone()
    vectors[::4, :, 1] = np.nan
    holes = replace(cap, valid=valid, sites={"resid_post": vectors})
    found = interp.transfer({"a": (holes, answers), "c": runs["c"]}, cell=CELL, population="all", **FAST)
    assert found["n"].values.tolist()[:2] == [[75, 80], [75, 80]]
    assert np.isnan(of_run(found, "a")["score"].sel(train="c")).sum() == 25
    assert np.isfinite(of_run(found, "c")["score"].sel(train="a")).all()


def test_one_run_is_taken_apart_by_template_or_by_labels(runs) -> None:
    by_template = interp.transfer(runs["a"], by="template", **FAST)
    assert by_template["test"].values.tolist() == ["In which country is … ?", "Tell me , where would one find … ?"]
    assert by_template["n"].values[0].tolist() == [50, 50] and by_template.attrs["by"] == "template"
    labels = {f"q{i}": "few" if i < 5 else f"part {i % 3}" for i in range(100)}
    parts = interp.transfer(runs["a"], by=labels, **FAST)
    assert parts["test"].values.tolist() == ["part 0", "part 1", "part 2"]
    assert parts.attrs["left_out"].startswith("few: ") and "at least 10" in parts.attrs["left_out"]
    with pytest.raises(interp.DataError, match="one run apart, got 3"):
        interp.transfer(runs, by="template")
    with pytest.raises(interp.DataError, match="fewer than two parts"):
        interp.transfer(runs["a"], by=dict.fromkeys(labels, "one"))
    with pytest.raises(interp.DataError, match="1 of 100 are not in the labels"):
        interp.transfer(runs["a"], by={name: "x" for name in labels if name != "q7"})
    with pytest.raises(interp.DataError, match="'template'"):
        interp.transfer(runs["a"], by="templates")


def test_a_cell_that_a_source_cannot_train_has_a_reason(runs) -> None:
    cap, answers = runs["a"]
    vectors = cap.sites["resid_post"].clone()
    vectors[:, 0, 0] = 1.0
    flat = (replace(cap, sites={"resid_post": vectors}), answers)
    found = interp.transfer({"flat": flat, "c": runs["c"]}, cell=(0, "last_q"), **FAST)
    assert "flat: no column varies" in found["reason"].sel(train="flat", test="c").item()
    assert "flat: no column varies" in found["grid_reason"].sel(source="flat", test="c")[0, 0].item()
    assert np.isnan(found["auc"].sel(train="all others", test="c")) and np.isfinite(
        found["auc"].sel(train="c", test="c")
    )
    assert found["minus_own_reason"].sel(train="c", test="flat").item()


def test_a_probe_that_is_not_linear_has_no_shared_part(runs) -> None:
    two = {name: runs[name] for name in ("a", "b")}
    found = interp.transfer(two, probe="mass-mean", cell=CELL, **FAST)
    assert np.isfinite(found["low"]).all() and found.attrs["probe"] == "mass-mean"


def refused(runs, **options) -> str:
    with pytest.raises(interp.InterpError) as raised:
        interp.transfer(runs, **options)
    return str(raised.value)


def test_what_cannot_be_compared_is_refused_in_a_sentence(runs) -> None:
    a, (cap, answers) = runs["a"], runs["b"]
    assert "expected at least two, got 1" in refused({"a": a})
    assert "b and again are the same run" in refused({"b": runs["b"], "again": runs["b"]}).replace(
        "again and b", "b and again"
    )
    assert "other roles" in refused({"a": a, "b": (replace(cap, roles=("last_q", "-1")), answers)})
    assert "share no layer" in refused({"a": a, "b": (replace(cap, layers=(7, 8, 9)), answers)})
    narrow = {"resid_post": cap.sites["resid_post"][..., :5]}
    assert "different width (8 and 5)" in refused({"a": a, "b": (replace(cap, sites=narrow), answers)})
    other = {"mlp_out": cap.sites["resid_post"]}
    assert "different sites" in refused({"a": a, "b": (replace(cap, sites=other), answers)})
    single = replace(answers, group=["one"] * len(answers))
    assert refused({"a": a, "b": (cap, single)}).startswith("b: groups: 1 distinct groups for 5 folds")
    right = replace(answers, correct=[True] * len(answers))
    assert "b: labels: all 100 samples" in refused({"a": a, "b": (cap, right)})
    assert "name of a row" in refused({"all": a, "b": runs["b"]})
    assert "(layer, role)" in refused(runs, cell=3)
    assert "layer, role" not in refused(runs, cell=(9, "last_q")) and "cell: 1 of 1" in refused(
        runs, cell=(9, "last_q")
    )
    assert "expected a run, its folder or (Capture, Answers)" in refused({"a": a, "b": cap})
    assert "expected {name: run}" in refused([a, runs["b"]])


def test_runs_of_different_models_are_asked_for_explicitly(runs) -> None:
    opened = [Opened(name, *runs[name], "resid_post", {}, name * 64) for name in ("a", "b")]
    with pytest.raises(
        interp.DataError, match="different models .weights aaaaaaaaaaaa and bbbbbbbbbbbb.*across_models"
    ):
        check_alike(opened, across_models=False)
    check_alike(opened, across_models=True)
    check_alike([opened[0], replace(opened[1], model="a" * 64)], across_models=False)


def test_what_runs_were_made_with_differently_has_to_be_said(runs) -> None:
    opened = [Opened(name, *runs[name], "resid_post", {"C": C}, "") for name, C in (("a", 1.0), ("b", 2.0))]
    with pytest.raises(interp.DataError, match="a was made with C 1.0, b with 2.0; say which"):
        own_option(opened, "C", None, 1.0)
    assert own_option(opened, "C", 3.0, 1.0) == 3.0 and own_option(opened, "probe", None, "logistic") == "logistic"


def test_layers_are_those_that_all_have(runs) -> None:
    cap, answers = runs["b"]
    later = (replace(cap, layers=(1, 2, 3)), answers)
    found = interp.transfer({"a": runs["a"], "b": later}, **FAST)
    assert found["layer"].values.tolist() == [1, 2]

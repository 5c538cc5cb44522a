"""A probe for use: the grid's own scores, scikit-learn's weights, files that come back bit for bit, and hooks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import interp
from interp.applying.cell_vectors import cell_vectors
from interp.applying.direction_hooks import ablated, added
from interp.applying.fitted_probe import FittedProbe
from interp.applying.probe_file import load_probe, save_probe
from interp.applying.probe_fit import fit_probe
from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.grids.probes import probe_grid
from interp.runs.opened_run import Run
from interp.runs.run_folder import RunFolder

ROLES = ("last_q", "exact_answer_first")


def data(n: int = 160, width: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two layers, two roles; far from standardised, one column constant, one huge, a signal at layer 1, role 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, 2, 2, width)) * np.geomspace(0.01, 100, width) + np.linspace(-5, 5, width)
    x[:, 1, 1, 3:6] += 1.5 * y[:, None] * np.geomspace(0.01, 100, width)[3:6]
    x[..., 7], x[..., 8] = 3.0, x[..., 8] * 1e3 + 8e4
    return x, y


def make_capture(x: np.ndarray) -> Capture:
    return Capture(
        sites={"resid_post": torch.from_numpy(x)},
        embed=torch.from_numpy(x[:, 0]),
        attention={},
        valid=torch.ones(x.shape[0], 2, dtype=torch.bool),
        index=torch.zeros(x.shape[0], 2, dtype=torch.int64),
        layers=(0, 1),
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(len(x))),
    )


@pytest.fixture(scope="module")
def fitted() -> FittedProbe:
    x, y = data()
    return fit_probe(make_capture(x), y, layer=1, role="exact_answer_first", model="abc123")


def test_labels_and_groups_of_a_shuffled_table_are_read_by_order() -> None:
    x, y = data()
    groups, index = [f"q{i // 2}" for i in range(len(y))], np.random.default_rng(0).permutation(len(y))
    cell = {"layer": 1, "role": "exact_answer_first"}
    one = fit_probe(make_capture(x), y, groups, **cell)
    two = fit_probe(make_capture(x), pd.Series(y, index=index), pd.Series(groups, index=index), **cell)
    assert torch.equal(one.direction, two.direction) and torch.equal(one.fold_direction, two.fold_direction)


def test_it_is_printed_in_one_line(fitted) -> None:
    assert repr(fitted) == (
        "FittedProbe(logistic on resid_post, layer 1, exact_answer_first, width 20; "
        f"AUC {fitted.auc:.3f} [{fitted.low:.3f}, {fitted.high:.3f}])"
    )


@pytest.mark.parametrize(
    "probe",
    [
        "logistic",
        "ridge",
        "mass-mean",
        "mean-difference",
        "lda",
        "k-sparse",
        "pca-lr",
        make_pipeline(StandardScaler(), LinearSVC()),
    ],
)
def test_every_linear_probes_directions_give_the_grids_out_of_fold_scores(probe) -> None:
    """Weights in the raw space, whatever scaling, selection or projection the estimator did inside."""
    x, y = data()
    grid = probe_grid(make_capture(x), y, probe=probe).sel(layer=1, token="exact_answer_first")
    one = fit_probe(make_capture(x), y, layer=1, role="exact_answer_first", probe=probe)
    fold, own = grid["fold"].values, np.empty(len(y))
    for number in np.unique(fold):
        inside = fold == number
        own[inside] = x[inside, 1, 1] @ one.fold_direction[number].numpy() + one.fold_bias[number].item()
    score = grid["score"].values
    np.testing.assert_allclose(own, score, atol=1e-6 * score.std())
    assert (one.auc, one.low, one.high) == tuple(grid[name].item() for name in ("auc", "low", "high"))


def test_the_probe_of_all_samples_is_scikit_learns(fitted: FittedProbe) -> None:
    x, y = data()
    oracle = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-12, max_iter=10_000)).fit(x[:, 1, 1], y)
    new = data(seed=1)[0]
    expected = oracle.decision_function(new[:, 1, 1])
    np.testing.assert_allclose(fitted.score(new[:, 1, 1]), expected, atol=1e-4 * expected.std())
    np.testing.assert_allclose(fitted.score(make_capture(new)), fitted.score(torch.from_numpy(new[:, 1, 1])))
    np.testing.assert_allclose(fitted.mean, x[:, 1, 1].mean(0))
    np.testing.assert_allclose(fitted.scale, x[:, 1, 1].std(0), atol=1e-12)
    assert fitted.direction[7] == 0 and fitted.protocol["n"] == 160 and fitted.protocol["n_correct"] == y.sum()


def test_it_tells_right_from_wrong_on_new_samples_at_its_threshold() -> None:
    x, y = data(600)
    probe = fit_probe(x[:, 1, 1], y, layer=1, role="exact_answer_first")
    new, label = data(4000, seed=5)
    score, believed = probe.score(new[:, 1, 1]), probe.probability(new[:, 1, 1])
    assert ((score > probe.thresholds["0.1"]).numpy()[label == 0]).mean() == pytest.approx(0.1, abs=0.04)
    assert believed[torch.from_numpy(label == 1)].mean() > believed[torch.from_numpy(label == 0)].mean() + 0.2
    assert abs(float(believed.mean()) - label.mean()) < 0.05


def test_files_come_back_bit_for_bit(fitted: FittedProbe, tmp_path: Path) -> None:
    written = save_probe(fitted, tmp_path / "probes" / "best")
    assert sorted(path.name for path in written.parent.iterdir()) == ["best.json", "best.safetensors"]
    for path in (tmp_path / "probes" / "best", written, written.with_suffix(".safetensors")):
        again = load_probe(path)
        for name, value in vars(fitted).items():
            other = getattr(again, name)
            assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name
    about = json.loads(written.read_text(encoding="utf-8"))
    assert about["hook_point"] == "blocks.1.hook_resid_post" and about["model"] == "abc123"


def test_an_infinite_threshold_survives(tmp_path: Path) -> None:
    x, y = data(60)
    probe = fit_probe(x[:, 1, 1], y, layer=1, role="exact_answer_first")
    assert probe.thresholds["0.01"] == np.inf  # thirty wrong answers cannot promise one per cent
    save_probe(probe, tmp_path / "p")
    assert load_probe(tmp_path / "p").thresholds == probe.thresholds


def test_damaged_and_foreign_files_are_refused(fitted: FittedProbe, tmp_path: Path) -> None:
    text = save_probe(fitted, tmp_path / "p")
    weights = text.with_suffix(".safetensors")
    flipped = bytearray(weights.read_bytes())
    flipped[-3] ^= 1
    weights.write_bytes(flipped)
    with pytest.raises(DataError, match="not the weights that p.json describes"):
        load_probe(text)
    text.write_text('{"format": 9}', encoding="utf-8")
    with pytest.raises(DataError, match="expected a probe of format 1"):
        load_probe(text)
    text.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="expected a probe written by interp"):
        load_probe(text)
    with pytest.raises(DataError, match="expected a probe written by interp"):
        load_probe(tmp_path / "absent")


def test_another_site_layer_role_width_or_model_is_refused(fitted: FittedProbe, tmp_path: Path) -> None:
    x, _ = data()
    cap = make_capture(x)
    with pytest.raises(DataError, match="expected vectors of width 20, got shape .160, 19."):
        fitted.score(x[:, 1, 1, :19])
    for axis, labels, message in (
        ("layers", tuple(range(5, 5 + len(cap.layers))), "layer: expected one of 5, .*, got 1"),
        ("roles", tuple("abcdefgh"[: len(cap.roles)]), "role: expected one of a, .*, got 'exact_answer_first'"),
    ):
        with pytest.raises(DataError, match=message):
            fitted.score(Capture(**{**vars(cap), axis: labels}))
    with pytest.raises(DataError, match="site: 'resid_post' was not captured"):
        fitted.score(Capture(**{**vars(cap), "sites": {"z": cap.resid}}))
    other = Run(RunFolder(tmp_path))
    other.__dict__["record"] = {"model": {"weights_sha256": "def456"}}  # what run.json would say
    with pytest.raises(DataError, match="fitted on a model with weights abc123…, but the run's are def456…"):
        fitted.score(other)


def test_what_has_no_direction_is_refused() -> None:
    x, y = data()
    for probe in (GaussianNB(), "mlp"):
        with pytest.raises(DataError, match="has no direction: its score is not a linear function"):
            fit_probe(x[:, 1, 1], y, layer=1, role="-1", probe=probe)
    with pytest.raises(DataError, match="layer 1, -1 is undefined: no column varies"):
        fit_probe(np.ones((160, 3)), y, layer=1, role="-1")
    with pytest.raises(DataError, match="expected a Run, a Capture or vectors"):
        fit_probe(x, y, layer=1, role="-1")


def test_a_chosen_C_is_the_C_of_the_saved_probe() -> None:
    x, y = data()
    probe = fit_probe(x[:, 1, 1], y, layer=1, role="-1", C=(0.001, 1.0))
    assert probe.protocol["C"] in (0.001, 1.0)


def random_probe(width: int, site: str) -> FittedProbe:
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    return fit_probe(rng.standard_normal((100, width)) + 0.3 * y[:, None], y, layer=1, role="-1", site=site)


def bridge(folder: Path):
    """A TransformerBridge on either version of TransformerLens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hf = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    return interp.load_model(hf, tokenizer=AutoTokenizer.from_pretrained(folder), check=False)


@pytest.mark.parametrize("site", ["resid_post", "mlp_post", "z"])
@pytest.mark.parametrize("kind", ["loaded", "bridge"])
def test_hooks_ablate_and_steer_by_the_predicted_amount(llama, llama_folder: Path, site: str, kind: str) -> None:
    model = llama if kind == "loaded" else bridge(llama_folder)
    probe = random_probe(48 if site == "mlp_post" else 32, site)
    tokens = torch.randint(3, 300, (3, 7), generator=torch.Generator().manual_seed(0))

    def scores(*hooks) -> tuple[torch.Tensor, torch.Tensor]:
        """Score of every token at the probe's hook point as the next modules see it, and the logits."""
        seen = []

        def look(tensor, hook):
            seen.append(probe.score(tensor.reshape(3, 7, -1)))

        logits = model.run_with_hooks(tokens, return_type="logits", fwd_hooks=[*hooks, (probe.hook_point, look)])
        return seen[0], logits

    before, logits = scores()
    ablated, changed = scores(probe.ablate())
    assert before.std() > 1e-2
    np.testing.assert_allclose(ablated, np.full((3, 7), probe.bias), atol=1e-5)
    assert not torch.allclose(logits, changed, atol=1e-5)  # the model goes on with the changed vectors
    steered, _ = scores(probe.steer(2.5))
    np.testing.assert_allclose(steered - before, 2.5 * float(probe.direction.norm()), rtol=1e-4)
    nothing, same = scores(probe.steer(0.0))
    assert torch.allclose(logits, same, atol=1e-6) and torch.allclose(nothing, before)

    one = torch.tensor([2, 5, 6])
    at = torch.zeros(3, 7, dtype=torch.bool)
    at[torch.arange(3), one] = True
    for where, mask in (
        (one, at),
        (-1, torch.arange(7) == 6),
        (slice(3, 5), (torch.arange(7) >= 3) & (torch.arange(7) < 5)),
    ):
        moved = (scores(probe.steer(1.0, position=where))[0] - before).abs() > 1e-3
        assert torch.equal(moved, mask.expand(3, 7))
    with pytest.raises(DataError, match="expected vectors of width 5 at blocks.1"):
        model.run_with_hooks(tokens, fwd_hooks=[(probe.hook_point, random_probe(5, site).ablate()[1])])
    model.reset_hooks()


def test_a_cells_vectors_are_found_by_labels() -> None:
    x, _ = data()
    cap = Capture(**vars(make_capture(x)) | {"layers": (4, 9)})
    np.testing.assert_array_equal(cell_vectors(cap, layer=9, role=ROLES[0], site="resid_post"), x[:, 1, 0])


def test_a_direction_needs_no_probe_to_be_a_hook() -> None:
    direction, x = torch.tensor([3.0, 4.0]), torch.tensor([[[1.0, 2.0], [5.0, -1.0]]])
    name, add = added("blocks.0.hook_resid_post", direction, 10.0, slice(None))
    assert name == "blocks.0.hook_resid_post"
    torch.testing.assert_close(add(x, None), x + torch.tensor([6.0, 8.0]))
    _, ablate = ablated("blocks.0.hook_resid_post", direction, 1)
    torch.testing.assert_close(ablate(x, None)[0], torch.tensor([[1.0, 2.0], [3.68, -2.76]]))


def test_means_of_right_and_wrong_are_a_probes_direction() -> None:
    x, y = data()
    probe = fit_probe(x[:, 1, 1], y, layer=1, role="exact_answer_first", probe="mean-difference")
    np.testing.assert_allclose(probe.direction, x[y == 1, 1, 1].mean(0) - x[y == 0, 1, 1].mean(0), rtol=1e-9, atol=1e-9)


def test_the_next_layer_receives_the_ablated_stream(llama) -> None:
    """The same without trusting the order of hooks: `resid_pre` of the next block is what the hook wrote."""
    probe = random_probe(32, "resid_post")
    tokens = torch.randint(3, 300, (2, 5), generator=torch.Generator().manual_seed(1))
    seen = []

    def look(tensor, hook):
        seen.append(probe.score(tensor))

    model = llama
    model.run_with_hooks(tokens, fwd_hooks=[probe.ablate(), ("blocks.2.hook_resid_pre", look)])
    np.testing.assert_allclose(seen[0], np.full((2, 5), probe.bias), atol=1e-5)

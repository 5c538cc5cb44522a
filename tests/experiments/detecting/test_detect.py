"""Detectors of a run folder and of planted data against scikit-learn, NumPy and Hugging Face over the same files."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from planted_answers import make_answers
from scipy.special import logit
from sklearn.metrics import roc_auc_score

import interp
from interp.command.cli import main
from interp.errors import DataError, ModelError, RunError
from interp.experiments.detecting.combined import best_baseline, combined
from interp.experiments.detecting.compared import compared
from interp.experiments.detecting.given import Detector, Given
from interp.experiments.detecting.page import write_detectors
from interp.experiments.detecting.probe import PROBES
from interp.experiments.detecting.registry import DETECTORS
from interp.statistics.auc import delta_auc, estimate_auc

QUESTIONS = [
    {"id": f"r{i}", "question": f"Is {i} {'even' if i % 3 else 'odd'}?", "answer": "yes", "correct": (i * 7) % 5 < 2}
    for i in range(60)
]


@pytest.fixture(scope="module")
def done(llama_folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose labels the rows bring, and whose completions the model wrote."""
    out = tmp_path_factory.mktemp("runs") / "done"
    options = {"max_new_tokens": 6, "exact_answer": "first_line", "permutations": 0, "controls": False}
    interp.run(model=llama_folder, data=QUESTIONS, out=out, **options)
    return out


@pytest.fixture(scope="module")
def found(done: Path) -> xr.Dataset:
    return interp.detectors(interp.open_run(done))


def lines_of(run: Path) -> dict[str, dict]:
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text("utf-8").splitlines()]
    return {line["id"]: line for line in lines if line["fold"] is not None}


def fold_auc(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """By scikit-learn, fold by fold, weighted by pairs."""
    has = np.isfinite(score)
    parts = []
    for f in np.unique(fold[has]):
        inside = has & (fold == f)
        pairs = (y[inside] == 1).sum() * (y[inside] == 0).sum()
        if pairs:
            parts.append((pairs, roc_auc_score(y[inside], score[inside])))
    return float(np.average([auc for _, auc in parts], weights=[pairs for pairs, _ in parts]))


def by_hand(line: dict, name: str) -> float:
    """A confidence detector read off a line of samples.jsonl."""
    start = len(line["prompt_ids"])
    span = line["exact_answer_tokens"]
    first, last = span[0] - start, span[1] - start
    of = np.array(line["entropies" if "entropy" in name else "logprobs"])
    if name.startswith("after_"):
        own = of[last + 1 : last + 2]
    else:
        own = of[first : last + 1] if name.startswith("exact_") else of
    if not len(own):
        return np.nan
    if "entropy" not in name and "logprob" not in name:
        own = np.exp(own)
    how = name.rsplit("_", 1)[1]
    value = {"mean": np.mean, "min": np.min, "max": np.max, "first": lambda v: v[0], "last": lambda v: v[-1]}.get(
        how, lambda v: v[0]
    )(own)
    return float(-value if "entropy" in name else value)


def test_every_confidence_detector_equals_one_read_off_the_file(done: Path, found: xr.Dataset) -> None:
    lines = lines_of(done)
    assert found["sample"].values.tolist() == list(lines)
    y = np.array([int(line["correct"]) for line in lines.values()])
    fold = np.array([line["fold"] for line in lines.values()])
    names = [name for name, one in DETECTORS.items() if one.family in ("log-probability", "probability", "entropy")]
    assert len(names) == 11 + 11 + 7
    probe = found.sel(detector="probe")["score"].values
    for name in names:
        score = np.array([by_hand(line, name) for line in lines.values()])
        row = found.sel(detector=name)
        np.testing.assert_allclose(row["score"].values, score, rtol=1e-12)
        assert int(row["missing"]) == int(np.isnan(score).sum())
        if np.bincount(y[np.isfinite(score)], minlength=2).min() < 10:  # few have a token behind the exact answer
            assert np.isnan(row["auc"]) and "at least 10 of each needed" in str(row["reason"].item())
            continue
        assert float(row["auc"]) == pytest.approx(fold_auc(score, y, fold), abs=1e-12)
        both = np.where(np.isfinite(score), probe, np.nan)
        delta = fold_auc(both, y, fold) - fold_auc(np.where(np.isfinite(both), score, np.nan), y, fold)
        assert float(row["delta"]) == pytest.approx(delta, abs=1e-12)
        assert float(row["delta_low"]) < delta < float(row["delta_high"])


def test_the_probe_is_the_cell_chosen_without_the_fold(done: Path, found: xr.Dataset) -> None:
    grid = interp.open_run(done).probe
    for sample in range(grid.sizes["sample"]):
        best = grid["choice_auc"].isel(sample=sample).where(np.isfinite(grid["auc"])).argmax(("layer", "token"))
        expected = float(grid["score"].isel(sample=sample).isel(best))
        assert float(found["score"].sel(detector="probe").isel(sample=sample)) == expected
    fixed = grid["score"].sel(layer=1, token="exact_answer_last")
    np.testing.assert_array_equal(found["score"].sel(detector="probe_fixed_cell"), fixed)


def test_p_true_is_what_hugging_face_computes(done: Path, llama_folder: Path, found: xr.Dataset) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(llama_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(llama_folder)
    token = {letter: tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in "AB"}
    assert all(len(ids) == 1 for ids in token.values())  # bytes: a blank and a letter are two tokens
    checked = 0
    for id, line in list(lines_of(done).items())[:12]:
        for name, answer, first, second in (
            ("p_true", line["completion"].strip(), "True", "False"),
            ("exact_p_true_reversed", line["exact_answer"], "False", "True"),
        ):
            text = (
                f"Question: {line['question']}\nPossible answer: {answer}\nIs the possible answer:\n(A) {first}\n"
                f"(B) {second}\nThe possible answer is:"
            )
            got = float(found["score"].sel(detector=name, sample=id))
            if not answer:
                assert np.isnan(got)
                continue
            with torch.no_grad():
                logits = model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0, -1]
            odds = float(logits[token["A"][0]] - logits[token["B"][0]])
            assert got == pytest.approx(-odds if "reversed" in name else odds, abs=2e-4)
            checked += 1
    assert checked > 12


def test_the_command_writes_all_files_and_says_what_they_hold(done: Path, tmp_path: Path, capsys, found) -> None:
    out = shutil.copytree(done, tmp_path / "run")
    assert main(["detectors", str(out), "--no-model"]) == 0
    said = capsys.readouterr().out.splitlines()
    files = [out / "experiments" / f"detectors.{suffix}" for suffix in ("csv", "nc", "json", "svg", "png")]
    assert all(file.exists() and str(file) in said for file in files)
    assert "Detectors of wrong answers" in (out / "report.html").read_text("utf-8")
    table = pd.read_csv(files[0], index_col="detector")
    assert table.loc["logprob_mean", "auc"] == float(found["auc"].sel(detector="logprob_mean"))
    assert np.isnan(table.loc["p_true", "auc"]) and "not at hand" in table.loc["p_true", "reason"]
    assert interp.open_run(out).verify() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--detector", "p_true", "--no-model"], "the model that answered is needed"),
        (["--detector", "logprob_men"], "there is no detector 'logprob_men'; did you mean 'logprob_mean'"),
    ],
)
def test_what_was_asked_for_and_cannot_be_is_refused_and_nothing_written(
    done: Path, capsys, arguments: list[str], said: str
) -> None:
    assert main(["detectors", str(done), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (done / "experiments" / "detectors.json").exists()


def test_another_folder_and_another_model_are_refused(done: Path, tmp_path: Path, capsys, tiny_folder: Path) -> None:
    assert main(["detectors", str(tmp_path)]) == 2
    assert "run.json" in capsys.readouterr().err
    with pytest.raises(RunError, match="the model changed since the run"):
        interp.detectors(interp.open_run(done), only=["p_true"], model=tiny_folder / "llama")


def test_a_model_that_cannot_be_loaded_leaves_out_what_needs_it(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ModelError("it is gone")

    monkeypatch.setattr("interp.runs.run_model.load_settings_model", gone)
    found = interp.detectors(interp.open_run(done), only=["entropy_mean", "probe"])
    assert np.isfinite(found["auc"].values).all()  # what was kept needs no model
    with pytest.raises(ModelError, match="it is gone"):
        interp.detectors(interp.open_run(done), only=["p_true"])
    found = interp.detectors(interp.open_run(done))
    assert np.isnan(found["auc"].sel(detector="p_true")) and str(found["reason"].sel(detector="p_true").item()) == (
        "it is gone"
    )


# Planted --------------------------------------------------------------------------------------------------------------


def planted(told: float, seen: float, n: int = 200, seed: int = 0) -> tuple[interp.Capture, interp.Answers, xr.Dataset]:
    """Log-probabilities that tell by `told`, states that tell by `seen`, each with noise of its own."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    level = told * y + rng.normal(size=n)
    drawn = make_answers(rng, n, completion_ids=[[1] * 4] * n, logprobs=[[float(v)] * 4 for v in level])
    answers = interp.Answers(**{**vars(drawn), "correct": [bool(one) for one in y]})
    x = rng.normal(size=(n, 2, 1, 6))
    x[:, 1, 0, 0] += seen * y
    cap = interp.Capture(
        {"resid_post": torch.from_numpy(x)}, None, {}, torch.ones(n, 1, dtype=torch.bool),
        torch.full((n, 1), 3), (0, 1), ("exact_answer_last",), tuple(answers.id),
    )  # fmt: skip
    return cap, answers, interp.probe_grid(cap, answers)


def test_where_log_probability_knows_all_the_probe_loses_and_adds_nothing() -> None:
    found = interp.detectors(*planted(4.0, 0.0), only=["logprob_mean", "probe"])
    assert float(found["delta_high"].sel(detector="logprob_mean")) < 0
    assert abs(float(found["gain"])) < 0.02 and float(found["gain_low"]) < 0 < float(found["gain_high"])


def test_where_the_states_know_all_the_probe_wins_and_adds_it() -> None:
    found = interp.detectors(*planted(0.0, 4.0), only=["logprob_mean", "probe"])
    assert float(found["delta_low"].sel(detector="logprob_mean")) > 0.3
    assert float(found["gain_low"]) > 0.3


def test_where_both_know_something_else_both_together_are_better_than_either() -> None:
    found = interp.detectors(*planted(1.5, 1.5, n=400), only=["logprob_mean", "probe"])
    both = float(found["auc"].sel(detector="baseline_and_probe"))
    assert both > float(found["auc"].sel(detector="probe")) + 0.03
    assert both > float(found["auc"].sel(detector="best_baseline")) + 0.03
    assert float(found["gain_low"]) > 0
    assert float(found["gain"]) == pytest.approx(both - float(found["auc"].sel(detector="best_baseline")), abs=1e-12)


def test_your_own_detectors_by_order_and_by_id() -> None:
    cap, answers, grid = planted(1.0, 1.0)
    order = np.random.default_rng(1).permutation(len(answers))
    mixed = cap[order], answers[np.argsort(order)], grid
    label = dict(zip(answers.id, answers.correct, strict=True))
    detectors = {
        "oracle": lambda answers, cap: [label[id] for id in answers.id],
        "by_dict": lambda answers, cap: {id: -label[id] for id in reversed(cap.id)},
        "by_series": lambda answers, cap: pd.Series({id: label[id] for id in answers.id[:150]}),
        "first_vector": lambda answers, cap: cap.sites["resid_post"][:, 1, 0, 0],
    }
    found = interp.detectors(*mixed, only=["probe", "logprob_mean"], detectors=detectors)
    auc = found["auc"].to_series()
    assert auc["oracle"] == auc["by_series"] == 1 and auc["by_dict"] == 0
    assert found["missing"].to_series()["by_series"] == 50 and found["delta_n"].to_series()["by_series"] == 150
    x = cap.sites["resid_post"].numpy()[:, 1, 0, 0]
    assert auc["first_vector"] == pytest.approx(fold_auc(x, grid["y"].values, grid["fold"].values), abs=1e-12)
    assert set(found["chosen"].values) == {"logprob_mean"}  # what yours were fitted to is not known
    plain = interp.detectors(cap, answers, grid, only=["probe", "logprob_mean"], detectors=detectors)
    xr.testing.assert_identical(found, plain)


@pytest.mark.parametrize(
    ("detectors", "said"),
    [
        ({"probe": len}, "'probe' is the name of a built-in one"),
        ({"mine": 3}, "expected a function"),
        ([len], "expected {name: function"),
        ({"mine": lambda answers, cap: [1.0]}, "expected 200 scores"),
        ({"mine": lambda answers, cap: {"nobody": 1.0}}, "none of the ids"),
        ({"mine": lambda answers, cap: ["a"] * len(answers)}, "expected a number per sample"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_own_detectors_that_do_not_fit_are_refused(detectors, said: str) -> None:
    cap, answers, grid = planted(1.0, 1.0)
    with pytest.raises(DataError, match=said):
        interp.detectors(cap, answers, grid, only=["logprob_mean"], detectors=detectors)


def noise_alone() -> Given:
    cap, answers, grid = planted(0.0, 0.0)
    return Given.of(answers, cap, grid)


def test_the_best_baseline_is_chosen_without_the_fold() -> None:
    """Of many detectors of noise the best as seen is above a half, the one chosen on other folds is not."""
    given, rng = noise_alone(), np.random.default_rng(0)
    y, fold, seen, nested = given.samples.y, given.samples.fold, [], []
    for _ in range(40):
        scores = {f"b{i}": rng.normal(size=len(given)) for i in range(8)}
        best = best_baseline(given, scores)
        seen.append(max(fold_auc(score, y, fold) for score in scores.values()))
        nested.append(fold_auc(best.score, y, fold))
        for f, name in best.chosen.items():
            others = {
                other: fold_auc(score[fold != f], y[fold != f], fold[fold != f]) for other, score in scores.items()
            }
            assert others[name] == max(others.values())
            np.testing.assert_array_equal(best.score[fold == f], scores[name][fold == f])
    assert np.mean(seen) > 0.54 and abs(np.mean(nested) - 0.5) < 0.02


def test_baselines_alike_widen_the_intervals_that_rest_on_the_choice() -> None:
    """By as much as theory says of choices, and not where one is far ahead; the AUCs stay."""
    given, rng = noise_alone(), np.random.default_rng(1)
    names, y = [f"b{i}" for i in range(6)], given.samples.y

    def detected(scores: dict[str, np.ndarray]) -> xr.Dataset:
        known = {name: Detector(name, "", lambda _, score=score: score) for name, score in scores.items()}
        return compared(given, {"probe": PROBES[0], **known})

    def half(found: xr.Dataset, name: str) -> float:
        one = found.sel(detector=name)
        return float(logit(one["high"]) - logit(one["low"])) / 2

    alike, ahead = (
        {name: rng.standard_normal(len(y)) + lift * (name == "b0") * y for name in names} for lift in (0, 4)
    )
    found, sure = detected(alike), detected(ahead)
    for one, wider in ((found, True), (sure, False)):
        score = one["score"].sel(detector="best_baseline").values
        usual = estimate_auc(score, given.samples)
        assert usual.value == one["auc"].sel(detector="best_baseline").item()
        ratio = half(one, "best_baseline") / (logit(usual.high) - logit(usual.low)) * 2
        assert 1.1 < ratio < 2 if wider else ratio == pytest.approx(1)
    both = combined(given, alike, best_baseline(given, alike))
    usual = delta_auc(
        both.score, found["score"].sel(detector="best_baseline").values, given.samples, training=both.training
    )
    assert found["gain_high"] - found["gain_low"] > 1.03 * (usual.high - usual.low)
    assert found["gain"].item() == usual.value


def test_a_baseline_that_lacks_many_samples_is_no_candidate() -> None:
    given = noise_alone()
    oracle, noise = given.samples.y.astype(float), np.random.default_rng(0).normal(size=len(given))
    oracle[:30] = np.nan
    assert set(best_baseline(given, {"oracle": oracle, "noise": noise}).chosen.values()) == {"noise"}
    oracle[8:30] = given.samples.y[8:30]
    assert set(best_baseline(given, {"oracle": oracle, "noise": noise}).chosen.values()) == {"oracle"}


def test_no_label_of_a_fold_takes_part_in_its_combined_scores() -> None:
    """Labels of one fold turned round: the weights, baselines and probes of that fold's own scores stay."""
    cap, answers, grid = planted(1.0, 1.0)
    turned = grid["fold"].values == 2
    labels = np.where(turned, 1 - grid["y"].values, grid["y"].values)
    other = interp.probe_grid(cap, labels, answers.group, fold=grid["fold"].values)
    ours = {name: interp.detectors(cap, answers, one, model=False) for name, one in (("a", grid), ("b", other))}
    for name in ("best_baseline", "baseline_and_probe", "probe"):
        a, b = (one["score"].sel(detector=name).values for one in ours.values())
        np.testing.assert_allclose(a[turned], b[turned], rtol=1e-5, atol=1e-6)
        assert name == "best_baseline" or np.abs(a[~turned] - b[~turned]).max() > 1e-3


def test_samples_of_the_grid_that_answers_lack_are_an_error() -> None:
    cap, answers, grid = planted(1.0, 1.0)
    with pytest.raises(DataError, match="are not in the answers"):
        interp.detectors(cap, answers[:50], grid)
    with pytest.raises(DataError, match="answers"):
        interp.detectors(cap, grid=grid)


def test_too_few_of_a_class_have_reasons_and_are_written(done: Path) -> None:
    cap, answers, _ = planted(1.0, 1.0)
    few = [i for i, right in enumerate(answers.correct) if right][:12] + [
        i for i, right in enumerate(answers.correct) if not right
    ][:6]
    cap, answers = cap[few], answers[few]
    found = interp.detectors(cap, answers, interp.probe_grid(cap, answers, folds=2))
    assert not np.isfinite(found["auc"].values).any() and all(found["reason"].values)


def test_figure_and_words_of_what_was_found(found: xr.Dataset, done: Path) -> None:
    from interp.reporting.detector_words import detector_sentences
    from interp.reporting.detectors_plot import ordered, plot_detectors

    rows = ordered(found)
    families = rows["family"].tolist()
    assert len(set(families)) == 1 + sum(a != b for a, b in pairwise(families))  # each stands together
    for _, members in rows.groupby("family"):
        assert members["auc"].is_monotonic_decreasing
    ax = plot_detectors(found)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == rows.index.tolist()
    told = " ".join(detector_sentences(found))
    assert f"{rows['auc'].drop(['best_baseline', 'baseline_and_probe']).max():.2f}" in told


def test_what_is_written_is_read_back(done: Path, tmp_path: Path, found: xr.Dataset) -> None:
    run = interp.open_run(shutil.copytree(done, tmp_path / "run"))
    sentences, files = write_detectors(run, found)
    section = json.loads((run.folder.experiments / "detectors.json").read_text("utf-8"))
    assert section["sentences"] == sentences and len(section["tables"][0]["rows"]) == found.sizes["detector"]
    xr.testing.assert_equal(xr.load_dataset(run.folder.experiments / "detectors.nc"), found)
    assert files[-1] == run.folder.report


def test_the_command_takes_a_model_of_inference_by_name(done: Path, tmp_path: Path, capsys) -> None:
    assert main(["detectors", str(done), "--no-model", "--entailment", str(tmp_path / "absent")]) == 2
    assert "entailment: " in (said := capsys.readouterr().err) and "cannot be loaded" in said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.01, 0.2, "above"), (-0.2, -0.01, "below"), (-0.1, 0.1, "undecided"), (0.0, 0.1, "undecided")],
)
def test_a_verdict_is_what_the_interval_says_of_zero(low: float, high: float, said: str) -> None:
    from interp.reporting.detector_words import _verdict

    assert _verdict(low, high, "above", "below", "undecided") == said

"""The report's sentences: they say what the numbers say, and no more."""

import math

import numpy as np
import pytest
from synthetic_grids import make_samples, make_scores

from interp.comparing.compare import compare_grids
from interp.reporting.verdict import _share, headline, verdict, warnings


@pytest.fixture(scope="module")
def grids():
    probe, attention = make_scores(signal=2.5), make_scores(signal=0.0, kind="attention")
    return probe, compare_grids(probe, attention).to_dict()


def test_verdict_states_signal_embedding_attention_and_likeness(grids):
    probe, comparison = grids
    sentences = verdict(probe, comparison)
    assert sentences[0].startswith(
        "Undecided what the states add: the best cell separates correct from wrong answers with AUC 0.9"
    )
    assert "but no control was compared with it" in sentences[0]
    assert sentences[0].endswith("40 of 80 samples are right (the smaller class: 40), 6 of 24 cells undefined.")
    assert "layer 3, exact_answer_first" in sentences[0] and "one cell" in sentences[1]
    assert "0.62 [0.57, 0.67] at exact_answer_last" in sentences[2]
    nested = comparison["best"]["probe"]["nested"]["value"]
    assert f"({100 * 0.12 / (nested - 0.5):.0f} % of what" in sentences[2]
    assert sentences[2].endswith("at the best cell's own token it is 0.53.")
    assert "Of 18 cells the probe on the states is better in 1, the probe on attention in 0 (q < 0.05)." in sentences[3]
    assert sentences[4].startswith(
        f"Across cells the two grids correlate at {comparison['correlation']['raw']['between']:.2f}"
    )


def test_verdict_does_not_claim_what_chance_explains():
    probe, attention = make_scores(signal=0.0), make_scores(signal=0.0, kind="attention")
    comparison = compare_grids(probe, attention).to_dict()
    comparison["best"]["probe"]["nested"] |= {"value": 0.58, "low": 0.49, "high": 0.67}
    assert verdict(probe, comparison)[0].startswith("Undecided: the best cell has AUC")
    comparison["best"]["probe"]["nested"] |= {"low": 0.51}  # an interval alone does not outweigh the test
    probe = probe.assign(p_corrected=(("layer", "token"), np.where(np.isfinite(probe["auc"]), 0.4, np.nan)))
    sentences = verdict(probe, comparison)
    assert sentences[0].startswith("Undecided: the best cell has AUC")
    assert sentences[1].startswith("0 of 18 defined cells lie above chance")


@pytest.mark.parametrize("name", ["mlp", "SVC(kernel='rbf')"])
def test_the_verdict_on_a_probe_that_is_not_linear_rests_on_its_own_interval(grids, name):
    probe, comparison = grids
    missed = probe.assign_attrs(probe=name).assign(
        p_corrected=(("layer", "token"), np.where(np.isfinite(probe["auc"]), 0.7, np.nan))
    )
    sentences = verdict(missed, comparison)
    assert sentences[0].startswith("Undecided what the states add: the best cell separates")
    assert sentences[1].startswith("The permutation test refits a linear classifier: its p says nothing of this probe")
    assert not any("corrected p" in sentence for sentence in sentences)
    assert verdict(missed.assign_attrs(probe="k-sparse"), comparison)[0].startswith("Undecided: the best cell has")


def test_the_strongest_control_stands_in_verdict_and_headline(grids):
    probe, comparison = grids
    rows = [
        {"name": name, "token": "all", "value": value, "low": value - 0.02, "high": value + 0.02, "difference": gain}
        for name, value, gain in (
            ("answer_identity", 0.97, {"value": -0.03, "low": -0.05, "high": -0.01, "p": 0.01}),
            ("exact_answer_logprob", 0.9, {"value": 0.04, "low": 0.01, "high": 0.07, "p": 0.01}),
            ("embed", 0.62, {"value": 0.32, "low": 0.29, "high": 0.35, "p": 0.0}),
        )
    ]
    sentences = verdict(probe, {**comparison, "against_controls": rows})
    assert sentences[0].startswith("A control tells more than the states: the best cell separates correct from wrong")
    assert (
        "but the strongest control, identity of the exact answer, alone reaches 0.97 [0.95, 0.99] (the best cell minus "
        "it: −0.03 [−0.05, −0.01]); 40 of 80 samples"
    ) in sentences[0]
    assert sentences[1] == (
        "The model's own mean log-probability of the exact answer reaches AUC 0.90 [0.88, 0.92]: the probe's best cell "
        "exceeds it by 0.04 [0.01, 0.07]. It is read off the model's output: a rival of the states, not a shortcut."
    )
    assert "chance): the probe's best cell exceeds it by 0.32 [0.29, 0.35]; at the best" in sentences[3]
    card = headline(probe, {**comparison, "against_controls": rows})[2]
    assert card.name == "Strongest control: Identity of the exact answer" and str(card) == "0.97 [0.95, 0.99]"
    assert card.note == "best cell minus it: −0.03 [−0.05, −0.01]"
    own = headline(probe, {**comparison, "against_controls": rows})[3]
    assert own.name == "The model's own confidence: Mean log-probability of the exact answer" and own.value == 0.9
    names = [number.name for number in headline(probe, {**comparison, "against_controls": rows[1:]})]
    assert names[:2] == ["Probe grid, best cell", "Strongest control: Embedding row"]  # the row stands once


def test_the_peak_is_said_in_runs_of_layers(grids):
    probe, comparison = grids
    peak = [{"layer": layer, "token": "last_q", "share": 0.1} for layer in (7, 2, 1, 6, 3)]
    peak += [{"layer": 4, "token": "-1", "share": 0.1}]
    best = {"probe": {**comparison["best"]["probe"], "peak_set": peak}, "attention": comparison["best"]["attention"]}
    sentences = verdict(probe, {**comparison, "best": best})
    assert "The peak lies in one of 6 cells (95 % of resamples): last_q (layers 1–3, 6–7), -1 (layer 4)." in sentences


def test_headline_leaves_out_what_does_not_exist(grids):
    probe, comparison = grids
    assert [number.name for number in headline(probe, comparison)] == [
        "Probe grid, best cell",
        "Embedding row, highest",
        "Attention grid, best cell",
        "Correlation of the two grids",
    ]
    assert all(math.isfinite(number.value) for number in headline(probe, comparison))
    bare = probe.drop_vars([name for name in probe.data_vars if name.startswith("embed_")])
    assert [number.name for number in headline(bare, {})] == []


def test_warnings_name_leaks_losses_and_repeated_columns(grids):
    probe, _ = grids
    samples = make_samples(probe)
    assert warnings(probe, samples) == []  # one labelled sample of 83 outside the grid is no news
    many = [*samples, *({**samples[-3], "id": f"x{i}"} for i in range(9))]
    repeated = probe.assign(coincides=("token", ["", "", "exact_answer_first", ""])).assign_attrs(span_uses_gold=1)
    gold, lost, columns = warnings(repeated, many)
    assert "accepted answers" in gold
    assert "10 labelled samples are not in the grids (see their status below); 0 of them are right and 10 wrong" in lost
    assert columns.endswith("exact_answer_last = exact_answer_first.")


def test_the_embeddings_share_is_of_the_samples_that_both_can_score() -> None:
    row = {"name": "embed", "value": 0.6, "best_value": 0.75}
    assert _share(0.8, 0.9, {"against_controls": [row]}) == pytest.approx(0.4)
    assert _share(0.8, 0.9, {}) == pytest.approx(0.75)
    assert _share(0.8, 0.9, {"against_controls": [row | {"best_value": None}]}) == pytest.approx(0.75)

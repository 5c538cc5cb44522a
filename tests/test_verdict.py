"""The report's sentences: they say what the numbers say, and no more."""

import math

import numpy as np
import pytest
from synthetic_grids import make_samples, make_scores

from interp.comparing.compare import compare_grids
from interp.reporting.verdict import headline, verdict, warnings


@pytest.fixture(scope="module")
def grids():
    probe, attention = make_scores(signal=2.5), make_scores(signal=0.0, kind="attention")
    return probe, compare_grids(probe, attention).to_dict()


def test_verdict_states_signal_embedding_attention_and_likeness(grids):
    probe, comparison = grids
    sentences = verdict(probe, comparison)
    assert sentences[0].startswith(
        "Internal states tell: the best cell separates correct from wrong answers with AUC 0.9"
    )
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
    assert sentences[1].startswith("0 of 18 cells hold a signal")


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

"""A fitted probe as a row and as a Dataset: the numbers it holds, under their names."""

import numpy as np
import pandas as pd
import pytest

import interp
from interp.applying.probe_arrays import FACTS
from interp.demo import planted


@pytest.fixture(scope="module")
def probes() -> list[interp.FittedProbe]:
    cap, answers = planted(60)
    return [
        interp.fit_probe(cap, answers.correct, layer=layer, role="exact_answer_last", min_per_class=2)
        for layer in (0, 1)
    ]


def test_rows_of_several_probes_make_a_table(probes) -> None:
    table = pd.concat([probe.to_dataframe() for probe in probes], ignore_index=True)
    assert table["layer"].tolist() == [0, 1] and table["n"].tolist() == [60, 60]
    for place, probe in enumerate(probes):
        assert all(table[name][place] == getattr(probe, name) for name in FACTS)
        assert table["C"][place] == probe.protocol["C"]
        assert {f"threshold_{rate}" for rate in probe.thresholds} <= set(table.columns)


def test_the_dataset_scores_as_the_probe_does(probes) -> None:
    cap, _ = planted(60)
    data, probe = probes[1].to_xarray(), probes[1]
    x = cap.to_xarray("resid_post")["resid_post"].sel(layer=1, token=probe.role).rename(d_model="width")
    scores = x.astype(float).dot(data["direction"]) + data["bias"]
    np.testing.assert_allclose(scores, probe.score(cap), rtol=1e-12)
    np.testing.assert_array_equal(data["fold_direction"].sel(fold=2), probe.fold_direction[2])
    assert data.attrs["layer"] == 1 and data.attrs["role"] == probe.role and data["fold_bias"].dims == ("fold",)

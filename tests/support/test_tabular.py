"""What has a `table` has it as `to_dataframe` too."""

import inspect

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import interp
from interp.controls.control_table import Controls
from interp.demo import planted
from interp.errors import DataError
from interp.labelling.judgement import Judgement
from interp.support.tabular import Tabular


def test_every_public_result_with_a_table_is_one() -> None:
    public = [getattr(interp, name) for name in interp.__all__]
    holders = [kind for kind in [*public, Controls, Judgement] if inspect.isclass(kind) and hasattr(kind, "table")]
    assert len(holders) == 9 and all(issubclass(kind, Tabular) for kind in holders)


@pytest.fixture(scope="module")
def results() -> dict[str, Tabular]:
    cap, answers = planted(60)
    probe = interp.probe_grid(cap, answers.correct, probe="mass-mean")
    attention = interp.attention_grid(cap, answers.correct, probe="mass-mean")
    return {
        "answers": answers,
        "positions": interp.Positions.at([[3, 5]], n_tokens=[6]),
        "comparison": interp.compare_grids(probe, attention),
        "selective": interp.selective(probe, 1, "exact_answer_last", resamples=5),
    }


def test_both_are_the_same(results) -> None:
    for result in results.values():
        assert isinstance(result.to_dataframe(), pd.DataFrame) and len(result.to_dataframe())
        pd.testing.assert_frame_equal(result.to_dataframe(), result.table())
    with pytest.raises(DataError, match="no option 'columns'"):
        results["answers"].to_dataframe(columns=["id"])


def test_a_comparison_in_xarray_and_as_a_picture(results) -> None:
    comparison = results["comparison"]
    assert comparison.to_xarray() is comparison.delta_auc
    ax = comparison.plot()
    assert ax.get_title(loc="left") == "probe − attention" and comparison.plot(title="Δ").get_title(loc="left") == "Δ"
    np.testing.assert_array_equal(
        ax.collections[0].get_array(), comparison.delta_auc["delta"].transpose("layer", "token").values
    )
    plt.close("all")

"""Words and picture of a transfer matrix: every statement follows the numbers."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from interp.reporting.transfer_plot import plot_transfer, shortened
from interp.reporting.transfer_words import cells, transfer_sentences, transfer_table

NAMES, ROWS = ["a", "b", "c"], ["a", "b", "c", "all others", "all"]


def matrix(auc: float = 0.7, *, own: float = 0.8, base: float = 0.75, q: float = 0.01, shared: int = 0) -> xr.Dataset:
    """Every pair of different runs at `auc`, the diagonal at `own`."""
    values = np.full((5, 3), auc)
    np.fill_diagonal(values[:3], own)
    dims, off = ("train", "test"), ~np.eye(5, 3, dtype=bool)
    minus_own = np.where(off, values - own, np.nan)
    out = {"auc": values, "low": values - 0.1, "high": values + 0.1, "n": np.full((5, 3), 90)}
    out |= {"minus_own": minus_own, "minus_own_q": np.where(off, q, np.nan)}
    out |= {"minus_logprob": values - base, "minus_logprob_q": np.full((5, 3), q)}
    out |= {f"minus_logprob_{end}": values - base for end in ("low", "high")}
    out |= {"shared_groups": np.where(off, shared, 90), "reason": np.full((5, 3), "", dtype=object)}
    found = xr.Dataset({name: (dims, of) for name, of in out.items()}, coords={"train": ROWS, "test": NAMES})
    found["logprob_auc"] = ("test", np.full(3, base))
    found["cell_layer"] = (("train", "test", "fold"), np.full((5, 3, 5), 4))
    found["cell_token"] = (("train", "test", "fold"), np.full((5, 3, 5), "last_q", dtype=object))
    return found.assign_attrs(by="run", left_out="")


def said(found: xr.Dataset) -> str:
    return "\n".join(transfer_sentences(found))


def test_what_transfers_and_what_is_lost() -> None:
    text = said(matrix())
    assert "in 6 of 6 pairs the interval of the AUC lies above 0.5. AUC 0.70 on average" in text
    assert "cross-fitted, 0.80" in text and "−0.10 on average; 6 of 6 pairs are lower and 0 higher" in text
    assert "in 0 of 6 pairs" in said(matrix(0.55))
    assert "0 of 6 pairs are lower and 0 higher" in said(matrix(q=0.2))
    assert "Trained on all others: a 0.70 [0.60, 0.80], b 0.70" in text and "Trained on all: " in text


@pytest.mark.parametrize(
    ("auc", "q", "counts", "doubt"),
    [(0.7, 0.01, "0 of 6 pairs tell more, 6 less", True), (0.8, 0.01, "6 of 6 pairs tell more, 0 less", False),
     (0.8, 0.5, "0 of 6 pairs tell more, 0 less", True)],
)  # fmt: skip
def test_it_is_held_against_the_models_own_confidence(auc: float, q: float, counts: str, doubt: bool) -> None:
    text = said(matrix(auc, q=q))
    assert counts in text and "has AUC 0.75 to 0.75" in text
    assert ("not shown to be more than the model's own confidence" in text) is doubt


def test_what_is_shared_lacking_or_left_out_is_said() -> None:
    assert "120 questions occur in more than one run" in said(matrix(shared=40))
    assert "occur in more than one" not in said(matrix())
    found = matrix()
    found["reason"].loc["a", "b"] = "too few"
    for name in ("auc", "minus_own", "minus_logprob"):
        found[name].loc["a", "b"] = np.nan
    assert "1 of 6 pairs are undefined, first a → b: too few." in said(found) and "of 5 pairs the interval" in said(
        found
    )
    parts = said(matrix().assign_attrs(by="template", left_out="x: 3 correct"))
    assert "Probes of one part" in parts and "Left out, because there are too few: x: 3 correct." in parts
    nothing = matrix()
    for name in ("minus_logprob", "logprob_auc"):
        nothing[name][:] = np.nan
    assert "is no baseline here" in said(nothing)


def test_the_table_has_a_row_for_every_pair() -> None:
    table = transfer_table(matrix())
    assert len(table.rows) == 15 and table.rows[1][:5] == ("a", "b", "4 last_q", 90, 0.7) and table.rows[0][7] is None
    assert cells(matrix().sel(train="a", test="b")) == "4 last_q"


def test_the_picture_writes_every_defined_number_and_marks_what_is_clear() -> None:
    found = matrix()
    found["auc"].loc["a", "b"] = np.nan
    found["minus_logprob_q"].loc["b", "a"] = 0.3
    figure = plot_transfer(found)
    left, right = figure.axes[:2]
    numbers = [text.get_text() for text in left.texts]
    assert numbers.count("0.70") == 11 and numbers.count("0.80") == 3 and "0.60 … 0.80" in numbers
    weights = [text.get_weight() for text in right.texts if "…" not in text.get_text()]
    assert weights.count("bold") == 14 and weights.count("normal") == 1
    assert [label.get_text() for label in left.get_yticklabels()] == ROWS
    assert shortened("x" * 50) == "x" * 27 + "…"
    plt.close(figure)

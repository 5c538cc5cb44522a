"""Words, table and pictures of a causal grid: every statement follows the numbers."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from planted_effects import LATE, ROLES, planted_effects, planted_grids

from interp.experiments.intervening.beside import beside
from interp.reporting.causal_plot import plot_beside, plot_causal
from interp.reporting.causal_section import SHOWN, causal_section, largest
from interp.reporting.causal_words import beside_sentences, causal_sentences

SHARES = {(1, "last_q"): 0.8, (2, "exact_answer_before_first"): -0.5}


@pytest.fixture(scope="module")
def grids():
    return planted_grids()


@pytest.fixture(scope="module")
def found(grids):
    return planted_effects(SHARES, grids=grids)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def said(found: xr.Dataset, three: xr.Dataset | None = None) -> str:
    return "\n".join(causal_sentences(found, three))


def test_what_is_declared_is_said_with_its_numbers(found):
    text, at = said(found), {"layer": 1, "token": "last_q"}
    assert "24 pairs of a right and a wrong sample of one question template (12 independent blocks)" in text
    assert f"differ by {found.attrs['told_apart']:.3g} on average" in text and "at `resid_post`." in text
    one = found.sel(direction="both", **at)
    share = f"{float(one['effect']):.2f} [{float(one['effect_low']):.2f}, {float(one['effect_high']):.2f}]"
    assert f"The largest effect is that of layer 1, last_q: the other sample's state moves the outcome by {share}" in text  # fmt: skip
    into = [f"{float(found['effect'].sel(direction=f'into {x}', **at)):.2f}" for x in ("wrong", "right")]
    assert f"(into wrong samples {into[0]}, into right ones {into[1]})" in text
    assert "In 2 of 6 cells the other label's state does other than one of the recipient's own label" in text
    assert "(corrected p < 0.05), most at layer 1, last_q: +" in text
    assert f"Undefined at {ROLES[2]}: {LATE}." in text
    for words in ("another sample with the recipient's own label", "a random direction", "weights are scrambled"):
        assert words in text
    assert "with a correlation of 1.00 over 6 cells; the worst disagreement is at layer" in text


def test_a_negative_effect_has_a_minus_and_a_head_its_number(grids):
    found = planted_effects({(2, "last_q"): -0.9}, grids=grids, controls=["same_label"], first_look=False)
    text = said(found.assign_attrs(site="z", head=3, outcome="judgement"))
    assert "layer 2, last_q: the other sample's state moves the outcome by −0." in text and "-0." not in text
    assert "at `z`, head 3." in text and "the logit of Yes less that of No" in text and "To first order" not in text
    assert "`mine`" in said(found.assign_attrs(outcome="mine"))


def test_nothing_declared_claims_nothing(grids):
    found = planted_effects(grids=grids, seed=3)
    assert float(found["over_p_corrected"].sel(control="same_label").min()) > 0.05
    text = said(found)
    least = float(found["over_p_corrected"].sel(control="same_label").min())
    assert f"In none of the 6 cells does the other label's state do other than one of the recipient's own label (smallest corrected p {least:.2g})" in text  # fmt: skip
    assert "nothing here says that the label matters" in text and "does other than" not in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"n_pairs": 8}, "4 independent blocks of pairs"), ({"apart": 0.0}, "right and wrong samples are not told apart")],
)
def test_what_cannot_be_stated_is_said_and_drawn(grids, options, reason):
    found = planted_effects(SHARES, grids=grids, **options)
    text = said(found)
    assert "No cell has an effect that could be stated: " in text and reason in text and LATE in text
    assert "The largest" not in text and len(text.splitlines()) == 2
    assert largest(found).rows == ()
    plot_causal(found).canvas.draw()
    causal_section("causal", found, None)


def test_without_the_control_nothing_is_said_of_it(grids):
    found = planted_effects(SHARES, grids=grids, controls=["random_direction"])
    assert "own label" not in said(found)
    table = largest(found)
    assert table.columns == ("layer", "token", "effect", "low", "high", "random direction")
    plot_causal(found).canvas.draw()
    none = planted_effects(SHARES, grids=grids, controls=[])
    assert "There, " not in said(none) and largest(none).columns[-1] == "high"
    assert len([ax for ax in plot_causal(none).axes if ax.get_title(loc="left")]) == 1


def test_the_table_holds_the_largest_first_and_only_what_is_defined(found):
    table = largest(found)
    effect = [row[2] for row in table.rows]
    assert len(table.rows) == 6 <= SHOWN and effect == sorted(effect, key=abs, reverse=True)
    assert table.rows[0][:2] == (1, "last_q")
    one = found.sel(layer=1, token="last_q")
    assert table.rows[0][2:5] == pytest.approx([float(one[n].sel(direction="both")) for n in ("effect", "effect_low", "effect_high")])  # fmt: skip
    assert table.rows[0][5:8] == pytest.approx([float(x) for x in one["control_effect"]])
    assert table.columns[5:] == ("same label", "random direction", "scrambled weights", "over same label", "low", "high", "corrected p")  # fmt: skip
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_the_three_grids_in_words(grids, found):
    three = beside(grids.probe, grids.attention, found)
    sentences = beside_sentences(three, found)
    assert len(sentences) == 4 and sentences[0].startswith("Over 6 cells, decodable and looked at correlate by ")
    auc, low = three["auc"], three["low"]
    read = low.sel(grid="decodable") > 0.5
    does = (low.sel(grid="matters") > 0.5) | (three["high"].sel(grid="matters") < 0.5)
    assert int(does.sum()) == 2  # the planted ones, also the one that moves the other way
    known = auc.sel(grid="decodable").notnull() & auc.sel(grid="matters").notnull()
    assert f"Of {int((read & known).sum())} cells whose label can be read" in sentences[3]
    assert f"{int((read & does & known).sum())} also matter for the outcome (interval on one side of 0.5); {int((does & ~read & known).sum())} matter without" in sentences[3]  # fmt: skip
    assert said(found, three).endswith("\n".join(sentences))
    few = beside_sentences(three.assign_attrs(n_cells=2), found)
    assert few == ["Only 2 cells are defined in all three grids: they cannot be compared."]
    plot_beside(three).canvas.draw()


def test_the_picture_marks_what_is_declared_in_one_unit(found):
    figure = plot_causal(found)
    figure.canvas.draw()
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert titles == ["the donor of the other label", "a donor of the same label", "a random direction, as far", "scrambled weights"]  # fmt: skip
    meshes = [c for ax in figure.axes[:4] for c in ax.collections if hasattr(c, "norm") and c.get_array() is not None]
    limits = {(m.norm.vmin, m.norm.vmax) for m in meshes if m.norm.vmin is not None and m.norm.vmin < 0}
    ((low, high),) = limits
    largest_value = max(float(np.nanmax(np.abs(found[n]))) for n in ("effect", "control_effect"))
    assert low == -high and high >= float(np.abs(found["effect"].sel(direction="both")).max()) and high < largest_value + 0.2  # fmt: skip


def test_the_section_names_its_pictures_and_its_settings(grids, found):
    section = causal_section("causal_answer", found, beside(grids.probe, grids.attention, found))
    assert [p.name for p in section.pictures] == ["causal_answer", "causal_answer_beside"]
    assert section.title == "Which cells matter (answer, resid_post)" and section.settings["n_pairs"] == 24
    assert section.to_dict()["settings"]["site"] == "resid_post"
    assert [p.name for p in causal_section("c", found, None).pictures] == ["c"]

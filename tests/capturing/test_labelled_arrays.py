"""Positions and a Capture under grids' labels: every number is found by name, and nothing of an absent role is shown."""

import numpy as np
import pytest

import interp
from interp.capturing.labelled_arrays import WIDTHS
from interp.demo import answered, planted
from interp.errors import DataError


@pytest.fixture(scope="module")
def demo():
    model, answers = answered(4)
    positions = interp.resolve_positions(answers, roles=("last_q", "exact_answer_last", "mean:exact_answer"))
    return answers, positions, interp.capture(model, answers, positions, sites=("resid_post", "mlp_post", "z"))


def test_a_capture_is_found_by_its_labels(demo) -> None:
    answers, _, cap = demo
    data = cap.to_xarray()
    assert data["sample"].values.tolist() == answers.id and set(data.data_vars) >= {"resid_post", "entropy", "embed"}
    for site in ("resid_post", "mlp_post", "z"):
        for layer, role in ((0, "last_q"), (7, "mean:exact_answer")):
            found = data[site].sel(sample=answers.id[2], layer=layer, token=role)
            assert found.dims == (WIDTHS.get(site, "d_model"),)
            np.testing.assert_array_equal(found, cap.sites[site][2, layer, cap.roles.index(role)])
    found = data["entropy"].sel(sample=answers.id[1], layer=3, head=2, token="last_q")
    np.testing.assert_equal(found.item(), cap.attention["entropy"][1, 3, 2, cap.roles.index("last_q")].item())
    np.testing.assert_array_equal(data["embed"].sel(token="last_q"), cap.embed[:, cap.roles.index("last_q")])
    assert data["question_embed"].dims == ("sample", "d_model")


def test_only_what_is_asked_for(demo) -> None:
    cap = demo[2]
    assert set(cap.to_xarray("entropy").data_vars) == {"entropy", "valid", "position"}
    assert set(cap[:2].to_xarray(("z", "embed")).data_vars) == {"z", "embed", "valid", "position"}
    for wrong, message in (("entropie", "did you mean 'entropy'"), ("attn_out", "names: expected one of")):
        with pytest.raises(DataError, match=message):
            cap.to_xarray(wrong)


def test_bfloat16_becomes_float32_unchanged() -> None:
    cap, _ = planted(10)
    half = {site: values.bfloat16() for site, values in cap.sites.items()}
    data = interp.Capture(**(vars(cap) | {"sites": half})).to_xarray("resid_post")
    assert data["resid_post"].dtype == np.float32
    np.testing.assert_array_equal(data["resid_post"], half["resid_post"].float())


def test_it_joins_a_grid_by_name(demo) -> None:
    """The labels are the grid's, so that xarray matches them."""
    cap, answers = planted()
    grid = interp.probe_grid(cap, answers.correct, probe="mass-mean")
    both = (grid["score"] * cap.to_xarray("entropy")["entropy"].mean("head")).dims
    assert set(both) == {"sample", "layer", "token"}
    shuffled = cap.to_xarray("entropy").isel(token=slice(None, None, -1), sample=slice(None, None, -1))
    aligned = shuffled["entropy"].sel(token=grid["token"], sample=grid["sample"])
    np.testing.assert_array_equal(aligned, cap.to_xarray("entropy")["entropy"].sel(sample=grid["sample"]))


def test_positions_are_found_by_their_labels(demo) -> None:
    answers, positions, cap = demo
    data = positions.to_xarray()
    assert data["sample"].values.tolist() == answers.id and data["n"].values.tolist() == positions.n.tolist()
    for row in positions.table().to_dict("records"):
        cell = data.sel(sample=row["sample"], token=row["role"])
        assert bool(cell["valid"]) == row["valid"] and cell["reason"].item() == row["reason"]
        assert cell["position"].item() == (row["index"] if row["valid"] else -1)
        assert cell["position_first"].item() == (row["first"] if row["valid"] else -1)
    np.testing.assert_array_equal(cap.to_xarray("entropy")["position"], data["position"])


def test_absent_roles_of_positions_by_hand() -> None:
    positions = interp.Positions.at([[3, 5], [2, 0]], n_tokens=[6, 4], roles=("a", "b"), valid=[[1, 1], [1, 0]])
    data = positions.to_xarray()
    assert data["position"].values.tolist() == [[3, 5], [2, -1]] and "reason" not in data
    assert data["sample"].values.tolist() == ["0", "1"] and "position_first" not in data


def test_some_samples_keep_their_names() -> None:
    cap, _ = planted(10)
    part = cap[[4, 2]].to_xarray("resid_post")
    np.testing.assert_array_equal(part["resid_post"], cap.sites["resid_post"][[4, 2]])
    assert part["sample"].values.tolist() == ["q4", "q2"]

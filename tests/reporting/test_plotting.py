"""The figures: what is drawn where, by the values, labels and masks behind the artists."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import xarray as xr
from drawn import hatched, marked, mesh, outlined, texts
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from sklearn.metrics import roc_auc_score
from synthetic_grids import make_scores, plain_grid

from interp.capturing.activations import Capture
from interp.capturing.roles import ROLES
from interp.comparing.compare import compare_grids
from interp.errors import DataError
from interp.reporting.column_axis import label_step
from interp.reporting.comparison_plot import plot_comparison
from interp.reporting.heads_plot import heads_heatmap, plot_heads, telling_metric
from interp.reporting.heatmap import ACCENT, centred_scale, difference_scale
from interp.reporting.plotting import GOLD_NOTE, plot_grid, save_figure


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


AUC = np.random.default_rng(0).uniform(0.4, 1.0, (8, 15))


def test_axes_are_the_papers():
    ax = plot_grid(plain_grid(AUC, ROLES))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Token", "Layer")
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == [name.removeprefix("exact_answer_") for name in ROLES] and "exact answer" in texts(ax)
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {90.0}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "2", "4", "6"]
    assert list(ax.get_yticks()) == [0, 2, 4, 6]
    bottom, top = ax.get_ylim()
    assert bottom > top  # layer 0 is at the top
    cells = mesh(ax)
    assert (cells.get_cmap().name, cells.norm.vmin, cells.norm.vmax) == ("Blues", 0.5, 1.0)
    assert np.array_equal(cells.get_array(), AUC)
    bar = cells.colorbar.ax
    assert bar.get_ylabel() == "AUC"
    ax.figure.draw_without_rendering()
    assert bar.get_position().x0 > ax.get_position().x1


@pytest.mark.parametrize(("layers", "labels"), [(1, ["0"]), (32, [str(i) for i in range(0, 32, 2)])])
def test_every_second_layer_is_labelled(layers, labels):
    ax = plot_grid(plain_grid(np.full((layers, 2), 0.7), ("last_q", "-1")))
    assert [label.get_text() for label in ax.get_yticklabels()] == labels


def test_layers_are_labelled_by_their_number_not_their_row():
    grid = plain_grid(np.full((3, 2), 0.7), ("last_q", "-1")).assign_coords(layer=[4, 5, 30])
    assert [label.get_text() for label in plot_grid(grid).get_yticklabels()] == ["4", "30"]


@given(st.integers(1, 1000), st.integers(1, 2))
def test_labels_never_run_together(count, first):
    step = label_step(count, first)
    assert step % first == 0 and -(-count // step) <= 24
    assert step == first or -(-count // (step // 2)) > 24  # no sparser than needed


def test_marks_stand_in_their_cells():
    auc = np.array([[0.49, 0.5, 0.9], [np.nan, 0.95, 0.1]])
    ax = plot_grid(plain_grid(auc, ("last_q", "first_answer", "-1")))
    assert marked(ax, ACCENT) == {(0, 0), (1, 2)}  # 0.5 itself is chance, not below it
    assert hatched(ax) == {(1, 0)}
    assert outlined(ax) == {(1, 1)}
    assert np.array_equal(np.ma.getmaskarray(mesh(ax).get_array()), np.isnan(auc))
    key = [text.get_text() for text in ax.get_legend().get_texts()]
    assert key == ["highest: layer 1, first_answer, 0.95", "AUC below 0.5", "undefined"]


def test_key_names_only_marks_that_occur():
    ax = plot_grid(plain_grid(np.full((2, 2), 0.7), ("last_q", "-1")))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["highest: layer 0, last_q, 0.70"]


def test_a_grid_without_any_value_is_drawn():
    ax = plot_grid(plain_grid(np.full((2, 2), np.nan), ("last_q", "-1")))
    assert hatched(ax) == {(0, 0), (0, 1), (1, 0), (1, 1)} and outlined(ax) == set()


def test_counts_stand_under_the_columns():
    n = np.array([[50, 40], [50, 38]])
    ax = plot_grid(plain_grid(np.full((2, 2), 0.7), ("last_q", "-1"), n=n))
    assert texts(ax) == ["50", "≥38", "n"]


def test_one_count_for_all_is_said_once():
    said = texts(plot_grid(plain_grid(np.full((2, 2), 0.7), ("last_q", "-1"), n=np.full((2, 2), 50))))
    assert said == ["n = 50 in every cell"]


def test_a_column_that_few_samples_have_is_not_outlined():
    n = np.array([[50, 24, 25]] * 2)
    auc = np.array([[0.7, 0.95, 0.8], [0.7, 0.9, 0.75]])
    assert outlined(plot_grid(plain_grid(auc, ("last_q", "-2", "-1"), n=n))) == {(0, 2)}


def test_control_row_stands_above_layer_0_with_its_numbers():
    grid = make_scores()
    ax = plot_grid(grid)
    ticks = dict(zip(ax.get_yticks(minor=True), (t.get_text() for t in ax.get_yticklabels(minor=True)), strict=True))
    (row,) = [y for y, name in ticks.items() if name == "embed"]
    assert ax.get_ylim()[1] <= row - 0.5 and row + 0.5 < -0.5  # its own row, a gap, then layer 0
    assert texts(ax)[:3] == [".45", ".53", ".62"]
    assert (row, 3) in hatched(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "2", "4"]
    without = plot_grid(grid, embed=False)
    assert len(without.get_yticks(minor=True)) == 0 and without.get_ylim() == (5.5, -0.5)


def test_further_controls_stand_above_the_embedding_row():
    ax = plot_grid(make_scores(), controls={"random": [0.5, 0.51, 0.49, 0.52], "position": [0.6, 0.6, np.nan, 0.6]})
    rows = dict(zip((t.get_text() for t in ax.get_yticklabels(minor=True)), ax.get_yticks(minor=True), strict=True))
    assert sorted(rows, key=rows.get) == ["random", "position", "embed"]
    assert texts(ax)[:7] == [".50", ".51", ".49", ".52", ".60", ".60", ".60"]
    assert {(rows["position"], 2), (rows["embed"], 3)} <= hatched(ax)
    with pytest.raises(DataError, match=r"control 'random': expected one value per token \(4\), got \(2,\)"):
        plot_grid(make_scores(), controls={"random": [0.5, 0.5]})


def test_repeated_columns_and_gold_spans_are_said():
    grid = plain_grid(np.full((2, 3), 0.7), ("last_q", "exact_answer_first", "exact_answer_last"))
    grid = grid.assign(coincides=("token", ["", "", "exact_answer_first"])).assign_attrs(span_uses_gold=1)
    ax = plot_grid(grid, title="A title")
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "last_q",
        "first",
        "last †",
    ]
    said = " ".join(texts(ax))
    assert "† mostly the same token: exact_answer_last = exact_answer_first" in said
    assert GOLD_NOTE.split(":")[0] in said
    assert ax.get_title(loc="left") == "A title"
    assert GOLD_NOTE.split(":")[0] not in " ".join(texts(plot_grid(grid.assign_attrs(span_uses_gold=0))))


def test_draws_into_the_axes_given_and_touches_nothing_else():
    _, (first, second) = plt.subplots(1, 2)
    before = (plt.get_fignums(), dict(plt.rcParams))
    assert plot_grid(plain_grid(AUC, ROLES), ax=first, colorbar=False) is first
    assert (plt.get_fignums(), dict(plt.rcParams)) == before
    assert plt.gca() is second and not second.collections


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ausc", "value: expected one of auc, .*, got 'ausc'; did you mean 'auc'"),
        ("score", r"select one first: grid.sel\(sample=…\)"),
    ],
)
def test_a_value_that_is_no_picture_is_refused(value, message):
    with pytest.raises(DataError, match=message):
        plot_grid(make_scores(), value=value)


def test_single_metrics_are_two_sided():
    grid = plain_grid(AUC, ROLES).assign(metric_auc=(("layer", "token"), AUC - 0.2))
    cells = mesh(plot_grid(grid, value="metric_auc"))
    assert cells.norm.vmin + cells.norm.vmax == pytest.approx(1) and cells.norm.vmax == pytest.approx(0.8)  # as needed


def test_comparison_shows_both_grids_and_what_differs():
    probe, attention = make_scores(signal=4.0), make_scores(signal=0.0, kind="attention")
    comparison = compare_grids(probe, attention)
    axes = plot_comparison(probe, attention, comparison=comparison)
    assert [ax.get_title(loc="left") for ax in axes] == ["Probe", "Attention probe", "Probe − Attention probe"]
    for ax, values in zip(axes, (probe["auc"], attention["auc"], comparison.delta_auc["delta"]), strict=True):
        assert np.ma.allclose(mesh(ax).get_array(), np.ma.masked_invalid(values))
    assert {ax.get_ylim() for ax in axes} == {axes[0].get_ylim()} and {ax.get_xlim() for ax in axes} == {(-0.5, 3.5)}
    assert axes[0].get_ylim()[1] < -0.5  # room for the control row on all three
    norm = mesh(axes[2]).norm
    assert norm.vmin == -norm.vmax
    assert mesh(axes[2]).get_cmap().name == "PuOr"
    assert marked(axes[2], "black") == {(3.0, 1.0)}  # the planted cell only
    bars = [ax for ax in axes[0].figure.axes if ax.get_ylabel() in ("AUC", "ΔAUC")]
    assert [bar.get_ylabel() for bar in bars] == ["AUC", "ΔAUC"]
    signs = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert signs == ["probe higher, q < 0.05", "attention higher, q < 0.05"]
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["AUC below 0.5", "undefined"]
    assert all(label.get_rotation() == 90 for ax in axes for label in ax.get_xticklabels())


def test_counts_of_the_panels_are_not_said_twice():
    probe, attention = make_scores(), make_scores(kind="attention")
    axes = plot_comparison(probe, attention)
    first, *others = ([text for text in texts(ax) if text.isdigit() or text[0] == "≥"] for ax in axes)
    assert first and others == [[], []]
    fewer = attention.assign(n=attention["n"] - 1)
    even = [grid.assign(n=grid["n"] * 0 + n) for grid, n in ((probe, 80), (attention, 80), (attention, 70))]
    first, second = (plot_comparison(even[0], other)[0].figure.get_supxlabel() for other in even[1:])
    assert first == "n = 80 in every cell"
    assert second == "Probe: n = 80 in every cell\nAttention probe: n = 70 in every cell"
    assert [text for text in texts(plot_comparison(probe, fewer)[1]) if text.isdigit() or text[0] == "≥"]


@pytest.mark.parametrize(("width", "inches"), [("column", 3.25), ("page", 6.75), (5, 5.0), (4.5, 4.5)])
def test_figures_have_the_width_that_is_asked_for(width, inches):
    probe, attention = make_scores(), make_scores(kind="attention")
    assert plot_grid(probe, width=width).figure.get_size_inches()[0] == inches
    assert plot_comparison(probe, attention, width=width)[0].figure.get_size_inches()[0] == inches
    with pytest.raises(DataError, match="width: expected one of column, page, got 'pages'"):
        plot_grid(probe, width="pages")


@pytest.mark.parametrize("width", [None, "column"])
def test_nothing_is_cut_off_and_no_names_overlap_in_print(width):
    with plt.style.context("interp.publication"):
        ax = plot_grid(plain_grid(AUC, ROLES, n=np.full(AUC.shape, 50) - np.arange(15)), width=width)
        ax.figure.canvas.draw()
    whole = ax.figure.bbox
    boxes = [text.get_window_extent() for text in [*ax.texts, *ax.get_xticklabels(), ax.xaxis.label, ax.yaxis.label]]
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_sides_of_a_two_sided_scale_are_told_apart_in_grey():
    """PuOr is equally dark on both sides: the low one carries rings, the middle none."""
    grid = plain_grid(np.full((1, 4), 0.7), ("last_q", "first_answer", "-2", "-1"))
    ax = plot_grid(grid.assign(metric_auc=(("layer", "token"), [[0.1, 0.9, 0.45, np.nan]])), value="metric_auc")
    rings = [c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets())]
    assert {tuple(c.get_offsets()[0]) for c in rings} == {(0, 0)} and {len(c.get_facecolor()) for c in rings} == {0}
    cells = mesh(ax)
    shade = np.dot(cells.to_rgba(np.array([0.2, 0.8]))[:, :3], (0.299, 0.587, 0.114))
    assert abs(shade[0] - shade[1]) < 0.2  # which is why: two dark greys
    assert [text.get_text() for text in ax.get_legend().get_texts()][-2:] == ["below 0.4", "undefined"]


def test_comparison_goes_by_its_own_names_and_order():
    first, second = make_scores(signal=4.0), make_scores(signal=0.0, seed=1)
    comparison = compare_grids(first, second, names=("resid_post", "mlp_out"))
    axes = plot_comparison(first, second, comparison=comparison)
    assert [ax.get_title(loc="left") for ax in axes] == ["resid_post", "mlp_out", "resid_post − mlp_out"]
    signs = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert signs == ["resid_post higher, q < 0.05", "mlp_out higher, q < 0.05"]
    with pytest.raises(DataError, match="that it compares, in its order: resid_post, mlp_out"):
        plot_comparison(second, first, comparison=comparison)
    swapped = compare_grids(second, first, names=("mlp_out", "resid_post"))
    assert plot_comparison(second, first, comparison=swapped)[0].get_title(loc="left") == "mlp_out"
    assert plot_comparison(first, second)[1].get_title(loc="left") == "probe_2"  # of one kind, without a comparison


@pytest.mark.parametrize("sign", [1, -1])
def test_marks_of_the_difference_carry_its_sign(sign):
    grids = [make_scores(signal=4.0), make_scores(signal=0.0, kind="attention")][::sign]
    axes = plot_comparison(*grids, comparison=compare_grids(*grids))
    shapes = {
        len(c.get_paths()[0].vertices)
        for c in axes[2].collections
        if isinstance(c, PathCollection) and len(c.get_offsets())
    }
    assert shapes == ({4} if sign == 1 else {2})  # a plus has two strokes, a minus one


def test_comparison_without_statistics_is_the_plain_difference():
    probe, attention = make_scores(), make_scores(kind="attention")
    axes = plot_comparison(probe, attention)
    assert np.ma.allclose(mesh(axes[2]).get_array(), np.ma.masked_invalid(probe["auc"] - attention["auc"]))
    assert marked(axes[2], "black") == set()


def test_comparison_never_joins_on_the_intersection():
    probe, attention = make_scores(), make_scores(kind="attention")
    with pytest.raises(DataError, match="layer labels differ"):
        plot_comparison(probe, attention.isel(layer=slice(1, None)))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_difference_scale_is_symmetric_and_covers_every_value(values):
    scale = difference_scale(np.array([values]), "Δ")
    assert scale.low == -scale.high
    assert 0.1 <= scale.high <= max(0.1, np.abs(values).max() + 0.05 + 1e-9)
    assert scale.high >= np.abs(values).max() - 1e-6


def capture_of(entropy: np.ndarray) -> Capture:
    samples, layers, _, roles = entropy.shape
    return Capture(
        sites={},
        embed=torch.zeros(samples, roles, 2),
        attention={"entropy": torch.tensor(entropy, dtype=torch.float32)},
        valid=torch.ones(samples, roles, dtype=torch.bool),
        index=torch.zeros(samples, roles, dtype=torch.long),
        layers=tuple(range(layers)),
        roles=("last_q", "-1")[:roles],
        id=tuple(f"s{i}" for i in range(samples)),
    )


def test_heads_are_the_auc_within_folds_of_every_head():
    rng = np.random.default_rng(1)
    y, fold = np.arange(100) % 2, np.arange(100) // 2 % 5
    entropy = rng.normal(size=(100, 3, 4, 2)).astype(np.float32)
    entropy[:, 1, 2, 1] -= 2 * y
    entropy[::7, 0, 3, 1] = np.nan
    entropy[:, 2, 0, 1] = np.nan
    heatmap = heads_heatmap(capture_of(entropy), y, "-1", fold=fold)
    expected = np.full((3, 4), np.nan)
    for layer, head in np.ndindex(3, 4):
        score = entropy[:, layer, head, 1]
        concordant = pairs = 0.0
        for f in range(5):
            use = np.isfinite(score) & (fold == f)
            if len(set(y[use])) == 2:
                weight = (y[use] == 1).sum() * (y[use] == 0).sum()
                concordant += roc_auc_score(y[use], score[use]) * weight
                pairs += weight
        if pairs:
            expected[layer, head] = concordant / pairs
    np.testing.assert_allclose(heatmap.values, expected, atol=1e-12)
    assert (
        np.nanargmin(heatmap.values) == 1 * 4 + 2 and heatmap.values[1, 2] < 0.2
    )  # a planted head, lower when correct
    assert np.isnan(heatmap.values[2, 0])


def test_heads_picture():
    rng = np.random.default_rng(1)
    ax = plot_heads(capture_of(rng.normal(size=(60, 3, 4, 2))), np.arange(60) % 2, "last_q")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Head", "Layer")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2", "3"]
    norm = mesh(ax).norm
    assert (norm.vmin, norm.vmax) == (0.35, 0.65)  # as far as the farthest head
    assert np.abs(mesh(ax).get_array() - 0.5).max() <= 0.15 and mesh(ax).get_cmap().name == "PuOr"
    assert outlined(ax) == set()


def test_heads_leave_out_samples_outside_the_population():
    rng = np.random.default_rng(1)
    y, fold = np.arange(100) % 2, np.arange(100) // 2 % 5
    entropy = rng.normal(size=(100, 2, 2, 1))
    outside = np.arange(100) < 20
    entropy[outside] += 100 * y[outside, None, None, None]
    inside = heads_heatmap(capture_of(entropy[~outside]), y[~outside], "last_q", fold=fold[~outside])
    all_ = heads_heatmap(capture_of(entropy), np.where(outside, -1, y), "last_q", fold=np.where(outside, -1, fold))
    np.testing.assert_array_equal(inside.values, all_.values)


def test_heads_take_labels_and_folds_from_a_grid_whatever_the_order():
    rng = np.random.default_rng(1)
    y, fold = np.arange(100) % 2, np.arange(100) // 2 % 5
    cap = capture_of(rng.normal(size=(100, 2, 2, 1)) + y[:, None, None, None])
    order = rng.permutation(100)[:90]
    grid = xr.Dataset(
        coords={
            "sample": np.array([cap.id[i] for i in order], dtype=object),
            "y": ("sample", y[order]),
            "fold": ("sample", fold[order]),
        }
    )
    inside = np.isin(np.arange(100), order)
    expected = heads_heatmap(cap, np.where(inside, y, -1), "last_q", fold=np.where(inside, fold, -1))
    np.testing.assert_array_equal(heads_heatmap(cap, grid, "last_q").values, expected.values)


def test_the_telling_metric_is_the_farthest_from_chance_in_either_direction():
    attention = make_scores(kind="attention")
    assert telling_metric(attention) is None
    auc = np.full((2, 6, 4), 0.6)
    auc[1, 2, 1], auc[0, 3, 2] = 0.2, np.nan
    attention = attention.assign(metric_auc=(("metric", "layer", "token"), auc), metric=["received", "entropy"])
    assert telling_metric(attention) == ("entropy", "exact_answer_first")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_centred_scale_is_symmetric_about_a_half_and_covers_every_value(values):
    scale = centred_scale(np.array([values]))
    assert scale.low + scale.high == pytest.approx(1) and 0.55 <= scale.high <= 1
    assert scale.low <= min(values) + 1e-6 and scale.high >= max(values) - 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"role": "-8"}, r"role: expected one of last_q, -1, got '-8'"),
        ({"metric": "x"}, "metric: expected one of entropy, got"),
    ],
)
def test_heads_of_something_not_captured(options, message):
    cap = capture_of(np.zeros((20, 1, 1, 2)))
    with pytest.raises(DataError, match=message):
        plot_heads(cap, np.arange(20) % 2, **{"role": "last_q", **options})


def test_heads_need_one_label_per_sample():
    with pytest.raises(DataError, match=r"labels: expected one per sample \(20\), got 19"):
        plot_heads(capture_of(np.zeros((20, 1, 1, 2))), np.arange(19) % 2, "last_q")


def test_saved_figures_are_the_same_bytes_and_keep_their_text(tmp_path):
    for name in ("a", "b"):
        save_figure(plot_grid(make_scores()).figure, tmp_path / name)
    for suffix in ("png", "svg"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ">exact answer</text>" in svg and "dc:date" not in svg

"""The risk-coverage curve: how often the answers given are wrong, if only the surest are given."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from interp.applying.abstention import Selective
from interp.applying.abstention import selective as selective_of
from interp.applying.operating import oracle_risk
from interp.grids.of_run import GridLike
from interp.reporting.canvas import check_drawing
from interp.support.public import public


@public
def plot_risk_coverage(selective: Selective | GridLike, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw risk against coverage, between the lines of chance (random order) and the oracle (correct answers first).

    `selective` is what `interp.selective` returned, or what it takes: a grid, a run or its folder. The area and its
    95 % interval stand in the legend.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> ax = interp.plot_risk_coverage(interp.selective(interp.probe_grid(cap, answers.correct)))
    >>> ax.get_xlabel()
    'Coverage (share of questions answered)'
    """
    if not isinstance(selective, Selective):
        selective = selective_of(selective)
    check_drawing(ax, title)
    if ax is None:
        ax = plt.subplots(figsize=(4.6, 3.4), layout="constrained")[1]
    area = selective.aurc
    ax.plot(
        selective.coverage,
        selective.risk,
        color="#08519c",
        drawstyle="steps-post",
        label=f"probe, area {area.value:.3f} [{area.low:.3f}, {area.high:.3f}]",
    )
    chance = selective.aurc_chance
    ax.axhline(chance, color="0.35", linestyle="--", label=f"chance, area {chance:.3f}")
    share = np.arange(1, selective.n + 1) / selective.n
    oracle = oracle_risk(selective.n_correct, selective.n)
    ax.plot(share, oracle, color="#d94801", linestyle=":", label=f"oracle, area {selective.aurc_oracle:.3f}")
    place = "best cell of the other folds" if selective.nested else f"layer {selective.layer}, {selective.token}"
    ax.set(
        xlim=(0, 1),
        ylim=(0, 1.05 * chance),
        xlabel="Coverage (share of questions answered)",
        ylabel="Risk (share of those answers wrong)",
        title=f"Risk and coverage, {place}" if title is None else title,
    )
    ax.legend(frameon=False, fontsize="small", loc="center left")
    return ax

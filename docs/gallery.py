"""Makes docs/gallery.md and its figures anew, from a finished run: each figure is a function below, and its text there.

interp demo --out runs/demo
python docs/gallery.py runs/demo
python docs/gallery.py runs/demo --out DIR    # elsewhere, to look at
"""

import argparse
import inspect
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure, SubFigure

import interp

HERE = Path(__file__).resolve().parent
HEAD = """# Gallery

Figures at their size in print, made by `python docs/gallery.py RUN` from a run of the embedded model (`interp demo`).
Every one starts with

```python
import interp
import matplotlib.pyplot as plt

run = interp.open_run("runs/demo")
plt.style.use("interp.publication")
```

The style sets small fonts and keeps text as text in SVG and PDF; the figures work without it too. `width="column"` is
3.25 inches, `width="page"` 6.75; any number of inches will do. Save with `figure.savefig("name.pdf")`.
"""


def one_grid_in_a_column(run: interp.Run) -> Figure | SubFigure:
    """The probe grid, with the control row of the input embedding above layer 0 and the best cell outlined.

    A bracket says once what four names have in common; one number of samples is said once.
    """
    ax = interp.plot_grid(run, width="column")
    return ax.figure


def two_grids_and_their_difference(run: interp.Run) -> Figure | SubFigure:
    """Across a page: `+` and `−` carry the sign of the differences that hold after correction (q < 0.05)."""
    axes = interp.plot_comparison(run, width="page")
    return axes[0].figure


def what_grey_print_keeps(run: interp.Run) -> Figure | SubFigure:
    """A two-sided scale is equally dark on both sides: rings mark the low one. Undefined cells are hatched."""
    grid = run.attention.sel(metric="entropy")
    ax = interp.plot_grid(grid, value="metric_auc", embed=False, title="entropy, mean over heads", width="column")
    return ax.figure


def every_head_at_one_token(run: interp.Run) -> Figure | SubFigure:
    """One attention metric at one role, head by head."""
    ax = interp.plot_heads(run, "exact_answer_last", metric="entropy", width="column")
    return ax.figure


def panels_of_your_own(run: interp.Run) -> Figure | SubFigure:
    """Every figure draws into an Axes that it is given, and touches nothing else."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.75, 3.0), layout="constrained", width_ratios=(3, 2))
    interp.plot_grid(run, ax=left, title="a")
    for token in ("last_q", "exact_answer_last", "-1"):
        cells = run.probe.sel(token=token)
        right.plot(cells["layer"], cells["auc"], label=token)
        right.fill_between(cells["layer"], cells["low"], cells["high"], alpha=0.15)
    right.set(xlabel="Layer", ylabel="AUC", ylim=(0.5, 1.0))
    right.set_title("b", loc="left")
    right.legend(frameon=False)
    return figure


def controls_above_the_grid(run: interp.Run) -> Figure | SubFigure:
    """Rows of your own stand above the grid, in its colours and with their numbers: here another grid's best layer."""
    rows = {"attention": run.attention["auc"].max("layer")}
    ax = interp.plot_grid(run, controls=rows, width="column")
    return ax.figure


FIGURES: tuple[Callable[[interp.Run], Figure | SubFigure], ...] = (
    one_grid_in_a_column,
    two_grids_and_their_difference,
    what_grey_print_keeps,
    every_head_at_one_token,
    panels_of_your_own,
    controls_above_the_grid,
)


def source(function: Callable[[interp.Run], Figure | SubFigure]) -> str:
    """The body of a figure's function, without its docstring and its `return`."""
    body = dedent(re.sub(r"^def .*?:\n", "", inspect.getsource(function), count=1))
    body = re.sub(r'^""".*?"""\n', "", body, count=1, flags=re.DOTALL)
    return re.sub(r"\nreturn .*\n$", "\n", body).strip()


def section(function: Callable[[interp.Run], Figure | SubFigure]) -> str:
    """Title, words, code and picture of one figure."""
    title = function.__name__.replace("_", " ").capitalize()
    picture = f"![{title}](figures/gallery/{function.__name__}.png)"
    return f"## {title}\n{inspect.getdoc(function)}\n\n```python\n{source(function)}\n```\n\n{picture}\n"


def make(run: interp.Run, out: Path) -> None:
    """Draw every figure and write the page."""
    figures = out / "figures" / "gallery"
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir(parents=True)
    for function in FIGURES:
        with plt.style.context("interp.publication"):
            figure = function(run).get_figure(root=True)
            figure.savefig(figures / f"{function.__name__}.png", dpi=200, metadata={"Software": None})
            plt.close(figure)
    (out / "gallery.md").write_text("\n".join([HEAD, *map(section, FIGURES)]), encoding="utf-8")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", help="the folder of a finished run")
    options.add_argument("--out", type=Path, default=HERE)
    return options


def main() -> None:
    """Make the page of the run that is named."""
    given = arguments().parse_args()
    make(interp.open_run(given.run), given.out)


if __name__ == "__main__":
    main()

"""The linked grids as an anywidget: what the page packs, asked for cell by cell, and the chosen cell given back."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from interp.errors import InterpError
from interp.reporting.explore_bundle import vega_script
from interp.reporting.explore_cells import shared_axes
from interp.reporting.explore_grids import EMBED, baselines
from interp.reporting.explore_page import SCRIPTS
from interp.reporting.explore_run import Explored
from interp.reporting.explore_samples import sample_view
from interp.reporting.explore_specs import specs
from interp.reporting.section_page import template
from interp.support.arguments import MANY, one_of, whole_number

LISTED = 200
"""Samples that one answer lists at most."""
LABELS = {True: "right", False: "wrong", None: "none"}
TOOLTIP = """#vg-tooltip-element { position: fixed; visibility: hidden; max-width: 20rem; padding: .4rem .6rem;
  z-index: 9; pointer-events: none; color: CanvasText; background: Canvas; border: 1px solid GrayText; }
#vg-tooltip-element.visible { visibility: visible; }
.interp-explore .page-only { display: none; }"""
"""Vega puts it at the end of the document, outside the widget."""


class Explorer(anywidget.AnyWidget):
    """Linked grids in a notebook. `cell` is what is chosen, by click, key or `choose`; `observe` it by `chosen`."""

    view = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    """{run, layer, token}, as the grids' labels."""

    def __init__(self, runs: Sequence[Explored]) -> None:
        self._runs = {run.name: run for run in runs}
        first = runs[0].start() or (runs[0].grids[0]["layers"][0], runs[0].grids[0]["tokens"][0])
        super().__init__(
            view={
                "axes": shared_axes(),
                "specs": specs(),
                "runs": [_overview(run) for run in runs],
                "panel": template("explore.html.j2").render(),
            },
            chosen={"run": runs[0].name, "layer": first[0], "token": first[1]},
        )
        self.on_msg(self._answer)

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    @traitlets.default("_esm")
    def _script(self) -> str:
        room = files("interp.reporting")
        names = [name for name in SCRIPTS if name not in ("explore_address.js", "explore_page.js")]
        own = "\n".join(room.joinpath(name).read_text(encoding="utf-8") for name in (*names, "explore_widget.js"))
        return f"{vega_script()}\n{own}"

    @traitlets.default("_css")
    def _style(self) -> str:
        return scoped_style("\n".join(run.colours.style() for run in self._runs.values()))

    @property
    def cell(self) -> tuple[int | str, str]:
        """Layer (or `embed`) and token of the chosen cell, as `grid.sel(layer=…, token=…)` takes them."""
        layer = self.chosen["layer"]
        return (layer if layer == EMBED else int(layer)), self.chosen["token"]

    @property
    def run(self) -> str:
        """Name of the run whose grid is shown."""
        return str(self.chosen["run"])

    def choose(self, layer: int | str, token: str, *, run: str | None = None) -> None:
        """Show a cell. Raises DataError for a run, layer or token that there is not."""
        name = one_of("run", self.run if run is None else run, self._runs)
        grid = next(iter(self._runs[name].scored.values()))
        self.chosen = {
            "run": name,
            "layer": one_of("layer", str(layer), grid.layers),
            "token": one_of("token", token, grid.tokens),
        }

    def samples(
        self, *, limit: int = LISTED, label: str = "", status: str = "", text: str = ""
    ) -> list[dict[str, Any]]:
        """The samples behind the chosen cell, by the first grid's scores, most wrongly scored first.

        Only those with a `label` (right, wrong or none), a `status`, or a `text` in id, question or completion; an
        empty one passes all. Raises DataError for a label that there is not, or a limit below 1.
        """
        run, limit = self._runs[self.run], whole_number("limit", limit, 1, MANY)
        wanted = {"label": label and one_of("label", label, LABELS.values()), "status": status, "text": text}
        return ranked(run, next(iter(run.scored)), self.chosen["layer"], self.chosen["token"], wanted, limit=limit)

    def _answer(self, _: Any, question: Mapping[str, Any], __: Any) -> None:
        """A cell, or its samples, for the browser; what it may ask is what the grids have."""
        try:
            run = self._runs[one_of("run", question["run"], self._runs)]
            of = one_of("of", question["of"], run.scored)
            layer, token = str(question["layer"]), str(question["token"])
            if question["what"] == "cell":
                found: Any = run.cell(of, layer, token)
            else:
                found = ranked(run, of, layer, token, question)
            self.send({"id": question["id"], "found": found})
        except (InterpError, KeyError, TypeError) as error:
            self.send({"id": question.get("id"), "error": str(error)})


def _overview(run: Explored) -> dict[str, Any]:
    n = len(run.lines)
    listed = (
        f"All {n:,} samples."
        if n <= LISTED
        else f"Of {n:,} samples the {LISTED} most wrongly scored that pass the filter."
    )
    return {
        "name": run.name,
        "grids": run.grids,
        "baselines": baselines(run.table),
        "roles": run.roles,
        "start": run.start(),
        "listed": listed,
        "coloured": run.colours.sentences(),
        "statuses": list(dict.fromkeys(str(line.get("status", "")) for line in run.lines)),
    }


def ranked(
    run: Explored, of: str, layer: str, token: str, wanted: Mapping[str, Any], *, limit: int = LISTED
) -> list[dict[str, Any]]:
    """Samples that pass a filter, most wrongly scored in a cell first, those that it does not score last.

    `wanted`: {label: right, wrong or none; status; text: in id, question or completion}; an empty text passes all.
    """
    grid = run.scored[of]
    there = layer in grid.layers and token in grid.tokens
    percent = dict(zip(grid.samples, grid.percent(layer, token).tolist(), strict=True)) if there else {}
    rows = []
    for line in run.lines:
        name, label = str(line["id"]), line.get("correct")
        if _passes(line, wanted):
            rank = percent.get(name, float("nan"))
            wrong = -1.0 if rank != rank or label is None else 100 - rank if label else rank
            rows.append((-wrong, name, rank, line))
    rows.sort(key=lambda row: row[:2])
    return [
        {
            **sample_view(line, run.roles, run.texts, run.colours.shades.get(name, ())),
            "percent": None if rank != rank else round(rank, 1),
        }
        for _, name, rank, line in rows[:limit]
    ]


def _passes(line: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    label = LABELS[line.get("correct")]
    if wanted.get("label") not in (None, "", label) or wanted.get("status") not in (
        None,
        "",
        str(line.get("status", "")),
    ):
        return False
    text = str(wanted.get("text") or "").lower()
    return not text or any(text in str(line.get(key, "")).lower() for key in ("id", "question", "completion"))


def scoped_style(more: str) -> str:
    """The page's style for the widget's own element only: a notebook's other elements keep theirs."""
    room = files("interp.reporting")
    page = room.joinpath("style.css").read_text(encoding="utf-8")
    panel = room.joinpath("explore.css").read_text(encoding="utf-8")
    return f"{_inside(page)}\n{_inside(panel)}\n{_inside(more)}\n{TOOLTIP}"


def _inside(style: str) -> str:
    """Rules nested in the widget's element; the page's root and body are that element."""
    nested = style.replace(":root", "&").replace("body {", "& {")
    return f".interp-explore {{\n{nested}\n}}"

"""A fitted probe as a folder for a hub: weights, configuration, and a card that says how good it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from interp.applying.probe_format import CONFIG, WEIGHTS, write_probe
from interp.errors import DataError
from interp.support.arguments import one_text
from interp.support.arguments import path as path_of
from interp.support.atomic import write_text
from interp.support.messages import shown
from interp.support.units import with_interval

if TYPE_CHECKING:
    from interp.applying.fitted_probe import FittedProbe

CARD, TEMPLATE = "README.md", "probe_card.md.j2"
COLUMNS = ("layer", "token", "metric", "value", "low", "high")
"""Those of the controls' table that the card needs."""
GRIDS = ("probe_auc", "attention_auc", "delta_auc", "matched_width_auc", "gain_auc")
"""What a run's table holds besides controls."""


def save_pretrained(probe: "FittedProbe", folder: str | Path, controls: Any, base_model: str) -> Path:
    """`FittedProbe.save_pretrained`."""
    where, base_model = path_of("folder", folder), one_text("base_model", base_model)
    text = card(probe, controls, base_model)
    write_probe(probe, where / WEIGHTS, where / CONFIG)
    write_text(where / CARD, text)
    return where


def card(probe: "FittedProbe", controls: Any, base_model: str) -> str:
    """The text of the card, with the YAML header that hubs read."""
    from huggingface_hub import ModelCardData
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    protocol = probe.protocol
    numbers = {"n": protocol.get("n", "?"), "n_correct": protocol.get("n_correct", "?")}
    header = ModelCardData(
        library_name="interp",
        tags=["interpretability", "linear-probe", "residual-stream"],
        base_model=_line(base_model) or None,
        interp={
            **{name: float(getattr(probe, name)) for name in ("auc", "low", "high")},
            **{"folds": len(probe.fold_bias), "hook_point": probe.hook_point, "role": _line(probe.role)},
            **numbers,
        },
    ).to_yaml()
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=False)
    pages.filters["cell"] = _cell
    return pages.get_template(TEMPLATE).render(
        header=header,
        probe=probe,
        base_model=base_model,
        auc=with_interval(probe.auc, probe.low, probe.high),
        settings={name: protocol[name] for name in ("C", "seed", "population") if name in protocol},
        controls=None if controls is None else _rows(controls, probe),
        **numbers,
    )


def _cell(value: Any) -> str:
    """A text that stays inside a cell of a Markdown table."""
    return _line(value).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _line(value: Any) -> str:
    """A text on one line: a line of dashes would end the header."""
    return " ".join(str(value).split())


def _rows(controls: Any, probe: "FittedProbe") -> list[tuple[str, str, str]]:
    """The controls of the probe's own cell, and those that read no layer: name, layer, AUC."""
    table = controls if isinstance(controls, pd.DataFrame) else _table_of(controls)
    if not isinstance(table, pd.DataFrame) or not {*COLUMNS} <= {*table.columns}:
        raise DataError(
            "controls: expected what interp.control_grid returned, a run, or a table with the columns "
            f"{', '.join(COLUMNS)}, got {shown(controls)}"
        )
    layer, metric = table["layer"].astype(str), table["metric"].astype(str)
    own = layer.isin([str(probe.layer), "embed", "all"]) & table["token"].astype(str).isin([probe.role, "all"])
    kept = table[own & metric.str.endswith("_auc") & ~metric.isin(GRIDS)]
    if kept.empty:
        raise DataError(f"controls: none is of layer {probe.layer}, {probe.role}; give those of this probe's grid")
    return [
        (metric.removesuffix("_auc"), str(layer), with_interval(value, low, high))
        for layer, _, metric, value, low, high in kept[list(COLUMNS)].itertuples(index=False)
    ]


def _table_of(controls: Any) -> Any:
    return controls.table() if callable(getattr(controls, "table", None)) and not isinstance(controls, type) else None

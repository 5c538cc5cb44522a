"""A FittedProbe, and what it is good for (Selective), as a notebook shows them."""

from typing import TYPE_CHECKING

from interp.applying.interval import Interval
from interp.support.html_repr import box, facts, section, settings_section, table
from interp.support.units import decimal, with_interval

if TYPE_CHECKING:
    from interp.applying.abstention import Selective
    from interp.applying.fitted_probe import FittedProbe


def fitted_probe_html(probe: "FittedProbe") -> str:
    """`FittedProbe._repr_html_`."""
    protocol = probe.protocol
    line = [
        f"{probe.probe} on {probe.site}",
        f"layer {probe.layer}",
        probe.role,
        f"AUC {with_interval(probe.auc, probe.low, probe.high)}",
        f"{protocol.get('n', '–')} samples, {protocol.get('n_correct', '–')} correct",
    ]
    parts = {
        "hook point": probe.hook_point,
        "width": len(probe.direction),
        "length of the direction": decimal(float(probe.direction.norm())),
        "bias": decimal(probe.bias),
        "folds": len(probe.fold_bias),
        "P(correct)": f"sigmoid({decimal(probe.platt.slope)} · score {decimal(probe.platt.intercept, sign=True)})",
        "model (SHA-256 of its weights)": probe.model or "not known",
    }
    rows = list(probe.thresholds.items())
    sections = [
        section("Probe", facts(parts), note=f"{len(probe.fold_bias)} folds"),
        section("Thresholds", table(("false-positive rate", "believed above the score"), rows), note=len(rows)),
        *settings_section(dict(protocol)),
    ]
    return box("FittedProbe", line, sections)


def selective_html(use: "Selective") -> str:
    """`Selective._repr_html_`."""
    line = [
        f"{'chosen without each fold, highest ' if use.nested else ''}layer {use.layer}, {use.token}",
        f"{use.n} samples, {use.n_correct} correct",
        f"area under risk and coverage {_interval(use.aurc)}, at random {decimal(use.aurc_chance)}",
    ]
    rows = [
        (str(point.rate), _interval(point.recall), _interval(point.false_positives), _interval(point.threshold))
        for point in use.points
    ]
    columns = ("false-positive rate", "correct answers kept", "wrong answers kept", "threshold")
    areas = [
        ("this probe", _interval(use.aurc)),
        ("in random order", use.aurc_chance),
        ("all correct answers first", use.aurc_oracle),
    ]
    fit = [
        ("Brier score", use.reliability.brier),
        ("the same for the share of correct answers", use.reliability.brier_base),
        ("expected calibration error", use.reliability.ece),
    ]
    sections = [
        section("Operating points", table(columns, rows), note="with 95 % interval", opened=True),
        section("Area under risk and coverage", table(("", "area"), areas), note=_interval(use.aurc)),
        section("Calibration", table(("", ""), fit), note=f"Brier score {decimal(use.reliability.brier)}"),
    ]
    return box("Selective", line, sections)


def _interval(found: Interval) -> str:
    return with_interval(found.value, found.low, found.high)

"""Positions as a notebook shows them: for each role how many samples have it, and why the others do not."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from interp.capturing.ledger import UNKNOWN
from interp.support.html_repr import Html, box, section, table
from interp.support.units import decimal, share

if TYPE_CHECKING:
    from interp.capturing.positions import Positions

TO_END = "tokens to the end (mean)"
REASONS = 2
"""How many a role is shown with."""


def positions_html(positions: "Positions") -> str:
    """`Positions._repr_html_`."""
    fewest = positions.valid.sum(0).min().item() if positions.roles else 0
    line = [f"{len(positions)} samples", f"{len(positions.roles)} roles", f"every role in {fewest} or more"]
    return box("Positions", line, [section("Roles", _roles(positions), note=len(positions.roles), opened=True)])


def _roles(positions: "Positions") -> Html:
    """The numbers of `Positions.summary`, without its table of every sample and role."""
    valid, index = positions.valid.numpy(force=True), positions.index.numpy(force=True)
    to_end = np.where(valid, positions.n.numpy(force=True)[:, None] - 1 - index, 0).sum(0)
    counts = valid.sum(0)
    pooled = any(positions.how)
    columns = ("role", *(("pooled by",) if pooled else ()), "samples", "share", TO_END, "mostly as")
    rows = [
        (
            role,
            *((how,) if pooled else ()),
            int(n),
            share(int(n), len(positions)),
            decimal(float(total / n) if n else None, digits=1),
            other,
            _absent(positions, j, valid[:, j]),
        )
        for j, (role, how, n, total, other) in enumerate(
            zip(positions.roles, positions.how, counts, to_end, positions.repeats(), strict=True)
        )
    ]
    return table((*columns, "absent because"), rows, right=["share", TO_END])


def _absent(positions: "Positions", role: int, valid: np.ndarray) -> str:
    """The main reasons why samples lack the role, the most frequent first, and how many have others."""
    if valid.all():
        return ""
    reasons = None if positions.ledger is None else positions.ledger.reason[~valid, role].tolist()
    counts = Counter(reasons if reasons is not None else {UNKNOWN: int((~valid).sum())})
    main = [f"{reason} ({count})" for reason, count in counts.most_common(REASONS)]
    others = sum(counts.values()) - sum(count for _, count in counts.most_common(REASONS))
    return "; ".join([*main, *([f"others ({others})"] if others else [])])

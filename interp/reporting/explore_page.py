"""The linked grids inside a page: script, library and data, packed, and what the page's policy has to allow."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from interp.reporting.explore_bundle import pack, script_hash, vega_bundle
from interp.reporting.explore_cells import shared_axes
from interp.reporting.explore_run import Explored
from interp.reporting.explore_specs import specs

SCRIPTS = ("explore_address.js", "explore_rows.js", "explore_samples.js", "explore.js", "explore_page.js")
"""In this order: each uses what stands before it."""


def explore_script(names: Sequence[str] = SCRIPTS) -> str:
    """The page's own script; it holds no text of the data."""
    room = files("interp.reporting")
    parts = [room.joinpath(name).read_text(encoding="utf-8") for name in names]
    return "\n".join(["(() => {", '"use strict";', *parts, "})();"])


def explore_view(runs: Sequence[Explored]) -> dict[str, Any]:
    """What the template needs: `script`, `library` and `data` (gzip in base64), `policy` (names, see `Bundle`)."""
    bundle, script = vega_bundle(), explore_script()
    data = {"axes": shared_axes(), "specs": specs(), "runs": [run.packed(pages=len(runs)) for run in runs]}
    return {
        "script": script,
        "library": bundle.packed,
        "data": pack(json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))),
        "policy": f"{script_hash(script)} {bundle.policy}",
    }

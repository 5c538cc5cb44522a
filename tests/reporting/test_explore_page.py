"""What a page is given: charts that Vega-Lite takes, scripts under their hashes, numbers that are JSON."""

import base64
import gzip
import hashlib
import json
import re

import pytest
from synthetic_grids import make_samples, make_scores

from interp.comparing.compare import compare_grids
from interp.grids.grid_table import run_rows
from interp.grids.tidy import tidy
from interp.reporting.explore_bundle import pack, script_hash, vega_bundle
from interp.reporting.explore_page import SCRIPTS, explore_script, explore_view
from interp.reporting.explore_run import Explored
from interp.reporting.explore_specs import specs
from interp.reporting.explore_style import SERIES
from interp.reporting.section_page import style


@pytest.fixture(scope="module")
def explored() -> Explored:
    probe, attention = make_scores(signal=2.5), make_scores(kind="attention")
    table = tidy(run_rows(probe, attention, compare_grids(probe, attention).delta_auc))
    return Explored.of("run", table, {"probe": probe, "attention": attention}, make_samples(probe))


@pytest.mark.parametrize("name", specs())
def test_vega_lite_takes_every_chart(name) -> None:
    import vl_convert

    spec = specs()[name]
    rows = [{"layer": "0", "token": "a", "value": 0.6, "told": "t", "shown": ".60"}]
    compiled = vl_convert.vegalite_to_vega({**spec, "data": {**spec["data"], "values": rows}})
    assert compiled["data"][0]["name"] == "rows" and compiled["description"] == spec["description"]


def test_the_library_is_what_its_hash_says_and_the_same_each_time() -> None:
    bundle = vega_bundle()
    script = gzip.decompress(base64.b64decode(bundle.packed))
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert bundle.policy == f"'sha256-{digest}'" == script_hash(script.decode())
    assert b"expressionInterpreter" in script or b"interpreter" in script
    assert pack("Łódź") == pack("Łódź") and gzip.decompress(base64.b64decode(pack("Łódź"))).decode() == "Łódź"
    assert len(bundle.packed) < 500_000


def test_the_page_fits_many_runs_and_says_a_cell_at_a_time_what_it_packs(explored) -> None:
    view = explore_view([explored, explored])
    data = json.loads(gzip.decompress(base64.b64decode(view["data"])))
    assert len(data["runs"]) == 2 and set(data["specs"]) == {*specs()}
    (run, _) = data["runs"]
    for layer, token in (("3", "exact_answer_first"), ("0", "-1")):
        assert run["cells"]["attention"][layer][token] == explored.cell("attention", layer, token)
    assert explored.cell("probe", "9", "-1") is None and explored.start() == ("3", "exact_answer_first")
    assert script_hash(view["script"]) in view["policy"] and vega_bundle().policy in view["policy"]


def test_the_script_holds_no_text_that_could_end_it_and_never_makes_html() -> None:
    script = explore_script()
    assert "</" not in script and "<!--" not in script
    for word in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
        "XMLHttpRequest",
    ):
        assert word not in script
    assert [name for name in SCRIPTS if name not in ("explore.js", "explore_page.js")] == [
        "explore_address.js", "explore_rows.js", "explore_samples.js",
    ]  # fmt: skip


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_text_and_charts_is_told_from_its_ground_in_light_in_dark_and_on_paper() -> None:
    themes = [dict(re.findall(r"(--[a-z]+): (#[0-9a-f]+)", block)) for block in re.findall(r":root {[^}]*}", style())]
    assert len(themes) == 3
    for theme in themes:
        for ground in ("--ground", "--panel"):
            for text in ("--ink", "--soft", "--blue", "--mark"):
                assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
            assert contrast(theme["--edge"], theme[ground]) >= 3
    assert {f"var({name})" for name in ("--blue", "--mark")} == {*SERIES}

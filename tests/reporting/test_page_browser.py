"""The page in Chromium: clicks, keys, addresses, filters, runs side by side; nothing leaves it, hostile text does nothing."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_grids import make_samples, make_scores

from interp.comparing.compare import compare_grids
from interp.errors import UNSEEN
from interp.grids.grid_table import run_rows
from interp.grids.tidy import tidy
from interp.reporting.explore_run import Explored
from interp.reporting.explore_samples import RoleTexts
from interp.reporting.report import report_html
from interp.reporting.runs_page import RunOnPage, runs_html
from interp.reporting.token_colours import TokenColours

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is on the path"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:axe_playwright_python"),
]
ARABIC = "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd"
HOSTILE = f"</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>{ARABIC}\u202eevil\x00\ud800"
RUN = {"model": {"name": HOSTILE}, "data": {"source": HOSTILE}, "settings": {"seed": 0}, "asked": {"stop": [HOSTILE]}}


def grids():
    probe, attention = make_scores(signal=2.5), make_scores(signal=1.0, kind="attention")
    return probe, attention, compare_grids(probe, attention)


def samples(probe) -> list[dict]:
    """With tokens at every role, one sample with hostile text everywhere, and one token that is hostile too."""
    lines = make_samples(probe)
    for line in lines[:80]:
        begin = line["completion"].index(line["exact_answer"])
        line |= {
            "prompt_ids": [1, 2, 3],
            "completion_ids": [4, 5, 6, 7, 8],
            "exact_answer_chars": [begin, begin + len(line["exact_answer"])],
            "exact_answer_tokens": [4, 5],
            "positions": {"last_q": 2, "exact_answer_first": 4, "exact_answer_last": 5, "-1": 7},
        }
    lines[7] |= {"question": HOSTILE, "completion": f"It is in Mali7{HOSTILE}", "status": HOSTILE}
    return lines


def texts(lines) -> RoleTexts:
    """Completion tokens: `It is in`, ` Ma`, `li7`, `, surely.` and the end."""
    return RoleTexts(
        {
            line["id"]: {
                "last_q": ":",
                "exact_answer_first": " Ma",
                "exact_answer_last": line["exact_answer"][2:],
                "-1": "</s>",
            }
            for line in lines[:80]
        }
    )


def explored(name: str = "run", seed: int = 0) -> tuple[Explored, dict]:
    probe, attention, comparison = grids()
    lines = samples(probe)
    scores = {
        "layer": 3, "role": "exact_answer_first", "fold": 0, "id": "s1", "special": [False] * 4,
        "text": ["It is in", " Ma", "li1", ", surely."], "score": [-2.0, 1.0, 2.0, 0.0],
    }  # fmt: skip
    table = tidy(run_rows(probe, attention, comparison.delta_auc))
    data = Explored.of(name, table, {"probe": probe, "attention": attention}, lines)
    data = replace(data, texts=texts(lines), colours=TokenColours.of([scores], lines))
    return data, {
        "probe": probe,
        "attention": attention,
        "delta": comparison.delta_auc,
        "comparison": comparison.to_dict(),
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """A report, and a page of two runs."""
    folder = tmp_path_factory.mktemp("pages")
    data, of = explored()
    rows = [
        {"name": HOSTILE, "claim": HOSTILE, "value": 0.5, "low": 0.4, "high": 0.6, "note": HOSTILE, "verdict": "holds"}
    ]
    svg = {"comparison": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 3'><script>1</script></svg>"}
    report = report_html(
        run=RUN, samples=data.lines, observations=rows, controls=rows, figures=svg, explored=data, **of
    )
    two = [RunOnPage(explored(name)[0], RUN, of["probe"], of["comparison"]) for name in ("first", HOSTILE)]
    out = {"report": folder / "report.html", "runs": folder / "runs.html"}
    for name, text in (("report", report), ("runs", runs_html(two, ["They differ."]))):
        out[name].write_text(text, encoding="utf-8", errors="replace")
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield one
        one.close()


class Opened:
    """A page, and what it did that no page of ours should do."""

    def __init__(self, browser, path: Path, address: str = "", **options) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.url = path.as_uri()
        self.page.goto(self.url + address)
        self.page.wait_for_selector("#explore[data-drawn]")

    def part(self, name: str):
        return self.page.locator(f'[data-part="{name}"]')

    def text(self, name: str) -> str:
        return self.part(name).inner_text()

    def settled(self, do) -> None:
        """Do something that draws anew, and wait until it has."""
        before = self.page.get_attribute("#explore", "data-drawn")
        do()
        self.page.wait_for_function(f"document.getElementById('explore').dataset.drawn !== '{before}'")

    def closed(self) -> None:
        assert self.said == [] and self.requests == [self.url.split("#")[0]]
        assert self.page.evaluate("window.hurt") is None
        self.context.close()


@pytest.fixture(scope="module")
def report(browser, pages) -> Iterator[Opened]:
    opened = Opened(browser, pages["report"])
    yield opened
    opened.closed()


def cell(opened: Opened, heat: str, text: str):
    return opened.page.locator(f'[data-part="{heat}"] svg .mark-text.role-mark text', has_text=text).first


def test_a_click_and_the_arrow_keys_choose_a_cell_and_the_address_names_it(report) -> None:
    assert report.text("cell-name") == "layer 3, exact_answer_first"
    assert "80 samples, 40 correct; Probe: AUC 0.9" in report.text("cell-numbers")
    report.part("heat").focus()
    report.settled(lambda: report.page.keyboard.press("ArrowLeft"))
    report.settled(lambda: report.page.keyboard.press("ArrowDown"))
    assert report.text("cell-name") == "layer 4, last_q"
    assert report.page.evaluate("location.hash") == "#cell=4%2Clast_q"
    report.settled(lambda: cell(report, "heat", "×").click())
    assert report.text("cell-name") == "layer embed, -1"
    assert report.text("cell-numbers") == "0 samples, – correct; Probe: AUC: undefined (no sample)."
    report.settled(report.page.go_back)
    assert report.text("cell-name") == "layer 4, last_q"
    report.settled(report.part("highest").click)
    assert report.text("cell-name") == "layer 3, exact_answer_first"


def test_every_chart_of_a_cell_is_drawn(report) -> None:
    report.settled(report.part("highest").click)
    for name in ("heat", "scores", "roc", "calibration", "layers", "tokens", "controls"):
        assert report.part(name).get_attribute("aria-label") and report.part(name).locator("svg").count() == 1, name
    marks = {name: report.part(name).locator(f"svg .{kind} path").count() for name, kind in (
        ("calibration", "mark-symbol"), ("layers", "mark-symbol"), ("tokens", "mark-symbol"), ("controls", "mark-symbol")
    )}  # fmt: skip
    assert marks == {"calibration": 10, "layers": 7, "tokens": 3, "controls": 3}
    assert report.part("scores2-figure").is_hidden()


def test_the_samples_are_the_most_wrongly_scored_and_their_tokens_are_marked(report) -> None:
    report.settled(report.part("highest").click)
    rows = report.part("samples").locator("tr")
    found = [rows.nth(i).locator("td").all_inner_texts() for i in range(rows.count())]
    wrongness = [float(row[1].split()[0]) if row[2] == "wrong" else 100 - float(row[1].split()[0]) for row in found]
    assert wrongness == sorted(wrongness, reverse=True) and len(found) == 20
    report.settled(lambda: report.part("text").fill("Mali1,"))
    (row,) = rows.all()
    assert row.locator("td").nth(5).inner_text() == '" Ma"' and row.locator("mark").all_inner_texts() == ["Ma", "li1"]
    assert "".join(row.locator(".here").all_text_contents()) == " Ma"
    assert row.locator(".p4").count() and row.locator(".m4").inner_text() == "It is in"
    report.settled(lambda: report.part("text").fill(""))


def test_filters_and_the_address_restore_each_other(browser, pages, report) -> None:
    report.settled(lambda: report.part("label").select_option("wrong"))
    report.settled(lambda: report.part("status").select_option("no_exact_answer"))
    assert report.text("found") == "1 of 83 listed samples; 1 shown." and "– (no_exact_answer)" in report.text(
        "samples"
    )
    address = report.page.evaluate("location.hash")
    again = Opened(browser, pages["report"], address.replace("probe", "attention"))
    assert again.text("found") == report.text("found") and again.part("label").input_value() == "wrong"
    again.closed()
    for name in ("label", "status"):
        report.settled(lambda name=name: report.part(name).select_option(""))


def test_another_grid_and_one_beside_it(report) -> None:
    report.settled(lambda: report.part("grid").select_option("delta_auc"))
    assert "Probe − attention probe: ΔAUC" in report.text("cell-numbers") and report.part("scores2-figure").is_visible()
    report.settled(lambda: report.part("grid").select_option("probe_auc"))
    report.settled(lambda: report.part("beside").select_option("0:attention_auc"))
    assert "Attention probe: AUC" in report.text("cell-numbers") and report.part("heat2").is_visible()
    assert report.part("heat2").locator("svg .mark-text.role-mark text").all_text_contents()[:2] != []
    report.settled(lambda: report.part("beside").select_option(""))


def test_hostile_text_is_shown_and_does_nothing(report) -> None:
    report.settled(lambda: report.part("text").fill("onerror"))
    assert "</script><script>window.hurt = 1" in (said := report.text("samples"))
    assert "\\u202eevil\\x00\\ud800" in said and ARABIC in said
    shown = report.page.evaluate("document.body.textContent")
    assert not {found for found in UNSEEN.findall(shown) if found not in "\n\t"}
    report.settled(lambda: report.part("text").fill(""))
    assert report.page.evaluate("window.hurt") is None
    assert report.page.locator("main img").count() == 1


def test_two_runs_share_axes_and_a_cell(browser, pages) -> None:
    opened = Opened(browser, pages["runs"], "#run=first&cell=3,exact_answer_first&beside=1:probe_auc")
    names = [option.inner_text() for option in opened.part("run").locator("option").all()]
    assert names[0] == "first" and names[1].startswith("</script>")
    axes = [opened.part(heat).locator(".role-axis-label text").all_text_contents() for heat in ("heat", "heat2")]
    assert axes[0] == axes[1] and "exact_answer_first" in axes[0]
    opened.settled(lambda: opened.part("run").select_option(index=1))
    assert opened.part("heat2-name").inner_text().startswith("Probe: AUC (</script>")
    opened.closed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_telephone(browser, pages, scheme) -> None:
    opened = Opened(
        browser, pages["report"], color_scheme=scheme, viewport={"width": 360, "height": 740}, reduced_motion="reduce"
    )
    found = axe.Axe().run(opened.page).response["violations"]
    bad = [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert bad == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
    opened.page.emulate_media(media="print")
    opened.page.set_viewport_size({"width": 700, "height": 1000})  # about the width of A4 within its margins
    edges = opened.page.evaluate(
        "[...document.querySelectorAll('figure img, .heats svg, .charts svg, table')]"
        ".map((one) => [one.getBoundingClientRect().right, one.outerHTML.slice(0, 200)])"
    )
    assert [edge for edge in edges if edge[0] > 700] == []
    grounds = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == "rgb(255, 255, 255)"  # paper stays white, whatever the screen is
    opened.closed()


def test_numbers_of_the_page_are_those_of_the_grid(report) -> None:
    probe = make_scores(signal=2.5)
    report.settled(report.part("highest").click)
    shown = [text.text_content() for text in report.part("heat").locator("svg .mark-text.role-mark text").all()]
    values = [f"{value:.2f}".removeprefix("0") for value in probe["auc"].values.ravel() if np.isfinite(value)]
    assert [text.removeprefix("▾") for text in shown if text != "×"][3:] == values  # the first three: the row `embed`

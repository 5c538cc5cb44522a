"""The linked grids in a notebook: the widget's own script in Chromium, its questions answered by Python."""

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata
from synthetic_grids import make_scores

from interp.errors import DataError
from interp.running.explore import explore

pytest.importorskip("interp.reporting.explore_widget", reason="anywidget is not installed", exc_type=ImportError)
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LOAD = """async ([esm, css, view, chosen]) => {
  const state = { view, chosen }, heard = {};
  window.said = [];
  window.tell = (name, value) => (heard[name] || []).forEach((listener) => listener(value));
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => window.said.push(state.chosen),
    on: (name, listener) => (heard[name] = heard[name] || []).push(listener),
    off: (name, listener) => { heard[name] = heard[name].filter((one) => one !== listener); },
    send: async (question) => window.tell("msg:custom", await window.ask(question)),
  };
  window.choose = (value) => { state.chosen = value; window.tell("change:chosen"); };
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  await module.default.render({ model, el: document.getElementById("here") });
}"""


@pytest.fixture(scope="module")
def widget():
    return explore(make_scores(signal=2.5))


def answer(widget, question):
    sent = []
    send, widget.send = widget.send, sent.append
    try:
        widget._answer(widget, question, None)
    finally:
        widget.send = send
    return sent[0]


def question(**more):
    return {
        "id": "q",
        "what": "samples",
        "run": "probe",
        "of": "probe",
        "layer": "3",
        "token": "exact_answer_first",
        **more,
    }


def test_it_begins_at_the_highest_cell_and_goes_where_it_is_told(widget):
    grid = make_scores(signal=2.5)
    best = grid["auc"].where(grid["auc"] == grid["auc"].max(), drop=True)
    assert widget.cell == (best["layer"].item(), best["token"].item())
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "chosen")
    widget.choose(0, "last_q")
    assert widget.cell == (0, "last_q") and seen == [{"run": "probe", "layer": "0", "token": "last_q"}]
    with pytest.raises(DataError, match="layer: expected one of"):
        widget.choose(99, "last_q")
    with pytest.raises(DataError, match="token: expected one of"):
        widget.choose(0, "last")


def test_samples_come_most_wrongly_scored_first_and_pass_the_filter(widget):
    grid = make_scores(signal=2.5)
    score = grid["score"].sel(layer=3, token="exact_answer_first").values
    y, fold = grid["y"].values, grid["fold"].values
    rank = np.full(len(score), np.nan)
    for f in np.unique(fold):
        inside = (fold == f) & np.isfinite(score)
        rank[inside] = 100 * (rankdata(score[inside]) - 0.5) / inside.sum()
    wrong = np.where(y == 1, 100 - rank, rank)
    found = answer(widget, question())["found"]
    by_name = dict(zip(grid["sample"].values.tolist(), wrong, strict=True))
    assert [by_name[row["id"]] for row in found] == sorted(wrong, reverse=True)[: len(found)]
    right = answer(widget, question(label="right"))["found"]
    assert {row["label"] for row in right} == {1} and len(right) == min(200, int((y == 1).sum()))
    one = answer(widget, question(text="S17"))["found"]
    assert "s17" in {row["id"] for row in one} and all("s17" in row["id"] for row in one)


@pytest.mark.parametrize(
    "wrong", [{"run": "../x"}, {"of": "attention"}, {"what": "cell", "of": 3}, {"layer": None, "run": None}]
)
def test_a_question_that_cannot_be_answered_gets_a_sentence(widget, wrong):
    said = answer(widget, question(**wrong))
    assert said["id"] == "q" and "expected one of probe" in said["error"]
    assert (
        answer(widget, question(layer="99", what="cell"))["found"] is None
    )  # no such cell: undefined, as the page says


def test_samples_for_python_are_those_of_the_page_as_many_as_wanted(widget):
    widget.choose(3, "exact_answer_first")
    shown = answer(widget, question(label="wrong"))["found"]
    assert widget.samples(label="wrong", limit=3) == shown[:3]
    assert {row["label"] for row in shown} == {0}
    for wrong, said in (({"label": "oops"}, "label: expected one of right, wrong, none"), ({"limit": -3}, "limit: ")):
        with pytest.raises(DataError, match=said):
            widget.samples(**wrong)


def test_what_has_no_grid_is_refused(as_users_run_it):
    with pytest.raises(DataError, match="explore: expected a run, its folder or a grid"):
        explore(3)
    with pytest.raises(DataError, match="got an empty one"):
        explore([])
    with pytest.raises(DataError, match="two runs are called 'probe 2'"):
        explore([make_scores().assign_attrs(kind="probe 2"), make_scores()])


@pytest.mark.skipif(CHROMIUM is None or not importlib.util.find_spec("playwright"), reason="no browser")
def test_clicks_and_keys_come_to_python_and_cells_are_asked_for_when_chosen(widget, tmp_path):
    from playwright.sync_api import sync_playwright

    page_file = Path(tmp_path, "page.html")
    page_file.write_text(
        "<!doctype html><html lang=en><title>w</title><h1>Own</h1><div id=here></div></html>", encoding="utf-8"
    )
    asked, errors = [], []

    def ask(asking):
        asked.append((asking["what"], asking["layer"], asking["token"]))
        return answer(widget, asking)

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.expose_function("ask", ask)
        page.goto(page_file.as_uri())
        before = page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        widget.choose(3, "exact_answer_first")
        page.evaluate(LOAD, [widget._esm, widget._css, widget.view, widget.chosen])
        root = page.locator(".interp-explore")
        assert "layer 3, exact_answer_first" in root.locator('[data-part="cell-name"]').inner_text()
        assert {cell[1:] for cell in asked} == {("3", "exact_answer_first")}
        assert root.locator("tbody tr").count() == 20
        root.locator('[data-part="heat"]').focus()
        page.keyboard.press("ArrowUp")
        page.wait_for_function("window.said.length && window.said.at(-1).layer === '2'")
        assert page.evaluate("window.said.at(-1)") == {"run": "probe", "layer": "2", "token": "exact_answer_first"}
        page.evaluate("window.choose({run: 'probe', layer: '1', token: 'last_q'})")
        page.wait_for_function("document.querySelector('[data-part=cell-name]').textContent === 'layer 1, last_q'")
        root.locator('[data-part="text"]').fill("s17")
        page.wait_for_function("document.querySelectorAll('tbody tr').length < 20")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == before  # the notebook's own
        assert page.evaluate("location.hash") == ""
        browser.close()
    assert errors == [] and not [url for url in requests if not url.startswith(("file:", "blob:"))]

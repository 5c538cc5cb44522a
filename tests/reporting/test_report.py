"""The report: what it says, that free text cannot act, and that the page needs nothing but itself."""

import base64
import gzip
import hashlib
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from page_data import page_data, ranks
from synthetic_grids import make_samples, make_scores

from interp.comparing.compare import compare_grids
from interp.reporting.report import report_html
from interp.reporting.report_tables import exclusions, methods, single_metrics

EVIL = '<script>alert("x")</script>&amp;<img src=x onerror=1>'
RUN = {
    "state": "done",
    "model": {"name": "org/tiny-llama", "architecture": "LlamaForCausalLM"},
    "data": {"source": "in/cities.jsonl"},
    "settings": {"seed": 0, "stop": ["\n"]},
    "versions": {"torch": "2.13.0"},
}
VOID = {"meta", "img", "br", "link", "input", "hr"}

DELTA = compare_grids(make_scores(signal=2.5), make_scores(signal=0.0, kind="attention")).delta_auc


class Page(HTMLParser):
    """Elements and text of a page; fails where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("td", "th", "dt", "dd", "p", "h1", "h2", "h3"):
            self.words.append(" ")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] not in ("style", "option"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def grids():
    probe, attention = make_scores(signal=2.5), make_scores(signal=0.0, kind="attention")
    return probe, compare_grids(probe, attention).to_dict()


def render(grids, **options) -> Page:
    probe, comparison = grids
    return Page(html(probe, comparison, **options))


def html(probe, comparison, **options) -> str:
    given = {"run": RUN, "samples": make_samples(probe), "attention": make_scores(kind="attention"), "delta": DELTA}
    return report_html(probe=probe, comparison=comparison, **given | options)


def test_page_needs_no_network_and_runs_two_known_scripts(grids):
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script><text>Ł</text></svg>"
    page = render(grids, figures={"probe_grid": svg, "my_own": svg})
    tags = [tag for tag, _ in page.elements]
    assert "link" not in tags and "iframe" not in tags
    assert [attrs.get("type") for tag, attrs in page.elements if tag == "script"] == ["text/plain", "text/plain", None]
    policy = next(attrs["content"] for _, attrs in page.elements if "http-equiv" in attrs)
    library = gzip.decompress(base64.b64decode(page.scripts[0]))
    digests = [base64.b64encode(hashlib.sha256(run).digest()).decode() for run in (page.scripts[2].encode(), library)]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert "default-src 'none'" in policy and policy.endswith(f"script-src {allowed}")
    images = [attrs for tag, attrs in page.elements if tag == "img"]
    assert [attrs["alt"].split(":")[0] for attrs in images] == ["Probe grid", "My own"]
    for attrs in images:
        kind, data = attrs["src"].split(",")
        assert kind == "data:image/svg+xml;base64" and base64.b64decode(data).decode() == svg
    for _, attrs in page.elements:
        assert not any(name.startswith("on") for name in attrs)
        assert not (attrs.get("href") or "").startswith("http")


def test_free_text_is_shown_and_cannot_act(grids):
    probe, comparison = grids
    samples = make_samples(probe)
    for sample in samples:
        sample |= {
            "question": EVIL,
            "completion": f"{EVIL} in {EVIL}",
            "exact_answer": EVIL,
            "exact_answer_chars": [0, len(EVIL)],
            "exact_answer_method": EVIL,
        }
    samples[-1] |= {"id": EVIL, "status": EVIL}
    rows = [{"name": EVIL, "value": 0.5, "low": 0.4, "high": 0.6, "note": EVIL, "verdict": EVIL}]
    run = {**RUN, "model": {"name": EVIL}, EVIL: {EVIL: EVIL}}
    probe = probe.assign_attrs(probe=EVIL, site=EVIL)
    text = html(probe, comparison, run=run, samples=samples, controls=rows, observations=rows)
    page = Page(text)
    assert [tag for tag, _ in page.elements].count("script") == 3
    shown = page_data(text)["runs"][0]["samples"]
    assert shown[0]["question"] == EVIL and shown[-1]["id"] == EVIL and EVIL in shown[0]["pieces"][0]
    assert "img" not in [tag for tag, _ in page.elements]
    assert page.text.count(EVIL) > 12


def test_how_right_and_wrong_answers_were_located_and_judged(grids):
    """A place that tells is a note at the top and a row of the table; a judge is named with its agreement."""
    row = {"right": 2.0, "wrong": 6.5, "statistic": "AUC", "value": 0.2, "low": 0.15, "high": 0.26, "noted": True}
    empty = dict.fromkeys(("right", "wrong", "value", "low", "high"))
    checks = [
        {"name": "tokens before it", "n_right": 40, "n_wrong": 30, **row},
        {"name": "without an exact answer", **row, **empty, "noted": False},
    ]
    hand = {"n": 50, "share": 0.92, "kappa": None, "confusion": {}, "unclear": 2}
    judge = {"yes": 40, "no": 30, "unclear": 3, "too_long": 1, "not_asked": 2, "agreement": hand}
    page = render(grids, run={**RUN, "counts": {"place_check": checks, "judge": judge}})
    assert "Right and wrong answers stand at different places" in page.text
    assert "tokens before it 2.00 6.50 AUC 0.20 0.15 to 0.26 yes" in page.text
    assert "without an exact answer – – AUC – – no" in page.text
    assert "40 right, 30 wrong, 3 neither yes nor no (no label), 3 samples not asked." in page.text
    assert "agrees with 92% of 50 hand labels (Cohen's kappa undefined)" in page.text
    assert "A judge" not in render(grids).text


def test_sections_and_settings(grids):
    text = render(grids).text
    assert "Model: tiny-llama (LlamaForCausalLM), data: cities.jsonl, 83 samples, 6 layers, 4 token positions." in text
    for heading in (
        "The grids",
        "Samples: accuracy and exclusions",
        "How each number was made",
        "Settings and versions",
    ):
        assert heading in text
    asked = render(grids, run=RUN | {"asked": {"stop": ["\n"]}}).text
    assert 'asked for: model.name org/tiny-llama data.source in/cities.jsonl stop ["\\n"] All of run.json' in asked
    assert "settings.seed 0" in text and "versions.torch 2.13.0" in text and 'settings.stop ["\\n"]' in text
    assert (
        "40 correct, 41 wrong, 2 without a label: 49.4 % of the labelled ones are right. 80 of 83 are in the grids."
        in text
    )
    assert "The observations of the heatmap" not in text and "controls explain" not in text


def test_methods_text_follows_the_grid(grids):
    probe, comparison = grids
    probe = probe.assign_attrs(C=0.25, folds=7, site="mlp_post", min_per_class=12)
    text = render((probe, comparison)).text
    assert "logistic regression, L2, C = 0.25" in text and "mlp_post" in text
    assert "fitted on 6 folds" in text and "fewer than 12 samples" in text
    assert "Corrected p" not in text
    corrected = probe.assign(p_corrected=(("layer", "token"), np.full(probe["auc"].shape, 0.5)))
    assert "Corrected p" in render((corrected, comparison)).text
    assert "The statistic is the AUC of the ridge classifier" in render((corrected, comparison)).text
    assert "no label, come from all samples" in text  # the choosing ridge's scales


def test_methods_text_says_that_the_permutation_test_is_blind_to_another_kind_of_probe(grids):
    probe, comparison = grids
    tested = probe.assign(p_corrected=(("layer", "token"), np.full(probe["auc"].shape, 0.5)))
    assert "it is linear and says nothing" not in render((tested, comparison)).text
    for name in ("mlp", "SVC(C=3)"):
        text = render((tested.assign_attrs(probe=name), comparison)).text
        assert "it is linear and says nothing of what this probe finds beyond that" in text
        assert "choosing probes are of the grid's own kind" in text and "ridge classifiers; the mean" not in text


def test_controls_and_observations(grids):
    controls = [{"name": "Random vectors", "value": 0.5, "low": 0.4, "high": 0.6, "note": "same width"}]
    undefined = [
        {
            "name": "Symmetry",
            "claim": "It is the same.",
            "value": None,
            "low": None,
            "high": None,
            "verdict": "undecided",
            "note": "too few",
        }
    ]
    page = render(grids, controls=controls, observations=undefined)
    assert (
        "The observations of the heatmap, tested here Five statements" in page.text
        and "It is the same. undecided" in page.text
    )
    assert "Random vectors 0.50 0.40 to 0.60 same width" in page.text
    assert "Symmetry – – too few" in page.text
    assert page.text.index("Probe grid, best cell 0.9") < page.text.index("Random vectors")
    styles = [attrs["style"] for tag, attrs in page.elements if tag == "b"]
    assert "left:50.0%" in styles


def test_single_metrics_are_shown_where_they_tell_most_in_either_direction():
    attention = make_scores(kind="attention")
    auc = np.full((3, 6, 4), np.nan)
    auc[0], auc[1] = 0.6, 0.5
    auc[1, 2, 1] = 0.2
    dims = ("metric", "layer", "token")
    attention = attention.assign({f"metric_{key}": (dims, auc) for key in ("auc", "low", "high")}).assign(
        metric_n=(dims, np.full(auc.shape, 70)), metric=["received", "entropy", "to_self"]
    )
    rows = single_metrics(attention)
    assert [(row.name, row.value) for row in rows[:2]] == [("entropy", 0.2), ("received", 0.6)]
    assert rows[0].note == "lower when correct; layer 2, exact_answer_first, n = 70"
    assert rows[2].name == "to_self" and math.isnan(rows[2].value)
    assert single_metrics(make_scores(kind="attention")) == []


def test_the_same_run_gives_the_same_bytes(grids):
    probe, comparison = grids
    assert len({html(probe, comparison) for _ in range(2)}) == 1


def test_a_grid_without_any_defined_cell_still_has_a_report():
    probe, attention = make_scores(n=20), make_scores(n=20, kind="attention")
    blank = [grid.assign(auc=grid["auc"] * np.nan, score=grid["score"] * np.nan) for grid in (probe, attention)]
    probe = blank[0].assign(embed_auc=blank[0]["embed_auc"] * np.nan)
    comparison = compare_grids(probe, blank[1]).to_dict()
    text = render((probe, comparison)).text
    assert "No cell of the probe grid is defined" in text and "Explore" not in text


def test_exclusions_count_every_sample_once(grids):
    samples = make_samples(grids[0])
    rows = {row["status"]: row for row in exclusions(samples, shown=1)}
    assert sum(row["n"] for row in rows.values()) == len(samples)
    assert rows["no_exact_answer"] | {"meaning": ""} == {
        "status": "no_exact_answer", "n": 2, "correct": 0, "wrong": 1, "no label": 1, "meaning": "", "ids": "a and 1 more",
    }  # fmt: skip
    assert rows["ambiguous"]["n"] == 1 and rows["empty"]["ids"] == "c" and "too_long" not in rows


def test_unknown_status_is_not_dropped():
    assert [row["status"] for row in exclusions([{"id": 1, "status": "new", "correct": True}])] == ["new"]


def test_methods_by_correctness(grids):
    assert methods(make_samples(grids[0])) == [
        {"method": "candidates", "correct": 40, "wrong": 20, "no label": 0},
        {"method": "pattern", "correct": 0, "wrong": 20, "no label": 0},
        {"method": "not located", "correct": 0, "wrong": 1, "no label": 2},
    ]


def test_every_cell_ranks_its_samples_within_their_fold(grids):
    probe, comparison = grids
    (run,) = page_data(html(probe, comparison))["runs"]
    assert run["start"] == ["3", "exact_answer_first"] and run["listed"] == "All 83 samples are listed."
    fold = probe["fold"].values
    for layer, token in [("3", "exact_answer_first"), ("0", "last_q")]:
        score = probe["score"].sel(layer=int(layer), token=token).values
        percent = {  # a loop as the oracle
            f"s{i}": 100 * ((score[fold == fold[i]] < score[i]).sum() + 0.5) / (fold == fold[i]).sum()
            for i in range(len(score))
        }
        found = ranks(run, "probe", layer, token)
        assert found == pytest.approx(percent | dict.fromkeys("abc"), abs=0.21)


def test_contents_lead_to_every_section(grids):
    rows = [{"name": "N", "value": 0.5, "low": 0.4, "high": 0.6, "note": "", "verdict": "undecided", "claim": "C"}]
    page = render(grids, controls=rows, observations=rows)
    links = [attrs["href"][1:] for tag, attrs in page.elements if tag == "a"]
    sections = [attrs["id"] for tag, attrs in page.elements if tag == "section" and "id" in attrs]
    assert links == sections and len(links) > 6 and links[0] == "explore"


def test_answers_that_were_cut_off_are_counted_and_warned_of(grids):
    samples = make_samples(grids[0])
    for sample in samples:
        sample |= {"logprobs": [-0.1], "finish": "stop"}
    for sample in samples[:9]:
        sample["finish"] = "length"
    row = "cut off, of all these {} generated answers that --max-new-tokens ended before the model did"
    text = render(grids, samples=samples[:80], run={**RUN, "settings": {"max_new_tokens": 32}}).text
    assert row.format("9 4 5 0") + " s0, s1, s2, s3, s4, s5, s6, s7 and 1 more" in text
    assert "9 of 80 generated answers (11%) were cut off by --max-new-tokens (32 tokens): 4 right, 5 wrong, 0" in text
    samples[8]["finish"] = samples[7]["finish"] = "stop"  # seven of eighty: a count, no warning
    text = render(grids, samples=samples[:80]).text
    assert row.format("7 3 4 0") in text and "were cut off by" not in text


def test_a_small_class_is_warned_of(grids):
    few = make_scores(n=50)
    text = render((few, compare_grids(few, make_scores(n=50, kind="attention")).to_dict())).text
    assert "Only 25 right answers are behind the numbers: with fewer than 30 of a class" in text
    assert "are behind the numbers" not in render(grids).text


def test_a_number_below_zero_has_one_sign_in_cards_tables_and_sentences(grids) -> None:
    probe, comparison = grids
    correlation = comparison["correlation"]
    below = correlation | {"raw": correlation["raw"] | {"between": -0.02}}
    text = render((probe, comparison | {"correlation": below})).text
    assert text.count("−0.02") > 1 and "-0.02" not in text

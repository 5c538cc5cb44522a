"""One sample of a run as a notebook shows it: its text with the roles marked, its scores by layer, its attention."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.reporting.sample_words import NO_CELL, NOT_SCORED, SCORED, not_apart
from interp.runs.attention_html import attention_text, most_attended
from interp.runs.token_html import css, shade_class, token_text
from interp.support.html_repr import Html, box, facts, marked, safe, section, sentences, table
from interp.support.units import decimal
from interp.text.coloured import deepest, level

if TYPE_CHECKING:
    import pandas as pd

    from interp.runs.run_sample import RunSample

LABELS = {True: "correct", False: "wrong", None: "no label"}
PROMPT = 400
"""Characters of the prompt that are shown where tokens cannot be."""


def sample_html(sample: "RunSample") -> str:
    """`RunSample._repr_html_`; reads the run's tokenizer, no weights and no activation."""
    answers, tokens = sample.answers, sample.table()
    exact, status = answers.exact_answer[0], answers.status[0]
    line = [sample.id, LABELS[sample.correct], status, "no exact answer" if exact is None else f"exact answer: {exact}"]
    numbers = {role: number for number, role in enumerate(sample.positions.roles, start=1)}
    sections = [
        section("Text", _text(sample, tokens, numbers), note=f"{len(tokens)} tokens", opened=True),
        section("Roles", _roles(sample, numbers), note=f"{int(sample.positions.valid.sum())} of {len(numbers)}"),
        *_scores(sample),
        *_attention(sample, tokens),
        section("Sample", _facts(sample)),
    ]
    return box("RunSample", line, sections, css=css())


def _text(sample: "RunSample", tokens: "pd.DataFrame", numbers: dict[str, int]) -> Html:
    if not tokens["text"].isna().any():
        return token_text(tokens, numbers)
    answers = sample.answers
    at = None if answers.exact_answer_chars is None else answers.exact_answer_chars[0]
    text, prompt = answers.text[0], answers.prompt[0]
    completion = safe(text, 2 * PROMPT) if at is None else marked(text, *at, longest=2 * PROMPT)
    before = f"{'…' if len(prompt) > PROMPT else ''}{safe(prompt[-PROMPT:], PROMPT)}"
    whole = f'<p class="interp-text" dir="auto"><span class="interp-prompt">{before}</span>{completion}</p>'
    return Html(whole + sentences([not_apart(sample.why_no_tokens)]))


def _roles(sample: "RunSample", numbers: dict[str, int]) -> Html:
    ledger = sample.positions.table()
    rows = []
    for row in ledger.to_dict("records"):
        there = bool(row["valid"])
        first = row.get("first", row["index"])
        at = "" if not there else str(row["index"]) if first == row["index"] else f"{first} to {row['index']}"
        text = "" if row["text"] is None else row["text"]
        rows.append((row["role"], str(numbers[row["role"]]), at, text, row["reason"]))
    return table(("role", "mark", "position", "text", "why it is absent"), rows, right=["position"])


def _scores(sample: "RunSample") -> list[Html]:
    """A table for each grid; why there is none, where the run is not finished, or the sample in no grid."""
    try:
        scores = sample.scores
        grids = {"probe": sample.run.probe, "attention": sample.run.attention}
    except InterpError as error:
        return [section("Scores", sentences([str(error)]))]
    if not np.isfinite(scores.values).any():
        in_grid = sample.id in grids["probe"].indexes["sample"]
        return [section("Scores", sentences([NO_CELL if in_grid else NOT_SCORED]))]
    sections = []
    for name, grid in grids.items():
        values = grid["score"].values
        limit = deepest(values[np.isfinite(values)])
        cells = _score_table(scores.sel(grid=name), limit)
        sections.append(section(f"Scores: {name}", cells, note=SCORED, opened=name == "probe"))
    return sections


def _score_table(scores: xr.DataArray, limit: float) -> Html:
    head = "".join(f'<th scope="col"><span>{safe(token)}</span></th>' for token in scores["token"].values)
    rows = []
    for layer in scores["layer"].values:
        cells = "".join(
            f'<td class="interp-number {shade_class(level(value, limit))}">{decimal(value, 1, sign=True)}</td>'
            for value in scores.sel(layer=layer).values.tolist()
        )
        rows.append(f'<tr><th scope="row">layer {int(layer)}</th>{cells}</tr>')
    return Html(
        f'<table class="interp-scores"><thead><tr><th scope="col"></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _attention(sample: "RunSample", tokens: "pd.DataFrame") -> list[Html]:
    """Of each role whose attention was computed, the mean over layers and heads."""
    sections = []
    for role in sample.attended:
        weights = sample.attention(role, layer="mean", head="mean")
        content = Html(attention_text(weights, tokens, role) + most_attended(weights))
        sections.append(section(f"Attention from {role}", content, note="mean over layers and heads"))
    return sections


def _facts(sample: "RunSample") -> Html:
    answers = sample.answers
    names = ("question", "group", "finish", "exact_answer_method")
    return facts({name: getattr(answers, name)[0] for name in names} | {"place in the run": sample.place})

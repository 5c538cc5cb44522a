"""The position ledger: ids and texts by a loop, distances and shares by counting, and the file of a run."""

import csv
import json
from dataclasses import replace
from io import StringIO
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_positions import make_answers
from tokenizers_offline import KINDS, tokenizer

import interp
from interp.capturing.ledger import ledger_csv, read_ledger
from interp.capturing.roles import Match
from interp.errors import RunError
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers

COMPLETIONS = ("It is “Rome” 😀.</s>", " Lyon", "", "e\u0301 東京\n, İstanbul, two\r\nlines</s>", "=1+2", "\0 NA")


def answers_of(kind: str) -> Answers:
    """One sample per completion; a span in every other one, as long as it may be."""
    tok = tokenizer(kind)
    encode = lambda text: tok(text, add_special_tokens=False)["input_ids"]  # noqa: E731
    prompt = encode("Where is it? ")
    completions = [encode(text) for text in COMPLETIONS]
    spans = [(len(prompt), len(prompt) + len(ids) - 1) if ids and i % 2 else None for i, ids in enumerate(completions)]
    answers = make_answers([(len(prompt), len(ids), span) for ids, span in zip(completions, spans, strict=True)])
    return replace(
        answers,
        id=["=cmd()", "007", "NA", "a,b", "-1", "x\ny"],
        prompt_ids=[prompt] * len(completions),
        completion_ids=completions,
        decode=decoder(tok),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_against_a_loop(kind: str) -> None:
    answers = answers_of(kind)
    positions = interp.resolve_positions(answers, roles={"quote": Match("“"), "bos": "start"})
    table = positions.table()
    assert list(table) == ["sample", "role", "index", "token_id", "text", "valid", "reason", "to_end"]
    assert len(table) == len(answers) * 17
    for row, (i, j) in zip(table.itertuples(index=False), product(range(len(answers)), range(17)), strict=True):
        ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
        assert (row.sample, row.role, row.valid) == (answers.id[i], positions.roles[j], bool(positions.valid[i, j]))
        if not row.valid:
            assert row.index is pd.NA and row.token_id is pd.NA and row.to_end is pd.NA and row.text is None
            assert row.reason
            continue
        p = int(positions.index[i, j])
        assert (row.index, row.token_id, row.to_end, row.reason) == (p, ids[p], len(ids) - 1 - p, "")
        full, before, upto = (answers.decode(part) for part in (ids, ids[:p], ids[: p + 1]))
        begin, end = (
            next((k for k, (a, b) in enumerate(zip(x, full, strict=False)) if a != b), len(x)) for x in (before, upto)
        )
        assert row.text == full[begin : max(end, begin + 1)]


def test_the_summary_counts() -> None:
    answers = answers_of("gpt2")
    positions = interp.resolve_positions(answers)
    table, summary = positions.table(), positions.summary()
    assert summary.index.tolist() == list(interp.ROLES)
    for role, row in summary.iterrows():
        own = table[table["role"] == role]
        assert row["n"] == own["valid"].sum()
        distances = [d for d in own["to_end"] if d is not pd.NA]
        assert row["to_end"] == pytest.approx(np.mean(distances)) if distances else row["to_end"] is pd.NA
        for reason in summary.columns[3:]:
            assert row[reason] == pytest.approx(sum(own["reason"] == reason) / len(answers))
        assert row[summary.columns[3:]].sum() == pytest.approx(1 - row["n"] / len(answers))
    assert set(summary.columns[3:]) == set(table["reason"]) - {""}
    assert list(summary["repeats"]) == list(positions.repeats())


def test_positions_made_by_hand_have_a_table_too() -> None:
    positions = replace(interp.resolve_positions(make_answers([(2, 1, None), (1, 3, (1, 2))])), ledger=None)
    table = positions.table()
    assert table["sample"].unique().tolist() == ["0", "1"] and table["text"].isna().all()
    assert set(table["reason"][~table["valid"]]) == {"not recorded"} and positions.summary().shape[0] == 15


# ---- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_gives_back_the_table(kind: str, tmp_path) -> None:
    answers = answers_of(kind)
    positions = interp.resolve_positions(answers)
    path = tmp_path / "positions.csv"
    path.write_bytes(ledger_csv(positions.table()).encode())
    read = replace(positions, ledger=read_ledger(path, answers.id, 15))
    pd.testing.assert_frame_equal(read.table(), positions.table())


free = st.builds(
    str.__add__,
    st.sampled_from(["", "=", "+", "-", "@", "\t", "\r"]),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(free, free)
def test_no_free_text_is_a_formula_and_none_is_lost(name: str, completion: str) -> None:
    tok = tokenizer("gpt2")
    answers = replace(
        make_answers([(0, 1, None)]),
        id=[name],
        completion_ids=[tok(completion, add_special_tokens=False)["input_ids"]],
        decode=decoder(tok),
    )
    table = interp.resolve_positions(answers).table()
    rows = csv.DictReader(StringIO(ledger_csv(table), newline=""))
    for row, want in zip(rows, table.itertuples(), strict=True):
        assert not row["sample"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert row["text"] == "" or row["text"].startswith('"')
        assert (json.loads(row["text"]) if row["text"] else None) == want.text
        assert row["role"] == want.role  # -8 stays -8


def test_a_damaged_file_is_one_sentence(tmp_path) -> None:
    path = tmp_path / "positions.csv"
    for content in (
        "",
        "sample,role\na,b\n",
        ledger_csv(interp.resolve_positions(make_answers([(1, 1, None)])).table()),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(RunError, match="does not hold the positions of this run"):
            read_ledger(path, ["a", "b"], 15)

"""Input at the edge of sense: undefined cells and their reasons, never a crash, a made-up 0.5 or a broken terminal."""

from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import interp
import interp.capturing.one_pass as one_pass
import interp.generating.generation as generation
from interp.errors import UNSEEN, DataError, RunError, visible
from interp.grids.grid import load_grid
from interp.reporting.opening import nonfinite_note
from interp.reporting.verdict import verdict

OPTIONS = {"permutations": 0, "controls": False, "max_new_tokens": 4, "roles": ("last_q", "exact_answer_last", "-1")}
HOSTILE = "</script><script>alert(1)</script>\x1b[31mred\x1b[0m\x00 \u202eevil\r\x07"


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Without the types that other tests check at every call."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def rows(n: int = 60, **more) -> list[dict]:
    """Every second one is about Oman; every third is labelled right."""
    return [
        {"id": f"row-{i}", "question": f"Where is city {i}?", "answer": ["Peru", "Oman"][i % 2], "correct": i % 3 == 0}
        | more
        for i in range(n)
    ]


def undefined_for_a_reason(grid) -> np.ndarray:
    """Which cells are undefined; each of them says why, and no other does."""
    undefined = np.isnan(grid["auc"].values)
    assert ((grid["reason"].values != "") == undefined).all()
    return undefined


def test_answers_that_end_at_once(llama, monkeypatch, tmp_path) -> None:
    drawn = generation.next_tokens

    def ending(logits, *others):
        return drawn(logits.index_fill(1, torch.tensor([2]), 1e9), *others)

    monkeypatch.setattr(generation, "next_tokens", ending)
    run = interp.run(model=llama, data=rows(), out=tmp_path / "run", population="all", **OPTIONS)
    assert {sample["completion"] for sample in run.samples} == {""}
    undefined = undefined_for_a_reason(run.probe)
    assert undefined[:, 1].all() and not undefined[:, 0].any()  # no exact answer; the question's end is there
    assert "cells undefined" in run.summary() and run.folder.report.exists()


def test_nothing_but_refusals_is_one_sentence_and_the_answers_are_kept(llama, tmp_path) -> None:
    refused = [{**row, "correct": False} for row in rows(completion=" I cannot help with that.")]
    for population, why in (("exact_answer", "none of 60 samples has both"), ("all", "all 60 samples .* are wrong")):
        out = tmp_path / population
        with pytest.raises(DataError, match=f"labels: {why}.*Nothing is lost: go on with"):
            interp.run(model=llama, data=refused, out=out, population=population, **OPTIONS)
        assert len((out / "answers.jsonl").read_text().splitlines()) == 60


def test_a_vocabulary_of_one_token(tmp_path) -> None:
    tokenizer = Tokenizer(WordLevel({"a": 0}, unk_token="a"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="a").save_pretrained(tmp_path / "model")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
    LlamaForCausalLM(LlamaConfig(vocab_size=1, **sizes, **ends)).eval().save_pretrained(tmp_path / "model")
    run = interp.run(model=tmp_path / "model", data=rows(), out=tmp_path / "run", population="all", **OPTIONS)
    assert undefined_for_a_reason(run.probe).all()
    assert "no column varies" in str(run.probe["reason"].values[0, 0])
    assert run.comparison["best"]["probe"]["cell"] is None
    assert verdict(run.probe, run.comparison)[0].startswith("No cell of the probe grid is defined (")


def test_an_overflow_that_only_long_prompts_meet_is_said_first_with_its_class(llama, monkeypatch, tmp_path) -> None:
    """Mostly wrong answers have a long question, so that the AUC of the others is not that of all."""
    given = rows(completion=" It is in Oman.")
    long = {row["id"] for i, row in enumerate(given) if i % 4 == 1 or i % 12 == 0}
    given = [row | {"question": row["question"] * (3 if row["id"] in long else 1)} for row in given]
    wrong = sum(not row["correct"] for row in given if row["id"] in long)
    whole = one_pass.OnePass.__call__

    def overflowing(self, samples):
        found = whole(self, samples)
        found["sites"]["resid_post"][self.positions[samples].n > 30, 1:] = torch.inf
        return found

    monkeypatch.setattr(one_pass.OnePass, "__call__", overflowing)
    run = interp.run(model=llama, data=given, out=tmp_path / "run", **OPTIONS)
    (note,) = nonfinite_note(run.probe)
    counted = f"leave out {len(long)} of 60 samples in layers 1–2, {wrong} of them wrong"
    assert f"Non-finite activations {counted}:" in note and 0 < wrong < len(long) < 60
    assert verdict(run.probe, run.comparison)[1] == note  # after the sentence that it may bias
    assert note in run.summary() and counted in run.folder.report.read_text(encoding="utf-8")
    assert run.probe["n"].values[:, 0].tolist() == [60, 60 - len(long), 60 - len(long)]
    assert run.record["counts"]["nonfinite"]


def test_a_question_longer_than_any_context(llama, tmp_path) -> None:
    given = rows(completion=" It is in Oman.")
    given[3]["question"] = "why " * 50_000
    run = interp.run(model=llama, data=given, out=tmp_path / "run", **OPTIONS)
    assert run.record["counts"]["excluded"]["too_long"] == 1 and run.record["counts"]["population"] == 59
    assert run.record["counts"]["question_not_located"] == 0
    assert not undefined_for_a_reason(run.probe)[:, 1].any()
    assert run.folder.report.stat().st_size < 3e6


def test_hostile_texts_reach_neither_page_nor_terminal_and_come_back_whole(llama, tmp_path) -> None:
    given = [
        row | {"id": f"{HOSTILE}{i}", "question": f"{HOSTILE} {row['question']}"}
        for i, row in enumerate(rows(completion=f" It is in Oman. {HOSTILE}"))
    ]
    run = interp.run(model=llama, data=given, out=tmp_path / "run", **OPTIONS)
    ids = [row["id"] for row in given]
    assert load_grid(run.folder.grid_nc, group="probe")["sample"].values.tolist() == ids
    assert [sample["id"] for sample in run.samples] == ids and run.capture.id == tuple(ids)
    page = run.folder.report.read_text(encoding="utf-8")
    assert "</script><script>alert" not in page and not {found for found in UNSEEN.findall(page) if found not in "\n\t"}
    with pytest.raises(RunError) as raised:
        raise RunError(f"{HOSTILE}: refused")
    for text in (str(raised.value), visible(run.summary()), visible(HOSTILE)):
        assert not {found for found in UNSEEN.findall(text) if found not in "\n\t"}
    assert "\\x1b[31mred" in str(raised.value)


def test_half_a_character_is_refused_at_the_door(llama, tmp_path) -> None:
    for field in ("id", "question"):
        with pytest.raises(DataError, match=f"row 0: {field}: half a surrogate pair"):
            interp.run(model=llama, data=[rows(1)[0] | {field: "\ud800"}], out=tmp_path / "run", **OPTIONS)
    assert not Path(tmp_path / "run").exists()

"""A probe as a folder for a hub: what the card states, that it comes back, and what is not read."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save, save_file

import interp
from interp.applying.probe_card import card
from interp.applying.probe_file import save_probe
from interp.applying.probe_format import MOST_BYTES
from interp.demo import planted
from interp.errors import DataError

CELL = {"layer": 1, "role": "exact_answer_last"}


@pytest.fixture(scope="module")
def made():
    cap, answers = planted()
    probe = interp.fit_probe(cap, answers.correct, answers.group, **CELL, model="ab" * 32)
    grid = interp.probe_grid(cap, answers, n_jobs=1)
    return probe, interp.control_grid(cap, answers, grid)


def test_a_folder_holds_what_save_probe_writes_and_a_card(made, tmp_path: Path) -> None:
    probe, controls = made
    folder = probe.save_pretrained(tmp_path / "truth", controls=controls, base_model="org/model")
    text = save_probe(probe, tmp_path / "same")
    assert (folder / "config.json").read_bytes() == text.read_bytes()
    assert (folder / "model.safetensors").read_bytes() == text.with_suffix(".safetensors").read_bytes()
    again = interp.FittedProbe.from_pretrained(folder)
    for name, value in vars(probe).items():
        other = getattr(again, name)
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name
    assert interp.load_probe(folder).role == probe.role


def test_the_card_states_n_folds_auc_and_controls(made, tmp_path: Path) -> None:
    probe, controls = made
    text = (probe.save_pretrained(tmp_path / "a", controls=controls, base_model="org/model") / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    header = yaml.safe_load(head)
    assert header["base_model"] == "org/model" and header["library_name"] == "interp"
    told = header["interp"]
    assert (told["auc"], told["low"], told["high"]) == (probe.auc, probe.low, probe.high)
    assert (told["n"], told["n_correct"], told["folds"]) == (100, probe.protocol["n_correct"], 5)
    assert f"| samples | n = 100, of which {probe.protocol['n_correct']} right |" in body
    assert f"{probe.auc:.3f} [{probe.low:.3f}, {probe.high:.3f}]" in body
    table = controls.table()
    own = table[(table["layer"] == 1) & (table["token"] == CELL["role"]) & (table["metric"] == "control_task_auc")]
    assert f"| control_task | layer 1 | {own['value'].item():.3f} [" in body
    assert "| answer_words | no layer |" in body and "| embed_held_out | the embedding |" in body
    assert "selectivity" not in body  # is no AUC
    assert card(probe, table, "org/model") == text


def test_without_controls_the_card_says_so(made) -> None:
    probe, controls = made
    text = card(probe, None, "")
    assert "None were given with this probe" in text and "| model | not said |" in text and "base_model" not in text
    table = controls.table()
    with pytest.raises(DataError, match="controls: none is of layer 1, exact_answer_last"):
        card(probe, table[table["layer"] == 0], "")
    with pytest.raises(DataError, match="controls: expected what interp.control_grid returned"):
        card(probe, table[["value"]], "")


def test_a_text_stays_inside_its_cell_and_the_header(made) -> None:
    from dataclasses import replace

    hostile = replace(made[0], role="a | b\n---\n<script>`x`", model="| x")
    text = card(hostile, None, "org/m: [x]\nlicense: mit")
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["base_model"] == "org/m: [x] license: mit"
    assert "a \\| b --- &lt;script>'x'" in body and "<script>" not in body


def test_what_is_no_probe_is_not_read(made, tmp_path: Path) -> None:
    folder = made[0].save_pretrained(tmp_path / "p")
    load = interp.FittedProbe.from_pretrained
    with pytest.raises(DataError, match="expected a folder on this disk; one on a hub is downloaded first"):
        load("org/probe")
    config = folder / "config.json"
    own = json.loads(config.read_text())
    config.write_text(" " * (MOST_BYTES[".json"] + 1))
    with pytest.raises(
        DataError, match="expected a probe written by interp .*: it has 1048577 bytes, such a file at most 1048576"
    ):
        load(folder)
    for change in (
        {"auc": "high"},
        {"layer": "1"},
        {"protocol": []},
        {"thresholds": {"0.1": "x"}},
        {"platt": {"a": 1}},
    ):
        config.write_text(json.dumps(own | change))
        with pytest.raises(DataError, match="the probe is damaged"):
            load(folder)
    tensors = load_file(folder / "model.safetensors")
    for change in ({"mean": torch.zeros(3).double()}, {"direction": tensors["direction"] * torch.nan},
                   {"fold_bias": tensors["fold_bias"].float()}):  # fmt: skip
        content = save(tensors | change)
        (folder / "model.safetensors").write_bytes(content)
        config.write_text(json.dumps(own | {"weights_sha256": sha256(content).hexdigest()}))
        with pytest.raises(DataError, match="the probe is damaged"):
            load(folder)
    save_file(tensors, folder / "model.safetensors")

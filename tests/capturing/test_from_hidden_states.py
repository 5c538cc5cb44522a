"""A Capture from hidden states: Hugging Face's own, in every form, against `interp.capture` on the same model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

import interp
from interp.capturing.hidden_states import read_hidden_states
from interp.demo import answered, model_path
from interp.errors import DataError

N = 5
TOOLS = Path(__file__).parents[1] / "fixtures" / "activations"
LAST = json.loads((model_path() / "config.json").read_text())["num_hidden_layers"] - 1


@pytest.fixture(scope="module")
def asked():
    """The embedded model as interp hooks it, its answers, and what interp captures of them."""
    model, answers = answered(N)
    return answers, interp.capture(model, answers, interp.resolve_positions(answers))


@pytest.fixture(scope="module")
def hf_model():
    return AutoModelForCausalLM.from_pretrained(model_path(), attn_implementation="eager", dtype=torch.float32).eval()


def ids_of(answers) -> list[list[int]]:
    return [[*prompt, *own] for prompt, own in zip(answers.prompt_ids, answers.completion_ids, strict=True)]


def padded(ids: list[list[int]], side: str) -> tuple[Tensor, Tensor]:
    width = max(map(len, ids))
    rows, mask = [], []
    for one in ids:
        pads, ones = [0] * (width - len(one)), [1] * len(one)
        rows.append(pads + one if side == "left" else one + pads)
        mask.append(pads + ones if side == "left" else ones + pads)
    return torch.tensor(rows), torch.tensor(mask)


def run(hf_model, tokens: Tensor, mask: Tensor | None = None):
    with torch.no_grad():
        return hf_model(tokens, attention_mask=mask, output_hidden_states=True, output_attentions=True)


def close(found, wanted, **bounds) -> None:
    torch.testing.assert_close(found, wanted, equal_nan=True, **({"rtol": 1e-4, "atol": 5e-4} | bounds))


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_batch_gives_what_capture_gives(asked, hf_model, side: str) -> None:
    answers, wanted = asked
    tokens, mask = padded(ids_of(answers), side)
    order = torch.tensor([3, 0, 4, 2, 1])  # the answers find their states
    cap = interp.capture_from_hidden_states(
        tokens[order], run(hf_model, tokens[order], mask[order]), answers, attention_mask=mask[order]
    )
    assert cap.id == wanted.id and cap.layers == tuple(range(LAST)) and torch.equal(cap.valid, wanted.valid)
    close(cap.resid, wanted.resid[:, :LAST])
    close(cap.embed, wanted.embed)
    for name, metric in cap.attention.items():
        close(metric, wanted.attention[name][:, :LAST])
    assert {*wanted.attention} - {*cap.attention} == {"value_norm"}  # needs the values
    assert cap.settings["not_kept"] == [f"block {LAST}: Hugging Face gives its state only after the final norm"]


def test_the_last_state_is_normed_and_so_is_not_the_last_block(asked, hf_model) -> None:
    answers, wanted = asked
    ids = ids_of(answers)[0]
    states = run(hf_model, torch.tensor([ids])).hidden_states
    last = interp.capture_from_hidden_states([ids], states, answers[:1], final_norm=False).resid[:, LAST]
    own = wanted.resid[:1, LAST]
    with torch.no_grad():
        close(last, hf_model.model.norm(own))
    assert (last - own)[wanted.valid[:1]].abs().max() > 1


def test_every_form_is_one(asked, hf_model) -> None:
    answers, _ = asked
    ids = ids_of(answers)
    tokens, mask = padded(ids, "left")
    batch = run(hf_model, tokens, mask).hidden_states
    alone = [run(hf_model, torch.tensor([one])).hidden_states for one in ids]
    forms = [
        (tokens, batch, mask),
        (tokens, torch.stack(batch), mask),
        (ids, batch, mask),
        (ids, alone, None),
        (ids, [[layer[0] for layer in one] for one in alone], None),
        (ids, [torch.stack(one)[:, 0].numpy() for one in alone], None),
        (tokens, alone, mask),
    ]
    caps = [interp.capture_from_hidden_states(i, s, answers, attention_mask=m) for i, s, m in forms]
    for cap in caps[1:]:
        close(cap.resid, caps[0].resid)


def test_what_generate_returns_lacks_the_last_token(hf_model, asked) -> None:
    answers, _ = asked
    prompts, mask = padded(answers.prompt_ids, "left")
    with torch.no_grad():
        out = hf_model.generate(
            prompts, attention_mask=mask, max_new_tokens=3, do_sample=False, output_hidden_states=True,
            output_attentions=True, return_dict_in_generate=True, eos_token_id=None,
        )  # fmt: skip
    lengths = [len(one) + 3 for one in answers.prompt_ids]
    at = interp.Positions.at([[n - 1, n - 2, n - 5] for n in lengths], lengths, roles=("last", "fed", "prompt"))
    cap = interp.capture_from_hidden_states(out.sequences, out, at, attention_mask=mask)
    assert cap.settings["absent_without_state"] == {"last": N}
    assert cap.valid.all(0).tolist() == [False, True, True]
    full = [torch.tensor([row[-n:].tolist()]) for row, n in zip(out.sequences, lengths, strict=True)]
    whole = interp.capture_from_hidden_states(
        [one[0] for one in full], [run(hf_model, one).hidden_states for one in full], at
    )
    close(cap.resid[:, :, 1:], whole.resid[:, :, 1:])
    one = interp.capture_from_hidden_states(full[0], run(hf_model, full[0]), at[:1])
    close(cap[:1].attention["entropy"][..., 1:], one.attention["entropy"][..., 1:])


def test_bfloat16_and_arrays_go_straight_into_a_grid(asked) -> None:
    rng = np.random.default_rng(0)
    n, y = 60, np.arange(60) % 2
    states = rng.standard_normal((3, n, 4, 6)).astype(np.float32)
    states[1, :, 3, 0] += 4 * y  # hidden state 1: after block 0
    ids = rng.integers(1, 99, (n, 4))
    at = interp.Positions.at([[0, 3]] * n, 4, roles=("first", "last"))
    cap = interp.capture_from_hidden_states(ids, [torch.tensor(one).bfloat16() for one in states], at, final_norm=False)
    assert cap.resid.dtype == torch.bfloat16 and cap.layers == (0, 1)
    grid = interp.probe_grid(cap, y)
    assert float(grid.auc.sel(layer=0, token="last")) > 0.95
    assert abs(float(grid.auc.sel(layer=1, token="last")) - 0.5) < 0.3 and float(grid.embed_auc.max()) < 0.8


def test_traces_of_nnsight_and_nnterp_are_the_blocks_outputs() -> None:
    model = interp.load_model(model_path())
    rows = interp.load_rows(TOOLS / "rows.jsonl")
    answers = interp.generate_answers(model, rows, exact_answer="candidates")
    wanted = interp.capture(model, answers, interp.resolve_positions(answers))
    saved = load_file(TOOLS / "nnsight.safetensors")
    cap = interp.capture_from_hidden_states(
        saved["token_ids"], [saved["layers.2"], saved["layers.5"]], answers, layers=(2, 5),
        attention_mask=saved["attention_mask"],
    )  # fmt: skip
    close(cap.resid, wanted.resid[:, [2, 5]])
    assert cap.embed is None and "not_kept" not in cap.settings
    saved = load_file(TOOLS / "nnterp.safetensors")
    states = [[saved[f"{i}.layers_output.{block}"] for block in (2, 5)] for i in range(2)]
    cap = interp.capture_from_hidden_states(ids_of(answers)[:2], states, answers, layers=[2, 5])
    assert cap.settings["answers_without_states"] == 2
    close(cap.resid, wanted.resid[:2, [2, 5]])
    as_site = interp.capture_from_hidden_states(ids_of(answers)[:2], states, answers, layers=[2, 5], site="mlp_out")
    assert list(as_site.sites) == ["mlp_out"]


def test_nothing_is_copied_and_padding_is_cut() -> None:
    layers = [torch.arange(24.0).reshape(2, 4, 3), torch.arange(24.0, 48.0).reshape(2, 4, 3)] * 2
    given = read_hidden_states(torch.tensor([[0, 0, 7, 8], [1, 2, 3, 4]]), layers, None, [[0, 0, 1, 1], [1, 1, 1, 1]])
    assert given.tokens == [(7, 8), (1, 2, 3, 4)] and given.n_states == 4
    assert torch.equal(given.states[0][1], layers[1][0, 2:])
    assert given.states[1][0].data_ptr() == layers[0][1].data_ptr()


def test_states_of_other_samples_are_refused(asked) -> None:
    answers, _ = asked
    ids = ids_of(answers)
    states = [torch.zeros(3, len(one), 4) for one in ids]
    take = interp.capture_from_hidden_states
    with pytest.raises(DataError, match=r"1 of 5 token sequences are of none of the answers, first \[1, 2, 3"):
        take([[1, 2, 3, 4], *ids[1:]], [torch.zeros(3, 4, 4), *states[1:]], answers)
    positions = interp.resolve_positions(answers)
    with pytest.raises(DataError, match=r"positions: sample .* has another token at .*matched by their tokens"):
        take(ids[::-1], states[::-1], positions)
    with pytest.raises(DataError, match="positions: they are of 5 samples, the states of 4"):
        take(ids[:4], states[:4], positions)
    with pytest.raises(DataError, match="the answers know their samples"):
        take(ids, states, answers, ids=list("abcde"))


def test_the_outputs_of_the_blocks_are_not_taken_for_hugging_faces_states(asked, hf_model) -> None:
    answers, _ = asked
    ids, model = ids_of(answers)[:1], interp.load_model(model_path())
    states = run(hf_model, torch.tensor(ids)).hidden_states
    with pytest.raises(
        DataError, match=f"Hugging Face gives {LAST + 2} states of this model, the embedding first, got {LAST + 1}"
    ):
        interp.capture_from_hidden_states(ids, states[1:], answers, model=model)
    assert interp.capture_from_hidden_states(ids, states, answers, model=model).layers == tuple(range(LAST))


def test_what_could_be_read_two_ways_is_refused() -> None:
    at, take = interp.Positions.at([[1]] * 3, 4), interp.capture_from_hidden_states
    ids = [[1, 2, 3, 4]] * 3
    square = [torch.zeros(3, 4, 2)] * 3
    with pytest.raises(DataError, match="3 arrays of 3 entries each may be layers or samples"):
        take(ids, square, at)
    with pytest.raises(DataError, match=r"has 6 states and 4 token ids: say by attention_mask what is padding"):
        take(ids, [torch.zeros(3, 6, 2)] * 4, at)
    with pytest.raises(DataError, match="sample 1 has padding between its tokens"):
        take(ids, [torch.zeros(3, 4, 2)] * 4, at, attention_mask=[[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]])
    with pytest.raises(DataError, match="attn_implementation='eager'"):
        take(ids, [torch.zeros(3, 4, 2)] * 4, at, attentions=[None] * 3)
    with pytest.raises(DataError, match=r"layers: expected 4 different blocks, .* got \[2, 5\]"):
        take(ids, [torch.zeros(3, 4, 2)] * 4, at, layers=[2, 5])
    with pytest.raises(DataError, match=r"site 'mlp_out' is of: layers=range\(4\)"):
        take(ids, [torch.zeros(3, 4, 2)] * 4, at, site="mlp_out")
    with pytest.raises(DataError, match="a step has 3 keys where 5 tokens had run"):
        steps = [[torch.zeros(3, 1, 4, 4)], [torch.zeros(3, 1, 1, 3)]]
        take([[1, 2, 3, 4, 5]] * 3, [torch.zeros(3, 5, 2)] * 4, interp.Positions.at([[1]] * 3, 5), attentions=steps)

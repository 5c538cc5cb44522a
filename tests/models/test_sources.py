"""What a model is read from, and by which name it is written down."""

import json
from pathlib import Path

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from families import _GQA, _WIDE, LAYERS, build, texts

import interp
from interp.models.language_model import language_model
from interp.models.loading import forward, load_model, model_info, read_config
from interp.models.remote_code import NO_CODE
from interp.models.sources import Place, locate, read_tokenizer


@pytest.mark.parametrize("alias", ["gemma-2b", "pythia-70m", "opt", "gpt2", "llama-7b"])
def test_a_folder_named_like_an_official_model_is_that_folder(tmp_path: Path, alias: str) -> None:
    folder = tmp_path / alias
    build("gpt_neox").save_pretrained(folder)
    save_byte_tokenizer(folder)
    assert model_info(load_model(folder)).name == alias


def test_a_name_with_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate("org/model@v1.0") == Place("org/model", "org/model@v1.0", False, "v1.0")
    assert locate("org/model@v1.0").options == {"local_files_only": False, "revision": "v1.0"}
    assert locate("org/model").options == {"local_files_only": False}
    for wrong in ("org/model@", "@main"):
        with pytest.raises(interp.ModelError, match="name@revision"):
            locate(wrong)
    there = tmp_path / "mine@home"  # a folder that is there is a folder
    build("gpt2").save_pretrained(there)
    assert locate(str(there)) == Place(str(there), "mine@home", True)

    monkeypatch.chdir(tmp_path)
    build("gpt2").save_pretrained("model")
    with pytest.raises(interp.ModelError, match="there is a folder 'model' here, which has no revisions"):
        locate("model@v1.0")

    asked: list[tuple] = []
    from transformers import AutoTokenizer

    def from_pretrained(name: str, **options):
        asked.append((name, options))
        raise OSError("no network")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", from_pretrained)
    with pytest.raises(interp.ModelError, match="no network"):
        read_tokenizer("org/model@v1.0")
    assert asked == [("org/model", NO_CODE | {"revision": "v1.0"})]


def test_an_adapter_is_to_be_merged(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(interp.ModelError, match=r"holds an adapter only: merge .*merge_and_unload"):
        load_model(tmp_path)
    PeftModel = type("PeftModel", (torch.nn.Module,), {})
    with pytest.raises(interp.ModelError, match=r"a PeftModel .*merge_and_unload"):
        load_model(PeftModel())
    injected = build("llama")
    injected._hf_peft_config_loaded = True
    with pytest.raises(interp.ModelError, match=r"has an adapter on it.*merge_and_unload"):
        language_model(injected)


VISION = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": LAYERS, "num_attention_heads": 2}
PICTURES = {
    "gemma3": {
        "text_config": {**_WIDE, "query_pre_attn_scalar": 16},
        "vision_config": {**VISION, "image_size": 28, "patch_size": 14},
        "mm_tokens_per_image": 4,
    },
    "mistral3": {
        "text_config": {**_WIDE, "model_type": "mistral", "sliding_window": None},
        "vision_config": {**VISION, "image_size": 28, "patch_size": 14, "head_dim": 8},
    },
}


@pytest.mark.parametrize("name", PICTURES)
def test_of_a_model_of_pictures_the_language_model_is_taken(tmp_path: Path, name: str) -> None:
    from transformers import AutoConfig, AutoModelForImageTextToText

    torch.manual_seed(0)
    whole = AutoModelForImageTextToText.from_config(AutoConfig.for_model(name, **PICTURES[name])).eval()
    whole.save_pretrained(tmp_path)
    save_byte_tokenizer(tmp_path)
    tokens = torch.tensor([texts()[0]])
    with torch.inference_mode():
        theirs = whole(tokens).logits[:, -1]
    model = load_model(tmp_path)
    assert model_info(model).architecture in {"Gemma3ForCausalLM", "MistralForCausalLM"}
    torch.testing.assert_close(
        forward(model, tokens, torch.ones_like(tokens), logits=True), theirs, rtol=1e-4, atol=1e-5
    )


def test_what_is_no_causal_language_model(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaModel, T5Config, T5ForConditionalGeneration

    save_byte_tokenizer(tmp_path / "t5")
    t5 = T5ForConditionalGeneration(T5Config(vocab_size=320, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4))
    t5.save_pretrained(tmp_path / "t5")
    with pytest.raises(interp.ModelError, match="T5ForConditionalGeneration has an encoder"):
        load_model(t5, tokenizer=tmp_path / "t5")
    with pytest.raises(interp.ModelError, match=r"no causal language model \(its type is 't5'\)"):
        load_model(tmp_path / "t5")
    with pytest.raises(interp.ModelError, match="LlamaModel is no causal language model"):
        load_model(LlamaModel(LlamaConfig(**_GQA)), tokenizer=tmp_path / "t5")


PACKED = {
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"},
    "fp8": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]},
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "torchao": {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}},
    "compressed-tensors": {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {}},
    "hqq": {"quant_method": "hqq"},
    "modelopt": {"quant_method": "modelopt", "quant_algo": "FP8"},
    "a method without a name": {"group_size": 64, "bits": 4},
}


@pytest.mark.parametrize("method", PACKED)
@pytest.mark.parametrize("read", [load_model, read_config])
def test_packed_weights_are_refused_before_any_is_read(tmp_path: Path, method: str, read) -> None:
    build("llama").config.save_pretrained(tmp_path)
    save_byte_tokenizer(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["architectures"] = ["LlamaForCausalLM"]
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": PACKED[method]}))
    with pytest.raises(
        interp.ModelError, match=rf"are quantised \({method}, says .*the model that it was made from, or a dequantised"
    ) as raised:
        read(tmp_path)
    assert "\n" not in str(raised.value)


def test_packed_weights_of_a_language_model_beside_pictures(tmp_path: Path) -> None:
    from transformers import AutoConfig

    AutoConfig.for_model("gemma3", **PICTURES["gemma3"]).save_pretrained(tmp_path)
    save_byte_tokenizer(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["quantization_config"] = PACKED["awq"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(interp.ModelError, match=r"are quantised \(awq"):
        load_model(tmp_path)


@pytest.mark.parametrize("check", [True, False])
def test_weights_that_are_elsewhere(tmp_path: Path, check: bool) -> None:
    save_byte_tokenizer(tmp_path)
    model = build("llama")
    model.model.layers[1].to("meta")
    with pytest.raises(interp.ModelError, match="some weights are not in memory"):
        load_model(model, tokenizer=tmp_path, check=check)


def test_an_error_of_any_library_is_a_sentence(tmp_path: Path, llama_folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama_folder)

    def fail(*_):
        raise TypeError("an inner mismatch\nof two libraries")

    model.model.layers[0].mlp.register_forward_hook(fail)
    with pytest.raises(
        interp.ModelError, match="a pass of LlamaForCausalLM with hooks fails: TypeError: an inner mis"
    ) as raised:
        load_model(model, tokenizer=llama_folder)
    assert "\n" not in str(raised.value)
    assert json.dumps(str(raised.value))

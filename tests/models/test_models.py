"""Loading: what load_model takes and refuses, what it leaves alone, and what it hands over."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from torch import Tensor

from interp import ModelError
from interp.models.loading import (
    eos_token_ids,
    forward,
    hook_name,
    load_model,
    model_info,
    model_tokenizer,
    new_cache,
    output_weight,
)


@pytest.fixture(scope="module")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("gpt2")
    save_byte_tokenizer(folder)
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=320, n_embd=32, n_layer=2, n_head=4, n_positions=64)).save_pretrained(folder)
    return folder


def hugging_face(folder: Path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def last_stream(model, tokens: Tensor, layer: int) -> Tensor:
    seen: list[Tensor] = []
    forward(model, tokens, torch.ones_like(tokens), hooks={hook_name("resid_post", layer): seen.append})
    return seen[0]


TOKENS = torch.tensor([[1, 40, 41, 42, 50, 60, 70, 80], [1, 9, 33, 300, 55, 66, 77, 88]])


def test_a_llama_folder_becomes_what_this_transformer_lens_has(llama, llama_folder: Path) -> None:
    try:
        from transformer_lens import HookedTransformer
    except ImportError:
        assert model_info(llama).backend == "TransformerBridge"
    else:
        assert isinstance(llama, HookedTransformer)
    info = model_info(llama)
    assert (info.architecture, info.note, info.processed_weights) == ("LlamaForCausalLM", "", False)
    assert (info.name, info.dtype, info.device.type) == (llama_folder.name, torch.float32, "cpu")
    with torch.inference_mode():
        theirs = hugging_face(llama_folder)(TOKENS, output_hidden_states=True)
    ours = forward(llama, TOKENS, torch.ones_like(TOKENS), logits=True)
    torch.testing.assert_close(ours, theirs.logits[:, -1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(last_stream(llama, TOKENS, 1), theirs.hidden_states[2], rtol=1e-4, atol=1e-5)


def test_another_architecture_goes_through_the_bridge_and_says_so(gpt2_folder: Path) -> None:
    model = load_model(gpt2_folder)
    info = model_info(model)
    assert info.backend == "TransformerBridge"
    if sys.modules["transformer_lens"].__dict__.get("HookedTransformer"):
        assert "GPT2LMHeadModel" in info.note and "TransformerBridge is used" in info.note
    else:
        assert info.note == ""


def test_a_hooked_model_passes_through(llama) -> None:
    assert load_model(llama) is llama
    with pytest.raises(ModelError, match="loaded already"):
        load_model(llama, processed_weights=True)


def test_dropout_is_off(gpt2_folder: Path) -> None:
    training = hugging_face(gpt2_folder).train()
    model = load_model(training, tokenizer=gpt2_folder)
    torch.testing.assert_close(last_stream(model, TOKENS, 1), last_stream(model, TOKENS, 1), rtol=0, atol=0)


def test_the_tokenizer_stays_as_the_folder_has_it(tmp_path: Path, llama_folder: Path) -> None:
    """TransformerLens likes to rebuild it with a BOS in front; and a caller's own object is not written to."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    bare = Tokenizer.from_str(AutoTokenizer.from_pretrained(llama_folder).backend_tokenizer.to_str())
    bare.post_processor = None
    theirs = PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>")
    assert theirs.pad_token is None
    for model in (
        load_model(llama_folder, tokenizer=theirs),
        load_model(hugging_face(llama_folder), tokenizer=theirs),
    ):
        own = model_tokenizer(model)
        assert own("Paris").input_ids == theirs("Paris").input_ids
        assert own("Paris").input_ids[0] != own.bos_token_id
        assert own.pad_token == "</s>"
        own.save_pretrained(tmp_path / "saved")
        assert AutoTokenizer.from_pretrained(tmp_path / "saved")("Paris").input_ids == theirs("Paris").input_ids
    assert theirs.pad_token is None


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", torch.float32])
def test_dtypes(llama_folder: Path, dtype) -> None:
    model = load_model(llama_folder, dtype=dtype)
    wanted = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    assert model_info(model).dtype == wanted
    assert last_stream(model, TOKENS, 0).dtype == wanted


def test_processed_weights_change_the_stream_and_not_the_prediction(llama_folder: Path, gpt2_folder: Path) -> None:
    for folder in (llama_folder, gpt2_folder):
        raw, processed = load_model(folder), load_model(folder, processed_weights=True)
        assert not model_info(raw).processed_weights and model_info(processed).processed_weights
        every = torch.ones_like(TOKENS)
        ours, theirs = (forward(model, TOKENS, every, logits=True).log_softmax(-1) for model in (processed, raw))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    # Of these two only GPT-2 is centred: an RMS norm sees the mean.
    assert last_stream(raw, TOKENS, 0).mean(-1).abs().max() > 1e-3
    assert last_stream(processed, TOKENS, 0).mean(-1).abs().max() < 1e-5


def test_tokens_that_end_a_turn(tmp_path: Path, llama_folder: Path) -> None:
    import json

    shutil.copytree(llama_folder, tmp_path / "chat")
    settings = tmp_path / "chat" / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token_id": [2, 77]}))
    assert eos_token_ids(load_model(tmp_path / "chat")) == {2, 77}


def test_no_logits_unless_asked_for(llama, gpt2_folder: Path) -> None:
    every = torch.ones_like(TOKENS)
    for model in (llama, load_model(gpt2_folder)):
        positions: list[int] = []
        model.unembed.hook_out.add_hook(lambda tensor, hook, positions=positions: positions.append(tensor.shape[1]))
        assert forward(model, TOKENS, every) is None
        assert sum(positions) == 0
        logits = forward(model, TOKENS, every, logits=True)
        model.unembed.hook_out.remove_hooks()
        assert logits is not None and logits.shape == (2, 320)
        assert sum(positions) == 1


def test_cache_copies_are_independent(llama) -> None:
    cache = new_cache(llama, 2)
    forward(llama, TOKENS[:, :4], torch.ones(2, 4, dtype=torch.long), cache=cache)
    twice, same = cache.repeat(2), cache.copy()
    before = cache.values(0).clone()
    assert torch.equal(twice.values(0), before[[0, 0, 1, 1]])
    forward(llama, TOKENS[[0, 0, 1, 1], 4:], torch.ones(4, 8, dtype=torch.long), cache=twice)
    forward(llama, TOKENS[:, 4:], torch.ones(2, 8, dtype=torch.long), cache=same)
    assert torch.equal(cache.values(0), before)
    assert twice.values(0).shape == (4, 8, 2, 8)
    torch.testing.assert_close(twice.values(2)[[0, 2]], same.values(2))


def test_output_weight_maps_heads_to_the_stream(llama) -> None:
    assert output_weight(llama, 1).shape == (4, 8, 32)


def test_a_site_the_architecture_lacks(llama) -> None:
    with pytest.raises(ModelError, match=r"blocks\.0\.hook_nonsense"):
        forward(llama, TOKENS, torch.ones_like(TOKENS), hooks={hook_name("nonsense", 0): print})


def test_hooked_transformer_refuses_padding_inside_a_window() -> None:
    """Its window counts columns, so a padded row would see fewer tokens than it should: never silently."""
    lens = pytest.importorskip("transformer_lens")
    if "HookedTransformer" not in lens.__dict__:
        pytest.skip("TransformerLens 4 has no HookedTransformer")
    cfg = lens.HookedTransformerConfig(
        n_layers=1,
        d_model=8,
        n_ctx=32,
        d_head=4,
        n_heads=2,
        d_vocab=320,
        act_fn="relu",
        use_local_attn=True,
        attn_types=["local"],
        window_size=3,
        device="cpu",
    )
    with pytest.warns(DeprecationWarning):
        model = lens.HookedTransformer(cfg)
    assert model_info(model).windows == (3,)
    cache = new_cache(model, 2)
    forward(model, TOKENS[:, :4], torch.ones(2, 4, dtype=torch.long), cache=cache)
    mask = torch.ones(2, 7, dtype=torch.long)
    mask[1, 4] = 0
    with pytest.raises(ModelError, match="padding after cached tokens"):
        forward(model, TOKENS[:, 4:7], mask, cache=cache)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such/folder", "no such file or folder"),
        (Path("nowhere"), "no such file or folder"),
        ("model.gguf", "no such file or folder"),
        ("nobody/has-this-model", "not to be had from Hugging Face's hub"),
        (42, "expected a model name"),
    ],
)
def test_unknown_sources(source, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_model(source)


def test_unusable_folders_and_files(tmp_path: Path, llama_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="is no GGUF file"):
        load_model(tmp_path / "weights.bin")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot load a language model"):
        load_model(tmp_path)
    bare = tmp_path / "bare"
    shutil.copytree(llama_folder, bare)
    for file in bare.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match=r"give one with tokenizer="):
        load_model(bare)
    assert model_tokenizer(load_model(bare, tokenizer=llama_folder)).bos_token == "<s>"
    with pytest.raises(ModelError, match="dtype: expected one of float32, bfloat16, float16, got 'int8'"):
        load_model(llama_folder, dtype="int8")
    with pytest.raises(ModelError, match="needs its tokenizer"):
        load_model(hugging_face(llama_folder))


def test_the_hub_is_only_shut_while_a_folder_is_read(llama_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    during: list[bool] = []
    read = AutoModelForCausalLM.from_pretrained

    def watched(*args, **options):
        during.append(constants.HF_HUB_OFFLINE)
        return read(*args, **options)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", watched)
    load_model(llama_folder, check=False)
    assert during == [True]
    assert constants.HF_HUB_OFFLINE is False


def test_transformer_lens_is_imported_only_to_load() -> None:
    code = "import sys, interp.models.loading as m; m.is_hooked(3); assert 'transformer_lens' not in sys.modules; "
    code += "assert 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

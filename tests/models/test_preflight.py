"""Preflight: a model that is not what the rest of interp takes it for is refused, with the layer and the size."""

from pathlib import Path

import pytest
import torch
from tiny_models import SIZES
from torch import Tensor

from interp import ModelError
from interp.models.loading import hook_name, load_model, model_info, model_tokenizer, preflight
from interp.models.preflight import reference_pass


def hugging_face(folder: Path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def test_a_model_without_a_tokenizer_can_still_be_checked(llama_folder: Path) -> None:
    model = load_model(llama_folder)
    if model_info(model).backend == "TransformerBridge":
        model._tokenizer = None
    else:
        model.tokenizer = None
    assert load_model(model) is model
    with pytest.raises(ModelError, match="has no tokenizer"):
        model_tokenizer(model)


def test_a_tokenizer_of_another_model(tmp_path: Path, llama_folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    LlamaForCausalLM(LlamaConfig(**SIZES | {"vocab_size": 60})).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="belongs to another model"):
        load_model(tmp_path, tokenizer=llama_folder)


def test_two_bos_tokens(llama_folder: Path) -> None:
    from tokenizers import processors

    doubled = model_tokenizer(load_model(llama_folder))
    doubled.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> <s> $A", special_tokens=[("<s>", doubled.bos_token_id)]
    )
    with pytest.raises(ModelError, match="two BOS tokens"):
        load_model(llama_folder, tokenizer=doubled)


@pytest.mark.parametrize("wrap", [False, True])
def test_preflight_finds_what_is_broken(llama_folder: Path, wrap: bool) -> None:
    source = hugging_face(llama_folder) if wrap else llama_folder
    model = load_model(source, tokenizer=llama_folder)
    preflight(model)

    def fails(name: str, change, message: str) -> None:
        model.hook_dict[name].add_hook(change)
        try:
            with pytest.raises(ModelError, match=message):
                preflight(model)
        finally:
            model.hook_dict[name].remove_hooks()

    fails(hook_name("pattern", 1), lambda tensor, hook: torch.full_like(tensor, 0.1), "layer 1: attention .* later")
    fails(hook_name("pattern", 2), lambda tensor, hook: tensor * 0.5, r"layer 2: rows of the pattern sum to 0\.5")
    fails(hook_name("resid_pre", 1), lambda tensor, hook: tensor * torch.nan, "not finite")

    def by_column(tensor: Tensor, hook: object) -> Tensor:
        return tensor + torch.arange(tensor.shape[1])[None, :, None]

    fails(hook_name("resid_pre", 0), by_column, "left-padded batch of two differs")


def test_a_site_that_the_architecture_lacks_is_named(tiny_folder: Path) -> None:
    """Blocks whose attention and MLP run side by side have no residual stream between the two."""
    model = load_model(tiny_folder / "gpt_neox", sites=("resid_pre", "mlp_post"))
    with pytest.raises(ModelError, match=r"GPTNeoXForCausalLM has no site 'resid_mid' .*choose other sites"):
        load_model(model, sites=("resid_post", "resid_mid"))


def test_preflight_compares_with_hugging_face(llama_folder: Path) -> None:
    other = hugging_face(llama_folder)
    model = load_model(llama_folder)
    preflight(model, reference=reference_pass(other, model_tokenizer(model)))
    with torch.no_grad():
        other.model.layers[1].mlp.down_proj.weight.mul_(1.01)
    with pytest.raises(ModelError, match="layer 1 differs from Hugging Face"):
        preflight(model, reference=reference_pass(other, model_tokenizer(model)))

"""Passes without hook points: the same bits, every module back in its place, and a hook of anybody switches them off."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from tiny_models import ARCHITECTURES

import interp
from interp.generating.generation import generate
from interp.models.backends import bridge as bridges
from interp.models.backends import unhooked as module
from interp.models.backends.kinds import backend_of

CLASSES = {
    "gpt2": "GPT2LMHeadModel",
    "gpt_neox": "GPTNeoXForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "olmo2": "Olmo2ForCausalLM",
}
OWN_WEIGHTS = {"gpt2", "gpt_neox"}
"""Their bridge splits the joint query, key and value weights into weights of its own."""


def bridge(name: str, folder):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(5)
    config = AutoConfig.for_model(
        name, initializer_range=0.3, bos_token_id=1, eos_token_id=2, pad_token_id=0, **ARCHITECTURES[name]
    )
    config.architectures = [CLASSES.get(name, "")]
    save_byte_tokenizer(folder)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    return interp.load_model(model, tokenizer=folder)


@pytest.fixture
def llama_bridge(tmp_path):
    return bridge("llama", tmp_path)


def prompts() -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    own = [torch.randint(3, 320, (length,), generator=generator).tolist() for length in (2, 5, 9, 17)]
    return [[9, 8, 7, *one] for one in own]


def stands_aside(model) -> bool:
    """Whether the block changes any module of the model."""
    before = [id(part) for part in model.modules()]
    with backend_of(model).unobserved():
        inside = [id(part) for part in model.modules()]
    assert [id(part) for part in model.modules()] == before
    return inside != before


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_answers_are_the_same_to_the_bit(name: str, tmp_path, monkeypatch) -> None:
    model = bridge(name, tmp_path)
    assert stands_aside(model) is (name not in OWN_WEIGHTS)
    keys = list(model.state_dict())
    fast = generate(model, prompts(), max_new_tokens=9)
    assert list(model.state_dict()) == keys
    monkeypatch.setattr(bridges, "unhooked", lambda backend: nullcontext())
    assert generate(model, prompts(), max_new_tokens=9) == fast


def test_a_hook_acts_on_every_pass_also_after_a_fast_one(llama_bridge) -> None:
    plain = generate(llama_bridge, prompts(), max_new_tokens=5)
    point = llama_bridge.hook_dict["blocks.1.hook_resid_post"]
    seen: list[int] = []

    def double(tensor, hook):
        seen.append(len(tensor))
        return tensor * -2

    point.add_hook(double)
    assert not stands_aside(llama_bridge)
    assert generate(llama_bridge, prompts(), max_new_tokens=5) != plain and len(seen) > 4
    point.remove_hooks()
    assert generate(llama_bridge, prompts(), max_new_tokens=5) == plain


@pytest.mark.parametrize(
    "observe",
    [
        lambda part: part.register_forward_hook(lambda *_: None),
        lambda part: part.register_forward_pre_hook(lambda *_: None),
    ],
    ids=["hook", "pre_hook"],
)
def test_a_module_with_a_hook_of_somebody_keeps_its_place(llama_bridge, observe: Callable) -> None:
    assert stands_aside(llama_bridge)
    observe(llama_bridge.blocks[2].mlp)
    assert not stands_aside(llama_bridge)


def test_changed_weights_act(llama_bridge) -> None:
    plain = generate(llama_bridge, prompts(), max_new_tokens=5)
    with torch.no_grad():
        llama_bridge.blocks[0].mlp.out.weight.mul_(-3)
    assert stands_aside(llama_bridge)
    assert generate(llama_bridge, prompts(), max_new_tokens=5) != plain


def test_weights_processed_after_the_trial_keep_the_hook_points(llama_bridge) -> None:
    assert stands_aside(llama_bridge)
    llama_bridge.enable_compatibility_mode(disable_warnings=True)
    assert not stands_aside(llama_bridge)


def test_one_other_bit_in_the_trial_and_the_hook_points_stay(llama_bridge, monkeypatch) -> None:
    trial, turn = module._trial, iter(range(2))

    def other(model):
        first, second, *_ = trial(model)
        return [first, torch.nextafter(second, second + 1) if next(turn) else second]

    monkeypatch.setattr(module, "_trial", other)
    assert not stands_aside(llama_bridge)


def test_modules_return_when_a_pass_fails(llama_bridge) -> None:
    before = list(map(id, llama_bridge.modules()))
    with pytest.raises(RuntimeError, match="stop"), backend_of(llama_bridge).unobserved():
        raise RuntimeError("stop")
    assert list(map(id, llama_bridge.modules())) == before

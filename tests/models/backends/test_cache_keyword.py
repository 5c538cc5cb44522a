"""A cache reaches a bridge's attention whatever its layers call it: the embedded model answers as Hugging Face does."""

from types import SimpleNamespace

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from torch import nn

import interp
from interp.demo import MAX_NEW_TOKENS, PROMPT_TEMPLATE, model_path, questions_path
from interp.models.backends.cache_keyword import NEW, OLD, cache_keyword, handed_on
from interp.models.loading import forward, new_cache


class Attention(nn.Module):
    """Keeps what it was called with; with a module of its own inside it calls that one alike."""

    def __init__(self, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.original_component = inner

    def forward(self, hidden, **options):
        self.called_with = options
        if self.original_component is not None:
            self.original_component(hidden, **options)


def test_both_names_for_the_bridge_and_the_new_one_for_hugging_face() -> None:
    bridge = Attention(Attention())
    model = SimpleNamespace(blocks=[SimpleNamespace(attn=bridge), SimpleNamespace(self_attn=Attention())])
    with handed_on(model, NEW):
        bridge(1, cache="keys", mask="mask")
        assert bridge.called_with == {"cache": "keys", "past_key_values": "keys", "mask": "mask"}
        assert bridge.original_component.called_with == {"cache": "keys", "mask": "mask"}
        bridge(1, cache=None)
        assert bridge.called_with == {"cache": None}
    bridge(1, cache="keys")
    assert bridge.called_with == {"cache": "keys"}
    with handed_on(model, OLD):
        bridge(1, past_key_values="keys")
    assert bridge.called_with == bridge.original_component.called_with == {"past_key_values": "keys"}


def test_the_keyword_is_read_off_the_class() -> None:
    class New:
        def forward(self, tokens, cache=None): ...

    class Old:
        def forward(self, tokens, past_key_values=None): ...

    assert (cache_keyword(New), cache_keyword(Old)) == (NEW, OLD)


@pytest.mark.parametrize("name", ["llama", "opt"])
def test_a_cache_is_filled_and_no_hook_stays(name: str, tmp_path) -> None:
    """OPT's bridge leaves attention to Hugging Face's own module, Llama's computes it."""
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"ffn_dim": 48, "word_embed_proj_dim": 32} if name == "opt" else {"intermediate_size": 48}
    config = AutoConfig.for_model(name, max_position_embeddings=64, **sizes)
    save_byte_tokenizer(tmp_path)
    torch.manual_seed(0)
    model = interp.load_model(
        AutoModelForCausalLM.from_config(config, attn_implementation="eager"), tokenizer=tmp_path, check=False
    )
    cache, tokens = new_cache(model, 2), torch.arange(3, 13).reshape(2, 5)
    plain = forward(model, tokens, torch.ones_like(tokens), logits=True)
    hooks = [(len(part._forward_pre_hooks), len(part._forward_hooks)) for part in model.modules()]
    forward(model, tokens[:, :3], torch.ones(2, 3, dtype=torch.long), cache=cache)
    two = forward(model, tokens[:, 3:], torch.ones(2, 5, dtype=torch.long), cache=cache, logits=True)
    assert cache.values(1).shape == (2, 5, 4, 8)
    torch.testing.assert_close(two, plain)
    assert hooks == [(len(part._forward_pre_hooks), len(part._forward_hooks)) for part in model.modules()]


def test_the_embedded_model_answers_as_hugging_faces_generate() -> None:
    """24 questions, in each class that can carry the model."""
    from transformers import AutoModelForCausalLM

    def hugging_face():
        options = {"attn_implementation": "eager", "dtype": torch.float32}
        return AutoModelForCausalLM.from_pretrained(model_path(), **options).eval()

    theirs, rows = hugging_face(), interp.load_rows(questions_path())[:24]
    for source in (hugging_face(), model_path()):
        model = interp.load_model(source, tokenizer=model_path())
        answers = interp.generate_answers(model, rows, prompt_template=PROMPT_TEMPLATE, max_new_tokens=MAX_NEW_TOKENS)
        for prompt, completion in zip(answers.prompt_ids, answers.completion_ids, strict=True):
            tokens = torch.tensor([prompt])
            expected = theirs.generate(
                tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=MAX_NEW_TOKENS, do_sample=False
            )
            assert completion == expected[0, len(prompt) :].tolist()

"""Models that are elsewhere, or no decoders, are refused in a sentence."""

import pytest
import torch
from transformers import AutoModel, BertConfig, LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from interp.errors import ModelError
from interp.models.weights import check_causal

SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 11}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: T5ForConditionalGeneration(T5Config(d_model=8, d_ff=8, num_layers=1, num_heads=2, vocab_size=11)),
            "T5ForConditionalGeneration has an encoder",
        ),
        (lambda: AutoModel.from_config(BertConfig(**SMALL)), "BertModel is no causal language model"),
        (lambda: LlamaForCausalLM(LlamaConfig(**SMALL)).to("meta"), "some weights are not in memory"),
    ],
    ids=["encoder", "no_head", "elsewhere"],
)
def test_what_cannot_be_read_from_left_to_right(make, says):
    with torch.device("cpu"), pytest.raises(ModelError, match=says):
        check_causal(make())


def test_a_decoder_in_memory_passes():
    check_causal(LlamaForCausalLM(LlamaConfig(**SMALL)))

"""Random Llamas, and samples of random tokens to capture: what costs depend on, and nothing that anyone said."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

import interp
from interp import demo
from interp.models.loading import model_info

COMPLETION = 12


def random_llama(layers: int, width: int, heads: int, *, mlp: int = 3, n_ctx: int = 2048) -> Any:
    """A Llama with random weights and the embedded model's tokenizer, hooked; its MLP is `mlp` times as wide."""
    hf_model, tokenizer = random_hf_llama(layers, width, heads, mlp=mlp, n_ctx=n_ctx)
    return interp.load_model(hf_model, tokenizer=tokenizer)


def random_hf_llama(
    layers: int, width: int, heads: int, *, mlp: int, n_ctx: int, attention: str = "eager"
) -> tuple[Any, Any]:
    """The same as Hugging Face has it, and its tokenizer."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(demo.model_path())
    torch.manual_seed(0)
    sizes: Any = dict(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=mlp * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=n_ctx,
        architectures=["LlamaForCausalLM"],
        attn_implementation=attention,
    )
    return LlamaForCausalLM(LlamaConfig(**sizes)).eval(), tokenizer


Case = tuple[interp.Answers, interp.Positions]


def prompts(model: Any, n: int, length: int, shared: int = 0) -> list[list[int]]:
    """Random prompts that begin with the same `shared` tokens."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(5, model_info(model).d_vocab, (n, length), generator=generator).tolist()
    return [drawn[0][:shared] + prompt[shared:] for prompt in drawn]


def samples(model: Any, prompts: Sequence[Sequence[int]], completion: int = COMPLETION) -> Case:
    """Answers drawn at random; the exact answer is the second and third token."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randint(5, model_info(model).d_vocab, (len(prompts), completion), generator=generator).tolist()
    rows = [
        interp.QARow(str(i), str(i), ("a",), prompt_ids=tuple(p), completion_ids=tuple(c))
        for i, (p, c) in enumerate(zip(prompts, drawn, strict=True))
    ]
    answers = interp.generate_answers(model, rows, exact_answer="candidates", candidates=["\0"])
    answers = replace(answers, exact_answer_tokens=[(len(p) + 1, len(p) + 2) for p in prompts])
    return answers, interp.resolve_positions(answers)

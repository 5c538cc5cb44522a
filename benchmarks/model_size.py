"""Cost of capture against the size of the model and the length of the prompt (the tables of docs/scaling.md).

    python benchmarks/model_size.py            # random Llamas and the embedded model
    python benchmarks/model_size.py --gemma    # Gemma 3 270M too, and its contexts

CPU milliseconds a sample, one thread, float32, the least of three; token ids are drawn at random and share nothing.
"""

import argparse
from collections.abc import Callable
from time import process_time
from typing import Any

import torch
from capture import prompts, samples  # sets one thread before torch is loaded
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import interp
from interp import demo
from interp.models.loading import model_info

REPEATS, SAMPLES, PROMPT, COMPLETION = 3, 64, 32, 12
CONTEXTS = {32: 16, 128: 16, 512: 4, 2048: 2}
"""Length of the prompt, and how many samples."""


def llama(layers: int, width: int, heads: int) -> Any:
    """A random Llama with the embedded model's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(demo.model_path())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        attn_implementation="eager",
    )
    return interp.load_model(LlamaForCausalLM(config), tokenizer=tokenizer)


def milliseconds(model: Any, n: int, length: int) -> float:
    """CPU time of a captured sample."""
    answers, positions = samples(model, prompts(model, n, length))
    found = []
    for _ in range(REPEATS):
        started = process_time()
        interp.capture(model, answers, positions)
        found.append(process_time() - started)
    return 1000 * min(found) / n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gemma", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    models: list[Callable[[], Any]] = [
        lambda: llama(2, 64, 4),
        lambda: interp.load_model(demo.model_path()),
        lambda: llama(12, 384, 6),
        lambda: llama(12, 768, 12),
    ]
    if args.gemma:
        models.append(lambda: interp.load_model("gemma3-270m"))
    for make in models:
        model = make()
        info = model_info(model)
        trunk = sum({weight.data_ptr(): weight.numel() for weight in model.blocks.parameters()}.values())
        cost = milliseconds(model, SAMPLES, PROMPT)
        rate = 2 * trunk * (PROMPT + COMPLETION) / cost / 1e6
        print(
            f"{info.architecture}, {info.n_layers} layers of {info.d_model}: trunk {trunk / 1e6:.2f} M, "
            f"{cost:.2f} ms a sample, {rate:.0f} GFLOP/s"
        )
    if args.gemma:
        for length, n in CONTEXTS.items():
            cost = milliseconds(model, n, length)
            print(f"prompt of {length} tokens: {cost:.0f} ms a sample, {cost / (length + COMPLETION):.1f} a token")


if __name__ == "__main__":
    main()

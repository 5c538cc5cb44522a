"""Cost of capture against the size of the model and the length of the prompt.

    python benchmarks/model_size.py            # random Llamas and the embedded model
    python benchmarks/model_size.py --quick    # the two smallest, fewer samples
    python benchmarks/model_size.py --gemma    # Gemma 3 270M too, and its contexts

CPU milliseconds a sample, one thread, float32, the least of three; token ids are drawn at random and share nothing.
The rate counts two operations for every parameter of the blocks and every token; its peer is the rate of a product of
two large float32 matrices in the same process.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from drawn_samples import COMPLETION, prompts, random_llama, samples
from measuring import NO_PEER, Figure, cpu, one_thread, parser, print_figures, print_header, print_row

import interp
from interp import demo
from interp.models.loading import model_info

PROMPT, SIDE = 32, 1000
CONTEXTS = {32: 16, 128: 16, 512: 4, 2048: 2}
"""Length of the prompt, and how many samples."""


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the two smallest models, fewer samples and short contexts")
    options.add_argument("--gemma", action="store_true", help="Gemma 3 270M too; the contexts are then its")
    return options


def milliseconds(model: Any, n: int, length: int, repeats: int) -> float:
    """CPU time of a captured sample."""
    answers, positions = samples(model, prompts(model, n, length))
    return 1000 * min(cpu(lambda: interp.capture(model, answers, positions))[0] for _ in range(repeats)) / n


def product_rate() -> float:
    """Operations per second of a float32 product of two square matrices."""
    one = torch.ones(SIDE, SIDE)
    return 2 * SIDE**3 / min(cpu(lambda: one @ one)[0] for _ in range(10))


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    repeats, n = (1, 16) if args.quick else (3, 64)
    models: list[Callable[[], Any]] = [partial(random_llama, 2, 64, 4), partial(interp.load_model, demo.model_path())]
    if not args.quick:
        models += [partial(random_llama, 12, 384, 6), partial(random_llama, 12, 768, 12)]
    if args.gemma:
        models.append(partial(interp.load_model, "gemma3-270m"))
    figures, peak = [], product_rate()
    print_header("model", "trunk", "ms a sample", f"GFLOP/s (2 · trunk · {PROMPT + COMPLETION})", "of a product's")
    for make in models:
        model = make()
        info = model_info(model)
        trunk = sum({weight.data_ptr(): weight.numel() for weight in model.blocks.parameters()}.values())
        spent = milliseconds(model, n, PROMPT, repeats)
        rate = 2 * trunk * (PROMPT + COMPLETION) / (spent / 1000)
        name = f"{info.architecture}, {info.n_layers} layers of {info.d_model}"
        print_row(name, f"{trunk / 1e6:.3g} M", f"{spent:.3g}", f"{rate / 1e9:.0f}", f"{rate / peak:.2f}")
        figures.append(Figure(f"{name}: ms a sample", spent, NO_PEER, "lower"))
        figures.append(Figure(f"{name}: share of the product rate", rate / peak, "a float32 product", "higher"))
    print()
    print_header(f"prompt, {name}", "ms a sample", "ms a token")
    for length, n in CONTEXTS.items():
        if args.quick and length > 128:
            continue
        spent = milliseconds(model, n, length, repeats)
        print_row(f"{length:,}", f"{spent:.3g}", f"{spent / (length + COMPLETION):.3g}")
        figures.append(Figure(f"{name}: ms a sample, prompt of {length}", spent, NO_PEER, "lower"))
    print_figures("model_size", figures)


if __name__ == "__main__":
    main()

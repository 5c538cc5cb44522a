"""Greedy generation against Hugging Face's own `generate` and TransformerLens's, on the same batch.

    python benchmarks/generation.py            # the embedded model
    python benchmarks/generation.py --quick    # fewer prompts, tokens and turns
    python benchmarks/generation.py --gemma    # Gemma 3 270M, 8 prompts

Prompts are ids drawn at random, of one length, whose continuations do not end before the last new token; with a
shared prefix their first 100 tokens are the same. Hugging Face's model is loaded separately, with the attention it
chooses itself. All sides run in one process with one thread, in turns; a figure is the median over turns of the
peer's time divided by ours, by the clock and of the processor, which other jobs disturb less. Every side must produce
the same tokens, but for prompts with a near tie. The second table holds the forward passes alone: CPU time, the
least of the turns, and the median of their ratios.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from measuring import (
    Cost,
    Figure,
    in_turns,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
    progress,
    ratio,
)
from transformers import AutoModelForCausalLM, DynamicCache

import interp
from interp import demo
from interp.generating.generation import generate
from interp.models.backends.kinds import backend_of
from interp.models.gguf import converted_folder, gemma3_file
from interp.models.loading import eos_token_ids, forward, model_info, new_cache

SHARED, OWN, ALONE = 100, 21, 71
Ids = list[list[int]]


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="fewer prompts, tokens and turns")
    options.add_argument("--gemma", action="store_true", help="Gemma 3 270M instead of the embedded model")
    return options


def drawn(model: Any, n: int, length: int, shared: int, new: int) -> Ids:
    """Random prompts that begin with the same `shared` tokens, and that the model continues for `new` tokens."""
    generator = torch.Generator().manual_seed(0)
    pool = torch.randint(5, model_info(model).d_vocab - 100, (2 * n, length), generator=generator).tolist()
    pool = [pool[0][:shared] + prompt[shared:] for prompt in pool]
    continued = generate(model, pool, max_new_tokens=new, batch_tokens=1 << 20)
    return [prompt for prompt, one in zip(pool, continued, strict=True) if one.finish == "length"][:n]


def compared(model: Any, peer: Any, prompts: Ids, new: int, repeats: int) -> dict[str, Cost]:
    """Median of peer ÷ ours for each peer.

    Raises SystemExit if the tokens differ where no near tie allows it.
    """
    tokens = torch.tensor(prompts)
    mask, length = torch.ones_like(tokens), tokens.shape[1]
    ends = sorted(eos_token_ids(model))
    greedy: dict[str, Any] = {"max_new_tokens": new, "do_sample": False}
    sides: dict[str, Callable[[], Any]] = {
        "ours": lambda: generate(model, prompts, max_new_tokens=new, batch_tokens=1 << 20),
        "Hugging Face generate": lambda: peer.generate(
            tokens, attention_mask=mask, eos_token_id=ends, pad_token_id=0, **greedy
        ),
        "TransformerLens generate": lambda: model.generate(
            tokens, stop_at_eos=False, verbose=False, return_type="tokens", **greedy
        ),
    }
    with torch.inference_mode():
        spent, returned = in_turns(sides, repeats)
    ours = returned.pop("ours")
    for name, output in returned.items():
        pairs = zip(ours, output[:, length:].tolist(), strict=True)
        differ = sum(one.ids != theirs for one, theirs in pairs if not one.near_ties)
        if differ:
            raise SystemExit(f"{name}: {differ} of {len(prompts)} prompts without a near tie are continued otherwise")
    return {name: ratio(values, spent["ours"]) for name, values in spent.items() if name != "ours"}


def against_peers(name: str, models: Sequence[Any], peer: Any, sizes: tuple[int, int], repeats: int) -> list[Figure]:
    """The table of `generate` against its peers, printed, and its figures; `sizes` are prompts and new tokens."""
    n, new = sizes
    figures = []
    print_header("class", "`generate` of", "shared tokens", "its time ÷ ours", "CPU", "target")
    for model in models:
        kind = model_info(model).backend
        for shared in (0, SHARED):
            prompts = drawn(model, n, SHARED + OWN if shared else ALONE, shared, new)
            progress(f"{kind}, {len(prompts)} prompts, {shared} tokens shared")
            for side, found in compared(model, peer, prompts, new, repeats).items():
                short = "hugging_face" if side.startswith("Hugging") else "transformer_lens"
                figure = f"{name}_{kind}_{'shared_prefix_' if shared else ''}{short}_over_ours"
                wall = Figure(figure, found.clock, side, "higher", 1.5 if shared else 1.0)
                figures += [wall, Figure(f"{figure}_cpu", found.cpu, side, "higher", wall.target)]
                cells = (kind, side.removesuffix(" generate"), shared, f"{found.clock:.2f}", f"{found.cpu:.2f}")
                print_row(*cells, wall.target_cell())
    return figures


# The passes alone -----------------------------------------------------------------------------------------------------


@torch.inference_mode()
def hugging_face_passes(model: Any, tokens: torch.Tensor, steps: int) -> None:
    cache, ids = DynamicCache(), tokens
    for _ in range(1 + steps):
        logits = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        ids = logits[:, -1].argmax(-1, keepdim=True)


@torch.inference_mode()
def our_passes(model: Any, tokens: torch.Tensor, steps: int) -> None:
    cache, ids, mask = new_cache(model, len(tokens)), tokens, torch.ones_like(tokens)
    for _ in range(1 + steps):
        logits = forward(model, ids, mask, cache=cache, logits=True)
        assert logits is not None
        ids = logits.argmax(-1, keepdim=True)
        mask = torch.cat([mask, torch.ones_like(ids)], 1)


def without_hook_points(model: Any, tokens: torch.Tensor, steps: int) -> None:
    with backend_of(model).unobserved():
        our_passes(model, tokens, steps)


def passes(
    name: str, models: Sequence[Any], peers: dict[str, Any], sizes: tuple[int, int], repeats: int
) -> list[Figure]:
    """The table of forward passes alone, printed, and its figures: first pass, and the steps with its cache."""
    n, steps = sizes
    tokens = torch.tensor(drawn(models[0], n, ALONE, 0, steps))
    sides = {f"Hugging Face, {attention}": partial(hugging_face_passes, peer) for attention, peer in peers.items()}
    for model in models:
        kind = model_info(model).backend
        sides[kind] = partial(our_passes, model)
        if kind == "TransformerBridge":
            sides[f"{kind} without hook points"] = partial(without_hook_points, model)
    with torch.inference_mode():
        first, _ = in_turns({side: partial(run, tokens, 0) for side, run in sides.items()}, repeats)
        whole, _ = in_turns({side: partial(run, tokens, steps) for side, run in sides.items()}, repeats)
    base, *_ = sides
    figures = []
    print_header("passes of", f"first of {n} × {ALONE} tokens", f"it and {steps} steps", f"÷ {base}")
    for side in sides:
        ratios = ratio(whole[side], whole[base]).cpu
        seconds = [min(cost.cpu for cost in spent[side]) for spent in (first, whole)]
        print_row(side, *(f"{value:.3f} s" for value in seconds), f"{ratios:.2f}")
        figures.append(Figure(f"{name}_passes_{side}_over_hugging_face", ratios, base, "lower"))
    return figures


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    name = "gemma" if args.gemma else "demo"
    n, new = (8, 4) if args.quick else (8 if args.gemma else 32, 8)
    repeats = 2 if args.quick else 4 if args.gemma else 7
    folder = str(converted_folder(gemma3_file()) if args.gemma else demo.model_path())
    chosen: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    wrapped = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    models = [interp.load_model(wrapped, tokenizer=folder)]
    loaded = interp.load_model(folder)
    if model_info(loaded).backend != model_info(models[0]).backend:
        models.append(loaded)
    figures = against_peers(name, models, chosen, (n, new), repeats)
    eager = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    print()
    figures += passes(name, models, {"as it chooses": chosen, "eager": eager}, (n, new - 1), repeats)
    print_figures("generation", figures)


if __name__ == "__main__":
    main()

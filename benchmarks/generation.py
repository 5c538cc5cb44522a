"""Greedy generation against Hugging Face's own `generate` and TransformerLens's, on the same batch.

    python benchmarks/generation.py            # the embedded model
    python benchmarks/generation.py --quick    # fewer prompts, within a minute
    python benchmarks/generation.py --gemma    # Gemma 3 270M, 8 prompts: some three minutes

Prompts are ids drawn at random, of one length, whose continuations do not end before the last new token; with a
shared prefix their first 100 tokens are the same. Hugging Face's model is loaded separately, with the attention it
chooses itself. All sides run in one process with one thread, in turns; a figure is the median over turns of the
peer's wall time divided by ours, and beside it the same of CPU time, which other processes disturb less. Every side
must produce the same tokens, but for prompts with a near tie.
"""

import argparse
import json
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch
from transformers import AutoModelForCausalLM

import interp
from interp import demo
from interp.answering.generation import generate
from interp.models.gguf import converted_folder, gemma3_file
from interp.models.loading import eos_token_ids, model_info

SHARED, OWN = 100, 21
Ids = list[list[int]]


def drawn(model: Any, n: int, length: int, shared: int, new: int) -> Ids:
    """Random prompts that begin with the same `shared` tokens, and that the model continues for `new` tokens."""
    generator = torch.Generator().manual_seed(0)
    pool = torch.randint(5, model_info(model).d_vocab - 100, (2 * n, length), generator=generator).tolist()
    pool = [pool[0][:shared] + prompt[shared:] for prompt in pool]
    continued = generate(model, pool, max_new_tokens=new, batch_tokens=1 << 20)
    return [prompt for prompt, one in zip(pool, continued, strict=True) if one.finish == "length"][:n]


Seconds = dict[str, list[tuple[float, float]]]
"""Of every side in every turn: by the clock, and of the processor."""


def turns(sides: dict[str, Callable[[], Any]], repeats: int) -> tuple[Seconds, dict[str, Any]]:
    """Seconds of every side in every turn after the first, and what it returned; the order alternates."""
    seconds: Seconds = {name: [] for name in sides}
    returned = {}
    for turn in range(repeats + 1):
        for name in sorted(sides, reverse=bool(turn % 2)):
            clock, processor = perf_counter(), process_time()
            returned[name] = sides[name]()
            if turn:
                seconds[name].append((perf_counter() - clock, process_time() - processor))
    return seconds, returned


def compared(model: Any, peer: Any, prompts: Ids, new: int, repeats: int) -> dict[str, list[float]]:
    """Median of peer ÷ ours for each peer, of wall and of CPU time.

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
        seconds, returned = turns(sides, repeats)
    ours = returned.pop("ours")
    for name, output in returned.items():
        pairs = zip(ours, output[:, length:].tolist(), strict=True)
        differ = sum(one.ids != theirs for one, theirs in pairs if not one.near_ties)
        if differ:
            raise SystemExit(f"{name}: {differ} of {len(prompts)} prompts without a near tie are continued otherwise")
    for name, values in seconds.items():
        wall, cpu = map(median, zip(*values, strict=True))
        print(f"  {name:<26} {wall:7.2f} s, CPU {cpu:7.2f} s for {len(prompts)} x {length} + {new} tokens", flush=True)
    return {
        name: [
            median(theirs[kind] / own[kind] for theirs, own in zip(values, seconds["ours"], strict=True))
            for kind in range(2)
        ]
        for name, values in seconds.items()
        if name != "ours"
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gemma", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    name = "gemma" if args.gemma else "demo"
    n, new = (8, 4) if args.quick and args.gemma else (8 if args.gemma else 32, 8)
    repeats = 2 if args.quick and args.gemma else 3 if args.quick else 4 if args.gemma else 7
    folder = str(converted_folder(gemma3_file()) if args.gemma else demo.model_path())
    peer: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    wrapped = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    models = [interp.load_model(wrapped, tokenizer=folder)]
    loaded = interp.load_model(folder)
    if model_info(loaded).backend != model_info(models[0]).backend:
        models.append(loaded)

    lines = []
    for model in models:
        kind = model_info(model).backend
        for shared in (0, SHARED):
            prompts = drawn(model, n, 71 if shared == 0 else SHARED + OWN, shared, new)
            print(f"{name}, {kind}, {shared} tokens shared:")
            ratios = compared(model, peer, prompts, new, repeats)
            what = "shared_prefix_" if shared else ""
            for side, (ratio, cpu) in ratios.items():
                print(f"  {side + ' ÷ ours':<34} {ratio:5.2f}, CPU {cpu:5.2f}")
                theirs = side.startswith("Hugging")
                figure = f"{name}_{kind}_{what}{'hugging_face' if theirs else 'transformer_lens'}_over_ours"
                target = 1.5 if shared else 1.0
                lines.append({"figure": figure, "value": round(ratio, 3), "target": target, "peer": side})
                lines.append({**lines[-1], "figure": f"{figure}_cpu", "value": round(cpu, 3)})
    for line in lines:
        print(json.dumps({"benchmark": "generation", **line, "better": "higher"}))


if __name__ == "__main__":
    main()

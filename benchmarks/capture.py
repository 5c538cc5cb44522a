"""Capture against the bare forward pass and three ways of caching: time, memory, and what is kept.

    python benchmarks/capture.py            # the embedded model
    python benchmarks/capture.py --quick    # fewer samples, within a minute
    python benchmarks/capture.py --gemma    # Gemma 3 270M

Token ids are drawn at random. All sides run in one process with one thread, in turns; a figure is the median of the
turns' ratios of CPU time, which other jobs on the machine disturb less than the clock (its ratio stands in
parentheses). Peak memory is the high-water mark above what is held once the model is loaded, each side in a process of
its own (Linux). The paper's code (LLMsKnow) is written from its published description: one sample at a time, the traced
modules (residual stream, MLP, both ends of its output projection, input of the attention's output projection) kept for
every token and layer, and all logits. Its cost per sample is the same for all, so it runs over some of them.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch

import interp
from interp import demo
from interp.capturing.activations import capture_batches, capture_plan
from interp.models.batches import left_pad
from interp.models.loading import forward, model_info, model_tokenizer

TRACED = ("hook_resid_post", "hook_mlp_out", "mlp.hook_post", "attn.hook_z")
LONG, COMPLETION, BATCH_TOKENS, SOME = 4096, 12, 8192, 8
Case = tuple[interp.answering.answers.Answers, interp.capturing.positions.Positions]


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


def prompts(model: Any, n: int, length: int, shared: int = 0) -> list[list[int]]:
    """Random prompts that begin with the same `shared` tokens."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(5, model_info(model).d_vocab, (n, length), generator=generator).tolist()
    return [drawn[0][:shared] + prompt[shared:] for prompt in drawn]


def captured(model: Any, case: Case) -> None:
    for _ in capture_batches(model, *case, batch_tokens=BATCH_TOKENS):
        pass


def batches(model: Any, case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    plan = capture_plan(model, *case, batch_tokens=BATCH_TOKENS)
    return [left_pad([plan.ids[i] for i in batch], model_info(model).device) for batch in plan.batches]


def bare(model: Any, case: Case) -> None:
    """The trunk alone over the batches that capture makes."""
    for tokens, mask in batches(model, case):
        forward(model, tokens, mask)


@torch.inference_mode()
def one_at_a_time(model: Any, case: Case) -> None:
    """The first `SOME` samples."""
    answers, _ = case
    for i in range(SOME):
        tokens = torch.tensor([[*answers.prompt_ids[i], *answers.completion_ids[i]]])
        model.run_with_cache(tokens, names_filter=lambda name: name.endswith(TRACED))


@torch.inference_mode()
def cached(model: Any, case: Case) -> int:
    """`run_with_cache` with default filters on the same batches; returns the bytes it keeps."""
    kept = 0
    for tokens, mask in batches(model, case):
        _, cache = model.run_with_cache(tokens, attention_mask=mask)
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in cache.values()}
        kept += sum(storages.values())
    return kept


def kept_by_capture(model: Any, case: Case) -> int:
    cap = interp.capture(model, *case, batch_tokens=BATCH_TOKENS)
    return sum(tensor.nbytes for tensor in (cap.embed, *cap.sites.values(), *cap.attention.values()))


def ratios(one: Callable[[], Any], other: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Medians over turns of cost(one) ÷ cost(other), in CPU time and by the clock; the order alternates."""
    cpu, clock = [], []
    for turn in range(repeats + 1):
        cost = {}
        for side in (one, other) if turn % 2 else (other, one):
            started = process_time(), perf_counter()
            side()
            cost[side] = process_time() - started[0], perf_counter() - started[1]
        cpu.append(cost[one][0] / cost[other][0])
        clock.append(cost[one][1] / cost[other][1])
    return median(cpu[1:]), median(clock[1:])  # the first turn warms up


def load(args: argparse.Namespace) -> Any:
    return interp.load_model("gemma3-270m" if args.gemma else demo.model_path(), check=False)


def long_model(args: argparse.Namespace, attention: str) -> tuple[Any, Any]:
    """A Hugging Face model with room for the long context, and its tokenizer."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    from interp.models.loading import read_config

    if args.gemma:
        config, tokenizer = read_config("gemma3-270m")
        return AutoModelForCausalLM.from_pretrained(config._name_or_path, attn_implementation=attention), tokenizer
    _, tokenizer = read_config(demo.model_path())
    config = LlamaConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=8,
        max_position_embeddings=2 * LONG,
        architectures=["LlamaForCausalLM"],
    )
    config._attn_implementation = attention
    return LlamaForCausalLM(config).eval(), tokenizer


def memory(field: str) -> float:
    """MiB of `VmRSS` (now) or `VmHWM` (high-water mark) of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


@torch.inference_mode()
def peak(args: argparse.Namespace) -> float:
    """MiB that one side takes above the loaded model."""
    side, _, size = args.peak.partition(":")
    if size == "long":
        hf_model, tokenizer = long_model(args, "sdpa" if side == "bare" else "eager")
        model = hf_model if side == "bare" else interp.load_model(hf_model, tokenizer=tokenizer, check=False)
    else:
        model = load(args)
    torch.set_num_threads(1)
    if side == "bare":
        ids = torch.randint(5, model.config.vocab_size, (1, LONG))
        run: Callable[[], Any] = lambda: model.base_model(ids, use_cache=False)  # noqa: E731
    else:
        length = LONG - COMPLETION if size == "long" else 116
        case = samples(model, prompts(model, 1 if size == "long" else int(size), length))
        run = lambda: (captured if side == "capture" else cached)(model, case)  # noqa: E731
    forget = Path("/proc/self/clear_refs")
    forget.write_text("5")  # the high-water mark begins again here: loading is not counted
    before = memory("VmRSS")
    run()
    return memory("VmHWM") - before


def peak_of(side: str, args: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--peak", side, *(["--gemma"] if args.gemma else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gemma", action="store_true")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        print(peak(args))
        return
    torch.set_num_threads(1)
    repeats = args.repeats or (2 if args.quick else 3 if args.gemma else 7)
    n = 16 if args.quick else 32 if args.gemma else 64
    model = load(args)
    model_tokenizer(model)
    figures: list[tuple[str, float, float, str, str]] = []

    def figure(name: str, value: float, target: float, better: str, peer: str, clock: float | None = None) -> None:
        figures.append((name, value, target, better, peer))
        beside = "" if clock is None else f"({clock:.3f})"
        sign = "≤" if better == "lower" else "≥"
        print(f"{name:<24}{value:8.3f} {beside:<9} target {sign} {target:<6.4g} {peer}", flush=True)

    plain = samples(model, prompts(model, n, 116))
    few_shot = samples(model, prompts(model, 32, 132, shared=123))
    trunk, clock = ratios(lambda: captured(model, plain), lambda: bare(model, plain), repeats)
    figure("time_over_trunk", trunk, 1.15, "lower", "forward pass of the trunk, no hooks, same batches", clock)
    one = "one sample at a time, traced modules of every token and logits kept (LLMsKnow)"
    for name, case, target in (("no_prefix", plain, 3), ("few_shot", few_shot, 14)):
        theirs, ours = partial(one_at_a_time, model, case), partial(captured, model, case)
        speed, clock = ratios(theirs, ours, max(2, repeats // 2))
        times = len(case[0]) / SOME
        figure(f"speedup_{name}", speed * times, target, "higher", one, clock * times)
    default = "run_with_cache with default filters, same batches"
    small = samples(model, prompts(model, n // 4, 116))  # 32 samples of Gemma would be a cache of 14 GB
    speed, clock = ratios(lambda: cached(model, small), lambda: captured(model, small), max(2, repeats // 2))
    figure("speedup_run_with_cache", speed, 1, "higher", default, clock)
    figure("kept_share", kept_by_capture(model, small) / cached(model, small), 1 / 50, "lower", default)
    size = str(n // 4)
    figure("peak_share", peak_of(f"capture:{size}", args) / peak_of(f"cached:{size}", args), 1 / 3, "lower", default)
    sdpa = f"Hugging Face's trunk with sdpa, {LONG} tokens"
    figure("peak_long_context", peak_of("capture:long", args) / peak_of("bare:long", args), 1.2, "lower", sdpa)

    growth, clock = ratios(lambda: captured(model, plain), lambda: captured(model, small), repeats)
    figure("per_sample_4n_over_n", growth / 4, 1.1, "lower", "capture of a quarter of the samples", clock / 4)
    asked_often = samples(model, [prompt for prompt in prompts(model, n // 8, 116) for _ in range(8)])
    cost, clock = ratios(lambda: captured(model, asked_often), lambda: captured(model, plain), repeats)
    unique = n * (116 + COMPLETION) / (n // 8 * 115 + n * (COMPLETION + 1))
    peer = "as many samples without a prompt in common"
    figure("cost_per_unique_token", unique * cost, 1.25, "lower", peer, unique * clock)
    for name, value, target, better, peer in figures:
        line = {"benchmark": "capture", "figure": f"{'gemma' if args.gemma else 'demo'}_{name}"}
        line |= {"value": round(value, 4), "target": round(target, 4), "better": better, "peer": peer}
        print(json.dumps(line))


if __name__ == "__main__":
    main()

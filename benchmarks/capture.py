"""Capture against the bare forward pass and three ways of caching: time, memory, and what is kept.

    python benchmarks/capture.py            # the embedded model
    python benchmarks/capture.py --quick    # fewer samples, within a minute
    python benchmarks/capture.py --gemma    # Gemma 3 270M

Token ids are drawn at random. All sides run in one process with one thread, in turns; a figure is the median of the
ratios of the turns. Peak memory is the high-water mark above what is held once the model is loaded, each side in a
process of its own (Linux). The paper's code (LLMsKnow) is written from its published description: one sample at a
time, the traced modules (residual stream, MLP, both ends of its output projection, input of the attention's output
projection) kept for every token and layer, and all logits.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch

import interp
from interp import demo
from interp.capturing.activations import capture_batches, capture_plan
from interp.capturing.batches import left_pad
from interp.models.loading import forward, model_info, model_tokenizer

TRACED = ("hook_resid_post", "hook_mlp_out", "mlp.hook_post", "attn.hook_z")
LONG, COMPLETION, BATCH_TOKENS = 4096, 12, 8192
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
    answers, _ = case
    for prompt, completion in zip(answers.prompt_ids, answers.completion_ids, strict=True):
        tokens = torch.tensor([[*prompt, *completion]])
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


def ratios(one: Callable[[], Any], other: Callable[[], Any], repeats: int) -> float:
    """Median over turns of time(one) ÷ time(other); the order alternates."""
    out = []
    for turn in range(repeats + 1):
        seconds = {}
        for side in (one, other) if turn % 2 else (other, one):
            started = perf_counter()
            side()
            seconds[side] = perf_counter() - started
        out.append(seconds[one] / seconds[other])
    return median(out[1:])  # the first turn warms up


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
    repeats = args.repeats or (2 if args.quick else 7)
    n = 16 if args.quick else 64
    model = load(args)
    model_tokenizer(model)
    figures: list[tuple[str, float, float, str, str]] = []

    def figure(name: str, value: float, target: float, better: str, peer: str) -> None:
        figures.append((name, value, target, better, peer))
        print(f"{name:<34}{value:8.3f}   target {'≤' if better == 'lower' else '≥'} {target:<6g} {peer}", flush=True)

    plain = samples(model, prompts(model, n, 116))
    few_shot = samples(model, prompts(model, 32, 132, shared=123))
    trunk = ratios(lambda: captured(model, plain), lambda: bare(model, plain), repeats)
    figure("time_over_trunk", trunk, 1.15, "lower", "forward pass of the trunk, no hooks, same batches")
    one = "one sample at a time, traced modules of every token and logits kept (LLMsKnow)"
    speed = ratios(lambda: one_at_a_time(model, plain), lambda: captured(model, plain), max(1, repeats // 2))
    figure("speedup_no_prefix", speed, 3, "higher", one)
    speed = ratios(lambda: one_at_a_time(model, few_shot), lambda: captured(model, few_shot), max(1, repeats // 2))
    figure("speedup_few_shot", speed, 14, "higher", one)
    default = "run_with_cache with default filters, same batches"
    speed = ratios(lambda: cached(model, plain), lambda: captured(model, plain), max(1, repeats // 2))
    figure("speedup_run_with_cache", speed, 1, "higher", default)
    figure("kept_share", kept_by_capture(model, plain) / cached(model, plain), 1 / 50, "lower", default)
    size = str(n if not args.gemma else 32)
    figure("peak_share", peak_of(f"capture:{size}", args) / peak_of(f"cached:{size}", args), 1 / 3, "lower", default)
    sdpa = f"Hugging Face's trunk with sdpa, {LONG} tokens"
    figure("peak_long_context", peak_of("capture:long", args) / peak_of("bare:long", args), 1.2, "lower", sdpa)

    small = samples(model, prompts(model, n // 4, 116))
    growth = ratios(lambda: captured(model, plain), lambda: captured(model, small), repeats) / 4
    figure("per_sample_4n_over_n", growth, 1.1, "lower", "capture of a quarter of the samples")
    asked_often = samples(model, [prompt for prompt in prompts(model, n // 8, 116) for _ in range(8)])
    saved = ratios(lambda: captured(model, plain), lambda: captured(model, asked_often), repeats)
    unique = n * (116 + COMPLETION) / (n // 8 * 115 + n * (COMPLETION + 1))
    figure("cost_per_unique_token", unique / saved, 1.25, "lower", "as many samples without a prompt in common")
    for name, value, target, better, peer in figures:
        line = {"benchmark": "capture", "figure": f"{'gemma' if args.gemma else 'demo'}_{name}"}
        line |= {"value": round(value, 4), "target": round(target, 4), "better": better, "peer": peer}
        print(json.dumps(line))


if __name__ == "__main__":
    main()

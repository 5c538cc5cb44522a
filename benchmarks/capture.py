"""Capture against the bare forward pass and three ways of caching: time, memory, and what is kept.

    python benchmarks/capture.py            # the embedded model
    python benchmarks/capture.py --quick    # fewer samples and turns, a shorter context
    python benchmarks/capture.py --gemma    # Gemma 3 270M

Token ids are drawn at random. All sides run in one process with one thread, in turns; a figure is the median of the
turns' ratios of CPU time, which other jobs on the machine disturb less than the clock (its ratio stands beside it).
Peak memory is the high-water mark above what is held once the model is loaded, each side in a process of its own
(Linux; with --quick one process for all). The paper's code (LLMsKnow) is written from its published description: one
sample at a time, the traced modules (residual stream, MLP, both ends of its output projection, input of the
attention's output projection) kept for every token and layer, and all logits. Its cost per sample is the same for all,
so it runs over some of them.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from drawn_samples import COMPLETION, Case, prompts, random_hf_llama, samples
from measuring import (
    Direction,
    Figure,
    forget_peak,
    in_own_processes,
    in_turns,
    memory,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
    ratio,
)

import interp
from interp import demo
from interp.capturing.forward_pass import capture_batches, capture_plan
from interp.models.batches import left_pad
from interp.models.loading import forward, model_info, read_config
from interp.support.heap import give_back

TRACED = ("hook_resid_post", "hook_mlp_out", "mlp.hook_post", "attn.hook_z")
BATCH_TOKENS, LENGTH = 8192, 116


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="fewer samples and turns, a shorter context")
    options.add_argument("--gemma", action="store_true", help="Gemma 3 270M instead of the embedded model")
    options.add_argument("--repeats", type=int, metavar="N", help="turns (default 7; Gemma 3, quick 2)")
    options.add_argument("--peak", nargs="+", help=argparse.SUPPRESS)
    return options


# The sides ------------------------------------------------------------------------------------------------------------


def captured(model: Any, case: Case) -> None:
    for _ in capture_batches(model, *case, batch_tokens=BATCH_TOKENS):
        pass


def batches(model: Any, case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Tokens and masks of the batches that capture makes, each sample whole."""
    plan, device = capture_plan(model, *case, batch_tokens=BATCH_TOKENS), model_info(model).device
    return [left_pad([plan.ids(i) for i in batch], device) for batch in plan.batches]


def bare(model: Any, case: Case) -> None:
    """The trunk alone over the same batches."""
    for tokens, mask in batches(model, case):
        forward(model, tokens, mask)


@torch.inference_mode()
def one_at_a_time(model: Any, case: Case, n: int) -> None:
    """The first `n` samples as the paper's code runs them."""
    answers, _ = case
    for i in range(n):
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
    tensors: list[Any] = [cap.embed, *cap.sites.values(), *cap.attention.values()]
    return sum(tensor.nbytes for tensor in tensors)


def load(args: argparse.Namespace) -> Any:
    return interp.load_model("gemma3-270m" if args.gemma else demo.model_path(), check=False)


# Peak memory ----------------------------------------------------------------------------------------------------------


def long_model(args: argparse.Namespace, attention: str, context: int) -> tuple[Any, Any]:
    """A Hugging Face model with room for the long context, and its tokenizer."""
    from transformers import AutoModelForCausalLM

    if args.gemma:
        config, tokenizer = read_config("gemma3-270m")
        return AutoModelForCausalLM.from_pretrained(config._name_or_path, attn_implementation=attention), tokenizer
    return random_hf_llama(6, 256, 8, mlp=4, n_ctx=2 * context, attention=attention)


@torch.inference_mode()
def peak(side: str, args: argparse.Namespace) -> int:
    """Bytes that a side, `capture`, `cached` or `bare`, takes above the loaded model; `capture:n` or `capture:long`."""
    kind, _, size = side.partition(":")
    context = long_context(args)
    if size == "long":
        hf_model, tokenizer = long_model(args, "sdpa" if kind == "bare" else "eager", context)
        model = hf_model if kind == "bare" else interp.load_model(hf_model, tokenizer=tokenizer, check=False)
    else:
        model = load(args)
    if kind == "bare":
        ids = torch.randint(5, model.config.vocab_size, (1, context))
        run: Callable[[], Any] = partial(model.base_model, ids, use_cache=False)
    else:
        n, length = (1, context - COMPLETION) if size == "long" else (int(size), LENGTH)
        run = partial(captured if kind == "capture" else cached, model, samples(model, prompts(model, n, length)))
    give_back()
    forget_peak()  # loading is not counted
    before = memory("VmRSS")
    run()
    return memory("VmHWM") - before


def peaks(args: argparse.Namespace, *sides: str) -> list[int]:
    """`peak` of every side, in a process of its own; quick: one after the other in one process."""
    given = [option for option in ("--gemma", "--quick") if getattr(args, option[2:])]
    return in_own_processes(__file__, "--peak", sides, *given, together=args.quick)


def long_context(args: argparse.Namespace) -> int:
    return 1024 if args.quick else 4096


# ----------------------------------------------------------------------------------------------------------------------


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    if args.peak:
        print(json.dumps([peak(side, args) for side in args.peak]))
        return
    repeats = args.repeats or (2 if args.quick else 3 if args.gemma else 7)
    n, some = (16, 2) if args.quick else (32, 8) if args.gemma else (64, 8)
    model, name = load(args), "gemma" if args.gemma else "demo"
    figures: list[Figure] = []
    print_header("figure", "value", "by the clock", "target", "against")

    def figure(
        what: str, value: float, target: float, better: Direction, peer: str, clock: float | None = None
    ) -> None:
        figures.append(Figure(f"{name}_{what}", value, peer, better, target))
        beside = "" if clock is None else f"{clock:.3f}"
        print_row(what, f"{value:.3g}", beside, figures[-1].target_cell(), peer)

    def timed(one: Callable[[], Any], other: Callable[[], Any], turns: int) -> tuple[float, float]:
        """Cost of one ÷ other, of the processor and by the clock."""
        spent, _ = in_turns({"one": one, "other": other}, turns)
        found = ratio(spent["one"], spent["other"])
        return found.cpu, found.clock

    plain = samples(model, prompts(model, n, LENGTH))
    few_shot = samples(model, prompts(model, n // 2 if args.quick else 32, 132, shared=123))
    trunk, clock = timed(lambda: captured(model, plain), lambda: bare(model, plain), repeats)
    figure("time_over_trunk", trunk, 1.15, "lower", "forward pass of the trunk, no hooks, same batches", clock)
    one = "one sample at a time, traced modules of every token and logits kept (LLMsKnow)"
    for case_name, case, target in (("no_prefix", plain, 3), ("few_shot", few_shot, 14)):
        theirs, ours = partial(one_at_a_time, model, case, some), partial(captured, model, case)
        speed, clock = timed(theirs, ours, max(2, repeats // 2))
        times = len(case[0]) / some
        figure(f"speedup_{case_name}", speed * times, target, "higher", one, clock * times)
    default = "run_with_cache with default filters, same batches"
    small = samples(model, prompts(model, n // 4, LENGTH))  # 32 samples of Gemma would be a cache of 14 GB
    speed, clock = timed(lambda: cached(model, small), lambda: captured(model, small), max(2, repeats // 2))
    figure("speedup_run_with_cache", speed, 1, "higher", default, clock)
    figure("kept_share", kept_by_capture(model, small) / cached(model, small), 1 / 50, "lower", default)
    sides = (f"capture:{n // 4}", f"cached:{n // 4}", "capture:long", "bare:long")
    kept, everything, long, trunk_long = peaks(args, *sides)
    figure("peak_share", kept / everything, 1 / 3, "lower", default)
    sdpa = f"Hugging Face's trunk with sdpa, {long_context(args):,} tokens"
    figure("peak_long_context", long / trunk_long, 1.2, "lower", sdpa)

    answers, _ = plain
    peer = "as many columns of one token each"
    for what, pooled, single in (
        ("pooled_over_single", ("mean:exact_answer", "mean:completion", "max:completion"), ("a", "b", "c")),
        ("pooled_prompt_over_first_token", ("mean:sample",), ("a",)),
    ):
        ends = "start" if what.endswith("first_token") else "prompt_end"  # both sides need the same rows
        rules = [(one, f"{ends}+{i}") for i, one in enumerate(single)]
        several, ones = (
            (answers, interp.resolve_positions(answers, roles=[*interp.ROLES, *own])) for own in (pooled, rules)
        )
        times, clock = timed(partial(captured, model, several), partial(captured, model, ones), repeats)
        figure(what, times, 1.4 if ends == "prompt_end" else 2, "lower", peer, clock)

    growth, clock = timed(lambda: captured(model, plain), lambda: captured(model, small), repeats)
    figure("per_sample_4n_over_n", growth / 4, 1.1, "lower", "capture of a quarter of the samples", clock / 4)
    asked_often = samples(model, [prompt for prompt in prompts(model, n // 8, LENGTH) for _ in range(8)])
    often, clock = timed(lambda: captured(model, asked_often), lambda: captured(model, plain), repeats)
    unique = n * (LENGTH + COMPLETION) / (n // 8 * (LENGTH - 1) + n * (COMPLETION + 1))
    peer = "as many samples without a prompt in common"
    figure("cost_per_unique_token", unique * often, 1.25, "lower", peer, unique * clock)
    print_figures("capture", figures)


if __name__ == "__main__":
    main()

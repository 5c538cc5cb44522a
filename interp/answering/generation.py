"""Greedy generation in left-padded batches, with the prefix that all prompts share computed once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from interp.capturing.batches import common_prefix, left_pad, plan_batches
from interp.models.loading import (
    HookedModel,
    KeyValueCache,
    eos_token_ids,
    forward,
    model_info,
    model_tokenizer,
    new_cache,
)

Progress = Callable[[int], None]
"""Called with the number of samples just finished."""


@dataclass(frozen=True)
class Generated:
    """What the model produced after one prompt."""

    ids: list[int]
    """Includes the token that stopped generation, if one did."""
    finish: str
    """`stop` (end of text, end of turn, or a stop string) or `length`."""
    logprobs: list[float]


def generate(
    model: HookedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = (),
    batch_tokens: int = 8192,
    progress: Progress | None = None,
) -> list[Generated]:
    """The greedy continuation of every prompt, in the order given.

    `batch_tokens` bounds the padded tokens of a batch (prompts and new tokens). A few-shot prefix common to all
    prompts runs once and its keys and values are shared.
    """
    results: list[Generated | None] = [None] * len(prompts)
    # At least one token of each prompt stays outside the prefix: its output predicts the first new token.
    prefix = common_prefix([prompt[:-1] for prompt in prompts]) if len(prompts) > 1 else []
    shared = None
    if prefix:
        device = model_info(model).device
        shared = new_cache(model, 1)
        tokens = torch.tensor([prefix], device=device)
        forward(model, tokens, torch.ones_like(tokens), cache=shared)
    lengths = [len(prompt) + max_new_tokens for prompt in prompts]
    for batch in plan_batches(lengths, batch_tokens):
        cache = shared.repeat(len(batch)) if shared is not None else new_cache(model, len(batch))
        suffixes = [list(prompts[i])[len(prefix) :] for i in batch]
        for i, generated in zip(
            batch, _generate_batch(model, suffixes, len(prefix), cache, max_new_tokens, stop), strict=True
        ):
            results[i] = generated
        if progress is not None:
            progress(len(batch))
    return [result for result in results if result is not None]


def _generate_batch(
    model: HookedModel,
    suffixes: list[list[int]],
    n_prefix: int,
    cache: KeyValueCache,
    max_new_tokens: int,
    stop: Sequence[str],
) -> list[Generated]:
    device, tokenizer, ends = model_info(model).device, model_tokenizer(model), eos_token_ids(model)
    tokens, mask = left_pad(suffixes, device)
    mask = torch.cat([mask.new_ones(len(mask), n_prefix), mask], dim=1)
    results = [Generated([], "length", []) for _ in suffixes]
    going = list(range(len(suffixes)))
    for _ in range(max_new_tokens):
        logits = forward(model, tokens, mask, cache=cache, logits=True)
        assert logits is not None
        best = logits.float().log_softmax(-1).max(-1)
        for i, token, logprob in zip(going, best.indices.tolist(), best.values.tolist(), strict=True):
            results[i].ids.append(token)
            results[i].logprobs.append(logprob)
            if token in ends or (stop and any(s in tokenizer.decode(results[i].ids) for s in stop)):
                results[i] = replace(results[i], finish="stop")
        kept = [row for row, i in enumerate(going) if results[i].finish != "stop"]
        if not kept:
            break
        tokens, mask = best.indices[kept, None], torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)[kept]
        if len(kept) < len(going):  # finished samples cost nothing more
            cache.select(torch.tensor(kept, device=device))
            going = [going[row] for row in kept]
    return results

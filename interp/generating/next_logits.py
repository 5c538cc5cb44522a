"""Logits of a few tokens that may follow a prompt: what a question with fixed options is answered by."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from interp.models.batches import left_pad, plan_batches
from interp.models.loading import HookedModel, forward, model_info
from interp.models.memory import Splits
from interp.models.shared_prefix import SharedPrefix


def next_logits(
    model: HookedModel, prompts: Sequence[Sequence[int]], tokens: Sequence[int], *, batch_tokens: int = 8192
) -> Float[np.ndarray, "prompt token"]:
    """The logit of each of `tokens` as the next one after every prompt; the prefix that all share runs once.

    Raises ModelError for a prompt that does not fit into memory alone.
    """
    prefix, out = SharedPrefix.of(model, prompts), np.empty((len(prompts), len(tokens)))

    def one_pass(some: Sequence[int]) -> Float[np.ndarray, "some token"]:
        ids, mask = left_pad([list(prompts[i])[len(prefix) :] for i in some], model_info(model).device)
        mask = torch.cat([mask.new_ones(len(mask), len(prefix)), mask], dim=1)
        logits = forward(model, ids, mask, cache=prefix.cache(len(some)) if len(prefix) else None, logits=True)
        assert logits is not None
        return logits[:, list(tokens)].double().cpu().numpy()

    def too_large(i: int) -> str:
        return f"out of memory on prompt {i} alone ({len(prompts[i])} tokens): use a smaller dtype or a larger device"

    for batch in plan_batches([len(prompt) for prompt in prompts], batch_tokens):
        out[batch] = np.concatenate(Splits().run("next", batch, one_pass, too_large=too_large))
    return out

"""How many threads a model's passes are worth on this machine as it is now: measured, because its load decides."""

from time import perf_counter

import torch

from interp.models.architecture import HookedModel, model_info
from interp.models.hooked import forward
from interp.support.machine import usable_cpus
from interp.support.threads import torch_threads

WORTH = 0.8
"""Twice the threads are taken where they need at most this share of the time: where others compute too, they cost
several times the processor time of one."""
ROWS, LONGEST, WORK = 8, 32, 2e10
"""Sequences of the pass that is timed, their tokens at most, and how many multiplications it may take."""


@torch.inference_mode()
def worthwhile_threads(model: HookedModel) -> int:
    """1, or the largest of 2, 4, … up to torch's own number that is clearly faster than the half of it.

    A model that is not on the CPU keeps torch's number.
    """
    own = torch.get_num_threads()
    info = model_info(model)
    if info.device.type != "cpu":
        return own
    weights = 12 * info.n_layers * info.d_model**2 + info.d_model * info.d_vocab
    length = int(min(LONGEST, info.n_ctx, max(1, WORK / (ROWS * weights))))
    tokens = torch.arange(ROWS * length).reshape(ROWS, length) % info.d_vocab

    def seconds(threads: int) -> float:
        taken = []
        with torch_threads(threads):
            for _ in range(3):  # the first time, memory is still being asked for
                started = perf_counter()
                forward(model, tokens, torch.ones_like(tokens), logits=True)
                taken.append(perf_counter() - started)
        return min(taken)

    chosen, most = 1, min(own, usable_cpus())
    fastest = seconds(1) if most > 1 else 0.0
    while chosen < most:
        more = min(2 * chosen, most)
        now = seconds(more)
        if now > WORTH * fastest:
            break
        chosen, fastest = more, now
    return chosen

"""A TransformerBridge without the blocks before the last, for vectors that take the place of what that one puts out."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from interp.models.backends.backend import Backend

EQUAL = "interp_equal_last_block"
"""Attribute of a model that says whether its last modules give the same, to the bit, without the blocks before."""

Unembed = Callable[[Float[Tensor, "token d_model"]], Float[Tensor, "token d_vocab"]]


def last_block(backend: Backend, unembed: Unembed) -> AbstractContextManager[None]:
    """For the time of the block of code, blocks before the last compute nothing.

    Nothing happens where a trial on a few vectors, once per model, fails or differs.
    """
    if not hasattr(backend.model, EQUAL):
        setattr(backend.model, EQUAL, _is_equal(backend, unembed))
    return backend.beginning_at(backend.cfg.n_layers - 1) if getattr(backend.model, EQUAL) else nullcontext()


@torch.inference_mode()
def _is_equal(backend: Backend, unembed: Unembed) -> bool:
    width = int(backend.cfg.d_model)
    vectors = torch.linspace(-3, 5, 3 * width).reshape(3, width).sin()
    whole = unembed(vectors)
    try:
        with backend.beginning_at(backend.cfg.n_layers - 1):
            return torch.equal(unembed(vectors), whole)
    except Exception:  # whatever a class of Hugging Face answers that looks for what its blocks left behind
        return False

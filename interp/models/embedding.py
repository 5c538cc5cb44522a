"""The input embedding of a hooked model: the vector that it looks up for a token id, before any position or block."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.models.backends.kinds import backend_of
from interp.support.accepted import HookedModel


@torch.inference_mode()
def token_embeddings(model: HookedModel, ids: Sequence[int]) -> Float[Tensor, "token width"] | None:
    """The input embedding of token ids, float32 on the CPU; None where the model has none that can be looked up.

    The model's own module is asked, so that a scaled or quantised embedding gives the vectors that it gives the model;
    no hook fires.
    """
    lookup: Any = backend_of(model).embedding
    if lookup is None:
        return None
    device = next((weight.device for weight in lookup.parameters()), torch.device("cpu"))
    found = lookup(torch.tensor(list(ids), dtype=torch.long, device=device))
    return found.float().cpu() if isinstance(found, Tensor) and found.is_floating_point() else None

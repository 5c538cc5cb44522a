"""A TransformerBridge with its last block only, for vectors that take the place of what that block puts out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

EQUAL = "interp_equal_last_block"
"""Attribute of a model that says whether its last modules give the same, to the bit, without the blocks before."""

Unembed = Callable[[Float[Tensor, "token d_model"]], Float[Tensor, "token d_vocab"]]


@contextmanager
def last_block(model: Any, unembed: Unembed, n_layers: int) -> Iterator[None]:
    """For the time of the block of code, the model's list of blocks holds the last one.

    Nothing happens where there is no such list, or a trial on a few vectors, once per model, fails or differs.
    """
    if not hasattr(model, EQUAL):
        setattr(model, EQUAL, False)  # while it is tried, nothing is left out
        setattr(model, EQUAL, _is_equal(model, unembed, n_layers))
    with _shortened(model, n_layers) if getattr(model, EQUAL) else _as_it_is():
        yield


def _is_equal(model: Any, unembed: Unembed, n_layers: int) -> bool:
    width = int(model.cfg.d_model)
    vectors = torch.linspace(-3, 5, 3 * width).reshape(3, width).sin()
    whole = unembed(vectors)
    try:
        with _shortened(model, n_layers):
            return torch.equal(unembed(vectors), whole)
    except Exception:  # whatever a class of Hugging Face answers that looks for its other blocks
        return False


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _shortened(model: Any, n_layers: int) -> Iterator[None]:
    last = model.blocks[n_layers - 1]
    held = [
        (parent, name, blocks)
        for parent in model.original_model.modules()
        for name, blocks in parent.named_children()
        if isinstance(blocks, nn.ModuleList) and len(blocks) == n_layers and blocks[n_layers - 1] is last
    ]
    try:
        for parent, name, _ in held:
            setattr(parent, name, nn.ModuleList([last]))
        yield
    finally:
        for parent, name, blocks in held:
            setattr(parent, name, blocks)

"""A model whose weights are put out of order for a while: what it still shows was never learned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from interp.models.loading import HookedModel


@contextmanager
def scrambled(model: HookedModel, *, seed: int = 0) -> Iterator[None]:
    """For the time of the block, every axis of every weight is in another order, drawn by a generator of `seed`.

    Sizes, norms and spectra of the weights are what they were, and which number meets which is not: the model is of
    the same make and has learned nothing. No copy of it is made. Buffers stay, as do weights that are not floating
    numbers.
    """
    weights = {one.data_ptr(): one for one in _weights(model) if one.is_floating_point()}
    orders = []
    generator = torch.Generator().manual_seed(seed)
    for weight in weights.values():
        orders.append([torch.randperm(n, generator=generator).to(weight.device) for n in weight.shape])
    try:
        for weight, order in zip(weights.values(), orders, strict=True):
            _reorder(weight, order)
        yield
    finally:
        for weight, order in zip(weights.values(), orders, strict=True):
            _reorder(weight, [torch.argsort(one) for one in order])


def _weights(model: Any) -> Iterator[Tensor]:
    for weight in model.parameters():
        yield weight.data


def _reorder(weight: Tensor, order: list[Tensor]) -> None:
    for axis, places in enumerate(order):
        weight.copy_(weight.index_select(axis, places))

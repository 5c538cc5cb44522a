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
    generator = torch.Generator().manual_seed(seed)
    changed: list[tuple[Tensor, list[Tensor]]] = []
    try:
        for weight in _weights(model):
            order = [torch.randperm(n, generator=generator).to(weight.device) for n in weight.shape]
            _reorder(weight, order)
            changed.append((weight, order))
        yield
    finally:
        # What was not reached stays; the last one first, should weights share some of their numbers.
        for weight, order in reversed(changed):
            _reorder(weight, [torch.argsort(one) for one in order])


def _weights(model: Any) -> list[Tensor]:
    """Each number of a weight once: tied weights are one, and parts of a weight, as of joined Q, K and V, none."""
    found: list[Tensor] = []
    whole: list[tuple[int, int]] = []
    for weight in sorted((one.data for one in model.parameters()), key=lambda one: -one.numel()):
        if not weight.is_floating_point() or weight.numel() == 0:
            continue
        begin = weight.data_ptr()
        steps = sum((n - 1) * step for n, step in zip(weight.shape, weight.stride(), strict=True))
        end = begin + (steps + 1) * weight.element_size()
        if not any(low <= begin and end <= high for low, high in whole):
            found.append(weight)
            if steps + 1 == weight.numel():
                whole.append((begin, end))
    return found


def _reorder(weight: Tensor, order: list[Tensor]) -> None:
    found = weight
    for axis, places in enumerate(order):
        found = found.index_select(axis, places)
    weight.copy_(found)  # all axes at once: an error before it leaves the weight as it was

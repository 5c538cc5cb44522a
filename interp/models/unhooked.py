"""A TransformerBridge without its hook points, for passes that nobody observes: the same numbers in less time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from interp.models.architecture import HookedModel, backend, model_info
from interp.models.hooked import forward

EQUAL = "interp_unhooked_equal"
"""Attribute of a model that says whether it gives the same logits with and without its hook points."""


@contextmanager
def unhooked(model: HookedModel) -> Iterator[None]:
    """For the time of the block, Hugging Face's own modules stand where the bridge has wrapped them.

    Nothing happens to a HookedTransformer, to a model with any hook on it (it is to be seen by every pass), with
    processed weights, or whose logits differ in one bit without the hook points (tried once on a few tokens).
    """
    if not _may_stand_aside(model):
        yield
        return
    with _standing_aside(model):
        yield


def _may_stand_aside(model: HookedModel) -> bool:
    if backend(model) != "TransformerBridge" or model_info(model).processed_weights:
        return False
    if any(module._forward_hooks or module._forward_pre_hooks for module in model.modules()):
        return False
    if not hasattr(model, EQUAL):
        tokens = torch.arange(3, 11).remainder(model.cfg.d_vocab)[None]
        hooked = forward(model, tokens, torch.ones_like(tokens), logits=True)
        with _standing_aside(model):
            bare = forward(model, tokens, torch.ones_like(tokens), logits=True)
        assert hooked is not None and bare is not None
        setattr(model, EQUAL, torch.equal(hooked, bare))
    return bool(getattr(model, EQUAL))


@contextmanager
def _standing_aside(model: HookedModel) -> Iterator[None]:
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    try:
        _replace(model.original_model, replaced)
        yield
    finally:
        for parent, name, wrapper in replaced:
            parent._modules[name] = wrapper


def _replace(parent: nn.Module, replaced: list[tuple[nn.Module, str, nn.Module]]) -> None:
    """Put the wrapped module in the place of every wrapper below `parent`, and note the wrapper down."""
    for name, child in list(parent._modules.items()):
        if child is None:
            continue
        wrapped = child._modules.get("original_component")
        if wrapped is not None:
            replaced.append((parent, name, child))
            parent._modules[name] = child = wrapped
        _replace(child, replaced)

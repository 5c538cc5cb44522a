"""A TransformerBridge without its hook points, for passes that nobody observes: the same numbers in less time.

A bridge puts a module with hook points in the place of every module of the Hugging Face model, and the module that
stood there into it (`original_component`). Some of them compute things that only a hook could see.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from interp.models.backends.backend import Backend

EQUAL = "interp_equal_unhooked"
"""Attribute of a model that says whether it computes the same, to the bit, without its hook points."""

LIBRARIES = ("transformers.", "transformer_lens.")
"""Their own hooks on modules serve their own hook points and outputs."""


@contextmanager
def unhooked(backend: Backend) -> Iterator[None]:
    """For the time of the block, Hugging Face's own modules stand where the bridge has put its own.

    Nothing happens to a model with a hook of anybody on it (it sees every pass), to one with processed weights or
    weights of its own beside Hugging Face's, or where a trial on a few tokens differs in one bit.
    """
    if not backend.processed and not _is_observed(backend.model) and _is_equal(backend):
        with _own_modules(backend.model):
            yield
    else:
        yield


def _is_observed(model: Any) -> bool:
    from transformer_lens.hook_points import HookPoint

    for module in model.modules():
        hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        if isinstance(module, HookPoint):
            if hooks:
                return True
        elif any(not str(getattr(hook, "__module__", "")).startswith(LIBRARIES) for hook in hooks):
            return True
    return False


def _is_equal(backend: Backend) -> bool:
    """The trial, once per model: two samples, one of them padded, and a second pass over the cached first.

    What the passes cache is compared too: a cache filled with hook points on goes on without them.
    """
    model = backend.model
    if not hasattr(model, EQUAL):
        weights, hooked = {id(weight) for weight in model.parameters()}, _trial(backend)
        with _own_modules(model):
            # A weight that only the bridge knows could be changed without the model knowing.
            equal = weights == {id(weight) for weight in model.original_model.parameters()}
            bare = _trial(backend)
            equal = equal and len(bare) == len(hooked) and all(map(torch.equal, hooked, bare))
        setattr(model, EQUAL, equal)
    return bool(getattr(model, EQUAL))


@torch.inference_mode()
def _trial(backend: Backend) -> list[torch.Tensor]:
    tokens = (torch.arange(14).reshape(2, 7) * 31 % backend.cfg.d_vocab).to(backend.cfg.device)
    mask = torch.ones_like(tokens)
    mask[1, :2] = 0
    cache = backend.new_cache(2)
    passes = [(tokens[:, :5], mask[:, :5]), (tokens[:, 5:], mask)]
    logits = [backend.run(new, seen, cache, logits=True) for new, seen in passes]
    return [*(one for one in logits if one is not None), *cache.tensors()]


@contextmanager
def _own_modules(model: Any) -> Iterator[None]:
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    try:
        _replace(model.original_model, replaced)
        yield
    finally:
        for parent, name, wrapper in replaced:
            setattr(parent, name, wrapper)


def _replace(parent: nn.Module, replaced: list[tuple[nn.Module, str, nn.Module]]) -> None:
    """Put the wrapped module in the place of every wrapper below `parent`, and note the wrapper down."""
    for name, child in list(parent.named_children()):
        wrapped = _wrapped(child)
        if wrapped is not None:
            replaced.append((parent, name, child))
            setattr(parent, name, wrapped)
        _replace(child if wrapped is None else wrapped, replaced)


def _wrapped(module: nn.Module) -> nn.Module | None:
    """Hugging Face's module inside one of the bridge's."""
    found = getattr(module, "original_component", None)
    return found if isinstance(found, nn.Module) else None

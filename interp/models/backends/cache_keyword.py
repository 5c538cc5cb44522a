"""The name under which layers hand their cache on: `cache` since transformers 5.24, `past_key_values` before.

The bridge of TransformerLens up to 4.3 looks for the older name only. Given the newer one its attention computes as if
there were no cache and stores nothing in it, so for the time of a pass it is handed the cache under both.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from torch import nn

from interp.support.accepted import HookedModel

OLD, NEW = "past_key_values", "cache"


@lru_cache
def cache_keyword(architecture: Any) -> str:
    """The keyword that a Hugging Face model class takes its cache by; looked up once per class, a step is short."""
    return NEW if NEW in inspect.signature(architecture.forward).parameters else OLD


@contextmanager
def handed_on(model: HookedModel, keyword: str) -> Iterator[None]:
    """For the time of the block, every attention of a bridge finds the cache that its layer is handed as `keyword`."""
    handles = []
    try:
        if keyword == NEW:
            for attention in (getattr(block, "attn", None) for block in model.blocks):
                inner = getattr(attention, "original_component", None)
                if attention is not None and inner is not None:  # else Hugging Face's own stands here (unhooked.py)
                    handles.append(attention.register_forward_pre_hook(_under_both_names, with_kwargs=True))
                    handles.append(inner.register_forward_pre_hook(_under_the_new_name, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _under_both_names(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    if options.get(NEW) is not None:
        options = {OLD: options[NEW], **options}
    return args, options


def _under_the_new_name(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    """Where the bridge leaves attention to Hugging Face's own module, that would warn of two names for one thing."""
    if NEW in options:
        options = {name: option for name, option in options.items() if name != OLD}
    return args, options

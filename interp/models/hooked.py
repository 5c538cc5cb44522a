"""A forward pass through either class of TransformerLens: hooks by name, left padding, with a cache or without."""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.models.backends.backend import Hook
from interp.models.backends.caches import KeyValueCache, PassedTokens
from interp.models.backends.kinds import backend_of
from interp.support.accepted import HookedModel

_IN_ATTENTION = frozenset({"pattern", "z", "q", "k", "v"})
_NO_HOOKS: Mapping[str, Hook] = MappingProxyType({})


def hook_name(site: str, layer: int) -> str:
    """Name of a site's hook point, the same in both classes: `resid_post` at layer 3 is `blocks.3.hook_resid_post`."""
    if site == "mlp_post":
        return f"blocks.{layer}.mlp.hook_post"
    return f"blocks.{layer}.{'attn.' if site in _IN_ATTENTION else ''}hook_{site}"


@torch.inference_mode()
def forward(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    *,
    hooks: Mapping[str, Hook] = _NO_HOOKS,
    cache: KeyValueCache | None = None,
    logits: bool = False,
) -> Float[Tensor, "sample d_vocab"] | None:
    """One pass over token ids; positions follow from the mask, so left-padded rows equal unpadded ones.

    `hooks` maps hook names to functions of the tensor: they look at it, or return another, which goes on in its place.
    `attention_mask` (1 = real token) covers the cached tokens and the new ones. Returns the logits of the last
    position, or None and computes no logits. Where the cache holds tokens (recurrent layers), they run again and
    `hooks` see them too. Raises ModelError for a hook point the architecture lacks.
    """
    backend = backend_of(model)
    tokens, attention_mask = tokens.to(backend.cfg.device), attention_mask.to(backend.cfg.device)
    with backend.attached(hooks):
        return backend.run(tokens, attention_mask, cache, logits=logits)


PATTERN_ENTRIES = 1 << 18
"""Query × key entries per sample and head that one piece of a long prompt may have."""


def fill_cache(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    cache: KeyValueCache,
    *,
    chunk: int | None = None,
    last_layer: int | None = None,
) -> None:
    """Run tokens into a cache `chunk` at a time: no layer ever holds a pattern larger than `chunk` × keys.

    Both classes compute the whole pattern, so a long prompt passed at once costs its square in memory. By default
    the pieces get shorter as the keys get more. A piece ends where the last layer has stored its keys and values:
    what that layer would add to the residual stream enters no cache. `last_layer`: another than the model's last, if
    nothing behind it will be asked for.
    """
    if isinstance(cache, PassedTokens):
        cache.grown(tokens)
        return
    if chunk is None:
        chunk = max(64, PATTERN_ENTRIES // attention_mask.shape[1])
    last_layer = backend_of(model).cfg.n_layers - 1 if last_layer is None else last_layer
    last = {hook_name("pattern", last_layer): _stop}
    for end in range(tokens.shape[1], 0, -chunk)[::-1]:
        start = max(0, end - chunk)
        seen = attention_mask.shape[1] - tokens.shape[1] + end
        with suppress(PassEndedError):
            forward(model, tokens[:, start:end], attention_mask[:, :seen], hooks=last, cache=cache)


class PassEndedError(Exception):
    """Ends a pass, and is no fault: a hook raises it that has seen all it needs; who starts the pass suppresses it."""


def _stop(pattern: Tensor) -> None:
    raise PassEndedError

"""A forward pass through either class of TransformerLens: hooks by name, left padding, with a cache or without."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.architecture import HookedModel, backend, is_recurrent, text_config, windows
from interp.models.cache_keyword import cache_keyword, handed_on
from interp.models.key_value_cache import KeyValueCache, Tokens

_IN_ATTENTION = frozenset({"pattern", "z", "q", "k", "v"})
_NO_HOOKS: Mapping[str, Callable[[Tensor], None]] = MappingProxyType({})


def hook_name(site: str, layer: int) -> str:
    """Name of a site's hook point, the same in both classes: `resid_post` at layer 3 is `blocks.3.hook_resid_post`."""
    if site == "mlp_post":
        return f"blocks.{layer}.mlp.hook_post"
    return f"blocks.{layer}.{'attn.' if site in _IN_ATTENTION else ''}hook_{site}"


@contextmanager
def _attached(model: HookedModel, hooks: Mapping[str, Callable[[Tensor], None]]) -> Iterator[None]:
    """Our hooks for the time of one pass; only they are taken off again, whatever else is on the hook points."""
    points = model.hook_dict if hooks else {}
    missing = [name for name in hooks if name not in points]
    if missing:
        raise ModelError(f"{type(model).__name__} has no hook point {missing[0]!r}: the architecture lacks this site")
    handles = []
    try:
        for name, function in hooks.items():
            # On the bridge hook.name is another alias, so a function is bound to the name that was asked for.
            points[name].add_hook(partial(_observe, function))
            handles.append((points[name], points[name].fwd_hooks[-1]))
        yield
    finally:
        for point, handle in handles:
            handle.hook.remove()
            point.fwd_hooks = [other for other in point.fwd_hooks if other is not handle]


def _observe(function: Callable[[Tensor], None], tensor: Tensor, hook: object) -> None:
    function(tensor)


@torch.inference_mode()
def forward(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    *,
    hooks: Mapping[str, Callable[[Tensor], None]] = _NO_HOOKS,
    cache: KeyValueCache | None = None,
    logits: bool = False,
) -> Float[Tensor, "sample d_vocab"] | None:
    """One pass over token ids; positions follow from the mask, so left-padded rows equal unpadded ones.

    `hooks` maps hook names to functions that look at the tensor. `attention_mask` (1 = real token) covers the cached
    tokens and the new ones. Returns the logits of the last position, or None and computes no logits. Where the cache
    holds tokens (recurrent layers), they run again and `hooks` see them too.
    Raises ModelError for a hook point the architecture lacks.
    """
    tokens, attention_mask = tokens.to(model.cfg.device), attention_mask.to(model.cfg.device)
    if cache is not None and isinstance(cache.store, Tokens):
        tokens, cache = _passed(cache.store, tokens), None
    run = _pass_hooked_transformer if backend(model) == "HookedTransformer" else _pass_bridge
    with _attached(model, hooks):
        return run(model, tokens, attention_mask, cache, logits)


PATTERN_ENTRIES = 1 << 18
"""Query × key entries per sample and head that one piece of a long prompt may have."""


def fill_cache(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    cache: KeyValueCache,
    *,
    chunk: int | None = None,
) -> None:
    """Run tokens into a cache `chunk` at a time: no layer ever holds a pattern larger than `chunk` × keys.

    Both classes compute the whole pattern, so a long prompt passed at once costs its square in memory. By default
    the pieces get shorter as the keys get more. A piece ends where the last layer has stored its keys and values:
    what that layer would add to the residual stream enters no cache.
    """
    if isinstance(cache.store, Tokens):
        _passed(cache.store, tokens)
        return
    if chunk is None:
        chunk = max(64, PATTERN_ENTRIES // attention_mask.shape[1])
    last = {hook_name("pattern", model.cfg.n_layers - 1): _stop}
    for end in range(tokens.shape[1], 0, -chunk)[::-1]:
        start = max(0, end - chunk)
        seen = attention_mask.shape[1] - tokens.shape[1] + end
        with suppress(_CacheFilled):
            forward(model, tokens[:, start:end], attention_mask[:, :seen], hooks=last, cache=cache)


def _passed(store: Tokens, tokens: Int[Tensor, "sample new"]) -> Int[Tensor, "sample all"]:
    """The new tokens behind those that passed before, which the store then holds."""
    store.passed = tokens if store.passed is None else torch.cat([store.passed, tokens.to(store.passed.device)], dim=1)
    return store.passed


class _CacheFilled(Exception):
    """Ends a pass, and is no error: the last layer has its keys and values."""


def _stop(pattern: Tensor) -> None:
    raise _CacheFilled


def pads_between(model: HookedModel) -> bool:
    """Whether padding may follow cached tokens: windows and distances are then still measured in tokens."""
    if is_recurrent(model) or is_alibi(model):
        return False
    if all(window is None for window in windows(model)):
        return True
    if backend(model) == "HookedTransformer":
        return False
    return getattr(model.original_model.config.get_text_config(), "sliding_window", None) is not None


def is_alibi(model: HookedModel) -> bool:
    """Whether distances are added to the attention's scores (ALiBi): MPT's count padding between two tokens."""
    config = text_config(model)
    return config is not None and (config.model_type == "mpt" or bool(getattr(config, "alibi", False)))


def _pass_bridge(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    cache: KeyValueCache | None,
    logits: bool,
) -> Float[Tensor, "sample d_vocab"] | None:
    wrapped = model.original_model
    architecture: Any = type(wrapped)
    options: dict[str, Any] = {"attention_mask": attention_mask, "use_cache": cache is not None}
    if cache is not None:
        options[cache_keyword(architecture)] = cache.store
    if _padding_inside_window(model, attention_mask):
        options |= _masks_by_position(model, attention_mask, tokens.shape[1])
    if _keeps_logits(architecture):
        # The bridge always calls the unembedding: with no position to keep it costs nothing.
        options["logits_to_keep"] = 1 if logits else torch.empty(0, dtype=torch.long, device=tokens.device)
    with handed_on(model, cache_keyword(architecture)) if cache is not None else nullcontext():
        output = model(tokens, return_type="logits", **options)
    return output[:, -1] if logits else None


@lru_cache
def _keeps_logits(architecture: Any) -> bool:
    """Whether the logits of chosen positions can be asked for; looked up once per class, a step is short."""
    return "logits_to_keep" in inspect.signature(architecture.forward).parameters


def _padding_inside_window(model: HookedModel, attention_mask: Int[Tensor, "sample all"]) -> bool:
    """Whether a sliding window may span padding between cached and new tokens; both classes count it as keys."""
    narrow = min((window for window in windows(model) if window is not None), default=None)
    if narrow is None or attention_mask.shape[1] <= narrow:
        return False
    resumes = (attention_mask[:, 1:] > attention_mask[:, :-1]) & (attention_mask.cumsum(1)[:, :-1] > 0)
    return bool(resumes.any())


def _masks_by_position(model: HookedModel, attention_mask: Int[Tensor, "sample all"], new: int) -> dict[str, Any]:
    """Hugging Face's additive masks with the window measured in real tokens, and the new tokens' positions."""
    config = model.original_model.config.get_text_config()
    if getattr(config, "sliding_window", None) is None:
        raise ModelError(
            f"{type(model.original_model).__name__} counts padding after cached tokens as part of its local attention: "
            "pass tokens of equal length, or no cache"
        )
    position = attention_mask.cumsum(1) - 1
    query, key = position[:, -new:, None], position[:, None, :]
    causal = (key <= query) & (attention_mask[:, None, :] > 0)
    hidden = torch.finfo(model.original_model.dtype).min

    def additive(visible: Bool[Tensor, "sample new all"]) -> Float[Tensor, "sample 1 new all"]:
        zero = torch.zeros(visible.shape, dtype=model.original_model.dtype, device=visible.device)
        return zero.masked_fill(~visible, hidden)[:, None]

    sliding = additive(causal & (key > query - config.sliding_window))
    masks: Any = sliding
    if getattr(config, "layer_types", None) is not None:
        masks = {"full_attention": additive(causal), "sliding_attention": sliding}
    return {"attention_mask": masks, "position_ids": position[:, -new:].clamp_min(0)}


def _pass_hooked_transformer(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    attention_mask: Int[Tensor, "sample all"],
    cache: KeyValueCache | None,
    logits: bool,
) -> Float[Tensor, "sample d_vocab"] | None:
    new, n_layers = tokens.shape[1], model.cfg.n_layers
    options: dict[str, Any] = {"attention_mask": attention_mask[:, -new:]}
    if _padding_inside_window(model, attention_mask):
        raise ModelError(
            "HookedTransformer counts padding after cached tokens as part of its sliding window: "
            "pass tokens of equal length, or no cache, or load the model as a TransformerBridge"
        )
    if cache is not None:
        cache.store.previous_attention_mask = attention_mask[:, :-new]
        options["past_kv_cache"] = cache.store
    if not logits:
        model(tokens, return_type=None, **options)
        return None
    residual = model(tokens, stop_at_layer=n_layers, **options)
    return model(residual[:, -1:], start_at_layer=n_layers)[:, -1]

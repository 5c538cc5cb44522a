"""What of a model's attention can be read: the layers with a pattern, and those whose values and W_O are known."""

import torch
from einops import einsum, repeat
from jaxtyping import Float
from torch import Tensor

from interp.models.architecture import HookedModel, has_pattern, is_recurrent, model_info, new_cache
from interp.models.backends.kinds import backend_of
from interp.models.deviation import deviates, keep, tolerance_of
from interp.models.hooked import forward, hook_name

KNOWN = "interp_known_values"
"""Attribute of a model: the layers whose values and W_O are known."""


def output_weight(model: HookedModel, layer: int) -> Float[Tensor, "head d_head d_model"] | None:
    """W_O of one layer: what each head's `z` is multiplied by before the heads are summed.

    None where there is none of that shape, or not in floating numbers: quantised, of several experts, in no attention.
    """
    return backend_of(model).output_weight(layer)


def known_values(model: HookedModel) -> tuple[bool, ...]:
    """Per layer, whether `value_norm` can be computed: W_O is there, and `hook_v` holds what the pattern weighs.

    A short trial, once per model: DeepSeek's latent attention has its heads before its tokens, Gemma 4 norms its
    values after the hook point.
    """
    if not hasattr(model, KNOWN):
        setattr(model, KNOWN, _trial(model))
    known: tuple[bool, ...] = getattr(model, KNOWN)
    return known


def undefined_metrics(model: HookedModel) -> dict[str, str]:
    """Which attention metrics are NaN at which layers, and why; empty where everything is defined."""
    shown, known = has_pattern(model), known_values(model)
    bare = [layer for layer, there in enumerate(shown) if not there]
    unknown = [layer for layer, there in enumerate(known) if shown[layer] and not there]
    found = {}
    if bare:
        found["every metric"] = f"no attention pattern in {_layers(bare, len(shown))}"
    if unknown:
        found["value_norm"] = f"values or W_O cannot be read in {_layers(unknown, len(shown))}"
    return found


def _layers(layers: list[int], n_layers: int) -> str:
    return "any layer" if len(layers) == n_layers else f"layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"


def _trial(model: HookedModel) -> tuple[bool, ...]:
    info, shown, points = model_info(model), has_pattern(model), backend_of(model).points
    names = {
        layer: [hook_name(site, layer) for site in ("pattern", "v", "z")]
        for layer in range(info.n_layers)
        if shown[layer] and hook_name("v", layer) in points and output_weight(model, layer) is not None
    }
    seen: dict[str, Tensor] = {}
    hooks = {name: keep(seen, name) for of in names.values() for name in of if name in points}
    tokens, cache = torch.arange(7)[None] * 31 % info.d_vocab, None if is_recurrent(model) else new_cache(model, 1)
    forward(model, tokens, torch.ones_like(tokens), hooks=hooks, cache=cache)

    def is_known(layer: int) -> bool:
        pattern, value, z = (seen.get(name) for name in names[layer])
        kv_heads = 0 if value is None or value.ndim != 4 else value.shape[2]
        if value is None or value.shape != (1, 7, kv_heads, info.d_head) or not kv_heads or info.n_heads % kv_heads:
            return False
        if cache is not None:  # what the attention itself reads
            held = cache.values(layer)
            return held.shape == value.shape and not deviates(value, held, tolerance_of(info.dtype))
        if pattern is None or z is None:
            return False
        of_head = repeat(value, "one key kv d -> one key (kv group) d", group=info.n_heads // kv_heads)
        weighed = einsum(pattern.float(), of_head.float(), "one head query key, one key head d -> one query head d")
        return not deviates(weighed.flatten(2), z.flatten(2), tolerance_of(info.dtype))

    return tuple(layer in names and is_known(layer) for layer in range(info.n_layers))

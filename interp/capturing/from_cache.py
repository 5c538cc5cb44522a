"""A Capture from what `model.run_with_cache` returned: the vectors, and the attention metrics if it kept patterns."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from einops import einsum
from torch import Tensor

from interp.capturing.activations import Capture, read_sites
from interp.capturing.attention import output_gram, reduce_roles, value_norms
from interp.capturing.gather import gather_roles
from interp.capturing.layout import Layout, PaddingSide, PatternMasks, visible_keys
from interp.capturing.points import Points
from interp.capturing.positions import Positions
from interp.capturing.same_samples import sample_ids
from interp.errors import DataError
from interp.models.backends.kinds import is_remote
from interp.models.hook_places import ALIASES, other_names
from interp.models.loading import HookedModel, has_pattern, hook_name, known_values, model_info, output_weight
from interp.support.accepted import Cache, Ids
from interp.support.arguments import instance, one_of
from interp.support.messages import shown
from interp.support.public import public


@public
def capture_from_cache(
    cache: Cache,
    positions: Positions,
    *,
    sites: str | Sequence[str] = ("resid_post",),
    padding_side: PaddingSide = "right",
    model: HookedModel | None = None,
    ids: Ids | None = None,
) -> Capture:
    """`capture` from a cache that `model.run_with_cache` returned for the samples of `positions`, in their order.

    The cache (an ActivationCache, or a dict by hook name) needs the sites; its layers are those that hold one. The
    bridge's own names of a block's ends, `hook_in` and `hook_out`, are `hook_resid_pre` and `hook_resid_post`.
    `attn.hook_pattern` of these layers gives the attention metrics (without it there are none), `hook_resid_pre` of
    block 0 the control row `embed` (else None). `padding_side` says where the batch was padded. Pass the `model` (taken
    from the cache where it has one) for `value_norm` (needs `attn.hook_v` too) and for sliding windows. `ids` name the
    samples (default: those of the answers that `positions` were resolved in, else numbers), by order: an id that names
    another sample in the positions is refused.

    `Capture.concat` joins the batches of a larger data set. Raises DataError if the cache holds no site at all, a site
    or pattern at some of its layers only, or tensors that do not fit the positions.

    >>> from interp.demo import answered
    >>> import torch
    >>> model, answers = answered(1)
    >>> ids = torch.tensor([answers.prompt_ids[0] + answers.completion_ids[0]])
    >>> cap = interp.capture_from_cache(model.run_with_cache(ids)[1], interp.resolve_positions(answers))
    >>> cap.resid.shape
    torch.Size([1, 9, 15, 64])
    """
    sites = read_sites(sites)
    instance("positions", positions, Positions, "they come from resolve_positions or Positions.at")
    one_of("padding_side", padding_side, get_args(PaddingSide))
    if not hasattr(cache, "keys") or isinstance(cache, type):
        raise DataError(f"cache: expected what run_with_cache returned, or a dict by hook name, got {shown(cache)}")
    names_of_samples = sample_ids(positions, ids)
    own = getattr(cache, "model", None)
    model = model if model is not None else None if is_remote(own) else own
    windows_of = None if model is None else model_info(model).windows
    keys_of = _keys(cache)
    names = set(keys_of)
    layers = sorted(layer for layer in _blocks(names) if any(hook_name(site, layer) in names for site in sites))
    if not layers:
        wanted = ", ".join(hook_name(site, 0) for site in sites)
        raise DataError(f"the cache holds none of {wanted} …; run_with_cache must keep them (see names_filter)")

    def read(site: str, layer: int) -> Tensor:
        name = hook_name(site, layer)
        if name not in names:
            raise DataError(f"the cache has no {name!r}; run_with_cache must keep it (see names_filter)")
        tensor, axes = cache[keys_of[name]], {"pattern": "sample head query key"}.get(site, "sample token width")
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.ndim < len(axes.split()):
            raise DataError(f"cache: expected a tensor `{axes}` at {name!r}, got {shown(tensor)}")
        if len(tensor) != len(positions):
            raise DataError(
                f"the cache holds {len(tensor)} samples ({name}), the positions {len(positions)}: give the same samples"
            )
        return tensor

    has = dict.fromkeys(layers, True) if model is None else dict(enumerate(has_pattern(model)))
    known = {} if model is None else dict(enumerate(known_values(model)))
    patterns = any(hook_name("pattern", layer) in names for layer in layers)
    with_pattern = [layer for layer in layers if has.get(layer, True)] if patterns else []
    first = read("pattern", with_pattern[0]) if patterns else read(sites[0], layers[0])
    positions = positions.to(first.device)
    queries, keys = first.shape[-2:] if patterns else (first.shape[1], first.shape[1])
    layout = Layout.padded(positions.n, queries, keys, padding_side)
    points = Points.of(positions)
    row = layout.rows(points.positions.index, points.positions.valid)

    def gathered(site: str, layer: int) -> Tensor:
        hidden = read(site, layer)  # a model may lie on several devices, and its cache with it
        if hidden.shape[1] != queries:
            raise DataError(f"cache: {hook_name(site, layer)} has {hidden.shape[1]} tokens, others have {queries}")
        return gather_roles(hidden, row, points).flatten(2).cpu()

    def measured(layer: int) -> dict[str, Tensor]:
        if layer not in with_pattern:
            return {}
        pattern, norms = read("pattern", layer), None
        if pattern.shape[2:] != (queries, keys):
            raise DataError(
                f"cache: layer {layer} has a pattern {shown(pattern)}, layer {with_pattern[0]} {shown(first)}"
            )
        outside = einsum(pattern.abs(), hidden.to(pattern), "sample head query key, sample query key -> ").item()
        if outside > 1e-3:
            raise DataError(
                f"cache: layer {layer} has attention {outside:.2g} on padding or later tokens, so that the batch's "
                f"numbers depend on it (padding_side={padding_side!r}): give run_with_cache the attention_mask"
            )
        weight = output_weight(model, layer) if model is not None and known[layer] else None
        if weight is not None and hook_name("v", layer) in names:
            value = read("v", layer)
            norms = value_norms(value, output_gram(weight).to(value.device))
        return reduce_roles(pattern, masks[windows[layer]].to(pattern.device), points, norms)

    windows = dict.fromkeys(layers) if windows_of is None else dict(enumerate(windows_of))
    if beyond := [layer for layer in layers if layer not in windows]:
        raise DataError(f"the cache holds layer {beyond[0]}, the model has {len(windows)}: another model's cache")
    masks = {window: PatternMasks.of(points.positions, layout, window) for window in {*windows.values()} if patterns}
    hidden = ~visible_keys(layout, layout.query, None) & (layout.query >= 0)[:, :, None]
    metrics = [measured(layer) for layer in layers] if patterns else [{}]
    if patterns:  # a layer without a pattern has every metric, undefined
        there = {name: torch.full_like(metric, torch.nan) for of in metrics for name, metric in of.items()}
        metrics = [{**there, **of} for of in metrics]
    return Capture(
        sites={site: torch.stack([gathered(site, layer) for layer in layers], dim=1) for site in sites},
        embed=gathered("resid_pre", 0) if hook_name("resid_pre", 0) in names else None,
        attention={name: torch.stack([m[name].cpu() for m in metrics], dim=1) for name in metrics[0]},
        valid=positions.valid.cpu(),
        index=positions.index.cpu(),
        layers=tuple(layers),
        roles=positions.roles,
        id=names_of_samples,
        settings={"sites": list(sites), "source": "run_with_cache"},
    )


def _keys(cache: Any) -> dict[str, str]:
    """The cache's keys by the names of the hook points: a TransformerBridge may have kept one under another name."""
    names = [name for name in {*cache.keys()} if isinstance(name, str)]
    other = {
        alias: hook_name(site, layer)
        for layer in _blocks({*names})
        for site in ALIASES.values()
        for alias in other_names(site, layer)
    }
    return {other[name]: name for name in names if name in other} | {name: name for name in names}


def _blocks(names: set[str]) -> set[int]:
    """Numbers of the blocks that the hook names name."""
    parts = [name.split(".") for name in names if isinstance(name, str)]
    return {int(part[1]) for part in parts if part[0] == "blocks" and len(part) > 2 and part[1].isdecimal()}

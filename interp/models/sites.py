"""Whether a site is what its name says, in this model: tried once on a few tokens, for every layer.

A hook point may be absent, may never fire, or may hold something else: where a norm stands behind a sum, or inputs of
the layer join in it, what a part puts out is not what the stream gains.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from interp.errors import ModelError
from interp.models.architecture import HookedModel, model_info
from interp.models.backends.kinds import backend_of
from interp.models.deviation import deviates, keep, tolerance_of
from interp.models.hooked import forward, hook_name

CHECKED = "interp_checked_sites"
"""Attribute of a model: the sites that were found to be right."""

PARTS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
BEHIND = {"z": "attn.o", "mlp_post": "mlp.out"}
"""The module that a site feeds: put through it, the site must give what comes out of it."""


def check_sites(model: HookedModel, sites: Sequence[str]) -> None:
    """Raise ModelError for a site that the model lacks, that never fires, or that is not what its name says."""
    done: set[str] = getattr(model, CHECKED, set())
    asked = [site for site in sites if site not in done]
    if not asked:
        return
    info, points = model_info(model), backend_of(model).points
    names = {hook_name(site, layer): site for layer in range(info.n_layers) for site in asked}
    for name, site in names.items():
        if name not in points:
            raise ModelError(f"{info.architecture} has no site {site!r} (no hook point {name!r}): choose other sites")
    wanted = [*names, *(hook_name(site, layer) for layer in range(info.n_layers) for site in PARTS)]
    wanted += [f"blocks.{layer}.{behind}.hook_out" for layer in range(info.n_layers) for behind in BEHIND.values()]
    seen: dict[str, Tensor] = {}
    tokens = torch.arange(1, 8)[None] * 31 % info.d_vocab
    hooks = {name: keep(seen, name) for name in dict.fromkeys(wanted) if name in points}
    forward(model, tokens, torch.ones_like(tokens), hooks=hooks)
    for name, site in names.items():
        if name not in seen:
            raise ModelError(
                f"the hook point {name!r} exists but never fires in {info.architecture}: "
                f"without the site {site!r} nothing can be captured there"
            )
        if seen[name].ndim < 3 or seen[name].shape[:2] != tokens.shape:
            raise ModelError(f"{info.architecture}: {name!r} is no vector per token but {(*seen[name].shape,)}")
    for layer in range(info.n_layers):
        for site in asked:
            if not _is_right(model, site, layer, seen, tolerance_of(info.dtype)):
                raise ModelError(
                    f"{info.architecture}, layer {layer}: what {hook_name(site, layer)!r} holds is not "
                    f"{MEANT[site]}: choose other sites than {site!r}"
                )
    setattr(model, CHECKED, done | {*asked})


_ADDED = "what is added to the residual stream"
MEANT = {
    "resid_pre": "the residual stream before the block",
    "resid_mid": "the residual stream between attention and MLP",
    "resid_post": "the residual stream after the block",
    "attn_out": f"{_ADDED} by attention",
    "mlp_out": f"{_ADDED} by the MLP",
    "mlp_post": "the input of the MLP's output projection",
    "z": "what the heads give to W_O",
}


def _is_right(model: HookedModel, site: str, layer: int, seen: Mapping[str, Tensor], tolerance: float) -> bool:
    pre, mid, post, attention, mlp = (seen.get(hook_name(part, layer)) for part in PARTS)

    def adds_up(before: Tensor | None, *parts: Tensor | None, after: Tensor | None) -> bool:
        """False also where one of them is not known."""
        if before is None or after is None or any(part is None for part in parts):
            return False
        return not deviates(sum([part for part in parts if part is not None], before), after, tolerance)

    if site == "resid_post":
        later = seen.get(hook_name("resid_pre", layer + 1))
        return later is None or adds_up(post, after=later)
    if site == "resid_pre":
        earlier = seen.get(hook_name("resid_post", layer - 1))
        return earlier is None or adds_up(pre, after=earlier)
    side_by_side = adds_up(pre, attention, mlp, after=post)
    if site == "attn_out":
        return side_by_side or adds_up(pre, attention, after=mid)
    if site == "mlp_out":
        return side_by_side or adds_up(mid, mlp, after=post)
    if site == "resid_mid":
        return adds_up(pre, attention, after=mid) or adds_up(mid, mlp, after=post)
    if site in backend_of(model).by_definition:
        return True
    return _gives(model, layer, BEHIND[site], seen[hook_name(site, layer)], seen, tolerance)


@torch.inference_mode()
def _gives(
    model: HookedModel, layer: int, behind: str, site: Tensor, seen: Mapping[str, Tensor], tolerance: float
) -> bool:
    module: Any = model.blocks[layer]
    for name in behind.split("."):
        module = getattr(module, name, None)
    inner, output = getattr(module, "original_component", None), seen.get(f"blocks.{layer}.{behind}.hook_out")
    if inner is None or output is None:
        return False
    try:
        given = inner(site.flatten(2))
    except (RuntimeError, TypeError, ValueError):  # of another width
        return False
    return not deviates(given.reshape(output.shape), output, tolerance) if given.numel() == output.numel() else False

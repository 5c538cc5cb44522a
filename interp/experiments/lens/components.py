"""Of what the last residual stream is the sum: which components a model's hook points show, tried on a few tokens."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import ModelError
from interp.models.architecture import model_info
from interp.models.backends.kinds import backend_of
from interp.models.deviation import deviates, keep, tolerance_of
from interp.models.hooked import forward, hook_name
from interp.models.sites import check_sites
from interp.support.accepted import HookedModel

HEADS = ("z", "attn_out", "mlp_out", "resid_post")
PARTS, BLOCKS = HEADS[1:], HEADS[3:]
"""Sites by which the stream is taken apart: into heads and MLPs, attention and MLPs, whole blocks."""


@dataclass(frozen=True)
class Parts:
    """How the stream of a model is taken apart."""

    sites: tuple[str, ...]
    reason: str
    """Why not further; "" with heads and MLPs."""
    factors: tuple[float, ...] = ()
    """Per layer, what the sum of the heads behind W_O is multiplied by before it is added."""

    @classmethod
    def of(cls, model: HookedModel) -> "Parts":
        """As far apart as the model's sites allow."""
        try:
            check_sites(model, HEADS[1:])
            streams = _tried(model, HEADS[1:])
            if not _adds_up(model, streams):
                raise ModelError("what attention and MLPs put out does not add up to the residual stream")
        except ModelError as error:
            return cls(BLOCKS, f"attention and MLPs cannot be told apart: {error}")
        try:
            check_sites(model, ("z",))
            return cls(HEADS, "", _factors(model, _tried(model, HEADS)))
        except ModelError as error:
            return cls(PARTS, f"heads cannot be told apart: {error}")


def _tried(model: HookedModel, sites: tuple[str, ...]) -> dict[str, Tensor]:
    """The sites of every layer, and the embedding, on two short texts."""
    info, seen = model_info(model), dict[str, Tensor]()
    tokens = torch.arange(1, 15).reshape(2, 7) * 31 % info.d_vocab
    names = [hook_name(site, layer) for site in sites for layer in range(info.n_layers)]
    hooks = {name: keep(seen, name) for name in [*names, hook_name("resid_pre", 0)]}
    forward(model, tokens, torch.ones_like(tokens), hooks=hooks)
    return {name: value.double().cpu() for name, value in seen.items()}


def _adds_up(model: HookedModel, seen: dict[str, Tensor]) -> bool:
    info = model_info(model)
    parts = [seen[hook_name(site, layer)] for layer in range(info.n_layers) for site in ("attn_out", "mlp_out")]
    total = sum(parts, seen[hook_name("resid_pre", 0)])
    return not deviates(total, seen[hook_name("resid_post", info.n_layers - 1)], tolerance_of(info.dtype))


def _factors(model: HookedModel, seen: dict[str, Tensor]) -> tuple[float, ...]:
    """Raises ModelError where what attention adds is not a multiple of the heads behind W_O, but for a bias."""
    info, found = model_info(model), []
    for layer in range(info.n_layers):
        weight = backend_of(model).output_weight(layer)
        if weight is None:
            raise ModelError(f"layer {layer} has no output weight by head")
        z, added = (seen[hook_name(site, layer)].flatten(0, 1) for site in ("z", "attn_out"))
        summed = z.flatten(1) @ weight.flatten(0, 1).double().cpu()
        around, moved = summed - summed.mean(0), added - added.mean(0)
        factor = float((around * moved).sum() / (around * around).sum())
        if deviates(factor * around, moved, 10 * tolerance_of(info.dtype)):
            raise ModelError(
                f"layer {layer} adds something else than the sum of its heads behind W_O (a norm, or a gate, stands "
                "behind it)"
            )
        found.append(factor)
    return tuple(found)


@dataclass(frozen=True)
class Component:
    """A part of the sum."""

    name: str
    kind: str
    """`embed`, `head`, `attention`, `mlp`, `block`, `attention biases` or `bias`."""
    layer: int = -1
    head: int = -1


def components(parts: Parts, n_layers: int, n_heads: int) -> list[Component]:
    """In the order in which `contributions` gives them."""
    found = [Component("embedding", "embed")]
    for layer in range(n_layers):
        if parts.sites == BLOCKS:
            found.append(Component(f"block {layer}", "block", layer))
            continue
        if parts.sites == HEADS:
            found += [Component(f"head {layer}.{head}", "head", layer, head) for head in range(n_heads)]
        else:
            found.append(Component(f"attention {layer}", "attention", layer))
        found.append(Component(f"mlp {layer}", "mlp", layer))
    rest = [Component("attention biases", "attention biases")] if parts.sites == HEADS else []
    return [*found, *rest, Component("final biases", "bias")]


def contributions(
    model: HookedModel,
    parts: Parts,
    sites: dict[str, Float[Tensor, "sample layer width"]],
    embed: Float[Tensor, "sample d_model"],
    row: Float[Tensor, "sample contrast d_model"],
) -> Float[Tensor, "sample contrast component"]:
    """Every component but the final biases, times `row`; float64. `sites` are those of one role."""

    def read(vectors: Float[Tensor, "sample d_model"]) -> Float[Tensor, "sample contrast"]:
        return (row * vectors.double()[:, None]).sum(-1)

    out, biases = [read(embed)], torch.zeros(row.shape[:2], dtype=torch.float64)
    before = embed
    for layer in range(sites["resid_post"].shape[1]):
        if parts.sites == BLOCKS:
            after = sites["resid_post"][:, layer]
            out.append(read(after.double() - before.double()))
            before = after
            continue
        added = read(sites["attn_out"][:, layer])
        if parts.sites == HEADS:
            weight = backend_of(model).output_weight(layer)
            assert weight is not None
            # The row goes back through W_O: what every head adds to the stream is never held.
            behind = torch.einsum("scd,hkd->schk", row, weight.double().cpu()) * parts.factors[layer]
            z = sites["z"][:, layer].double().unflatten(-1, weight.shape[:2])
            heads = torch.einsum("schk,shk->sch", behind, z)
            out += heads.unbind(-1)
            biases += added - heads.sum(-1)
        else:
            out.append(added)
        out.append(read(sites["mlp_out"][:, layer]))
    return torch.stack([*out, *([biases] if parts.sites == HEADS else [])], dim=-1)

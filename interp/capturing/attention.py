"""Attention-pattern metrics at the role positions, per head (definitions: attention-pattern metrics)."""

from typing import Any, get_args

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from interp.capturing.layout import Layout, PaddingSide, PatternMasks
from interp.capturing.points import Points
from interp.capturing.positions import Positions
from interp.errors import DataError
from interp.support.arguments import instance, one_of, whole_number
from interp.support.messages import shown
from interp.support.public import public

METRICS = (
    "received",
    "received_no_sink",
    "entropy",
    "to_sink",
    "to_question",
    "to_exact_answer",
    "to_completion",
    "to_self",
    "lookback",
    "value_norm",
)


@public
def attention_metrics(
    pattern: Float[Tensor, "sample head query key"],
    positions: Positions,
    *,
    window: int | None = None,
    padding_side: PaddingSide = "right",
    value: Float[Tensor, "sample key kv_head d_head"] | None = None,
    W_O: Float[Tensor, "head d_head d_model"] | None = None,
) -> dict[str, Float[Tensor, "sample head role"]]:
    """Every attention metric of one layer, from its post-softmax pattern.

    `pattern` is `cache["pattern", layer]` of TransformerLens for the samples of `positions`, in their order.
    `window` is the layer's sliding window in tokens (None: full causal attention). `value_norm` is computed when
    the values (`cache["v", layer]`) and the layer's `W_O` are given. With left padding the query axis may be a
    suffix of the sequence; with right padding it is the whole sequence.

    Returns {metric: [sample, head, role]}; NaN where a role is absent or a metric's set of keys is empty. A pooled
    role's value is the mean (maximum, minimum) over those of its tokens at which the metric is defined.
    Definitions: attention-pattern metrics; `lookback`: Chuang et al. 2024; `value_norm`: Kobayashi et al. 2020.

    Raises DataError if the pattern's axes do not fit the positions.

    >>> import torch
    >>> pattern = torch.ones(1, 2, 4, 4).tril() / torch.arange(1, 5)[:, None]  # two heads, uniform attention
    >>> positions = interp.Positions.at([[1, 3]], n_tokens=[4], roles=("a", "b"))
    >>> interp.attention_metrics(pattern, positions)["entropy"]  # sample head role; 1 = uniform
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    instance("positions", positions, Positions, "they come from resolve_positions or Positions.at")
    pattern = _tensor("pattern", pattern, "sample head query key")
    if window is not None:
        window = whole_number("window", window, 1)
    one_of("padding_side", padding_side, get_args(PaddingSide))
    queries, keys = pattern.shape[-2:]
    if not len(positions):
        raise DataError("positions: expected at least one sample")
    longest = int(positions.n.max())
    if len(pattern) != len(positions.n) or (padding_side == "right" and keys < longest):
        raise DataError(
            f"the pattern has {len(pattern)} samples and {keys} keys; the positions have {len(positions.n)} samples "
            f"of up to {longest} tokens: pass the pattern of the same samples, in the same order"
        )
    layout = Layout.padded(positions.n.to(pattern.device), queries, keys, padding_side)
    points = Points.of(positions.to(pattern.device))
    masks = PatternMasks.of(points.positions, layout, window)
    norms = None
    if value is not None and W_O is not None:
        value, W_O = _tensor("value", value, "sample key kv_head d_head"), _tensor("W_O", W_O, "head d_head d_model")
        (n_heads, d_head), (n, n_keys, kv_heads, width) = W_O.shape[:2], value.shape
        if (n, n_keys, n_heads, width) != (len(pattern), keys, pattern.shape[1], d_head) or n_heads % kv_heads:
            raise DataError(
                f"value, W_O: expected those of the pattern's {len(pattern)} samples, {keys} keys and "
                f"{pattern.shape[1]} heads, got shapes {(*value.shape,)} and {(*W_O.shape,)}"
            )
        norms = value_norms(value, output_gram(W_O))
    return reduce_roles(pattern, masks, points, norms)


def _tensor(name: str, value: Any, axes: str) -> Tensor:
    """A tensor of floats with these axes, none of them empty."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.ndim != len(axes.split()):
        raise DataError(f"{name}: expected a tensor of floats `{axes}`, got {shown(value)}")
    if not value.numel():
        raise DataError(f"{name}: expected a tensor `{axes}` that is not empty, got {shown(value)}")
    return value


def reduce_roles(
    pattern: Float[Tensor, "sample head query key"],
    masks: PatternMasks,
    points: Points,
    norms: Float[Tensor, "sample head key"] | None = None,
) -> dict[str, Float[Tensor, "sample head role"]]:
    """`attention_metrics` for masks that are already made, those of the points.

    A pooled role has the mean (maximum, minimum) of a metric at those of its tokens that have a value.
    """

    def of_roles(metric: Float[Tensor, "sample head point"]) -> Float[Tensor, "sample head role"]:
        by_point = rearrange(metric, "sample head point -> sample point head")
        pooled = points.pooled(lambda columns: by_point[:, columns], where_defined=True)
        return rearrange(pooled, "sample role head -> sample head role").contiguous()

    return {name: of_roles(metric) for name, metric in reduce_pattern(pattern, masks, norms).items()}


def reduce_pattern(
    pattern: Float[Tensor, "sample head query key"],
    masks: PatternMasks,
    norms: Float[Tensor, "sample head key"] | None = None,
) -> dict[str, Float[Tensor, "sample head role"]]:
    """Every metric at single tokens; in float32 whatever the pattern's dtype."""
    others = einsum(pattern.float(), 1 - masks.sink, "sample head query key, sample key -> sample head query")
    blocks = [_reduced(pattern, block, norms, others) for block in masks.blocks()]
    return {name: torch.cat([block[name] for block in blocks], dim=2) for name in blocks[0]}


def _reduced(
    pattern: Float[Tensor, "sample head query key"],
    masks: PatternMasks,
    norms: Float[Tensor, "sample head key"] | None,
    others: Float[Tensor, "sample head query"],
) -> dict[str, Float[Tensor, "sample head role"]]:
    """The metrics of a few roles; `others`: what each query gives to keys other than the sink."""
    heads = pattern.shape[1]
    rows = _gather_rows(pattern, masks)
    mass = einsum(rows, masks.key_sets.float(), "sample head role key, sample role key set -> sample head role set")
    size = rearrange(masks.key_sets.sum(2), "sample role set -> sample 1 role set")
    mass = mass.masked_fill(size == 0, torch.nan)
    of = {name: mass[..., i] for i, name in enumerate(masks.SETS)}
    per_key = {name: of[name] / size[..., i] for i, name in enumerate(masks.SETS)}

    metrics = _received(pattern, masks, others)
    # Of the row divided by its sum m: log m − Σ a log a ÷ m. (torch.special.entr takes one number at a time.)
    surprise = -(rows * rows.clamp_min(torch.finfo(rows.dtype).tiny).log()).sum(-1)
    metrics["entropy"] = (of["all"].log() + surprise / of["all"]) / masks.n_visible[:, None].log()
    metrics["entropy"] = metrics["entropy"].masked_fill(masks.n_visible[:, None] <= 1, torch.nan)
    for name in ("sink", "question", "exact_answer", "completion", "self"):
        metrics[f"to_{name}"] = of[name]
    metrics["lookback"] = per_key["prompt"] / (per_key["prompt"] + per_key["completion"])
    if norms is not None:
        metrics["value_norm"] = einsum(rows, norms.float(), "sample head role key, sample head key -> sample head role")
    absent = repeat(~masks.valid, "sample role -> sample head role", head=heads)
    return {name: metrics[name].masked_fill(absent, torch.nan) for name in METRICS if name in metrics}


def _gather_rows(
    pattern: Float[Tensor, "sample head query key"], masks: PatternMasks
) -> Float[Tensor, "sample head role key"]:
    """Row p of the pattern for every role, zero outside V(p) (a padded row may hold anything, also NaN)."""
    head, key = pattern.shape[1], pattern.shape[3]
    at = repeat(masks.row, "sample role -> sample head role key", head=head, key=key)
    visible = rearrange(masks.key_sets[..., -1], "sample role key -> sample 1 role key")
    return torch.where(visible, pattern.gather(2, at).float(), 0.0)


def _received(
    pattern: Float[Tensor, "sample head query key"], masks: PatternMasks, others: Float[Tensor, "sample head query"]
) -> dict[str, Float[Tensor, "sample head role"]]:
    """Mean over the later queries that see p of pattern[q, p] · |V(q)|, with the sink and without it."""
    head, query = pattern.shape[1:3]
    at = repeat(masks.column, "sample role -> sample head query role", head=head, query=query)
    sees = rearrange(masks.sees, "sample query role -> sample 1 query role")
    column = torch.where(sees > 0, pattern.gather(3, at).float(), 0.0)
    received = einsum(column, masks.query_visible, "sample head query role, sample query -> sample head role")
    received = received / sees.sum(2)

    # Without the sink each row is divided by what it gives to the other keys, summed (1 − sink would cancel).
    some = others > 0
    weight = (masks.query_visible - masks.query_sees_sink)[:, None] / torch.where(some, others, 1.0)
    total = einsum(
        column, torch.where(some, weight, 0.0), "sample head query role, sample head query -> sample head role"
    )
    counted = einsum(sees[:, 0], some.float(), "sample query role, sample head query -> sample head role")
    is_sink = masks.sink.gather(1, masks.column) > 0
    without = (total / counted).masked_fill(is_sink[:, None], torch.nan)
    return {"received": received, "received_no_sink": without}


def output_gram(W_O: Float[Tensor, "head d_head d_model"]) -> Float[Tensor, "head d_head d_head2"]:
    """W_O W_Oᵀ of each head: with it ‖v W_O‖ needs no vector of width d_model."""
    return einsum(W_O.float(), W_O.float(), "head i d_model, head j d_model -> head i j")


def value_norms(
    value: Float[Tensor, "sample key kv_head d_head"], gram: Float[Tensor, "head d_head d_head2"]
) -> Float[Tensor, "sample head key"]:
    """‖v_k W_O^h‖ of every key and head; a head reads the values of its key-value group."""
    kv_head, samples = value.shape[2], len(value)
    v = rearrange(value.float(), "sample key kv_head j -> kv_head (sample key) j")
    # One matrix product per key-value head; gram is symmetric.
    product = v @ rearrange(gram, "(kv_head group) i j -> kv_head j (group i)", kv_head=kv_head)
    product = rearrange(product, "kv_head row (group i) -> kv_head row group i", i=v.shape[-1])
    norms = product.mul_(v[:, :, None]).sum(-1).clamp(min=0).sqrt()
    return rearrange(norms, "kv_head (sample key) group -> sample (kv_head group) key", sample=samples)

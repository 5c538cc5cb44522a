"""Whether passes through a key-value cache give what one plain pass gives: part of the preflight.

A release of transformers that names something anew can leave a cache empty without an error: transformers 5.24 did.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.errors import InterpError, ModelError
from interp.models.architecture import HookedModel, model_info, new_cache, pads_between
from interp.models.backends.caches import KeyValueCache
from interp.models.deviation import compare, keep, tolerance_of
from interp.models.hooked import fill_cache, forward, hook_name

TESTED = "transformers 5.9 to 5.24 with TransformerLens 3.9.0 or 4.3.0"


def check_cached_passes(
    model: HookedModel,
    ids: Int[Tensor, "1 token"],
    plain: Mapping[str, Tensor],
    ends: Mapping[int, Float[Tensor, " d_vocab"]],
) -> None:
    """Compare cached passes as answering and capture run them with one plain pass over `ids`.

    `plain` maps the hook names of every layer's `resid_post` and `pattern` to what that pass gave, `ends` maps two
    lengths, all tokens and fewer, to the logits of the last of so many tokens.
    Raises ModelError naming the layer, the size of the deviation, and the versions that are tested.
    """
    try:
        _check(model, ids.cpu(), plain, ends)  # the layers may lie on several devices; an index on the CPU fits all
    except InterpError:
        raise
    except Exception as error:  # what an inner mismatch of two libraries ends in is anybody's guess
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"a pass through a key-value cache fails: {reason}{_advice()}") from error


def _check(
    model: HookedModel,
    ids: Int[Tensor, "1 token"],
    plain: Mapping[str, Tensor],
    ends: Mapping[int, Float[Tensor, " d_vocab"]],
) -> None:
    n, n_prefix = ids.shape[1], ids.shape[1] // 2
    shared = new_cache(model, 1)
    every = torch.ones_like(ids)
    fill_cache(model, ids[:, :n_prefix], every[:, :n_prefix], shared)
    _pass(model, ids[:, n_prefix:], every, shared.copy(), plain, [ends[n]], "a pass in two parts")

    # A prefix shared by two rows whose tails differ in length, as far as this model takes padding between.
    lengths = torch.tensor([n, min(ends)] if pads_between(model) else [n, n])
    width = n - 1 - n_prefix
    column = torch.arange(width) - (n - lengths[:, None])
    mask = torch.cat([every[:, :n_prefix].expand(2, -1), (column >= 0).long()], dim=1)
    tails = ids[0, n_prefix + column.clamp_min(0)]
    cache = shared.repeat(2)
    _pass(model, tails, mask, cache, plain, [], "a repeated cache with left-padded tails")

    # Both go on by one token, in another order, one of them twice.
    rows = torch.tensor([1, 0, 1])
    cache.select(rows)
    mask = torch.cat([mask[rows], mask.new_ones(3, 1)], dim=1)
    last = [ends[length] for length in lengths[rows].tolist()]
    _pass(model, ids[0, lengths[rows] - 1][:, None], mask, cache, plain, last, "a repeated and selected cache")


def _pass(
    model: HookedModel,
    tokens: Int[Tensor, "sample new"],
    mask: Int[Tensor, "sample all"],
    cache: KeyValueCache,
    plain: Mapping[str, Tensor],
    ends: list[Float[Tensor, " d_vocab"]],
    what: str,
) -> None:
    """One pass, and every real token's stream, pattern and (where `ends` has them) logits against the plain ones."""
    info = model_info(model)
    seen: dict[str, Tensor] = {}
    names = [hook_name(site, layer) for layer in range(info.n_layers) for site in ("resid_post", "pattern")]
    hooks = {name: keep(seen, name) for name in names}
    logits = forward(model, tokens, mask, hooks=hooks, cache=cache, logits=bool(ends))
    tolerance, new = tolerance_of(info.dtype), tokens.shape[1]
    for layer in range(info.n_layers):
        stream, pattern = hook_name("resid_post", layer), hook_name("pattern", layer)
        if seen[pattern].shape[-1] != mask.shape[1]:
            raise ModelError(
                f"layer {layer}: in {what} the pattern has {seen[pattern].shape[-1]} keys, expected "
                f"{mask.shape[1]}{_advice()}"
            )
        for row, real in enumerate(mask.bool()):
            at = _places(real, new)
            ours, theirs = seen[stream][row, real[-new:]], plain[stream][0, at]
            compare(ours, theirs, tolerance, f"layer {layer}: {what} differs from one pass", _advice())
            attended = seen[pattern][row][:, real[-new:]][..., real]
            expected = plain[pattern][0][:, at][..., : attended.shape[-1]]
            compare(attended, expected, tolerance, f"layer {layer}: {what} has another pattern", _advice())
    for row, end in enumerate(ends):
        assert logits is not None
        ours, theirs = logits[row].float().log_softmax(-1), end.float().log_softmax(-1)
        compare(ours, theirs, tolerance, f"the logits after {what} differ from those of one pass", _advice())


def _places(real: Bool[Tensor, " all"], new: int) -> Int[Tensor, " real_new"]:
    """Where a row's real new tokens stand in its text."""
    return (real.cumsum(0) - 1)[-new:][real[-new:]]


@lru_cache
def _advice() -> str:
    return (
        f": transformers {version('transformers')} and TransformerLens {version('transformer-lens')} do not run this "
        f"model right; install versions that are tested ({TESTED}), or where they are, use another model"
    )

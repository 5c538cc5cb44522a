"""Cheap checks that a hooked model is what the rest of `interp` takes it for; each fails with a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.architecture import HookedModel, has_pattern, is_recurrent, model_info
from interp.models.cached_pass import check_cached_passes
from interp.models.deviation import compare, keep, tolerance_of
from interp.models.hooked import forward, hook_name
from interp.models.sites import check_sites

TEXT = "The capital of France is Paris, and the capital of Japan is Tokyo."
N_TOKENS = 12
ALWAYS = ("resid_pre", "resid_post")
"""What every run reads."""


@dataclass(frozen=True)
class Reference:
    """What Hugging Face's model computed on the probe text, before it was wrapped."""

    ids: Int[Tensor, "1 token"]
    resid_post: list[Tensor]
    """Of every block."""
    logits: Float[Tensor, "1 d_vocab"]


def probe_ids(tokenizer: Any, d_vocab: int) -> Int[Tensor, "1 token"]:
    """A few ordinary token ids. Raises ModelError if the tokenizer cannot be the model's, or doubles the BOS."""
    ids = tokenizer(TEXT).input_ids[:N_TOKENS]
    if not ids:
        raise ModelError("the tokenizer gives no tokens for plain English text")
    if max(ids) >= d_vocab:
        raise ModelError(
            f"the tokenizer gives token id {max(ids)}, but the model has {d_vocab} tokens: it belongs to another model"
        )
    bos = tokenizer.bos_token_id
    if bos is not None and ids[:2] == [bos, bos]:
        raise ModelError(f"the tokenizer begins a text with two BOS tokens ({bos}): every position would be off by one")
    return torch.tensor([(ids * N_TOKENS)[:N_TOKENS]])  # a tokenizer of whole words may give fewer at once


@torch.inference_mode()
def reference_pass(hf_model: Any, tokenizer: Any) -> Reference:
    """Hugging Face's own residual stream and logits on the probe text; to be taken before TransformerLens wraps it."""
    ids = probe_ids(tokenizer, hf_model.get_input_embeddings().num_embeddings)
    stream: list[Tensor] = []

    def keep_output(_module: Any, _inputs: Any, output: Any) -> None:
        stream.append(output[0] if isinstance(output, tuple | list) else output)

    # Not `output_hidden_states`: Mamba's begin after the first block, and the last is after the final norm.
    handles = [block.register_forward_hook(keep_output) for block in _blocks(hf_model)]
    try:
        output = hf_model(ids.to(hf_model.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return Reference(ids, stream, output.logits[:, -1])


def _blocks(hf_model: Any) -> Iterable[Any]:
    """The blocks of a Hugging Face model: its list of as many modules as it has layers."""
    config = hf_model.config.get_text_config()
    lists = [module for module in hf_model.modules() if isinstance(module, torch.nn.ModuleList)]
    inside = getattr(hf_model, "language_model", None) or getattr(hf_model.base_model, "language_model", None)
    if inside is not None:  # a model of pictures has blocks of its own for them
        lists = [module for module in inside.modules() if isinstance(module, torch.nn.ModuleList)]
    return next((found for found in lists if len(found) == getattr(config, "num_hidden_layers", None)), ())


def preflight(model: HookedModel, *, reference: Reference | None = None, sites: Sequence[str] = ()) -> None:
    """Check hook points, patterns, left padding, caches, BOS and, given a reference, parity with Hugging Face.

    `sites` are those that will be asked for besides what every run needs. Raises ModelError naming the site, or the
    layer and the size of the deviation.
    """
    info = model_info(model)
    if reference is not None:
        ids = reference.ids
    elif getattr(model, "tokenizer", None) is None:  # a model for ids that its user makes
        ids = torch.arange(1, N_TOKENS + 1)[None] % info.d_vocab
    else:
        ids = probe_ids(model.tokenizer, info.d_vocab)
    n, tolerance = ids.shape[1], tolerance_of(info.dtype)
    check_sites(model, [*dict.fromkeys((*ALWAYS, *sites))])
    seen: dict[str, Tensor] = {}
    shown = [layer for layer, there in enumerate(has_pattern(model)) if there]
    names = [hook_name("resid_post", layer) for layer in range(info.n_layers)]
    names += [hook_name("pattern", layer) for layer in shown]
    logits = forward(model, ids, torch.ones_like(ids), hooks={name: keep(seen, name) for name in names}, logits=True)
    if silent := [name for name in names if name not in seen]:
        raise ModelError(f"the hook point {silent[0]!r} exists but never fires in {info.architecture}")
    sinks = any(name.endswith("sinks") for name, _ in model.named_parameters())
    for layer, window in enumerate(info.windows):
        if not seen[hook_name("resid_post", layer)].isfinite().all():
            raise ModelError(f"layer {layer} is not finite on a plain sentence in {info.dtype}: try another dtype")
        if layer in shown:
            _check_pattern(seen[hook_name("pattern", layer)].float(), layer, window, info.n_heads, sinks)

    # One row of two is shorter by three tokens and padded on the left.
    short = max(1, n - 3)
    padded = torch.cat([ids, torch.cat([ids[:, :1].expand(1, n - short), ids[:, :short]], dim=1)])
    mask = torch.ones_like(padded)
    mask[1, : n - short] = 0
    batch: dict[str, Tensor] = {}
    streams = [hook_name("resid_post", layer) for layer in range(info.n_layers)]
    ends = forward(model, padded, mask, hooks={name: keep(batch, name) for name in streams}, logits=True)
    for layer, name in enumerate(streams):
        both = torch.cat([batch[name][0], batch[name][1, n - short :]])
        single = torch.cat([seen[name][0], seen[name][0, :short]])
        compare(both, single, tolerance, f"layer {layer}: a left-padded batch of two differs from single samples")
    assert logits is not None and ends is not None

    if reference is not None:
        if not info.processed_weights:
            for layer, theirs in enumerate(reference.resid_post):
                compare(seen[streams[layer]], theirs, tolerance, f"layer {layer} differs from Hugging Face's")
        # The log-softmax: centring the unembedding shifts all logits alike.
        compare(logits.float().log_softmax(-1), reference.logits.float().log_softmax(-1), tolerance, "logits differ")
    if not is_recurrent(model):  # else there is no cache
        check_cached_passes(model, ids, seen, {n: logits[0], short: ends[1]})


def _check_pattern(
    pattern: Float[Tensor, "1 head query key"], layer: int, window: int | None, n_heads: int, sinks: bool
) -> None:
    n = pattern.shape[-1]
    distance = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    visible = (distance >= 0) & (distance < (window or n))
    if pattern.shape[1] != n_heads:
        raise ModelError(f"layer {layer}: the pattern has {pattern.shape[1]} heads, expected {n_heads}")
    outside = pattern[..., ~visible.to(pattern.device)].abs().sum().item()
    if outside > 0:
        raise ModelError(f"layer {layer}: attention {outside:.2g} on keys that are later or outside the window")
    mass = pattern.sum(-1)
    if (mass > 1.01).any() or (not sinks and (mass < 0.99).any()):
        raise ModelError(f"layer {layer}: rows of the pattern sum to {mass.min():.3f} … {mass.max():.3f}, expected 1")

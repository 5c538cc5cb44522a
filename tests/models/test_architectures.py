"""Seven architectures, both classes: every number equals Hugging Face's, whatever the padding, batch or cache."""

import pytest
import torch
from hooked_cases import CASES, same
from tiny_models import LAYERS, N_NEW, N_TOKENS, WINDOWS
from torch import Tensor

from interp.models.loading import fill_cache, forward, hook_name, model_info, new_cache, output_weight

STREAM = [hook_name("resid_post", layer) for layer in range(LAYERS)]
PATTERN = [hook_name("pattern", layer) for layer in range(LAYERS)]


def observe(
    model, tokens: Tensor, mask: Tensor | None = None, *, sites=("resid_post",), **options
) -> dict[str, Tensor]:
    """Every layer's activations at the sites, `[layer, sample, …]`, and the logits."""
    seen: dict[str, Tensor] = {}
    names = [hook_name(site, layer) for site in sites for layer in range(LAYERS)]
    hooks = {name: (lambda tensor, name=name: seen.__setitem__(name, tensor.clone())) for name in names}
    logits = forward(
        model, tokens, torch.ones_like(tokens) if mask is None else mask, hooks=hooks, logits=True, **options
    )
    assert logits is not None
    stacked = {site: torch.stack([seen[hook_name(site, layer)] for layer in range(LAYERS)]) for site in sites}
    return stacked | {"logits": logits}


def padded(tokens: Tensor, lengths: list[int], width: int) -> tuple[Tensor, Tensor]:
    """The first `lengths` tokens of each row, left-padded to `width` with a token that would matter if seen."""
    rows = torch.full((len(tokens), width), 7)
    mask = torch.zeros_like(rows)
    for row, length in enumerate(lengths):
        rows[row, width - length :] = tokens[row, :length]
        mask[row, width - length :] = 1
    return rows, mask


def test_residual_stream_patterns_and_logits_are_hugging_faces(case) -> None:
    ours = observe(case.model, case.tokens, sites=("resid_post", "pattern"))
    for layer in range(LAYERS):
        same(ours["resid_post"][layer], case.resid_post[:, layer])
        same(ours["pattern"][layer], case.pattern[:, layer])
    same(ours["logits"], case.logits[:, -1])


def test_info_tells_windows_and_heads(case) -> None:
    info = model_info(case.model)
    assert info.windows == WINDOWS.get(case.name, (None,) * LAYERS)
    assert (info.n_layers, info.n_heads, info.d_model, info.d_vocab) == (LAYERS, 4, 32, 320)
    assert info.n_key_value_heads == (4 if case.name in {"gpt2", "gpt_neox"} else 2)
    assert info.d_head == (16 if case.name in {"qwen3", "gemma3_text"} else 8)
    assert info.n_ctx >= 64


def test_pattern_is_causal_and_keeps_to_the_window(case) -> None:
    pattern = observe(case.model, case.tokens, sites=("pattern",))["pattern"]
    for layer, window in enumerate(model_info(case.model).windows):
        for query in range(N_TOKENS):
            first = 0 if window is None else max(0, query - window + 1)
            seen = pattern[layer, :, :, query]
            assert not seen[..., query + 1 :].any()
            assert not seen[..., :first].any()
            assert (seen[..., first : query + 1] > 0).all()
            torch.testing.assert_close(seen.sum(-1), torch.ones(seen.shape[:-1]))


def test_sites_add_up(case) -> None:
    """What attention and MLP add is the whole difference; pattern @ v is z; z @ W_O is attn_out before any norm."""
    sites = ("resid_pre", "attn_out", "mlp_out", "resid_post", "pattern", "v", "z")
    seen = observe(case.model, case.tokens, sites=sites)
    same(seen["resid_pre"] + seen["attn_out"] + seen["mlp_out"], seen["resid_post"])
    value = seen["v"].repeat_interleave(4 // seen["v"].shape[3], dim=3)
    same(torch.einsum("lshqk,lskhd->lsqhd", seen["pattern"], value), seen["z"])
    if case.name not in {"gemma3_text", "olmo2"}:  # these two have a norm after W_O
        for layer in range(LAYERS):
            added = torch.einsum("sqhd,hdm->sqm", seen["z"][layer], output_weight(case.model, layer))
            bias = getattr(case.model.blocks[layer].attn, "b_O", None)
            same(added if bias is None else added + bias, seen["attn_out"][layer])


@pytest.mark.parametrize("pads", [1, 2, 3])
def test_left_padding_changes_nothing(case, pads: int) -> None:
    lengths = [N_TOKENS, N_TOKENS - pads, N_TOKENS - 1, N_TOKENS - 2]
    tokens, mask = padded(case.tokens, lengths, N_TOKENS + pads)
    seen = observe(case.model, tokens, mask, sites=("resid_post", "pattern"))
    for row, length in enumerate(lengths):
        same(seen["resid_post"][:, row, -length:], case.resid_post[row, :, :length])
        same(seen["pattern"][:, row, :, -length:, -length:], case.pattern[row, :, :, :length, :length])
        same(seen["logits"][row], case.logits[row, length - 1])


def test_right_padding_changes_nothing_before_it(case) -> None:
    tokens, mask = case.tokens.clone(), torch.ones_like(case.tokens)
    tokens[1, -4:], mask[1, -4:] = 7, 0
    seen = observe(case.model, tokens, mask)["resid_post"]
    same(seen[:, 1, :-4], case.resid_post[1, :, :-4])
    same(seen[:, 0], case.resid_post[0])


def test_batch_of_many_is_many_batches_of_one_in_any_order(case) -> None:
    together = observe(case.model, case.tokens)
    order = torch.tensor([2, 0, 3, 1])
    turned = observe(case.model, case.tokens[order])
    same(turned["resid_post"], together["resid_post"][:, order])
    for row in range(len(case.tokens)):
        alone = observe(case.model, case.tokens[row : row + 1])
        same(alone["resid_post"][:, 0], together["resid_post"][:, row])
        same(alone["logits"][0], together["logits"][row])


def test_users_hooks_survive_ours(case) -> None:
    """Permanent or not, on the same point or another; also when our own function raises."""
    fired: list[str] = []
    name = STREAM[1]
    case.model.hook_dict[name].add_hook(lambda tensor, hook: fired.append("theirs"))
    case.model.hook_dict[name].add_perma_hook(lambda tensor, hook: fired.append("permanent"))
    try:
        every = torch.ones_like(case.tokens)
        forward(case.model, case.tokens, every, hooks={name: lambda tensor: fired.append("ours")})
        assert sorted(fired) == ["ours", "permanent", "theirs"]

        def fail(tensor: Tensor) -> None:
            raise RuntimeError("stop here")

        with pytest.raises(RuntimeError, match="stop here"):
            forward(case.model, case.tokens, every, hooks={name: fail, PATTERN[0]: lambda tensor: fired.append("ours")})
        fired.clear()
        forward(case.model, case.tokens, every)
        assert sorted(fired) == ["permanent", "theirs"]
    finally:
        case.model.hook_dict[name].remove_hooks("fwd", including_permanent=True)


@pytest.mark.parametrize("side", ["none", "left", "right"])
def test_shared_prefix_in_a_cache_changes_nothing(case, side: str) -> None:
    """One prefix, suffixes of unequal length padded on either side; every window is shorter than the prefix."""
    if side == "left" and case.name in WINDOWS and model_info(case.model).backend == "HookedTransformer":
        pytest.skip("HookedTransformer measures its window in columns: forward refuses (test_models)")
    n_prefix = 9
    tokens = case.tokens.clone()
    tokens[:, :n_prefix] = tokens[0, :n_prefix]
    plain = observe(case.model, tokens, sites=("resid_post", "pattern"))
    cache = new_cache(case.model, 1)
    forward(case.model, tokens[:1, :n_prefix], torch.ones(1, n_prefix, dtype=torch.long), cache=cache)
    assert cache.values(0).shape[:2] == (1, n_prefix)

    lengths = [11, 11, 11, 11] if side == "none" else [11, 8, 10, 9]
    suffix, mask = padded(tokens[:, n_prefix:], lengths, 11)
    if side == "right":
        for row, length in enumerate(lengths):
            suffix[row], mask[row] = suffix[row].roll(length - 11), mask[row].roll(length - 11)
    shared = cache.repeat(4)
    everything = torch.cat([torch.ones(4, n_prefix, dtype=torch.long), mask], dim=1)
    seen = observe(case.model, suffix, everything, sites=("resid_post", "pattern"), cache=shared)
    for row, length in enumerate(lengths):
        here = slice(0, length) if side == "right" else slice(11 - length, 11)
        end = n_prefix + length
        same(seen["resid_post"][:, row, here], plain["resid_post"][:, row, n_prefix:end])
        pattern = seen["pattern"][:, row, :, here]
        same(pattern[..., :n_prefix], plain["pattern"][:, row, :, n_prefix:end, :n_prefix])
        same(pattern[..., n_prefix:][..., here], plain["pattern"][:, row, :, n_prefix:end, n_prefix:end])
        torch.testing.assert_close(pattern.sum(-1), torch.ones(pattern.shape[:-1]))
    assert shared.values(0).shape[:2] == (4, n_prefix + 11)
    assert cache.values(0).shape[:2] == (1, n_prefix), "the prefix itself must not grow"


@pytest.mark.parametrize("chunk", [2, 7, 64])
def test_filling_a_cache_piece_by_piece_changes_nothing(case, chunk: int) -> None:
    """Rows padded by 0 to 3 tokens, so a first piece may be all padding; pieces cross every window."""
    lengths = [N_TOKENS, N_TOKENS - 1, N_TOKENS - 3, N_TOKENS - 2]
    tokens, mask = padded(case.tokens, lengths, N_TOKENS)
    widest: list[int] = []
    point = case.model.hook_dict[PATTERN[0]]
    point.add_hook(lambda tensor, hook: widest.append(tensor.shape[2]))
    ended: list[int] = []
    end = case.model.hook_dict[STREAM[-1]]
    end.add_hook(lambda tensor, hook: ended.append(1))
    cache = new_cache(case.model, 4)
    fill_cache(case.model, tokens[:, :-1], mask[:, :-1], cache, chunk=chunk)
    point.remove_hooks()
    end.remove_hooks()
    assert max(widest) <= chunk and sum(widest) == N_TOKENS - 1
    assert not ended, "what the last layer adds enters no cache: it need not be computed"
    seen = observe(case.model, tokens[:, -1:], mask, cache=cache)
    for row, length in enumerate(lengths):
        same(seen["resid_post"][:, row, 0], case.resid_post[row, :, length - 1])
        same(seen["logits"][row], case.logits[row, length - 1])


def test_greedy_decoding_is_hugging_faces_generate(case) -> None:
    """With a cache, rows left-padded by 0 to 3 extra tokens."""
    width = N_TOKENS + 3
    tokens, mask = padded(case.tokens, [N_TOKENS] * 4, width)
    cache, new = new_cache(case.model, 4), []
    for _ in range(N_NEW):
        logits = forward(case.model, tokens, mask, cache=cache, logits=True)
        assert logits is not None
        tokens = logits.argmax(-1, keepdim=True)
        new.append(tokens)
        mask = torch.cat([mask, torch.ones(4, 1, dtype=torch.long)], dim=1)
    assert torch.equal(torch.cat(new, dim=1), case.greedy)


def test_every_backend_is_met() -> None:
    assert {backend for _, backend in CASES} == {"HookedTransformer", "TransformerBridge"}

"""A Capture from the user's own cache: with patterns or without, of some layers, at positions said by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import interp
from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.errors import DataError
from interp.models.loading import hook_name

N, LAYERS, HEADS, TOKENS, WIDTH = 40, 3, 2, 6, 8
LENGTHS = torch.arange(N) % 3 + 4
"""Samples of four, five and six tokens, padded on the right."""


def cache(*sites: str, seed: int = 0) -> dict[str, Tensor]:
    """What run_with_cache(names_filter=…) keeps: a tensor for each of these sites at every layer."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"pattern": (HEADS, TOKENS, TOKENS)}
    out = {}
    for layer in range(LAYERS):
        for site in sites:
            values = torch.randn(N, *shapes.get(site, (TOKENS, WIDTH)), generator=generator)
            mask = torch.ones(TOKENS, TOKENS).tril().log()
            out[hook_name(site, layer)] = (values + mask).softmax(-1) if site == "pattern" else values
    return out


def last_and_first() -> Positions:
    return Positions.at(torch.stack([LENGTHS - 1, torch.zeros_like(LENGTHS)], 1), LENGTHS, roles=("last", "first"))


def test_a_cache_without_patterns_gives_the_vectors_and_no_attention() -> None:
    kept = cache("resid_post", "mlp_out")
    cap = interp.capture_from_cache(kept, last_and_first(), sites=("resid_post", "mlp_out"))
    for site in cap.sites:
        for layer in range(LAYERS):
            values = kept[hook_name(site, layer)]
            for i, n in enumerate(LENGTHS.tolist()):
                assert torch.equal(cap.sites[site][i, layer], values[i, [n - 1, 0]])
    assert cap.embed is None and cap.attention == {}
    y = np.arange(N) % 2
    grid = interp.probe_grid(cap, y, min_per_class=2)
    assert grid["token"].values.tolist() == ["last", "first"] and "embed_auc" not in grid
    assert np.isfinite(grid["auc"]).all()
    with pytest.raises(DataError, match=r"holds attention metrics, this one holds none; .*keep 'attn.hook_pattern'"):
        interp.attention_grid(cap, y)


def test_attention_on_padding_is_an_error() -> None:
    """A batch padded on the left that ran without its mask: every number depends on the padding."""
    kept = cache("resid_post", "pattern")
    with pytest.raises(DataError, match=r"layer 0 has attention .* on padding .*padding_side='left'.*attention_mask"):
        interp.capture_from_cache(kept, last_and_first(), padding_side="left")
    columns = torch.arange(TOKENS)
    real = columns >= TOKENS - LENGTHS[:, None, None, None]
    for layer in range(LAYERS):  # a padded row may hold anything
        pattern = kept[hook_name("pattern", layer)]
        shown = torch.where(real, pattern, 0)
        shown = shown / shown.sum(-1, keepdim=True).clamp_min(1e-9)
        kept[hook_name("pattern", layer)] = torch.where(real.transpose(-1, -2), shown, pattern)
    assert interp.capture_from_cache(kept, last_and_first(), padding_side="left").attention["to_self"].isfinite().all()


def test_a_layer_without_a_pattern_has_its_metrics_undefined(tmp_path) -> None:
    from byte_tokenizer import save_byte_tokenizer
    from families import build, texts

    save_byte_tokenizer(tmp_path)
    model = interp.load_model(build("jamba"), tokenizer=tmp_path)
    tokens = torch.tensor([texts()[0]])
    _, kept = model.run_with_cache(tokens, attention_mask=torch.ones_like(tokens))
    at = Positions.at([[3, 9]], n_tokens=[tokens.shape[1]], roles=("early", "late"))
    cap = interp.capture_from_cache(dict(kept), at, model=model)
    assert cap.resid.isfinite().all()
    for metric in ("entropy", "to_self", "value_norm"):
        assert cap.attention[metric][:, 0].isnan().all() and cap.attention[metric][:, 1].isfinite().all()


def test_patterns_and_the_first_residual_bring_metrics_and_the_control_row() -> None:
    kept = cache("resid_post", "resid_pre", "pattern")
    cap = interp.capture_from_cache(kept, last_and_first())
    assert torch.equal(cap.embed[:, 1], kept["blocks.0.hook_resid_pre"][:, 0])
    alone = interp.attention_metrics(kept["blocks.1.attn.hook_pattern"], last_and_first())
    for name, metric in cap.attention.items():
        torch.testing.assert_close(metric[:, 1], alone[name], equal_nan=True)
    assert np.isfinite(interp.attention_grid(cap, np.arange(N) % 2, min_per_class=2)["auc"]).any()


def test_the_layers_are_those_that_the_cache_holds() -> None:
    kept = cache("resid_post", "mlp_out")
    del kept["blocks.1.hook_resid_post"]
    cap = interp.capture_from_cache(kept, last_and_first())
    assert cap.layers == (0, 2) and torch.equal(cap.resid[:, 1, 1], kept["blocks.2.hook_resid_post"][:, 0])
    with pytest.raises(DataError, match=r"the cache has no 'blocks.1.hook_resid_post'; run_with_cache must keep it"):
        interp.capture_from_cache(kept, last_and_first(), sites=("resid_post", "mlp_out"))
    partly = cache("resid_post", "pattern")
    del partly["blocks.2.attn.hook_pattern"]
    with pytest.raises(DataError, match=r"the cache has no 'blocks.2.attn.hook_pattern'"):
        interp.capture_from_cache(partly, last_and_first())
    with pytest.raises(DataError, match=r"the cache holds none of blocks.0.hook_resid_post …; .*names_filter"):
        interp.capture_from_cache({}, last_and_first())
    with pytest.raises(DataError, match="the cache holds 40 samples .*, the positions 39"):
        interp.capture_from_cache(kept, last_and_first()[:39])


def test_one_site_may_be_given_bare_and_a_hook_name_gets_a_hint() -> None:
    kept = cache("resid_mid")
    cap = interp.capture_from_cache(kept, last_and_first(), sites="resid_mid")
    assert set(cap.sites) == {"resid_mid"}
    with pytest.raises(DataError, match=r"site: 'resid_post' was not captured \(there are resid_mid\)"):
        _ = cap.resid
    with pytest.raises(DataError, match=r"'blocks.2.hook_resid_mid' is a hook point of one layer, .*write 'resid_mid'"):
        interp.capture_from_cache(kept, last_and_first(), sites="blocks.2.hook_resid_mid")
    with pytest.raises(DataError, match=r"sites: expected one of resid_post, .*, got 'resid'"):
        interp.capture_from_cache(kept, last_and_first(), sites="resid")


def test_batches_are_joined_in_order() -> None:
    kept = cache("resid_post", "resid_pre", "pattern")
    names = pd.Series([f"s{i}" for i in range(N)], index=np.arange(N)[::-1])
    whole = interp.capture_from_cache(kept, last_and_first(), ids=names)
    parts = []
    for rows in (slice(0, 7), slice(7, 30), slice(30, N)):
        some = {name: tensor[rows] for name, tensor in kept.items()}
        parts.append(interp.capture_from_cache(some, last_and_first()[rows], ids=names[rows]))
    joined = Capture.concat(parts)
    assert joined.id == whole.id == tuple(f"s{i}" for i in range(N))
    assert torch.equal(joined.resid, whole.resid) and torch.equal(joined.embed, whole.embed)
    assert torch.equal(joined.index, whole.index) and torch.equal(joined.valid, whole.valid)
    for name, metric in whole.attention.items():
        torch.testing.assert_close(joined.attention[name], metric, equal_nan=True, rtol=0, atol=0)


def test_captures_that_do_not_belong_together_are_not_joined() -> None:
    one = interp.capture_from_cache(cache("resid_post"), last_and_first())
    with pytest.raises(DataError, match="40 ids stand in more than one, first '0'; .*takes ids="):
        Capture.concat([one, one])
    other = interp.capture_from_cache(cache("resid_mid"), last_and_first(), sites="resid_mid", ids=range(100, 140))
    with pytest.raises(DataError, match=r"number 1 has other sites.*sites: resid_mid.*sites: resid_post"):
        Capture.concat([one, other])
    with pytest.raises(DataError, match="expected at least one"):
        Capture.concat([])


def test_positions_by_hand() -> None:
    by_hand = Positions.at([5, 3, 0], [7, 4, 2], valid=[True, False, True])
    assert by_hand.index.tolist() == [[5], [-1], [0]] and by_hand.valid.tolist() == [[True], [False], [True]]
    assert by_hand.roles == ("0",) and by_hand.n.tolist() == by_hand.n_prompt.tolist() == [7, 4, 2]
    assert Positions.at(pd.Series([1, 2], index=[1, 0]), 3).index.tolist() == [[1], [2]]
    assert Positions.at(np.zeros((2, 2)), 3, n_prompt=[1, 2]).n_prompt.tolist() == [1, 2]
    for wrong, message in (
        (
            {"index": [-1, 0]},
            r"index: -1 at sample 0, role '0', is outside the sample's 3 tokens; .*n_tokens - 1.*valid",
        ),
        ({"index": [0, 3]}, "index: 3 at sample 1"),
        ({"index": 3}, r"expected ints `sample role`.*got shape \(\)"),
        ({"n_tokens": [3, 3, 3]}, r"n_tokens: expected one number, or one per sample \(2\), got shape \(3,\)"),
        ({"n_prompt": [3]}, r"n_prompt: .*got shape \(1,\)"),
        ({"roles": ("a", "b")}, "roles: expected 1 different names, got a, b"),
        ({"valid": [True]}, r"valid: expected the shape of index, \(2, 1\), got \(1,\)"),
    ):
        with pytest.raises(DataError, match=message):
            Positions.at(**({"index": [0, 1], "n_tokens": 3} | wrong))


def test_what_is_printed_of_them_is_one_line() -> None:
    cap = interp.capture_from_cache(cache("resid_post", "pattern"), last_and_first())
    shown = repr(cap)
    assert shown.startswith("Capture(40 samples, 3 layers, 2 roles; sites: resid_post; attention metrics: ")
    assert repr(Positions.at([5, 3], 7, valid=[True, False], roles=["x"])) == "Positions(2 samples; roles: x 1)"
    assert "\n" not in shown and len(shown) < 300

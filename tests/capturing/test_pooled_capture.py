"""Pooled columns against a loop over every token of unpadded samples, in every architecture, batch and precision."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from hooked_cases import answers_of
from test_activations import ROWS, loaded, model  # noqa: F401  (fixtures)

import interp
from interp.capturing import layout, one_pass, segments
from interp.capturing.forward_pass import capture_batches, capture_plan
from interp.capturing.gather import gather, gather_roles
from interp.capturing.points import Points
from interp.models.loading import hook_name, model_info

SITES = ("resid_post", "z", "mlp_post")
ROLES = (
    "exact_answer_last",
    "mean:exact_answer",
    "max:completion",
    "min:completion",
    "mean:question",
    "mean:last_q..-2",
    "max:exact_first+3..end-1",
)
REDUCED = {"mean": np.mean, "max": np.max, "min": np.min}
DEFINED = {"mean": np.nanmean, "max": np.nanmax, "min": np.nanmin}


def every_token(hooked, ids: list[int], positions: interp.Positions) -> interp.Capture:
    """One unpadded sample's vectors and metrics at each of its tokens, from TransformerLens's own cache."""
    n = len(ids)
    index = torch.arange(n)[None]
    at = replace(
        positions,
        index=index,
        valid=index >= 0,
        roles=tuple(map(str, range(n))),
        first=None,
        pooling=(),
        ledger=None,
    )
    _, cache = hooked.run_with_cache(torch.tensor([ids]))
    return interp.capture_from_cache(cache, at, sites=SITES, model=hooked)


def check(cap: interp.Capture, positions: interp.Positions, answers, hooked) -> None:
    """Every pooled column is the loop's."""
    checked = 0
    for i in range(len(answers)):
        tokens = every_token(hooked, [*answers.prompt_ids[i], *answers.completion_ids[i]], positions[[i]])
        arrays = {site: (cap.sites[site][i], values[0].float().numpy(), 1) for site, values in tokens.sites.items()}
        arrays["embed"] = cap.embed[i], tokens.embed[0].float().numpy(), 0
        for j, how in enumerate(positions.how):
            if not positions.valid[i, j]:
                assert cap.resid[i, :, j].isnan().all() and cap.attention["entropy"][i, :, :, j].isnan().all()
                continue
            first, last = positions.span[i, j].tolist()
            for got, values, axis in arrays.values():
                part = values.take(range(first, last + 1), axis=axis).astype(np.float64)
                want = part.take(-1, axis=axis) if not how else REDUCED[how](part, axis=axis)
                np.testing.assert_allclose(got.float().select(axis, j).numpy(), want, atol=1e-4, rtol=1e-4)
                checked += 1
            for name, values in tokens.attention.items():
                part = values[0, :, :, first : last + 1].double().numpy()
                some = ~np.isnan(part).all(-1)
                want = np.full(part.shape[:-1], np.nan)
                want[some] = part[some][:, -1] if not how else DEFINED[how](part[some], axis=-1)
                np.testing.assert_allclose(
                    cap.attention[name][i, :, :, j].numpy(), want, atol=1e-4, rtol=1e-3, err_msg=f"{name}, role {j}"
                )
                checked += 1
    assert checked > 100


@pytest.mark.parametrize("block", [32, 3])
def test_columns_equal_a_loop_in_every_class_and_window(case, block: int, monkeypatch) -> None:
    """Padded, in one batch, with rows of the pattern reduced a few at a time; two of the models have sliding windows."""
    monkeypatch.setattr(layout, "BLOCK", block)
    tokens = case.tokens.tolist()
    prompts = [row[:k] for row, k in zip(tokens, (11, 8, 6, 12), strict=True)]
    completions = [row[-k:] for row, k in zip(tokens, (6, 8, 3, 7), strict=True)]
    answers, _ = answers_of(prompts, completions)
    positions = interp.resolve_positions(answers, roles=ROLES)
    assert positions.valid.sum(0).tolist()[:-1] == [4] * 6 and 0 < positions.valid[:, -1].sum() < 4
    cap = interp.capture(case.model, answers, positions, sites=SITES)
    check(cap, positions, answers, case.model)


@pytest.mark.parametrize("min_prefix", [16, 10_000], ids=["shared prefix", "plain pass"])
def test_spans_beside_and_inside_a_shared_prefix(model, min_prefix: int, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(segments, "MIN_PREFIX", min_prefix)
    template = "Here come some examples of the task.\nQuestion: where? Answer: France.\nQuestion: {question} Answer:"
    answers = interp.generate_answers(
        model, ROWS, max_new_tokens=9, prompt_template=template, candidates=list("aehinst")
    )
    for roles, in_prefix in ((ROLES, False), ((*ROLES, "mean:prompt", "max:start+5..prompt_end+1"), True)):
        positions = interp.resolve_positions(answers, roles=roles)
        cap = interp.capture(model, answers, positions, sites=SITES, batch_tokens=200)
        assert (cap.settings["common_prefix"] > 0) is (min_prefix == 16 and not in_prefix)
        check(cap, positions, answers, model)


def test_bfloat16_is_pooled_in_float32_and_kept_in_bfloat16(loaded, model) -> None:  # noqa: F811
    """Rounded once: with a sum in bfloat16 in between some of many means would be others."""
    answers = interp.generate_answers(model, ROWS, max_new_tokens=20, candidates=list("aehinst"))
    positions = interp.resolve_positions(answers, roles=["mean:sample", "max:sample"])
    half = loaded(torch.bfloat16)
    cap = interp.capture(half, answers, positions, sites=SITES)
    assert cap.resid.dtype == cap.embed.dtype == torch.bfloat16 and cap.attention["entropy"].dtype == torch.float32
    values = torch.randn(1, 600, 512, generator=torch.Generator().manual_seed(0)).add(3).bfloat16()
    at = Points.of(interp.Positions.at([[[0, 599]]], 600))
    pooled = gather_roles(values, torch.arange(600)[None], at)
    assert torch.equal(pooled[0, 0], values[0].float().mean(0).bfloat16())
    for i in range(len(ROWS)):
        ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
        _, cache = half.run_with_cache(torch.tensor([ids]))
        for layer in range(model_info(half).n_layers):
            values = cache[hook_name("resid_post", layer)][0].float()
            for j, want in enumerate((values.mean(0), values.amax(0))):
                torch.testing.assert_close(cap.resid[i, layer, j].float(), want, atol=2e-2, rtol=2e-2)


def test_the_order_and_the_company_of_samples_change_nothing(model) -> None:  # noqa: F811
    answers = interp.generate_answers(model, ROWS, max_new_tokens=9, candidates=list("aehinst"))
    positions = interp.resolve_positions(answers, roles=ROLES)
    whole = interp.capture(model, answers, positions)
    order = [2, 0, 3, 1]
    for batch_tokens in (8192, 60):
        moved = interp.capture(model, answers[order], positions[order], batch_tokens=batch_tokens)
        torch.testing.assert_close(moved.resid, whole.resid[order], atol=1e-5, rtol=1e-4, equal_nan=True)
        for name, metric in whole.attention.items():
            torch.testing.assert_close(moved.attention[name], metric[order], atol=1e-5, rtol=1e-3, equal_nan=True)


def test_from_a_padded_cache_of_the_users_own(model) -> None:  # noqa: F811
    answers = interp.generate_answers(model, ROWS, max_new_tokens=9, candidates=list("aehinst"))
    positions = interp.resolve_positions(answers, roles=ROLES)
    ids = [[*p, *c] for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    width = max(map(len, ids))
    tokens = torch.tensor([sample + [0] * (width - len(sample)) for sample in ids])
    mask = torch.tensor([[1] * len(sample) + [0] * (width - len(sample)) for sample in ids])
    _, cache = model.run_with_cache(tokens, attention_mask=mask)
    right = dict(cache)
    left = {name: moved(tensor, ids, width) for name, tensor in right.items()}
    for side, kept in (("right", right), ("left", left)):
        got = interp.capture_from_cache(kept, positions, sites=SITES, model=model, padding_side=side)
        check(got, positions, answers, model)


def moved(tensor: torch.Tensor, ids: list[list[int]], width: int) -> torch.Tensor:
    """The padding of every sample before it instead of behind, along queries and keys; other tensors as they are."""
    axes = [
        axis
        for axis in (1, 2, 3)
        if axis < tensor.ndim and tensor.shape[axis] == width and (tensor.ndim == 4 or axis == 1)
    ]
    rolled = [
        torch.roll(sample, [width - len(own)] * len(axes), [axis - 1 for axis in axes])
        for sample, own in zip(tensor, ids, strict=False)
    ]
    return torch.stack(rolled) if axes and len(tensor) == len(ids) else tensor


def test_what_is_kept_is_one_vector_a_column_and_nothing_of_the_tokens(model, monkeypatch) -> None:  # noqa: F811
    """Of every tensor over tokens that is made in a hook none is alive when the next hook runs."""
    answers = interp.generate_answers(model, ROWS, max_new_tokens=20, candidates=list("aehinst"))
    positions = interp.resolve_positions(answers, roles=["mean:sample", "max:completion", "last_q"])
    alive: list[weakref.ref] = []
    most = 0

    def watched(hidden, row, valid):
        nonlocal most
        most = max(most, sum(ref() is not None for ref in alive))
        picked = gather(hidden, row, valid)
        if row.shape[1] > 3:
            alive.append(weakref.ref(picked))
        return picked

    monkeypatch.setattr("interp.capturing.gather.gather", watched)
    collected = one_pass._Seen.collected
    kept: list[int] = []

    def weighed(seen):
        tensors = [t for layers in seen.vectors.values() for t in layers]
        kept.append(sum(t.untyped_storage().nbytes() for t in tensors))
        return collected(seen)

    monkeypatch.setattr(one_pass._Seen, "collected", weighed)
    ((samples, part),) = capture_batches(model, answers, positions)
    info = model_info(model)
    assert len(alive) == 2 * (info.n_layers + 1) and most <= 1
    assert kept == [4 * len(samples) * 3 * (info.n_layers + 1) * info.d_model]
    assert part.resid.shape == (len(samples), info.n_layers, 3, info.d_model)


def test_the_plan_cuts_before_the_first_token_of_a_span(model) -> None:  # noqa: F811
    answers = interp.generate_answers(model, ROWS, max_new_tokens=9, candidates=list("aehinst"))
    at = interp.resolve_positions(answers, roles=["mean:question", "-1"])
    plan = capture_plan(model, answers, at, batch_tokens=8192)
    assert plan.earliest == [first for first, _ in answers.question_tokens]


def test_values_that_are_no_numbers_stay_outside_a_span_and_show_inside_one() -> None:
    hidden = torch.randn(1, 6, 3)
    hidden[0, 0], hidden[0, 5, 1] = torch.nan, torch.inf
    at = Points.of(interp.Positions.at([[[1, 4], [0, 1], [4, 5]]], 6, pooling=["mean", "max", "mean"]))
    row = at.positions.index.clamp_min(0)
    pooled = gather_roles(hidden, row, at)[0]
    torch.testing.assert_close(pooled[0], hidden[0, 1:5].mean(0))
    assert pooled[1].isnan().all()  # the model's own NaN is no token that may be left out
    assert pooled[2].isinf().tolist() == [False, True, False]
    scores = torch.tensor([[1.0, torch.nan, 3.0]])
    of = Points.of(interp.Positions.at([[[0, 2]]], 3))
    assert of.pooled(lambda columns: scores[:, columns], where_defined=True).tolist() == [[2.0]]


def test_a_signal_spread_over_the_answer_is_read_by_the_mean_alone() -> None:
    """Each token carries a little of it under its own noise: one token tells little, their mean nearly all."""
    rng = np.random.default_rng(0)
    n, tokens, width = 160, 24, 6
    y = np.arange(n) % 2
    stream = rng.standard_normal((n, tokens, width)).astype(np.float32) * 1.5
    stream[:, 4:20, 0] += 0.9 * (2 * y[:, None] - 1)
    spans = [[[4, 19], [19, 19], [20, 23]]] * n
    positions = interp.Positions.at(spans, tokens, roles=["mean:answer", "last", "after"])
    cap = interp.capture_from_cache({"blocks.0.hook_resid_post": torch.from_numpy(stream)}, positions)
    np.testing.assert_allclose(cap.resid[:, 0, 0], stream[:, 4:20].mean(1), atol=1e-5)
    grid = interp.probe_grid(cap, y)
    auc = grid["auc"].sel(layer=0)
    assert auc.sel(token="mean:answer") > 0.95 and auc.sel(token="last") < 0.85 and auc.sel(token="after") < 0.65
    probe = interp.fit_probe(cap, y, layer=0, role="mean:answer")
    scores = np.asarray(probe.score(cap))
    assert scores.shape == (n,) and scores[y == 1].mean() > scores[y == 0].mean()

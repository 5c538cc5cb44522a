"""Capture against a plain loop over unpadded samples, from both classes of hooked model."""

from functools import partial

import pytest
import torch

import interp
from interp.capturing import segments
from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.forward_pass import capture_batches, capture_plan
from interp.engines.units import Local
from interp.errors import DataError
from interp.models.loading import hook_name, load_model, model_info
from interp.storing.shards import write_shards
from interp.storing.stored_capture import stored_capture

FEW_SHOT = (
    "Here come some examples of the task.\nQuestion: where is Paris? Answer: France.\nQuestion: {question} Answer:"
)
ROWS = [
    interp.QARow(str(i), question, ("e",))
    for i, question in enumerate(["where is the city of Rome?", "where?", "Is Paris in France?", "é 東 🙂?"])
]


@pytest.fixture(scope="module", params=["native", "bridge"])
def loaded(request, llama_folder):
    """Loads in any dtype: HookedTransformer where TransformerLens has it, and the bridge."""
    if request.param == "native":
        return lambda dtype: load_model(llama_folder, dtype=dtype)

    def bridge(dtype: torch.dtype):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        hf_model = AutoModelForCausalLM.from_pretrained(llama_folder, dtype=dtype, attn_implementation="eager")
        return load_model(hf_model, tokenizer=AutoTokenizer.from_pretrained(llama_folder))

    return bridge


@pytest.fixture(scope="module")
def model(loaded):
    return loaded(torch.float32)


@pytest.fixture(scope="module")
def answered(model):
    answers = interp.generate_answers(
        model, ROWS, max_new_tokens=9, prompt_template=FEW_SHOT, candidates=list("aehinst")
    )
    return answers, interp.resolve_positions(answers)


def cache_of(model, ids: list[int]):
    """Everything of one unpadded sample, by TransformerLens itself."""
    _, cache = model.run_with_cache(torch.tensor([ids]))
    return cache


@pytest.mark.parametrize("min_prefix", [16, 10_000], ids=["shared prefix", "plain pass"])
def test_vectors_and_metrics_equal_a_loop_over_samples(model, answered, min_prefix: int, monkeypatch) -> None:
    monkeypatch.setattr(segments, "MIN_PREFIX", min_prefix)
    answers, positions = answered
    sites = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")
    cap = interp.capture(model, answers, positions, sites=sites, batch_tokens=200)
    assert (cap.settings["common_prefix"] > 0) is (min_prefix == 16)
    info = model_info(model)
    assert cap.resid.shape == (len(ROWS), info.n_layers, 15, info.d_model)
    assert torch.equal(cap.valid, positions.valid)
    for i in range(len(ROWS)):
        cache = cache_of(model, [*answers.prompt_ids[i], *answers.completion_ids[i]])
        alone = interp.capture_from_cache(cache, positions[[i]], sites=("resid_post",), model=model)
        for j in range(15):
            if not positions.valid[i, j]:
                assert cap.resid[i, :, j].isnan().all()
                continue
            p = int(positions.index[i, j])
            torch.testing.assert_close(cap.embed[i, j], cache[hook_name("resid_pre", 0)][0, p], atol=1e-4, rtol=1e-4)
            for site in sites:
                for layer in range(info.n_layers):
                    want = cache[hook_name(site, layer)][0, p].flatten()
                    torch.testing.assert_close(cap.sites[site][i, layer, j], want, atol=1e-4, rtol=1e-4)
        for name, metric in cap.attention.items():
            torch.testing.assert_close(metric[i], alone.attention[name][0], atol=1e-4, rtol=1e-4, equal_nan=True)


def test_a_padded_batch_cached_by_the_user_gives_the_same(model, answered) -> None:
    answers, positions = answered
    ids = [[*p, *c] for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    width = max(map(len, ids))
    tokens = torch.tensor([sample + [0] * (width - len(sample)) for sample in ids])
    mask = torch.tensor([[1] * len(sample) + [0] * (width - len(sample)) for sample in ids])
    _, cache = model.run_with_cache(tokens, attention_mask=mask)
    got = interp.capture_from_cache(cache, positions, model=model)
    cap = interp.capture(model, answers, positions)
    torch.testing.assert_close(got.resid, cap.resid, atol=1e-4, rtol=1e-4, equal_nan=True)
    assert set(got.attention) == set(cap.attention)
    for name, metric in cap.attention.items():
        torch.testing.assert_close(got.attention[name], metric, atol=1e-4, rtol=1e-4, equal_nan=True)


def test_the_users_hooks_stay_and_ours_go(model, answered) -> None:
    answers, positions = answered
    seen = []
    point = model.hook_dict[hook_name("resid_post", 1)]
    before = {name: len(p.fwd_hooks) for name, p in model.hook_dict.items()}
    point.add_hook(lambda tensor, hook: seen.append(tensor.shape))
    try:
        interp.capture(model, answers, positions)
        assert seen
        monkey = RuntimeError("stop")

        def fail(tensor, hook):
            raise monkey

        model.hook_dict[hook_name("pattern", 2)].add_hook(fail)
        with pytest.raises(RuntimeError, match="stop"):
            interp.capture(model, answers, positions)
        assert len(point.fwd_hooks) == before[hook_name("resid_post", 1)] + 1
    finally:
        model.reset_hooks()
    assert {name: len(p.fwd_hooks) for name, p in model.hook_dict.items()} == before


def test_unknown_sites_and_missing_hooks_are_errors(model, answered) -> None:
    answers, positions = answered
    with pytest.raises(DataError, match="sites: expected one of resid_post, .*, got 'resid'"):
        interp.capture(model, answers, positions, sites=("resid",))
    for given in ("hook_resid_mid", "blocks.0.hook_resid_mid"):
        with pytest.raises(DataError, match=f"sites: '{given}' is a hook point of one layer, .*write 'resid_mid'"):
            interp.capture(model, answers, positions, sites=(given,))


def test_bfloat16_from_the_model_to_the_probe(loaded, model, answered, tmp_path) -> None:
    """Vectors keep their dtype through the store; metrics are float32, near those of the float32 model."""
    answers, positions = answered
    want = interp.capture(model, answers, positions)
    half = loaded(torch.bfloat16)
    batches = list(capture_batches(half, answers, positions, sites=("resid_post", "z")))
    assert len(batches) == 1 and batches[0][1].settings["common_prefix"] > 0
    plan = capture_plan(half, answers, positions, batch_tokens=8192)
    cut = partial(CaptureUnit.of, answers, positions, plan, ("resid_post", "z"))
    write_shards(tmp_path, [len(answers)], cut, run="bf16", roles=positions.roles, engine=Local(half))
    stored = stored_capture(tmp_path, tuple(answers.id), positions, run="bf16")

    vectors = stored.resid[:, 1]
    assert vectors.dtype == stored.sites["z"][:, 0].dtype == torch.bfloat16
    assert torch.equal(vectors.isnan().all(-1), ~positions.valid)
    expected = want.resid[:, 1]
    off = (vectors.float() - expected).nan_to_num().abs().max() / expected.nan_to_num().abs().max()
    assert 0 < off < 0.05
    for name, metric in want.attention.items():
        got, metric = stored.attention[name][:, 1], metric[:, 1]
        assert got.dtype == torch.float32
        assert torch.equal(got.isnan(), metric.isnan()), name
        torch.testing.assert_close(got, metric, atol=0.05, rtol=0.1, equal_nan=True)

    grid = interp.probe_grid(stored, [1, 0, 1, 0], folds=2, population="all", min_per_class=2, nested=False, n_jobs=1)
    assert grid.auc.sel(token="last_q").notnull().all()

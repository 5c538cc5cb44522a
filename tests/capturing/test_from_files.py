"""Activations that other tools left on the disk: SAELens wrote its files itself, vLLM's stand by its format."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import interp
from interp.capturing.sae_lens_states import read_sae_lens
from interp.capturing.same_tokens import answers_of_states
from interp.capturing.vllm_states import read_vllm
from interp.demo import model_path
from interp.errors import DataError
from interp.models.hook_places import place_of

TOOLS = Path(__file__).parents[1] / "fixtures" / "activations"
SAE_LENS, VLLM = TOOLS / "sae_lens", TOOLS / "vllm"
LAST = json.loads((model_path() / "config.json").read_text())["num_hidden_layers"] - 1


@pytest.fixture(scope="module")
def asked():
    model = interp.load_model(model_path())
    answers = interp.generate_answers(model, interp.load_rows(TOOLS / "rows.jsonl"), exact_answer="candidates")
    return answers, interp.capture(model, answers, interp.resolve_positions(answers))


def test_sae_lens_caches_of_two_blocks_are_what_capture_gives(asked) -> None:
    answers, wanted = asked
    cap = interp.capture_from_files([SAE_LENS / "layer_5", SAE_LENS / "layer_2"], answers)
    assert cap.layers == (2, 5) and cap.id == wanted.id and torch.equal(cap.valid, wanted.valid)
    torch.testing.assert_close(cap.resid, wanted.resid[:, [2, 5]], equal_nan=True, rtol=1e-4, atol=5e-4)
    given, layers, site = read_sae_lens([SAE_LENS / "layer_2"])
    assert (layers, site, len(given.tokens)) == ([2], "resid_post", 4)


def test_a_cache_is_read_where_datasets_is_loaded_too(asked) -> None:
    datasets = pytest.importorskip("datasets")
    given, _, _ = read_sae_lens([SAE_LENS / "layer_2"])
    there = datasets.load_from_disk(str(SAE_LENS / "layer_2"))
    assert [tuple(row) for row in there["token_ids"]] == given.tokens
    for row, states in zip(there["model.layers.2"], given.states, strict=True):
        assert torch.equal(torch.tensor(row), states[0])


def test_vllms_files_are_matched_by_tokens_and_keep_bfloat16(asked) -> None:
    answers, wanted = asked
    cap = interp.capture_from_files(VLLM, answers, layers=["embed", 2, LAST])
    assert cap.layers == (2, LAST) and cap.id == wanted.id and cap.resid.dtype == torch.bfloat16
    assert cap.settings["absent_without_state"]["-1"] == 4  # the last token never ran
    there = cap.valid
    torch.testing.assert_close(
        cap.resid.float()[there.unsqueeze(1).expand(-1, 2, -1)],
        wanted.resid[:, [2, LAST]][there.unsqueeze(1).expand(-1, 2, -1)],
        rtol=1e-2, atol=1e-2,
    )  # fmt: skip
    torch.testing.assert_close(cap.embed[there].float(), wanted.embed[there], rtol=1e-2, atol=1e-2)
    with pytest.raises(DataError, match=r"do not say which 3 layers .*\[i - 1 for i in eagle_aux_hidden_state"):
        interp.capture_from_files(VLLM, answers)
    assert len(read_vllm(sorted(VLLM.glob("*.safetensors"))).tokens) == 4


def test_states_of_a_prefix_and_beyond_are_the_samples_own(asked) -> None:
    answers, _ = asked
    prompt = tuple(answers.prompt_ids[0])
    own = (*prompt, *answers.completion_ids[0])
    other = (*answers.prompt_ids[1], *answers.completion_ids[1], 5)
    assert answers_of_states([prompt, own[: len(prompt) + 2], other], answers) == {0: 1, 1: 2}
    assert answers_of_states([prompt], answers) == {0: 0}
    with pytest.raises(DataError, match="are of none"):  # the beginning that all questions share
        answers_of_states([own[:4]], answers)
    with pytest.raises(DataError, match="1 of 2 token sequences are of none"):
        answers_of_states([own, (*own[:3], 9, 9)], answers)


def test_files_that_are_not_opened_say_what_to_do(asked, tmp_path) -> None:
    answers, _ = asked
    take = interp.capture_from_files
    (tmp_path / "acts.pt").write_bytes(b"")
    for source in (tmp_path / "acts.pt", tmp_path):
        with pytest.raises(DataError, match=r"acts.pt: what torch.save wrote .*weights_only=True.*capture_from_hidden"):
            take(source, answers)
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match="other: holds neither vLLM's safetensors files nor a cache of SAELens"):
        take(tmp_path / "other", answers)
    with pytest.raises(DataError, match="'nowhere' does not exist"):
        take("nowhere", answers)
    save_file({"x": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(DataError, match=r"foreign.safetensors: expected `hidden_states` and `token_ids`.* got x"):
        take(tmp_path / "foreign.safetensors", answers, layers=[0])
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="broken.safetensors: cannot be read as safetensors"):
        take(tmp_path / "broken.safetensors", answers, layers=[0])
    (tmp_path / "a.safetensors.zst").write_bytes(b"")
    with pytest.raises(DataError, match="unpack it with `zstd -d"):
        take(tmp_path / "a.safetensors.zst", answers, layers=[0])
    one = load_file(sorted(VLLM.iterdir())[0])
    save_file(one | {"token_ids": one["token_ids"][:-1]}, tmp_path / "short.safetensors")
    with pytest.raises(DataError, match="as many token_ids"):
        take(tmp_path / "short.safetensors", answers, layers=[0, 1, 2])


def test_a_damaged_or_foreign_cache_is_refused(asked, tmp_path) -> None:
    answers, _ = asked
    folder = tmp_path / "cache"
    shutil.copytree(SAE_LENS / "layer_2", folder)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"_data_files": [{"filename": "../secret.arrow"}]}))
    with pytest.raises(DataError, match="names a file outside the folder"):
        interp.capture_from_files(folder, answers)
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "data-00001-of-00002.arrow").write_bytes(b"cut")
    with pytest.raises(DataError, match="expected the folder that SAELens wrote"):
        interp.capture_from_files(folder, answers)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("blocks.3.hook_resid_pre", ("resid_pre", 3)), ("blocks.3.hook_out", ("resid_post", 3)),
        ("blocks.12.attn.hook_z", ("z", 12)), ("model.layers.7", ("resid_post", 7)), ("transformer.h.0", ("resid_post", 0)),
        ("blocks.3.mlp.hook_post", ("mlp_post", 3)),
    ],
)  # fmt: skip
def test_a_hook_names_a_site(name: str, place: tuple[str, int]) -> None:
    assert place_of(name) == place


def test_a_hook_of_no_site_is_refused() -> None:
    for name in ("model.layers.7.mlp.act_fn", "blocks.2.hook_nothing", "ln_final", "blocks.x.hook_out"):
        with pytest.raises(DataError, match=r"is no site that interp knows"):
            place_of(name)

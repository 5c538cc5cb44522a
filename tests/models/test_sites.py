"""A site is what its name says, or a sentence: absent, silent, and something else."""

from pathlib import Path

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from families import N_PROMPT, build, texts
from hooked_cases import answers_of

import interp
from interp.models import sites
from interp.models.loading import hook_name, load_model
from interp.models.sites import CHECKED, MEANT, check_sites


def loaded(name: str, folder: Path):
    save_byte_tokenizer(folder)
    return load_model(build(name), tokenizer=folder)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "olmo2", "granite", "bloom"])
def test_every_site_of_a_plain_block(tmp_path: Path, name: str) -> None:
    """With norms behind attention and MLP, with a multiplier, and with residuals inside the parts."""
    check_sites(loaded(name, tmp_path), list(MEANT))


@pytest.mark.parametrize(
    ("name", "site", "said"),
    [
        ("gpt_neox", "resid_mid", "has no site 'resid_mid'"),
        ("jamba", "z", r"has no site 'z' \(no hook point 'blocks\.0"),
        ("opt, norms behind (350m)", "attn_out", "what is added to the residual stream by attention"),
        ("opt, norms behind (350m)", "mlp_out", "what is added to the residual stream by the MLP"),
        ("opt, norms behind (350m)", "resid_mid", "the residual stream between"),
        ("gemma4", "mlp_out", "what is added to the residual stream by the MLP"),
        ("falcon_h1", "attn_out", "what is added to the residual stream by attention"),
        ("mixtral", "mlp_post", "the input of the MLP's output projection"),
    ],
)
def test_what_is_not_the_site_is_refused(tmp_path: Path, name: str, site: str, said: str) -> None:
    model = loaded(name, tmp_path)
    with pytest.raises(interp.ModelError, match=said):
        load_model(model, sites=site)
    pairs = list(zip(texts(), N_PROMPT, strict=True))
    answered = answers_of([text[:n] for text, n in pairs], [text[n:] for text, n in pairs])
    with pytest.raises(interp.ModelError, match=said):
        interp.capture(model, *answered, sites=("resid_post", site))


@pytest.mark.parametrize("site", ["resid_post", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z"])
def test_a_site_that_is_moved_by_little_is_found(llama_folder: Path, site: str, monkeypatch) -> None:
    """What the hook point holds is not what the model goes on with, as behind a wrong alias."""
    from transformers import AutoModelForCausalLM

    hf_model = AutoModelForCausalLM.from_pretrained(llama_folder, attn_implementation="eager")
    model = load_model(hf_model, tokenizer=llama_folder)
    check_sites(model, [site])
    delattr(model, CHECKED)
    moved = hook_name(site, 1)

    def keep(store: dict, name: str):
        return lambda tensor: store.__setitem__(name, tensor * (1.01 if name == moved else 1))

    monkeypatch.setattr(sites, "keep", keep)
    with pytest.raises(interp.ModelError, match=f"layer 1: what {moved!r} holds is not .* than {site!r}"):
        check_sites(model, [site])


def test_a_hook_point_that_never_fires(tmp_path: Path) -> None:
    with pytest.raises(interp.ModelError, match="never fires in OpenAIGPTLMHeadModel"):
        loaded("openai-gpt", tmp_path)


def test_tried_once(llama, monkeypatch: pytest.MonkeyPatch) -> None:
    check_sites(llama, ["z"])
    monkeypatch.setattr(sites, "forward", lambda *_, **__: pytest.fail("tried again"))
    check_sites(llama, ["z"])
    assert torch.is_tensor(llama.W_E)

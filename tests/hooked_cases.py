"""Every tiny architecture in every class that can carry it, loaded once for all tests, and answers given by their ids."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from byte_tokenizer import save_byte_tokenizer
from safetensors.torch import load_file
from tiny_models import ARCHITECTURES
from torch import Tensor

import interp
from interp.labelling.answers import Answers
from interp.models.loading import load_model, model_info

CASES = [(name, "TransformerBridge") for name in ARCHITECTURES] + [
    # What TransformerLens 3.9 can convert from a local folder.
    (name, "HookedTransformer")
    for name in ("gpt2", "llama", "mistral", "qwen3", "gpt_neox")
]
TIGHT = 2e-5
"""Relative to the largest entry; float32, another order of summation."""


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, Path(__file__).with_name("tiny_models.py"), path], check=True, capture_output=True)
    for name in ARCHITECTURES:
        save_byte_tokenizer(path / name)
    return path


@pytest.fixture(scope="session", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest, tiny_folder: Path) -> SimpleNamespace:
    """One hooked model, the tokens, and Hugging Face's numbers for them."""
    name, backend = request.param
    if backend == "TransformerBridge":
        from transformers import AutoModelForCausalLM

        hf_model = AutoModelForCausalLM.from_pretrained(tiny_folder / name, attn_implementation="eager").eval()
        model = load_model(hf_model, tokenizer=tiny_folder / name)
    else:
        pytest.importorskip("transformer_lens.HookedTransformer", reason="TransformerLens 4 has no HookedTransformer")
        model = load_model(tiny_folder / name) if name == "llama" else converted(tiny_folder / name)
    assert model_info(model).backend == backend
    reference = load_file(tiny_folder / name / "reference.safetensors")
    return SimpleNamespace(name=name, model=model, tokens=reference.pop("tokens"), alone={}, **reference)


def converted(folder: Path):
    """A HookedTransformer through TransformerLens's own conversion, for architectures load_model leaves to the bridge."""
    import warnings

    from transformer_lens import HookedTransformer
    from transformer_lens.loading_from_pretrained import get_pretrained_model_config, get_pretrained_state_dict
    from transformers import AutoModelForCausalLM, AutoTokenizer

    cfg = get_pretrained_model_config(str(folder), device="cpu")
    cfg.tokenizer_name = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = HookedTransformer(cfg)
    weights = get_pretrained_state_dict(str(folder), cfg, AutoModelForCausalLM.from_pretrained(folder))
    raw = dict.fromkeys(("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases"), False)
    model.load_and_process_state_dict(weights, **raw)
    return load_model(model.eval(), tokenizer=AutoTokenizer.from_pretrained(folder))


def same(ours: Tensor, theirs: Tensor, tolerance: float = TIGHT) -> None:
    assert ours.shape == theirs.shape
    assert ((ours - theirs).abs().max() / theirs.abs().max()).item() <= tolerance


def answers_of(prompts: list[list[int]], completions: list[list[int]], samples=(0, 1, 2, 3)):
    """Answers by their ids (the exact answer: the completion's second token), and their positions."""
    n = len(samples)
    first = [len(prompts[i]) + 1 for i in samples]
    texts: dict = {name: ["?"] * n for name in ("question", "group", "prompt", "text", "exact_answer")}
    answers = Answers(
        **texts,
        id=[str(i) for i in samples],
        prompt_ids=[prompts[i] for i in samples],
        completion_ids=[completions[i] for i in samples],
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=[True] * n,
        exact_answer_method=["row"] * n,
        exact_answer_tokens=[(at, at) for at in first],
        question_tokens=[(2, 5)] * n,
        status=["ok"] * n,
    )
    return answers, interp.resolve_positions(answers)

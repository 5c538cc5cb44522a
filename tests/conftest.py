"""What the tests share: no network, one thread, and a tiny random Llama with a byte-level tokenizer."""

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # pytest's workers have the processors: a run starts others where a test says so

import hypothesis
import jaxtyping
import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from checked_calls import check_calls

torch.set_num_threads(1)
# Nothing is timed, and every run tries the same cases.
hypothesis.settings.register_profile("interp", deadline=None, derandomize=True)
hypothesis.settings.load_profile("interp")

jaxtyping.jaxtyped = check_calls  # what pytest's option puts at every function of the package, before it is imported

from hooked_cases import case, tiny_folder  # noqa: E402, F401  (fixtures)

imported = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup():
    """A run collects garbage after every stage: not among what was imported, which takes longer than the stage does."""
    global imported
    if len(sys.modules) > imported + 50:
        imported = len(sys.modules)
        gc.collect()
        gc.freeze()
    return (yield)


@pytest.fixture
def as_users_run_it():
    """Without the types that the tests check at every call: what is wrong reaches our own checks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local Hugging Face folder: LlamaForCausalLM with random weights (3 layers, 4 heads in 2 groups)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("llama")
    save_byte_tokenizer(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def every_call(llama, tmp_path_factory: pytest.TempPathFactory):
    """A valid call of every public function, by its name (`valid_calls`)."""
    from valid_calls import calls  # not before the tests' types are checked in what it imports

    return calls(llama, tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="session")
def llama(llama_folder: Path):
    """The same as a hooked model."""
    import interp

    return interp.load_model(llama_folder)

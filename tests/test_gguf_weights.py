"""Weights of GGUF files: those that transformers itself reads, whatever the architecture, dtype or number of shards."""

from pathlib import Path

import pytest
import torch
from gguf_files import ARCHITECTURES, transformers_own, write_gguf
from safetensors.torch import load_file

from interp import ModelError
from interp.models.gguf_reader import open_reader
from interp.models.gguf_weights import write_weights

pytest.importorskip("gguf", reason="the extra `gemma`")


def converted(path: Path, dtype: torch.dtype = torch.float32) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The weights that are written, and {name of a tied weight: name that it is written under}."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config, dtype=dtype)
    target = path.with_suffix(".safetensors")
    write_weights(path, open_reader(path), empty, target, dtype)
    weights = empty.state_dict(keep_vars=True)
    first = {id(weight): name for name, weight in reversed(weights.items())}
    return load_file(target), {name: first[id(weight)] for name, weight in weights.items()}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_are_those_that_transformers_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, name)
    theirs = transformers_own(path)
    ours, tied = converted(path)
    assert theirs.keys() == tied.keys() and set(tied.values()) == ours.keys()
    for key, weight in theirs.items():
        assert torch.equal(ours[tied[key]], weight), key

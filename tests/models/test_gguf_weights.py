"""Weights of GGUF files: those that transformers itself reads, whatever the architecture, dtype or number of shards."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf_files import ARCHITECTURES, transformers_own, write_gguf
from safetensors.torch import load_file

from interp import ModelError
from interp.models import gguf_reader, gguf_weights
from interp.models.gguf_reader import open_reader
from interp.models.gguf_weights import write_weights

pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")


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


def test_shards_half_precision_and_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_reader, "PIECE", 1000)
    monkeypatch.setattr(gguf_weights, "PIECE", 100)
    path = tmp_path / "tiny.gguf"
    write_gguf(path, "qwen3_moe")
    theirs, (ours, tied) = transformers_own(path), converted(path, torch.bfloat16)
    for key, weight in theirs.items():
        wanted = weight.to(torch.bfloat16) if weight.ndim > 1 else weight
        assert ours[tied[key]].dtype == wanted.dtype and torch.equal(ours[tied[key]], wanted), key


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_0", "Q5_1"])
def test_packed_rows_are_read_as_gguf_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, dequantize, quantize

    monkeypatch.setattr(gguf_reader, "PIECE", 300)
    of = GGMLQuantizationType[kind]
    writer = GGUFWriter(tmp_path / "packed.gguf", "llama")
    for name, shape in {"a": (7, 64), "b": (2, 5, 32), "c": (96,)}.items():
        numbers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        writer.add_tensor(name, quantize(numbers, of), raw_dtype=of)
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    for tensor in GGUFReader(tmp_path / "packed.gguf").tensors:
        whole = dequantize(tensor.data, of)
        read = gguf_reader.values(tmp_path / "packed.gguf", tensor)
        assert read.shape == whole.shape == tuple(tensor.shape[::-1]) and np.array_equal(read, whole)


def test_metadata_are_what_gguf_reads(tmp_path: Path) -> None:
    from gguf import GGUFReader, GGUFWriter

    path = tmp_path / "lists.gguf"
    writer = GGUFWriter(path, "llama")
    lists = {"texts": ["", "é", "three"], "numbers": [1, -2, 3], "floats": [0.5, 2.0], "flags": [True, False]}
    for key, items in lists.items():
        writer.add_array(key, items)
    writer.add_array("lists", [[1, 2], [3]])
    writer.add_string("text", "after them")
    writer.add_tensor("a", np.ones((2, 3), np.float32))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    ours, theirs = open_reader(path), GGUFReader(path)
    assert list(ours.fields) == list(theirs.fields)
    for key, field in theirs.fields.items():
        assert ours.fields[key].contents() == field.contents(), key
        assert ours.fields[key].types == field.types and ours.fields[key].offset == field.offset
        parts = [bytes(ours.fields[key].parts[i]) for i in ours.fields[key].data]
        assert parts == [bytes(field.parts[i]) for i in field.data]
    assert {key: ours.fields[key].contents() for key in lists} == lists
    assert [tensor.data.tolist() for tensor in ours.tensors] == [np.ones((2, 3)).tolist()]


def test_a_weight_that_is_not_there_or_of_another_shape(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    path = tmp_path / "tiny.gguf"
    write_gguf(path, "llama")
    config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    for change, says in (({"num_hidden_layers": 3}, r"9 weights .* model\.layers\.2\.\S+, .* …"),
                         ({"intermediate_size": 56}, r"mlp\.\w+_proj\.weight is not of the shape \(\d+, \d+\)")):  # fmt: skip
        with torch.device("meta"):
            empty = AutoModelForCausalLM.from_config(type(config)(**config.to_dict() | change))
        with pytest.raises(ModelError, match=says):
            write_weights(path, open_reader(path), empty, tmp_path / "out", torch.float32)

